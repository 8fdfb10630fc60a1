//! The task kinds by cases as data: `tests/tasks/KIND/CASE.yml` says what is given, what is wished,
//! what differs, and what is so afterwards.
//!
//! The fast ring runs below a temporary root. The host ring changes the machine it runs on, so it
//! runs on a machine of the lab only: copy this test's (static) binary and `tests/tasks` there, and
//! start it with `CITRINO_TASK_CASES=<folder> tasks --ignored`.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests; helpers of a test are outside of #[test]

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use citrino_ops::core::engine;
use citrino_ops::core::event::{ErrorInfo, Event, StepState};
use citrino_ops::core::plan::{Claim, Mode, Plan, Step};
use citrino_ops::host::system::System;
use citrino_ops::task::Task;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ring {
    #[default]
    Fast,
    Host,
    /// Only on a machine with a kernel of its own, which the lab's are not: run by hand with
    /// `machine_ring`.
    Machine,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    ring: Ring,
    #[serde(default)]
    given: Vec<Given>,
    /// Lines for a shell; the host ring's way of saying what is given.
    #[serde(default)]
    given_run: Vec<String>,
    wish: serde_json::Value,
    /// A part of each sentence of the difference, in order; empty means that nothing differs.
    #[serde(default)]
    differs: Vec<String>,
    /// A part of the error that is expected, from the check or from the apply.
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    then: Then,
    /// Lines for a shell that must all succeed.
    #[serde(default)]
    then_run: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Given {
    File {
        file: String,
        #[serde(default)]
        content: String,
        #[serde(default)]
        mode: Option<String>,
    },
    Dir {
        dir: String,
        #[serde(default)]
        mode: Option<String>,
    },
    Link {
        link: String,
        to: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    modes: BTreeMap<String, String>,
    #[serde(default)]
    links: BTreeMap<String, String>,
    #[serde(default)]
    absent: Vec<String>,
}

/// How the one step of a run ended.
#[derive(Debug)]
struct Seen {
    state: StepState,
    what: Vec<String>,
    error: Option<ErrorInfo>,
}

/// What the kinds below stay under the root that they are given. The others start programs which
/// would change the machine that tests, so the fast ring only has them look.
const BELOW_ROOT: &[&str] = &[
    "absent",
    "file",
    "directory",
    "itself",
    "kernel_settings",
    "link",
    "neighbours",
    "preflight",
    "pruned",
    "signing_key",
    "sysctl",
    "probe",
];

#[test]
fn fast_ring() {
    run_ring(Ring::Fast);
}

#[test]
#[ignore = "changes the machine it runs on: for a machine of the lab"]
fn host_ring() {
    run_ring(Ring::Host);
}

#[test]
#[ignore = "changes the kernel of the machine it runs on"]
fn machine_ring() {
    run_ring(Ring::Machine);
}

fn run_ring(ring: Ring) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut count = 0;
    let mut failures = Vec::new();
    for (name, case) in cases() {
        if case.ring != ring {
            continue;
        }
        count += 1;
        if let Err(failure) = runtime.block_on(run_case(&case)) {
            failures.push(format!("{name}: {failure}"));
        }
    }
    assert!(count > 0, "no case was found");
    assert!(
        failures.is_empty(),
        "{} of {count} cases failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn cases() -> Vec<(String, Case)> {
    let folder = std::env::var("CITRINO_TASK_CASES").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tasks"),
        PathBuf::from,
    );
    let mut cases = Vec::new();
    for kind in entries(&folder) {
        for path in entries(&kind) {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            let case =
                serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            cases.push((name, case));
        }
    }
    cases
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

async fn run_case(case: &Case) -> Result<(), String> {
    let temp = tempfile::tempdir().unwrap();
    let system = match case.ring {
        Ring::Fast => System::at(temp.path()),
        Ring::Host | Ring::Machine => System::host(),
    };
    if case.ring == Ring::Fast {
        accounts_of_the_tester(&system);
    }
    case.given.iter().for_each(|given| prepare(&system, given));
    shell(&case.given_run)?;
    let applies = case.ring != Ring::Fast || BELOW_ROOT.contains(&kind(&case.wish)?.as_str());
    ask_and_act(case, &system, applies).await?;
    case.then.holds(&system)?;
    shell(&case.then_run)
}

/// Look, act, look again, act again: what differs is said, made so, and then nothing differs.
async fn ask_and_act(case: &Case, system: &System, applies: bool) -> Result<(), String> {
    let looked = run(&case.wish, Mode::Check, system).await?;
    if let (Some(wished), Some(error)) = (&case.error, &looked.error) {
        return expect_error(wished, error);
    }
    expect_sentences(&case.differs, &looked)?;
    if !applies {
        return Ok(());
    }
    let acted = run(&case.wish, Mode::Apply, system).await?;
    match (&case.error, &acted.error) {
        (Some(wished), Some(error)) => return expect_error(wished, error),
        (Some(wished), None) => return Err(format!("no error, expected `{wished}`")),
        (None, _) => {}
    }
    let wished = if case.differs.is_empty() {
        StepState::Same
    } else {
        StepState::Changed
    };
    if acted.state != wished {
        return Err(format!("the apply ended {acted:?}, expected {wished:?}"));
    }
    let again = run(&case.wish, Mode::Apply, system).await?;
    if again.state != StepState::Same {
        return Err(format!("the second apply ended {again:?}"));
    }
    Ok(())
}

fn expect_error(wished: &str, error: &ErrorInfo) -> Result<(), String> {
    let told = format!("{} {}", error.code, error.message);
    if told.contains(wished) {
        return Ok(());
    }
    Err(format!("the error is `{told}`, expected `{wished}`"))
}

fn expect_sentences(wished: &[String], seen: &Seen) -> Result<(), String> {
    let fits = wished.len() == seen.what.len()
        && wished
            .iter()
            .zip(&seen.what)
            .all(|(part, what)| what.contains(part));
    if fits && seen.error.is_none() {
        return Ok(());
    }
    Err(format!("the check gave {seen:?}, expected {wished:?}"))
}

async fn run(wish: &serde_json::Value, mode: Mode, system: &System) -> Result<Seen, String> {
    let read = |value| serde_json::from_value(value).map_err(|error| error.to_string());
    let task: Task = read(wish.clone())?;
    // As the agent gets it: written by the operator's side, and read again.
    let task: Task = read(serde_json::to_value(task).unwrap())?;
    let plan = Plan::new(
        Claim::new("test", "test", "test"),
        vec![Step::<Task>::new("test", "the wish", task)],
    )
    .in_mode(mode);
    let mut seen = None;
    let mut tell = |event: Event| {
        if let Event::Step {
            state,
            change,
            error,
            ..
        } = event
        {
            let what = change.map(|change| change.what).unwrap_or_default();
            seen = Some(Seen { state, what, error });
        }
        Ok(())
    };
    engine::run(&plan, system, &mut tell)
        .await
        .map_err(|error| format!("{error:#}"))?;
    seen.ok_or_else(|| "the engine told of no step".to_owned())
}

fn kind(wish: &serde_json::Value) -> Result<String, String> {
    let kinds = wish.as_object().and_then(|map| map.keys().next().cloned());
    kinds.ok_or_else(|| "the wish names no kind".to_owned())
}

/// `root` is whoever runs the tests, so that they need no rights.
fn accounts_of_the_tester(system: &System) {
    let own = fs::metadata(system.path("/")).unwrap();
    let (uid, gid) = (own.uid(), own.gid());
    fs::create_dir_all(system.path("/etc")).unwrap();
    let passwd = format!("root:x:{uid}:{gid}:root:/root:/bin/bash\n");
    fs::write(system.path("/etc/passwd"), passwd).unwrap();
    fs::write(system.path("/etc/group"), format!("root:x:{gid}:\n")).unwrap();
}

fn prepare(system: &System, given: &Given) {
    let (Given::File { file: path, .. }
    | Given::Dir { dir: path, .. }
    | Given::Link { link: path, .. }) = given;
    let path = system.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mode = match given {
        Given::File { content, mode, .. } => {
            fs::write(&path, content).unwrap();
            mode
        }
        Given::Dir { mode, .. } => {
            fs::create_dir_all(&path).unwrap();
            mode
        }
        Given::Link { to, .. } => {
            symlink(to, &path).unwrap();
            &None
        }
    };
    if let Some(mode) = mode {
        let bits = u32::from_str_radix(mode, 8).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
    }
}

impl Then {
    fn holds(&self, system: &System) -> Result<(), String> {
        for (path, wished) in &self.files {
            let found = fs::read_to_string(system.path(path))
                .map_err(|error| format!("{path}: {error}"))?;
            same(path, &found, wished)?;
        }
        for (path, wished) in &self.modes {
            let found = fs::symlink_metadata(system.path(path))
                .map_err(|error| format!("{path}: {error}"))?;
            same(path, &format!("{:04o}", found.mode() & 0o7777), wished)?;
        }
        for (path, wished) in &self.links {
            let found =
                fs::read_link(system.path(path)).map_err(|error| format!("{path}: {error}"))?;
            same(path, &found.display().to_string(), wished)?;
        }
        match self
            .absent
            .iter()
            .find(|path| fs::symlink_metadata(system.path(path)).is_ok())
        {
            Some(path) => Err(format!("{path} is there")),
            None => Ok(()),
        }
    }
}

fn same(path: &str, found: &str, wished: &str) -> Result<(), String> {
    if found == wished {
        return Ok(());
    }
    Err(format!("{path} is `{found}`, expected `{wished}`"))
}

fn shell(lines: &[String]) -> Result<(), String> {
    for line in lines {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", line])
            .output()
            .unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("`{line}` failed: {said}"));
        }
    }
    Ok(())
}

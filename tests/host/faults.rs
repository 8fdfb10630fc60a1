//! Releases that fail in every way, by cases as data: `tests/host/faults/CASE.yml`. Each deploy exits 6, shows why, and
//! nobody who uses the site notices.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use citrino_ops::core::digest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::lab::until;
use crate::stack::{Stack, serving};
use crate::stand_in::{User, build};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The binary of the workspace that becomes the release.
    #[serde(default = "stand_in")]
    program: String,
    /// What the stand-in is told to do wrong.
    #[serde(default)]
    order: Value,
    /// `e_machine` of the ELF header.
    machine: Option<u8>,
    /// Over `app` of citrino.yml.
    #[serde(default)]
    app: Value,
    /// Lines for the host's shell before and after the deploy, and what must be so afterwards.
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    afterwards: String,
    /// How many times the binary fits on the disk yet.
    room: Option<f64>,
    /// Whether the host has the release afterwards, for a look.
    #[serde(default = "yes")]
    arrives: bool,
    /// What the operator reads.
    tells: Vec<String>,
}

fn stand_in() -> String {
    "citrino-stand-in".to_owned()
}

fn yes() -> bool {
    true
}

#[test]
fn whatever_a_release_does_wrong_the_old_one_serves_throughout() {
    let Some(stack) = serving() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/faults");
    let mut cases: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no case was found");
    let mut failed = Vec::new();
    for path in cases {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let case = serde_yaml::from_str(&fs::read_to_string(&path).unwrap());
        let case = case.unwrap_or_else(|error| panic!("{name}: {error}"));
        // One that fails has said so, and hides none of the others.
        if catch_unwind(AssertUnwindSafe(|| fails(&stack, name, &case))).is_err() {
            failed.push(name.to_owned());
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
    stack.is_healthy();
    stack.is_as_wished();
}

fn fails(stack: &Stack, name: &str, case: &Case) {
    let (slots, before) = (
        slots(stack),
        stack.http("/api/health", None).1["release"].clone(),
    );
    let (path, id) = release(stack, name, case);
    let size = fs::metadata(&path).unwrap().len();
    write_wishes(stack, &case.app);
    run(stack, name, &case.before);
    if let Some(room) = case.room {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let bytes = (room * size as f64) as u64;
        stack.on_host(&format!("room={bytes}\n{LITTLE_ROOM}"));
    }
    let user = User::comes(stack);
    let deploy = stack.citrino(&[
        "-c",
        "faulty.yml",
        "deploy",
        "--artifact",
        path.to_str().unwrap(),
    ]);
    let seen = user.leaves();
    until("the agent has ended", || stack.agents().is_empty());
    let releases = stack.citrino(&["releases"]).text;
    if case.room.is_some() {
        stack.on_host(ROOM_AGAIN);
    }
    run(stack, name, &case.after);

    assert_eq!(deploy.code, 6, "{name}: {}", deploy.text);
    let serves = format!("{} is live as before", before.as_str().unwrap());
    for words in case.tells.iter().chain([&serves]) {
        assert!(
            deploy.text.contains(words),
            "{name}: {words} is not in: {}",
            deploy.text
        );
    }
    assert!(
        seen.failures.is_empty() && seen.answers > 0,
        "{name}: {seen:?}"
    );
    assert_eq!(json!(seen.releases), json!([before]), "{name}");
    let listed = releases.lines().find(|line| line.contains(&id));
    // A release that has not arrived whole is told of, as one that cannot be used.
    let arrived = listed.is_some_and(|line| !line.contains("not stored completely"));
    assert_eq!(arrived, case.arrives, "{name}: {releases}");
    assert!(
        listed.is_none_or(|line| line.contains("  failed ")),
        "{name}: {releases}"
    );
    // The one slot goes on as it was, in the very process, and nothing runs in the other.
    assert_eq!(self::slots(stack), slots, "{name}");
    run(stack, name, &case.afterwards);
}

/// The link, and the main process of each slot; 0 is none.
fn slots(stack: &Stack) -> String {
    stack.on_host("readlink /home/citrino/citrino/live; systemctl show --property=Id,MainPID,UnitFileState citrino@blue citrino@green; systemctl --plain --no-legend list-units --state=active,activating,deactivating 'citrino@*' | cut -d' ' -f1")
}

fn run(stack: &Stack, name: &str, lines: &str) {
    if lines.is_empty() {
        return;
    }
    let said = stack.citrino(&["ssh", &format!("set -eu\n{lines}")]);
    assert_eq!(said.code, 0, "{name}: `{lines}`: {}", said.text);
}

/// The binary, and what its id ends with.
fn release(stack: &Stack, name: &str, case: &Case) -> (std::path::PathBuf, String) {
    let mut order = case.order.clone();
    if order.is_null() {
        order = json!({ "build": name });
    }
    let path = build(stack, &case.program, name, &order);
    let mut bytes = fs::read(&path).unwrap();
    if let Some(machine) = case.machine {
        bytes[18] = machine;
        fs::write(&path, &bytes).unwrap();
    }
    (path, format!("-{}", &digest::sha256(&bytes)[..8]))
}

/// citrino.yml with these settings of the app.
fn write_wishes(stack: &Stack, app: &Value) {
    let text = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let mut wishes: Value = serde_yaml::from_str(&text).unwrap();
    for (key, value) in app.as_object().into_iter().flatten() {
        wishes["app"][key] = value.clone();
    }
    stack.write("faulty.yml", &serde_yaml::to_string(&wishes).unwrap());
}

/// Releases, the agent's own files and the journal on one small disk. What is large and there already stays where it is.
const LITTLE_ROOM: &str = r"
set -eu
mkdir /run/small
mount -t tmpfs -o size=512m tmpfs /run/small
mount --make-private /run/small
for place in /home/citrino/citrino/releases /var/lib/citrino /var/log/citrino; do
    mkdir -p /run/small/was$place /run/small/is$place
    mount --bind $place /run/small/was$place
    mount --make-private /run/small/was$place
    chmod --reference=$place /run/small/is$place
    for thing in $(ls -A $place); do
        case $place/$thing in
            *.json | *.ndjson | */lock | */stamps | */blobs) cp -a $place/$thing /run/small/is$place/ ;;
            *)
                if test -d $place/$thing; then mkdir /run/small/is$place/$thing; else touch /run/small/is$place/$thing; fi
                mount --bind /run/small/was$place/$thing /run/small/is$place/$thing
                ;;
        esac
    done
    mount --rbind /run/small/is$place $place
    mount --make-rprivate $place
done
free=$(df --output=avail -B1 /run/small | tail -1)
fallocate -l $((free - room)) /run/small/fill
";

/// What was written of journal and audit meanwhile stays: the operator's side has read it. What fills the disk goes by itself:
/// services that were started meanwhile keep the disk in their own namespaces, and it is memory.
const ROOM_AGAIN: &str = r"
set -eu
rm /run/small/fill
cp -a /run/small/is/var/log/citrino/*.ndjson /run/small/was/var/log/citrino/
for place in /home/citrino/citrino/releases /var/lib/citrino /var/log/citrino; do
    umount --recursive $place
done
umount --recursive /run/small
rmdir /run/small
";

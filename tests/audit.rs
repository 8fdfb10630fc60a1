//! The audit's chain by cases as data: `tests/audit/SUBJECT.yml` says what was done to a chain of six lines,
//! and what is found then.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

use std::fs;
use std::path::Path;

use citrino_ops::core::audit::{AuditAction, AuditEntry, Head, Line, lines};
use citrino_ops::core::plan::Claim;
use citrino_ops::host::audit;
use citrino_ops::host::system::System;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case is about.
    name: String,
    /// What is done to the chain of the host, in order.
    #[serde(deserialize_with = "serde_yaml::with::singleton_map_recursive::deserialize")]
    done: Vec<Done>,
    /// What is wrong with the chain in itself: the beginning of its code and sentence. Nothing when it is sound.
    #[serde(default)]
    chain: String,
    /// The same of what this machine has seen: the six lines.
    #[serde(default)]
    mirror: String,
    /// Lines that say what a crash left before them.
    #[serde(default)]
    closes: Vec<u64>,
    /// Each stands in what is told of the newest line.
    #[serde(default)]
    tells: Vec<String>,
}

/// Lines are counted from 1, as they stand in the file then.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    /// Words in a line are replaced, and its hash is left as it is.
    Edit(usize, String, String),
    /// The same, and the line is hashed anew.
    Forge(usize, String),
    Remove(usize),
    /// The first takes the place of the second, which moves on.
    Move(usize, usize),
    Double(usize),
    /// Whole lines are cut off the end until so many are left.
    Keep(usize),
    /// So many bytes are cut off the end.
    Tear(usize),
    /// These bytes come at the end.
    Leave(String),
    /// The product writes this line.
    Write(AuditAction),
    /// All is deleted, and the product writes so many lines.
    Anew(usize),
}

/// The chain of a host, in its place.
struct Host {
    _folder: tempfile::TempDir,
    system: System,
}

const WAYS: [AuditAction; 6] = [
    AuditAction::Begun,
    AuditAction::Ended,
    AuditAction::Begun,
    AuditAction::Failed,
    AuditAction::Begun,
    AuditAction::Undone,
];

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let host = Self {
            _folder: folder,
            system,
        };
        host.write_lines(6, 0);
        host
    }

    fn write_lines(&self, count: usize, first: usize) {
        for (index, did) in WAYS.iter().take(count).enumerate() {
            self.write(*did, first + index / 2);
        }
    }

    fn write(&self, did: AuditAction, run: usize) {
        self.write_of(did, run, "nginx runs — año");
    }

    fn write_of(&self, did: AuditAction, run: usize, changed: &str) {
        let claim = Claim::new(format!("r{run}"), "converge", "ana@here");
        let deed = AuditEntry {
            did,
            changed: vec![changed.into()],
            ..AuditEntry::default()
        };
        audit::write(&self.system, "prod", &claim, deed).unwrap();
    }

    fn bytes(&self) -> Vec<u8> {
        self.system.read(audit::PATH).unwrap().unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let bytes = self.bytes();
        let mut lines: Vec<Vec<u8>> = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        change(&mut lines);
        fs::write(self.system.path(audit::PATH), lines.concat()).unwrap();
    }

    fn suffer(&self, done: &Done) {
        match done {
            Done::Edit(at, from, to) => self.change(|lines| {
                let text = String::from_utf8(lines[at - 1].clone()).unwrap();
                assert!(text.contains(from.as_str()), "{from} is not in {text}");
                lines[at - 1] = text.replacen(from.as_str(), to, 1).into_bytes();
            }),
            Done::Forge(at, who) => self.change(|lines| {
                let mut line: Line = serde_json::from_slice(&lines[at - 1]).unwrap();
                line.who.clone_from(who);
                lines[at - 1] = format!("{}\n", line.sealed().unwrap().0).into_bytes();
            }),
            Done::Remove(at) => self.change(|lines| drop(lines.remove(at - 1))),
            Done::Move(from, to) => self.change(|lines| {
                let line = lines.remove(from - 1);
                lines.insert(to - 1, line);
            }),
            Done::Double(at) => self.change(|lines| lines.insert(*at, lines[at - 1].clone())),
            Done::Keep(count) => self.change(|lines| lines.truncate(*count)),
            Done::Tear(count) => self.change(|lines| {
                let bytes = lines.concat();
                *lines = vec![bytes[..bytes.len() - count].to_vec()];
            }),
            Done::Leave(text) => self.change(|lines| lines.push(text.clone().into_bytes())),
            Done::Write(did) => self.write(*did, 9),
            Done::Anew(count) => {
                self.system.remove(audit::PATH).unwrap();
                self.write_lines(*count, 10);
            }
        }
    }
}

impl Case {
    fn failure(&self) -> Option<String> {
        let host = Host::new();
        let mirror = host.bytes();
        for done in &self.done {
            host.suffer(done);
        }
        let there = host.bytes();
        let checked = audit::check(&there, &Head::default());
        let chain = checked.sound("the host").err();
        let compared = audit::compare(&there, &mirror).err();
        let told = |fault: Option<citrino_ops::core::error::Fault>| {
            fault.map_or(String::new(), |fault| {
                format!("{} {}", fault.code, fault.message)
            })
        };
        let (chain, compared) = (told(chain), told(compared));
        let closes: Vec<u64> = checked.closed.iter().map(|(n, _)| *n).collect();
        let newest = there.split(|byte| *byte == b'\n').rev().nth(1);
        let newest = newest.and_then(|line| serde_json::from_slice::<Line>(line).ok());
        let newest = newest.map_or(String::new(), |line| line.told(true));
        let fits = chain == self.chain
            && compared == self.mirror
            && closes == self.closes
            && self.tells.iter().all(|part| newest.contains(part));
        (!fits).then(|| {
            format!("{}: {:?}\nchain {chain:?}\nmirror {compared:?}\ncloses {closes:?}\ntells {newest:?}", self.name, self.done)
        })
    }
}

#[test]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let cases: Vec<Case> =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        count += cases.len();
        failures.extend(cases.iter().filter_map(Case::failure));
    }
    assert!(count > 0);
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

/// Only its end is read when a line comes, and all of it when the end is one line.
#[test]
fn a_long_chain_goes_on_from_its_end() {
    let host = Host::new();
    for (run, length) in [50_000, 100_000, 100_000, 10, 300_000, 10]
        .into_iter()
        .enumerate()
    {
        let before = audit::check(&host.bytes(), &Head::default()).head;
        host.write_of(AuditAction::Begun, run, &"x".repeat(length));
        let bytes = host.bytes();
        let checked = audit::check(&bytes, &Head::default());
        assert_eq!((checked.flaws, checked.head.n), (vec![], before.n + 1));
        let new = audit::since(&host.system, &before).unwrap().unwrap();
        assert_eq!(new, bytes[usize::try_from(before.bytes).unwrap()..]);
        let other = Head {
            hash: "0".repeat(64),
            ..before
        };
        assert_eq!(audit::since(&host.system, &other).unwrap(), None);
    }
}

/// As version 0.1.0 wrote it, before lines named their host.
const OLDER: &str = r#"{"n":1,"at":"2026-01-02T03:04:05Z","stack":"prod","run":"20260102T030405Z-00000001","verb":"converge","who":"ana@desk","did":"begun","prev":"0000000000000000000000000000000000000000000000000000000000000000","hash":"5cc0edf0bedee56454d4cbb9f57ee2106f0c164340ddfd686d2efb17fecff990"}
{"n":2,"at":"2026-01-02T03:04:05Z","stack":"prod","run":"20260102T030405Z-00000001","verb":"converge","who":"ana@desk","did":"ended","changed":["nginx configuration"],"prev":"5cc0edf0bedee56454d4cbb9f57ee2106f0c164340ddfd686d2efb17fecff990","hash":"8a975253049e444b4bfe75eb50af5f47ed41b2639c19d2ec79b5dbf9d1401f91"}
"#;

#[test]
fn a_chain_of_an_earlier_version_is_verified_and_goes_on_with_the_host() {
    let host = Host::new();
    fs::write(host.system.path(audit::PATH), OLDER).unwrap();
    let claim = Claim::new("r2", "deploy", "ana@desk").on_host(Some("prod".parse().unwrap()));
    audit::write(&host.system, "prod", &claim, AuditEntry::default()).unwrap();
    let bytes = host.bytes();
    assert!(bytes.starts_with(OLDER.as_bytes()));
    let lines: Vec<Line> = lines(&bytes)
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let hosts: Vec<_> = lines.iter().map(|line| line.host.as_deref()).collect();
    assert_eq!(hosts, [None, None, Some("prod")]);
    let checked = audit::check(&bytes, &Head::default());
    checked.unbroken("the audit").unwrap();
    assert_eq!(
        (checked.head.n, checked.head.bytes),
        (3, bytes.len() as u64)
    );
    // The host is within what the hash holds.
    host.change(|lines| {
        let text = String::from_utf8(lines[2].clone()).unwrap();
        lines[2] = text.replace(r#""host":"prod""#, r#""host":"web-1""#).into();
    });
    assert!(
        audit::check(&host.bytes(), &Head::default())
            .unbroken("the audit")
            .is_err()
    );
}

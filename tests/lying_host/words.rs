//! What hosts say: honestly, and with poison wherever a text stands.

use std::collections::BTreeMap;

use citrino_ops::core::error::Code;
use citrino_ops::core::event::{Change, Counts, Event, Label, RunPoint, StepState};
use citrino_ops::core::plan::StepId;
use citrino_ops::core::value::Sha256;
use citrino_ops::facts::app::{AppFacts, Release, ReleaseState};
use citrino_ops::facts::backups::{BackupManifest, Backups};
use citrino_ops::facts::certificate::{CaRefusal, CertificateFacts, LiveCertificate, leaf::Leaf};
use citrino_ops::facts::{Facts, HostKeys, Os};
use citrino_ops::host::journal::LastRun;
use citrino_ops::protocol::FromAgent;
use citrino_ops::storage::archive::ArchiveContent;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::script::{Script, Word};

/// Sets the clipboard, clears the screen, moves up as one character, turns the order of letters, hides some, and ends the line.
pub const POISON: &str = "poison\u{1b}]52;c;Y3VybA==\u{7}\u{1b}[2J\u{9b}1A\r\u{8}\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{85}\u{2028}\n";

/// Each command that asks a host, with what it needs to come that far.
pub const EVERY_VERB: [&str; 26] = [
    "status",
    "releases",
    "health",
    "plan",
    "converge",
    "converge --check",
    "deploy --artifact app",
    "deploy --artifact app --check",
    "deploy --attach",
    "deploy --resume",
    "rollback",
    "rollback --check",
    "restore shop_20261125_030000 --yes",
    "backup",
    "backup list",
    "backup verify",
    "backup drill",
    "backup pull",
    "backup prune",
    "db import dump.sql --yes",
    "logs app",
    "logs nginx",
    "logs postgres",
    "logs ops",
    "audit",
    "audit verify",
];

/// Whether the command fails before it has anything of the host to tell.
pub fn says_little(verb: &str) -> bool {
    !matches!(
        verb,
        "status" | "health" | "converge" | "backup" | "backup list" | "releases"
    ) && !verb.starts_with("logs")
}

fn content(name: &str) -> ArchiveContent {
    ArchiveContent {
        file: name.to_owned(),
        sha256: "0".repeat(64),
        bytes: 4,
    }
}

fn backup() -> BackupManifest {
    let name = "shop_20261125_030000";
    BackupManifest {
        name: name.to_owned(),
        at: "2026-11-25T03:00:00Z".to_owned(),
        stack: "prod".to_owned(),
        database: "citrino_prod".to_owned(),
        dump: content(&format!("{name}.dump.zst")),
        globals: content(&format!("{name}.globals.sql.zst")),
        rows: BTreeMap::from([("propiedades".to_owned(), 1588)]),
        postgres: "15.20".to_owned(),
        ..BackupManifest::default()
    }
}

fn release(id: &str) -> Release {
    Release {
        id: id.to_owned(),
        sha256: Sha256::of(id.as_bytes()).to_string(),
        commit: "0123456789".to_owned(),
        built_at: "2026-11-25T03:00:00Z".to_owned(),
        size_bytes: 64,
        note: Some("a note".parse().unwrap()),
        state: ReleaseState::Good,
        migrations: None,
    }
}

/// The greeting of a host that serves.
pub fn greeting() -> Value {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
    let facts = Facts {
        os: Os {
            id: "debian".into(),
            version: "12".into(),
            codename: "bookworm".into(),
        },
        hostname: "prod".into(),
        arch: "x86_64".into(),
        virt: "kvm".into(),
        cpus: 2,
        memory_mb: 2048,
        memory_free: Some(1 << 30),
        boot_id: "b".into(),
        app: AppFacts {
            prepared: true,
            live: Some("blue".into()),
            slots: BTreeMap::from([("blue".to_owned(), "r7".to_owned())]),
            releases: vec![release("r7"), release("r6")],
            ..AppFacts::default()
        },
        other_clock: false,
        maintenance: None,
        without_programs: Vec::new(),
        freeze: None,
        exposed: Vec::new(),
        converged_by: None,
        backups: Backups {
            whole: vec![backup()],
            ..Backups::default()
        },
        certificate: Box::new(CertificateFacts {
            live: Some(LiveCertificate {
                folder: "acme.a".into(),
                leaf: Leaf {
                    names: vec!["shop.example.com".into()],
                    issuer: "an issuer".into(),
                    serial: "01".into(),
                    begins: OffsetDateTime::UNIX_EPOCH,
                    ends: OffsetDateTime::UNIX_EPOCH + Duration::days(90),
                },
                issued: None,
            }),
            renewal: None,
            refusal: Some(CaRefusal {
                code: Code::E0463,
                message: "the issuer refused it".into(),
                at: OffsetDateTime::UNIX_EPOCH,
                until: Some(OffsetDateTime::UNIX_EPOCH),
            }),
        }),
        cluster_port: 5432,
        ipv6: true,
        localhost: true,
        neighbours: Box::default(),
        was_looked_at: false,
        host_keys: HostKeys {
            current: Some(key.into()),
            next: None,
        },
        last_run: Some(LastRun {
            run: "r".into(),
            verb: "deploy".into(),
            who: "ana@desk".into(),
            purpose: citrino_ops::core::plan::Purpose::Command,
            since: "2026-11-25T03:00:00Z".into(),
            step: "nginx".into(),
            n: 1,
            end: Some(Counts::default()),
            heard: true,
            failed: None,
        }),
        armed: None,
        busy: false,
    };
    let hello = FromAgent::Hello {
        version: "0".into(),
        facts: Box::new(facts),
    };
    serde_json::to_value(hello).unwrap()
}

fn point() -> RunPoint {
    RunPoint {
        at: "2026-11-25T03:00:00Z".into(),
        run: "r".into(),
        host: None,
    }
}

fn label() -> Label {
    Label {
        id: StepId::default(),
        part: "nginx".into(),
        name: "nginx configuration".into(),
        undo: false,
    }
}

fn event(event: Event) -> Value {
    serde_json::to_value(FromAgent::Event(Box::new(event))).unwrap()
}

pub fn event_begun() -> Value {
    event(Event::Begin {
        point: point(),
        n: 1,
        label: label(),
    })
}

pub fn event_step() -> Value {
    event(Event::Step {
        point: point(),
        n: 1,
        label: label(),
        state: StepState::Differs,
        took_ms: 7,
        change: Some(Change {
            what: vec!["mode is 0644".into(), "3 lines differ".into()],
            diff: Some("+ a\n- b\n".into()),
            ..Change::default()
        }),
        figure: None,
        error: None,
    })
}

fn event_failed() -> Value {
    let mut failed = event_step();
    failed["event"]["state"] = json!("failed");
    failed["event"]["error"] = json!({"code": "E0402", "message": "it says no", "hint": "ask it"});
    failed
}

pub fn event_end() -> Value {
    event(Event::End {
        point: point(),
        tally: Counts::default(),
    })
}

/// All that a run says.
pub fn run() -> Vec<Value> {
    let note = event(Event::note("a note"));
    let alarm = json!({"event": {"event": "alarm", "at": "", "code": "E0001", "message": "an alarm", "hint": "a hint"}});
    let outage = json!({"event": {"event": "outage", "at": "", "run": "r", "side": "host", "requests": 1, "failed": 1,
        "longest_gap_ms": 1, "first": "no answer"}});
    vec![
        event_begun(),
        event_step(),
        note,
        alarm,
        outage,
        event_failed(),
        event_end(),
    ]
}

pub fn line(value: &Value) -> String {
    format!("{value}\n")
}

/// Texts that decide something, and are typed: with poison nothing of the message would be taken in.
const TYPED: [&str; 26] = [
    "event", "state", "act", "code", "side", "id", "run", "sha256", "file", "live", "slots",
    "current", "next", "arch", "format", "name_of", "purpose", "packing", "release", "host",
    "version", "codename", "begins", "ends", "until", "note",
];

/// The same with poison in every text that is no name of something.
pub fn poison(value: &mut Value) {
    match value {
        Value::String(text) => POISON.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(poison),
        Value::Object(fields) => {
            for (key, field) in fields {
                let is_backup =
                    key == "name" && field.as_str().is_some_and(|name| name.starts_with("shop_"));
                if !TYPED.contains(&key.as_str()) && !is_backup {
                    poison(field);
                }
            }
        }
        _ => {}
    }
}

/// A host that is honest but for its texts, in answer to whatever it is asked.
pub fn poisoned() -> Script {
    let mut said = vec![greeting()];
    said.extend(run());
    for word in &mut said {
        // An operating system that nobody knows is refused before anything is told, and so is a time that is none.
        let typed = ["/hello/facts/os", "/hello/facts/certificate/refusal/at"];
        let typed = typed.map(|place| (place, word.pointer(place).cloned()));
        // The kind of a message and of an event stays.
        for inner in word
            .as_object_mut()
            .into_iter()
            .flat_map(serde_json::Map::values_mut)
        {
            poison(inner);
        }
        for (place, was) in typed {
            if let (Some(place), Some(was)) = (word.pointer_mut(place), was) {
                *place = was;
            }
        }
        // Rows of tables are names of a map, which are printed too.
        if let Some(rows) = word.pointer_mut("/hello/facts/backups/whole/0/rows") {
            *rows = json!({POISON: 1});
        }
        if let Some(broken) = word.pointer_mut("/hello/facts/backups/broken") {
            *broken = json!({POISON: POISON});
        }
    }
    let mut audit = json!({"n": 1, "at": POISON, "stack": POISON, "run": POISON, "verb": POISON, "who": POISON, "did": "ended"});
    audit["changed"] = json!([POISON]);
    let journal = said[1..].iter().map(|word| line(&word["event"]));
    let log: String = journal
        .chain([format!("{POISON}\n"), line(&audit)])
        .collect();
    Script::saying(said.iter().map(Word::json).collect())
        .program("journalctl", Word::Text(log.clone()))
        .program("tail", Word::Text(log.clone()))
        .program("", Word::Text(log))
}

//! Whatever is read from somebody else, with whatever may stand in it: nothing panics, hangs, or passes for what it is not.
//!
//! In CI a bounded number of cases; `make fuzz` runs as many as `PROPTEST_CASES` says. The host as a whole, over a connection, is
//! in `tests/lying_host`.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use citrino_ops::config::stack::Stack;
use citrino_ops::core::audit::Head;
use citrino_ops::core::event::Event;
use citrino_ops::core::secret::Secret;
use citrino_ops::core::stack_key::StackKey;
use citrino_ops::facts::Facts;
use citrino_ops::facts::backups::{BackupManifest, Backups, Judge, Proof};
use citrino_ops::hetzner::{
    Hetzner, NetworkView, Pace, ServerView, SnapshotView, VolumeView, ZoneView,
};
use citrino_ops::host::system::System;
use citrino_ops::host::{audit, journal};
use citrino_ops::operator::preview::Saved;
use citrino_ops::planner::migration::{MigrationText, lint};
use citrino_ops::protocol::{FromAgent, ToAgent, longest_line};
use citrino_ops::storage::dump::{DumpFilter, Form};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const CITRINO_YML: &str = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV }\n";
const SERVER: &str = r#"{"servers":[{"id":7,"name":"prod","status":"running","labels":{"citrino-ops/stack":"prod"},
    "public_net":{"ipv4":{"ip":"192.0.2.1"},"ipv6":{"ip":"2001:db8::/64"},"firewalls":[]},"image":null,"location":{"name":"ash"}}],
    "meta":{"pagination":{"next_page":null}}}"#;
const EVENTS: &str = r#"{"event":"start","at":"2026-01-02T03:04:05Z","run":"r","stack":"s","verb":"deploy","who":"ana@desk","steps":3,"applies":true}
{"event":"begin","at":"2026-01-02T03:04:05Z","run":"r","n":1,"part":"nginx","name":"nginx configuration"}
{"event":"step","at":"2026-01-02T03:04:05Z","run":"r","n":1,"part":"nginx","name":"x","state":"failed","took_ms":7,"error":{"code":"E0402","message":"no"}}
{"event":"end","at":"2026-01-02T03:04:05Z","run":"r","same":0,"changed":0,"differs":0,"failed":1,"skipped":0,"took_ms":1}
"#;
const AUDIT: &str = r#"{"n":1,"at":"2026-11-25T12:00:01Z","stack":"prod","run":"r1","verb":"converge","who":"ana@here","did":"begun","prev":"0000000000000000000000000000000000000000000000000000000000000000","hash":"2f25ede5bc5c144fd4b46d74dd96c8b34e090ea20e8223790d8bf722052d4f9b"}
"#;
const MISSING: &str = r#"{"missing":{"blobs":["0000000000000000000000000000000000000000000000000000000000000000"],"base":null}}"#;
const PLAN: &str = r#"{"version":1,"stack":"prod","host_name":"prod","at":"","wishes":"0","cloud":[{"part":"a","name":"b","change":{"what":["c"]}}],"host":null}"#;
const DUMP: &str = "\\restrict AbC\nSET statement_timeout = 0;\nCREATE TABLE public.notas (id bigint NOT NULL, t text DEFAULT 'it''s');\nCOPY public.notas (id, t) FROM stdin;\n1\ta\\tb\n\\.\nCREATE INDEX i ON public.notas (id);\n\\unrestrict AbC\n";
const MIGRATION: &str =
    "SET lock_timeout = '2s';\nALTER TABLE propiedades ADD COLUMN precio numeric;\n";
const CSV: &str = "id,nombre,precio\n1,\"Casa \"\"Azul\"\"\",100\n2,Piso,\n";

fn manifest() -> BackupManifest {
    let mut backup = BackupManifest {
        name: "shop_20261125_030000".to_owned(),
        at: "2026-11-25T03:00:00Z".to_owned(),
        stack: "prod".to_owned(),
        ..BackupManifest::default()
    };
    for (content, ending) in [
        (&mut backup.dump, "dump.zst"),
        (&mut backup.globals, "globals.sql.zst"),
    ] {
        content.file = format!("{}.{ending}", backup.name);
        content.sha256 = "0".repeat(64);
    }
    backup
}

fn proof_of(backup: &BackupManifest) -> Proof {
    Proof {
        sha256: backup.dump.sha256.clone(),
        at: "2026-11-25T04:00:00Z".to_owned(),
        took_ms: 7,
        release: None,
    }
}

/// A manifest and a proof as the stack with this key writes them.
fn signed() -> [String; 2] {
    let (backup, key) = (manifest(), StackKey::of([7; 32]));
    let proof = proof_of(&backup).text(&backup, &key).unwrap();
    [backup.text(&key).unwrap(), proof]
}

/// What is done to honest bytes.
#[derive(Clone, Debug)]
enum Edit {
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Double(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let known: Vec<&[u8]> = vec![
        b"../../x",
        b"/etc/passwd",
        b"\x1b]52;c;x\x07",
        b"\xff\xfe",
        b"\0",
        b"\r\n",
        b"{",
        b"[",
        b"[[[[[[[[",
        b"\"",
        b"'",
        b"$$",
        b"\\.",
        b"\\!",
        b"--",
        b"/*",
        b";",
        b":",
        b"&a ",
        b"*a",
        b"null",
        b"1e999",
        b"-1",
        b"18446744073709551616",
        "\u{202e}".as_bytes(),
    ];
    let bytes = prop_oneof![
        3 => select(known).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ];
    let at = any::<Index>;
    prop_oneof![
        (at(), bytes).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at(), at()).prop_map(|(from, to)| Edit::Remove(from, to)),
        (at(), at()).prop_map(|(from, to)| Edit::Double(from, to)),
    ]
}

/// Honest bytes with some edits, or bytes that nobody wrote.
fn edited(honest: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let honest = honest.to_owned();
    let edited = proptest::collection::vec(edit(), 0..6).prop_map(move |edits| {
        let mut bytes = honest.as_bytes().to_vec();
        for edit in edits {
            let place = |at: Index| at.index(bytes.len() + 1);
            match edit {
                Edit::Insert(at, more) => {
                    let at = place(at);
                    bytes.splice(at..at, more);
                }
                Edit::Remove(a, b) => {
                    let (a, b) = (place(a), place(b));
                    bytes.drain(a.min(b)..a.max(b));
                }
                Edit::Double(a, b) => {
                    let (a, b) = (place(a), place(b));
                    let piece = bytes[a.min(b)..a.max(b)].to_vec();
                    let at = a.max(b);
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    });
    prop_oneof![4 => edited, 1 => proptest::collection::vec(any::<u8>(), 0..600)]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A host whose file at this place has these bytes.
fn host(path: &str, bytes: &[u8]) -> (tempfile::TempDir, System) {
    let root = tempfile::tempdir().unwrap();
    let system = System::at(root.path());
    let file = system.path(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
    (root, system)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '\0']) && text != "." && text != ".."
}

proptest! {
    #[test]
    fn lines_of_the_wire(bytes in prop_oneof![edited(MISSING), edited(EVENTS)]) {
        let _ = serde_json::from_slice::<ToAgent>(&bytes);
        let _ = serde_json::from_slice::<Facts>(&bytes);
        let event = serde_json::from_slice::<Event>(&bytes).map(|event| FromAgent::Event(Box::new(event)));
        for word in [serde_json::from_slice::<FromAgent>(&bytes), event].into_iter().flatten() {
            let line = word.line().unwrap();
            prop_assert!(line.len() <= longest_line(&line) + 1);
            if let FromAgent::Missing { blobs, base } = word {
                prop_assert!(blobs.iter().chain(&base).all(|sha256| sha256.len() == 64));
            }
        }
    }

    #[test]
    fn manifests(bytes in edited(r#"{"name":"shop_20261125_030000","dump":{"file":"shop_20261125_030000.dump.zst"}}"#)) {
        let name = "shop_20261125_030000";
        if let Ok(found) = BackupManifest::parse(name, &text(&bytes)) {
            prop_assert!(found.claims().contents().iter().all(|content| is_name(&content.file)));
        }
        let _ = serde_json::from_slice::<Proof>(&bytes);
        let _ = serde_json::from_slice::<Backups>(&bytes);
    }

    /// Of what the stack has signed nothing can be changed, nor can anybody but the stack sign.
    #[test]
    fn no_edit_of_a_signed_manifest_or_proof_is_believed(bytes in edited(&signed()[0]), proof in edited(&signed()[1])) {
        let judge = Judge::new(Some(StackKey::of([7; 32])), Some("prod"));
        let sound = manifest();
        if let Ok(found) = BackupManifest::parse(&sound.name, &text(&bytes)) {
            let judged = judge.judged(found);
            prop_assert!(!judged.is_own() || judged.backup == sound);
        }
        if let Ok(read) = Proof::of(&sound, &proof, &judge) {
            prop_assert_eq!(read, proof_of(&sound));
        }
    }

    /// Sealed by whoever wrote it, as anybody can.
    #[test]
    fn sealed_manifests_name_only_their_own_files(file in ".{0,40}", sha256 in "[0-9a-fA-F]{60,66}") {
        let name = "shop_20261125_030000";
        let mut backup = BackupManifest { name: name.to_owned(), ..BackupManifest::default() };
        backup.globals.file = format!("{name}.globals.sql.zst");
        backup.globals.sha256 = "0".repeat(64);
        backup.dump.file = format!("{name}{file}");
        backup.dump.sha256 = sha256;
        if let Ok(found) = BackupManifest::parse(name, &backup.text(&StackKey::of([7; 32])).unwrap()) {
            let read = found.claims();
            let own = format!("{name}.");
            prop_assert!(is_name(&read.dump.file) && read.dump.file.starts_with(&own));
            prop_assert!(read.dump.sha256.len() == 64 && !read.dump.sha256.contains(|c: char| c.is_ascii_uppercase()));
        }
    }

    #[test]
    fn plan_files(bytes in edited(PLAN)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let host = Stack::parse(CITRINO_YML, "citrino.yml").unwrap().only_host();
        let _ = Saved::read(file.path(), &host);
    }

    #[test]
    fn journals(bytes in edited(EVENTS)) {
        let (_root, system) = host(journal::PATH, &bytes);
        if let Some(last) = journal::last_run(&system).unwrap() {
            let _ = (last.told(false), last.told(true), last.noted(false));
        }
        let _ = journal::newest(&system).unwrap();
    }

    #[test]
    fn audits(bytes in edited(AUDIT), other in edited(AUDIT)) {
        let checked = audit::check(&bytes, &Head::default());
        prop_assert!(checked.head.bytes <= bytes.len() as u64);
        let _ = (checked.sound("it"), audit::compare(&bytes, &other));
        // What follows a head of its own is looked at alike.
        let _ = audit::check(&other, &checked.head);
        let (_root, system) = host(audit::PATH, &bytes);
        let mut file = fs::File::open(system.path(audit::PATH)).unwrap();
        if let Some(head) = audit::head(&mut file).unwrap() {
            let _ = audit::since(&system, &head);
        }
    }

    #[test]
    fn dumps(bytes in edited(DUMP), cut in any::<Index>()) {
        let mut filter = DumpFilter::with(BTreeSet::new());
        let mut out = Vec::new();
        let (first, rest) = bytes.split_at(cut.index(bytes.len() + 1));
        let ran = filter.push(first, &mut out).and_then(|()| filter.push(rest, &mut out));
        if ran.is_ok() {
            let _ = filter.end(&mut out);
        }
    }

    #[test]
    fn files_to_import(bytes in prop_oneof![edited(CSV), edited(DUMP)]) {
        let profile = citrino_ops::core::app_profile::AppProfile::default();
        for name in ["a.csv", "a.dump"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs::write(&path, &bytes).unwrap();
            let _ = Form::of(name, fs::File::open(&path), profile.import.as_ref());
        }
    }

    #[test]
    fn migrations(bytes in edited(MIGRATION)) {
        let name = "0009_precio.up.sql".to_owned();
        let _ = lint(&[MigrationText { name, text: text(&bytes) }]);
    }

    #[test]
    fn citrino_yml(bytes in edited(CITRINO_YML)) {
        let _ = Stack::parse(&text(&bytes), "citrino.yml");
    }

    #[test]
    fn things_of_the_api(bytes in edited(SERVER)) {
        let _ = serde_json::from_slice::<ServerView>(&bytes);
        let _ = serde_json::from_slice::<NetworkView>(&bytes);
        let _ = serde_json::from_slice::<VolumeView>(&bytes);
        let _ = serde_json::from_slice::<SnapshotView>(&bytes);
        let _ = serde_json::from_slice::<ZoneView>(&bytes);
    }
}

/// The API as a whole: each case is a server of its own, and calls that are sent again wait a moment.
#[test]
fn answers_of_the_api() {
    let pace = Pace {
        first_retry: Duration::from_millis(1),
        longest_retry: Duration::from_millis(1),
        answer: Duration::from_secs(5),
        patience: 0.0,
        ..Pace::default()
    };
    let host = Stack::parse(CITRINO_YML, "citrino.yml")
        .unwrap()
        .only_host();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1", listener.local_addr().unwrap());
    let (answers, next) = std::sync::mpsc::channel::<Vec<u8>>();
    std::thread::spawn(move || {
        let mut answer = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The newest one counts until there is another.
            answer = next.try_iter().last().unwrap_or(answer);
            let mut asked = [0; 4096];
            // Who breaks off has had enough.
            let _ = stream
                .read(&mut asked)
                .and_then(|_| stream.write_all(&answer));
        }
    });
    let answer = (
        select(vec![200_u16, 204, 403, 404, 409, 422, 429, 500, 503]),
        edited(SERVER),
    );
    let mut runner = proptest::test_runner::TestRunner::default();
    let tried = runner.run(&answer, |(status, body)| {
        let head = format!(
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n"
        );
        answers.send([head.as_bytes(), &body].concat()).unwrap();
        let api = Hetzner::connect_paced(&endpoint, &Secret::new("token"), pace).unwrap();
        if let Ok(Some(server)) = runtime.block_on(api.server_of(&host)) {
            let _ = citrino_ops::hetzner::pins(&server);
        }
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn an_answer_of_the_api_without_an_end_is_given_up() {
    let host = Stack::parse(CITRINO_YML, "citrino.yml")
        .unwrap()
        .only_host();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let asked = stream.read(&mut [0; 4096]).unwrap();
            assert!(asked > 0);
            let begun = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"servers\":[");
            while begun.is_ok() && stream.write_all(&[b' '; 8192]).is_ok() {}
        }
    });
    let api = Hetzner::connect(&endpoint, &Secret::new("token")).unwrap();
    let refused = runtime.block_on(api.server_of(&host)).unwrap_err();
    assert!(
        format!("{refused:#}").contains("more than 2 MB"),
        "{refused:#}"
    );
}

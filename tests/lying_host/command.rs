//! A command of the operator in a home of its own, and what became of both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use citrino_ops::core::plain::is_hidden;
use citrino_ops::core::value::Sha256;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::script::Script;

/// A command that is at work for so long has no end.
const ENDS_WITHIN: Duration = Duration::from_mins(8);
/// What a command may take, the program itself included.
const MEMORY_MB: i64 = 100;

/// The folders that are the command's own.
const OWN: [&str; 4] = [
    "home/.cache/citrino-ops/",
    "home/.local/state/citrino-ops/",
    "work/backups/",
    "tmp/.ssh-connection",
];

const CITRINO_YML: &str = "stack: prod\ndomain: example.com\nhost: { address: 127.0.0.1, host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV }\n";

/// Hands the socket that ssh was to serve to this program, and is gone when it listens, as `ssh -f` is.
const SSH: &str = r#"#!/bin/sh
for word; do [ "$before" = -S ] && LYING_SOCKET=$word; before=$word; done
export LYING_SOCKET
"$LYING_PROGRAM" as_ssh --exact --nocapture >/dev/null 2>&1 </dev/null &
echo $! >>"$LYING_HOST.pids"
while [ ! -S "$LYING_SOCKET" ]; do kill -0 $! || exit 255; sleep 0.01; done
"#;

/// A machine of an operator.
pub struct Place(tempfile::TempDir);

/// What a command did.
pub struct Outcome {
    pub typed: String,
    pub code: i32,
    /// On stdout, and on stderr behind it.
    pub output: Vec<u8>,
    stdout: usize,
    before: BTreeMap<String, Vec<u8>>,
    after: BTreeMap<String, Vec<u8>>,
}

impl Place {
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in ["home", "work", "tmp", "outside", "bin"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        fs::write(place.path("work/citrino.yml"), CITRINO_YML).unwrap();
        fs::write(place.path("work/app"), artifact()).unwrap();
        fs::write(
            place.path("work/dump.sql"),
            "CREATE TABLE propiedades (id int);\n",
        )
        .unwrap();
        fs::write(place.path("outside/precious"), "precious").unwrap();
        let ssh = place.path("bin/ssh");
        fs::write(&ssh, SSH).unwrap();
        fs::set_permissions(ssh, fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command against a host with this script.
    pub fn run(&self, typed: &str, script: &Script) -> Outcome {
        // Outside of what is compared.
        let lies = tempfile::tempdir().unwrap();
        let path = lies.path().join("script");
        script.write(&path);
        let before = self.files();
        let (code, [stdout, stderr]) = self.ended(typed, &path);
        let pids = fs::read_to_string(path.with_extension("pids")).unwrap_or_default();
        for pid in pids.lines().filter_map(|pid| pid.parse().ok()) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let after = self.files();
        Outcome {
            typed: typed.to_owned(),
            code,
            stdout: stdout.len(),
            output: [stdout, stderr].concat(),
            before,
            after,
        }
    }

    fn ended(&self, typed: &str, script: &Path) -> (i32, [Vec<u8>; 2]) {
        let path = std::env::var("PATH").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_citrino-ops"))
            .args(typed.split_whitespace())
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("LYING_HOST", script)
            .env("LYING_PROGRAM", std::env::current_exe().unwrap())
            .current_dir(self.path("work"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let readers = [
            heard(child.stdout.take().unwrap()),
            heard(child.stderr.take().unwrap()),
        ];
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > ENDS_WITHIN {
                child.kill().unwrap();
                panic!("`{typed}` does not end");
            }
            thread::sleep(Duration::from_millis(10));
        };
        let output = readers.map(|reader| reader.join().unwrap());
        (status.code().unwrap_or(-1), output)
    }

    /// All files but those in the command's own folders.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path
                    .strip_prefix(self.0.path())
                    .unwrap()
                    .display()
                    .to_string();
                if !OWN.iter().any(|own| name.starts_with(own)) {
                    // What is no file is told by its name.
                    found.insert(
                        name,
                        if path.is_file() {
                            fs::read(&path).unwrap()
                        } else {
                            Vec::new()
                        },
                    );
                }
            }
        }
        found
    }
}

fn heard(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut said = Vec::new();
        from.read_to_end(&mut said).unwrap();
        said
    })
}

impl Outcome {
    /// What a program reads.
    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.output[..self.stdout]).unwrap()
    }

    pub fn said(&self) -> String {
        let said = String::from_utf8_lossy(&self.output);
        said.chars().take(4000).collect()
    }

    /// What holds whatever a host says.
    pub fn is_harmless(&self) {
        let typed = &self.typed;
        let names = self.before.keys().chain(self.after.keys());
        let changed: BTreeSet<_> = names
            .filter(|name| self.before.get(*name) != self.after.get(*name))
            .collect();
        assert!(changed.is_empty(), "`{typed}` wrote or deleted {changed:?}");
        let said = String::from_utf8(self.output.clone());
        let said = said.unwrap_or_else(|_| panic!("`{typed}` printed what is no text"));
        let hidden = said
            .chars()
            .find(|c| is_hidden(*c) && !matches!(c, '\n' | '\t'));
        assert_eq!(hidden, None, "`{typed}` printed it: {:?}", self.said());
        assert!(!said.contains("panicked"), "`{typed}`: {}", self.said());
        // Of all commands so far that of the largest, in kilobytes.
        let largest = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() / 1024;
        assert!(largest < MEMORY_MB, "`{typed}` took {largest} MB");
    }
}

/// By what it is known.
pub fn artifact_sha256() -> Sha256 {
    Sha256::of(&artifact())
}

/// The head of a static program, which is all that is looked at here.
fn artifact() -> Vec<u8> {
    let mut head = vec![0; 64];
    head[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    // An executable for x86-64 of version 1, whose head has 64 bytes.
    head[16] = 2;
    head[18] = 62;
    head[20] = 1;
    head[52] = 64;
    head
}

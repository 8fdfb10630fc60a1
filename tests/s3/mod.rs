//! An object storage of the tests' own that speaks S3, checks signatures, and holds its users to their rights.
//!
//! Tests include it by its path, so it uses nothing of the crate around it but `citrino_ops`, `serde_json`, and
//! `tests/need` as `need`.

#![allow(dead_code)] // every crate that includes it uses a part of it

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use citrino_ops::core::secret::Secret;
use citrino_ops::storage::bucket::Bucket;
use serde_json::Value;

/// Pinned, because every release knows other faults; the others are what its server needs.
const MOTO: &str = "moto[s3]==5.2.5";
const SERVER: &[&str] = &[MOTO, "flask", "flask-cors"];

/// Once for all tests: two that install it at the same time would take it from each other.
static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(python);

/// A storage that is up, with one bucket and two users; it ends with this.
pub struct Storage {
    server: Child,
    told: Value,
}

impl Storage {
    /// On this address of the machine, at a port that nobody has; none, with the reason on standard error, where it
    /// cannot be installed.
    pub fn start(address: &str) -> Option<Self> {
        Self::serve(&[address])
    }

    /// The same over TLS by this name, which is for the caller to make known.
    pub fn start_as(address: &str, name: &str) -> Option<Self> {
        Self::serve(&[address, name])
    }

    fn serve(place: &[&str]) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/s3/server.py");
        let mut server = Command::new(PYTHON.as_ref()?)
            .arg(script)
            .args(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It tells every request.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = server.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).expect("the storage did not come up");
        Some(Self { server, told })
    }

    /// The certificate of the authority behind its own, when it speaks TLS.
    pub fn authority(&self) -> &str {
        self.told["authority"].as_str().unwrap()
    }

    pub fn endpoint(&self) -> &str {
        self.told["endpoint"].as_str().unwrap()
    }

    /// As this user, `owner` or `appender`, below this prefix.
    pub fn bucket(&self, user: &str, prefix: &str) -> Bucket {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Bucket {
            bucket: text(&self.told["bucket"]),
            endpoint: Some(self.endpoint().to_owned()),
            region: text(&self.told["region"]),
            prefix: prefix.to_owned(),
            key_id: Secret::new(text(&self.told[user]["key_id"])),
            secret: Secret::new(text(&self.told[user]["secret"])),
            append_only: false,
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// A Python with the server in it, installed under the target folder when it is not there yet.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(MOTO);
    let (python, whole) = (folder.join("bin/python"), folder.join("whole"));
    // Two rings that run beside each other want the same.
    let lock = File::create(folder.with_extension("lock")).ok()?;
    lock.lock().ok()?;
    if whole.exists() {
        return Some(python);
    }
    let path = folder.to_str()?;
    let pip = folder.join("bin/pip");
    let made = run("python3", &["-m", "venv", "--clear", path])
        .and_then(|()| {
            run(
                &pip.display().to_string(),
                &[&["install", "-q"], SERVER].concat(),
            )
        })
        .and_then(|()| std::fs::write(whole, "").map_err(|error| error.to_string()));
    match made {
        Ok(()) => Some(python),
        Err(why) => {
            crate::need::skipped(&format!("an S3 server cannot be installed here: {why}"));
            None
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

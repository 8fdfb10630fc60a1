//! The `OpenAPI` document against the running server, as schemathesis sees both.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::app::App;
use crate::cluster::Database;
use crate::token::{TOKEN, locked};

/// Pinned, because every release knows new checks.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Once for all tests.
static ST: LazyLock<Option<PathBuf>> = LazyLock::new(schemathesis);

#[test]
fn the_server_does_what_its_document_says() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let Some(st) = &*ST else { return };
    agrees(st, &App::start(&database), "60", &[]);
}

#[test]
fn so_does_one_that_wants_a_token() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let Some(st) = &*ST else { return };
    let header = format!("Authorization: Bearer {TOKEN}");
    agrees(st, &locked(&database), "5", &["--header", &header]);
}

fn agrees(st: &Path, app: &App, examples: &str, more: &[&str]) {
    let output = Command::new(st)
        .args([
            "--config-file",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis.toml"),
        ])
        .args(["run", &format!("http://{}/api/openapi.json", app.address)])
        .args([
            "--checks",
            "all",
            "--mode",
            "all",
            "--seed",
            "20251016",
            "--max-examples",
            examples,
        ])
        .args(["--continue-on-failure", "--no-color", "--warnings", "off"])
        .args(["--generation-database", "none"])
        .args(more)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    // A request that failed may be megabytes long.
    let said: String = String::from_utf8_lossy(&output.stdout)
        .lines()
        .flat_map(|line| line.chars().take(500).chain(['\n']))
        .collect();
    println!("{said}");
    assert!(output.status.success(), "{said}");
}

/// The program, installed under the target folder when it is not there yet; none, with the reason, where that fails.
fn schemathesis() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(SCHEMATHESIS);
    let st = folder.join("bin/st");
    // Two processes that install it at the same time would take it from each other.
    let lock = File::create(folder.with_extension("lock")).ok()?;
    lock.lock().ok()?;
    if st.exists() {
        return Some(st);
    }
    let path = folder.to_str()?;
    let pip = folder.join("bin/pip");
    let made = run("python3", &["-m", "venv", "--clear", path]).and_then(|()| {
        run(
            pip.to_str().unwrap_or_default(),
            &["install", "-q", SCHEMATHESIS],
        )
    });
    match made {
        Ok(()) => Some(st),
        Err(why) => {
            crate::need::skipped(&format!("schemathesis cannot be installed here: {why}"));
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

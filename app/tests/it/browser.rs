//! The page in a real browser: Debian's Chromium, driven from Node.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::app::App;
use crate::cluster::Database;

const CHROMIUM: &str = "/usr/bin/chromium";

#[test]
fn people_can_use_the_page() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let folder = match prepared() {
        Ok(folder) => folder,
        Err(why) => {
            // Past the capture of test output, so that it is seen.
            let _ = std::io::stderr()
                .write_all(format!("skipped: the page in a browser: {why}\n").as_bytes());
            return;
        }
    };
    let app = App::start(&database);
    let output = Command::new("node")
        .args(["--test-reporter=spec", "page.mjs"])
        .current_dir(folder)
        .env("PAGE", format!("http://{}", app.address))
        .env("CHROMIUM", CHROMIUM)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A folder with the tests and what they need, or why there is none.
fn prepared() -> Result<PathBuf, String> {
    if !Path::new(CHROMIUM).exists() {
        return Err("Chromium is not installed here".to_owned());
    }
    if !runs("node", &["--version"]) || !runs("npm", &["--version"]) {
        return Err("Node and npm are not installed here".to_owned());
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(tests).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    let installed = Command::new("npm")
        .args(["ci", "--prefer-offline", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .unwrap();
    if installed.status.success() {
        Ok(folder)
    } else {
        Err("npm cannot fetch what it needs".to_owned())
    }
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

//! A real client: the official `openai` package of Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::app::App;
use crate::cluster::Database;
use crate::token::{TOKEN, locked};

const PACKAGE: &str = "openai==3.57.0";

const SCRIPT: &str = include_str!("openai.py");

#[test]
fn the_official_client_is_content() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let python = match python() {
        Ok(python) => python,
        Err(why) => {
            return crate::need::skipped(&format!("the openai client cannot be installed: {why}"));
        }
    };
    content(&python, &App::start(&database), "no-key");
    content(&python, &locked(&database), TOKEN);
}

fn content(python: &Path, app: &App, key: &str) {
    let output = Command::new(python)
        .args(["-c", SCRIPT, &format!("http://{}/v1", app.address), key])
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.trim() == "todo bien",
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The interpreter of an environment with the package, made once and kept beside the build.
fn python() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGE.replace("==", "-"));
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if !ready.exists() {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        // Behind a wall, pip would wait for minutes.
        let mut pip = Command::new("timeout");
        pip.arg("180").arg(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--retries",
            "1",
            "--timeout",
            "30",
        ]);
        run(pip.arg(PACKAGE))?;
        std::fs::write(&ready, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said
        .lines()
        .last()
        .unwrap_or("no reason was given")
        .to_owned())
}

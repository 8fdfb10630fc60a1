//! Python programs of pinned versions, each set in an environment of its own, kept between runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

/// The environment of a file of requirements, made when it is not there or was made of others.
pub async fn with(requirements: &Path) -> Result<PathBuf, String> {
    let wished = std::fs::read_to_string(requirements).map_err(|error| error.to_string())?;
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(requirements.file_stem().unwrap_or_default())
        .with_extension("venv");
    // One test run makes it, another waits.
    let lock =
        std::fs::File::create(venv.with_extension("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let made_of = venv.join("made-of.txt");
    if std::fs::read_to_string(&made_of).is_ok_and(|made| made == wished) {
        return Ok(venv);
    }
    let limit = Duration::from_mins(15);
    run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
        limit,
    )
    .await
    .map_err(|said| {
        format!(
            "no virtual environment of Python can be made: {}",
            said.trim()
        )
    })?;
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ])
    .arg(requirements);
    run(&mut pip, limit).await.map_err(|said| {
        format!(
            "pip cannot install {}: {}",
            requirements.display(),
            said.trim()
        )
    })?;
    std::fs::write(&made_of, wished).map_err(|error| error.to_string())?;
    Ok(venv)
}

/// Runs a client to its end; what it said, when it ended well.
pub async fn run(command: &mut Command, limit: Duration) -> Result<String, String> {
    let running = command.kill_on_drop(true).output();
    let Ok(output) = tokio::time::timeout(limit, running).await else {
        return Err(format!("not over in {limit:?}"));
    };
    let output = output.map_err(|error| error.to_string())?;
    let said = [output.stdout, output.stderr]
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .concat();
    if output.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

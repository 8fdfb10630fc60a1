//! What a release that is not on the host says of its migrations. Its binary runs in the sandbox of the app alone, and only while it is
//! asked: whoever looks what a deploy would do changes nothing.

use std::time::Duration;

use anyhow::Result;

use crate::core::value::Sha256;
use crate::facts::app::Migrations;
use crate::host::lock;
use crate::host::own;
use crate::host::system::{Cmd, System};
use crate::storage::blob;

/// It prints what is compiled into it.
const WITHIN: Duration = Duration::from_secs(10);

/// The migrations that the release of this blob knows, or why it does not say.
///
/// # Errors
/// When the blob is not on the host, or its place cannot be written.
pub async fn migrations(system: &System, release: &Sha256) -> Result<Result<Migrations, String>> {
    take_away_leftovers(system)?;
    let folder = format!("{}/{}", own::ASKED, std::process::id());
    let binary = format!("{folder}/release");
    let bytes = blob::read(system, release)?;
    system.make_folders(&folder)?;
    let written = system.write_atomic(&binary, &bytes, 0o755, None, &[]).await;
    let said = match written {
        Ok(()) => said(system, &binary).await,
        Err(error) => Err(error),
    };
    system.remove(&folder)?;
    take_away_leftovers(system)?;
    // A run may be about to use it.
    if !lock::is_held(system)? {
        blob::forget(system, release)?;
    }
    said
}

/// What looks that were killed have left; and the folder, when nobody looks.
fn take_away_leftovers(system: &System) -> Result<()> {
    let mut at_work = false;
    for process in system.names(own::ASKED)? {
        if system.stat(format!("/proc/{process}"))?.is_some() {
            at_work = true;
        } else {
            system.remove(format!("{}/{process}", own::ASKED))?;
        }
    }
    if !at_work {
        system.remove(own::ASKED)?;
    }
    Ok(())
}

async fn said(system: &System, binary: &str) -> Result<Result<Migrations, String>> {
    let words = system.app().commands.describe.words();
    let argv = std::iter::once(binary.to_owned()).chain(words);
    let describe = Cmd::new(argv)
        .user(system.app().trial_user())
        .in_sandbox(system, &[])
        .within(WITHIN);
    let output = match system.run(&describe).await {
        Ok(output) => output,
        Err(error) => return Ok(Err(format!("it does not run on the host: {error:#}"))),
    };
    if !output.ok() {
        return Ok(Err(output.last_words()));
    }
    let read = serde_json::from_str(&output.stdout);
    Ok(read.map_err(|_| "what it says of its migrations cannot be parsed".to_owned()))
}

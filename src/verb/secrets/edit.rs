//! `secrets edit`: secrets.age in an editor. What is decrypted lies in memory alone, and is gone when the command ends, however it does.

use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::sealed::{SealedFile, SecretLines};
use crate::config::source::variable;
use crate::core::error::{Code, Fault, error_info, exit};
use crate::verb::job::Job;

/// What a new file begins with.
const EMPTY: &str = "# Secrets, one a line: NAME=value\n";

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let editor = editor()?;
    let file = SealedFile::of(&job.stack.folder);
    let _lock = file.lock()?;
    let before = file.read()?.text();
    let begun = if before.is_empty() { EMPTY } else { &before };
    let open = OpenSecrets::of(begun)?;
    let secrets = loop {
        open.edit(&editor).await?;
        match SecretLines::parse(&open.read()?) {
            Ok(secrets) => break secrets,
            Err(error) => again(job, error).await?,
        }
    };
    let text = secrets.text();
    if text == before || text == EMPTY {
        job.report.note("secrets.age is unchanged");
        return Ok(exit::OK);
    }
    super::prepare(job, &file)?;
    file.write(&secrets)?;
    let count = secrets.names().len();
    let noun = if count == 1 { "secret" } else { "secrets" };
    job.report.note(format!(
        "Saved secrets.age ({count} {noun}). Apply them with `citrino-ops converge`."
    ));
    Ok(exit::OK)
}

/// Asks whether what cannot be stored is to be corrected.
async fn again(job: &mut Job<'_>, error: anyhow::Error) -> Result<()> {
    if !job.report.can_ask() {
        return Err(error);
    }
    job.report.note(error_info(&error).message);
    match job.report.ask("Edit again? [Y/n]").await?.as_str() {
        "n" | "N" | "no" => Err(error),
        _ => Ok(()),
    }
}

/// The operator's own; without a choice the one that every system has, where there is a terminal for it.
fn editor() -> Result<String> {
    let chosen = variable("VISUAL").or_else(|| variable("EDITOR"));
    match chosen {
        Some(editor) => Ok(editor),
        None if std::io::stdin().is_terminal() => Ok("vi".to_owned()),
        None => Err(Fault::new(
            Code::E0801,
            "there is no terminal for an editor. Nothing was changed.",
        )
        .hint(
            "run the command in a terminal, or set one secret with `citrino-ops secrets set NAME`",
        )
        .into()),
    }
}

/// The decrypted text in a file of a folder that is only ours. An editor's own copies lie beside it, and go with it.
struct OpenSecrets {
    folder: TempDir,
}

impl OpenSecrets {
    fn of(text: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("citrino-secrets-")
            .tempdir_in(in_memory()?)?;
        let open = Self { folder };
        let mut options = fs::File::options();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(open.path())?;
        file.write_all(text.as_bytes())?;
        Ok(open)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("secrets.env")
    }

    fn read(&self) -> Result<String> {
        fs::read_to_string(self.path()).context("the editor left no text")
    }

    /// # Errors
    /// E0801 when the editor fails, or a signal ends the command.
    async fn edit(&self, editor: &str) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {editor} \"$1\""), "sh"])
            .arg(self.path())
            .kill_on_drop(true)
            .spawn()
            .context("could not start `sh`")?;
        let ended = loop {
            tokio::select! {
                ended = child.wait() => break ended.is_ok_and(|status| status.success()),
                // It is for the editor.
                _ = ctrl_c() => {}
                _ = terminate.recv() => break false,
                _ = hangup.recv() => break false,
            }
        };
        if ended {
            return Ok(());
        }
        let message = format!("the editor `{editor}` failed or was ended. Nothing was changed.");
        Err(Fault::new(Code::E0801, message).into())
    }
}

/// A folder that no disk knows of.
///
/// # Errors
/// E0104 when this machine has none.
fn in_memory() -> Result<PathBuf> {
    let own = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut places = own.into_iter().chain([PathBuf::from("/dev/shm")]);
    let found = places.find(|path| is_in_memory(path));
    found.ok_or_else(|| {
        Fault::new(
            Code::E0104,
            "this machine has no folder in memory to open secrets.age in",
        )
        .hint("set one secret at a time with `citrino-ops secrets set NAME`")
        .into()
    })
}

fn is_in_memory(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.filesystem_type() == TMPFS_MAGIC)
}

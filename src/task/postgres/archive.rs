//! An archive of `pg_dump` on its way into a new database, as the app's role.
//!
//! What the role may not make is there before (extensions) or left out (owners, and what only the superuser has): `pg_restore`
//! is given the list of the rest. The archive flows by, so its table of contents, which comes first, is kept until it was read.

use std::io::{ErrorKind, Read};
use std::pin::Pin;
use std::task::{Context as Waker, Poll};

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::process::{Child, ChildStdin};

use super::app_role::AppRole;
use super::{OWNER, WHOLE_WITHIN, client, extensions, reader};
use crate::core::error::{Code, Fault};
use crate::host::own::RESTORE_LIST;
use crate::host::system::{Cmd, System};
use crate::storage::dump::Extension;

mod contents;

use contents::Contents;

/// What is read at a time.
const PIECE: usize = 64 * 1024;
/// The longest table of contents: it is kept in memory.
const LONGEST: usize = 32 * 1024 * 1024;

/// Where an archive goes.
pub struct RestoreTarget<'a> {
    /// The database whose extensions it gets.
    pub live: &'a str,
    /// The new one, which nobody was in yet.
    pub fresh: &'a str,
    pub role: &'a AppRole,
    /// Whether what other roles may do is restored too: their names mean nobody in a backup of another stack.
    pub grants: bool,
}

/// Fills a new database from a dump that a program makes meanwhile.
///
/// # Errors
/// E0402 with the words of the program that failed, E0451 for an extension that may not be made.
pub async fn copy(system: &System, dump: &Cmd, target: &RestoreTarget<'_>) -> Result<()> {
    let mut source = system.start(dump)?;
    let mut said = source.stdout.take().context("pg_dump has no output")?;
    drop(source.stdin.take());
    let restored = async {
        let restored = restore(system, &mut said, target).await;
        // A dump that nobody reads on would wait for ever.
        drop(said);
        restored
    };
    match tokio::join!(output(source, "pg_dump"), restored) {
        (Ok(_), restored) => restored,
        (Err(dumped), Ok(())) => Err(dumped),
        (Err(dumped), Err(restored)) => Err(restored.context(format!("{dumped:#}"))),
    }
}

/// Fills a new database from an archive.
///
/// # Errors
/// As [`copy`].
pub async fn restore(
    system: &System,
    source: &mut (impl AsyncRead + Unpin),
    target: &RestoreTarget<'_>,
) -> Result<()> {
    let (head, listed) = head(system, source).await?;
    let contents = Contents::read(&listed);
    let wished = wished(system, &head, &contents).await?;
    let lent = extensions::prepare(system, target.live, target.fresh, target.role, &wished).await?;
    let there = reader::schemas(system, target.fresh).await?;
    let grants = target.grants.then_some(target.role.name.as_str());
    let list = Some(system.ids(&target.role.user)?);
    let kept = contents.kept(&there, grants);
    system
        .write_atomic(RESTORE_LIST, kept.as_bytes(), 0o400, list, &[])
        .await?;
    let list = format!("--use-list={}", system.path(RESTORE_LIST).display());
    let words = [&OPTIONS[..], &["--exit-on-error", &list]].concat();
    let restore = target.role.restore(target.fresh, &words);
    let restored = fed(system, &restore, head, source).await;
    system.remove(RESTORE_LIST)?;
    restored?;
    lent.give_back(system, target.fresh).await
}

/// Everything is the role's, wherever its disk is; policies that are for the owner too are no error to him.
const OPTIONS: [&str; 4] = [
    "--no-owner",
    "--no-tablespaces",
    "--no-security-labels",
    "--enable-row-security",
];

/// The beginning of an archive, as far as its table of contents goes, and that.
async fn head(system: &System, source: &mut (impl AsyncRead + Unpin)) -> Result<(Vec<u8>, String)> {
    let list = client(["pg_restore", "--list"]).user(OWNER);
    let mut child = system.start(&list)?;
    let mut input = child.stdin.take().context("pg_restore has no input")?;
    let read = async {
        let (mut head, mut piece) = (Vec::new(), vec![0; PIECE]);
        loop {
            let length = source.read(&mut piece).await?;
            head.extend_from_slice(&piece[..length]);
            if head.len() > LONGEST {
                return Err(anyhow::anyhow!(
                    "its table of contents is longer than 32 MB"
                ));
            }
            if length == 0 || !says(&mut input, &piece[..length]).await? {
                drop(input);
                return Ok(head);
            }
        }
    };
    let (head, listed) = tokio::try_join!(read, output(child, "pg_restore --list"))?;
    Ok((head, listed))
}

/// The extensions that it wants, as SQL would make them.
async fn wished(system: &System, head: &[u8], contents: &Contents<'_>) -> Result<Vec<Extension>> {
    let list = contents.extensions();
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let own = Some(system.ids(OWNER)?);
    system
        .write_atomic(RESTORE_LIST, list.as_bytes(), 0o400, own, &[])
        .await?;
    let list = format!("--use-list={}", system.path(RESTORE_LIST).display());
    let text = client(["pg_restore", "--schema-only", "--file=-", &list]).user(OWNER);
    let said = fed(system, &text, head.to_vec(), &mut tokio::io::empty()).await?;
    let made = said
        .lines()
        .filter(|line| line.starts_with("CREATE EXTENSION "));
    Ok(made.filter_map(|line| Extension::read(line, 0)).collect())
}

/// Runs a program to its end, all of an archive said to it; what it said.
async fn fed(
    system: &System,
    cmd: &Cmd,
    head: Vec<u8>,
    source: &mut (impl AsyncRead + Unpin),
) -> Result<String> {
    let mut child = system.start(cmd)?;
    let mut input = child.stdin.take().context("pg_restore has no input")?;
    let flow = async {
        let mut goes_on = says(&mut input, &head).await?;
        drop(head);
        let mut piece = vec![0; PIECE];
        while goes_on {
            let length = source.read(&mut piece).await?;
            goes_on = length > 0 && says(&mut input, &piece[..length]).await?;
        }
        drop(input);
        anyhow::Ok(())
    };
    let both = async { tokio::join!(flow, output(child, "pg_restore")) };
    let late = || {
        Fault::new(
            Code::E0405,
            "pg_restore did not end in time and was stopped",
        )
    };
    let (flowed, output) = tokio::time::timeout(WHOLE_WITHIN, both)
        .await
        .map_err(|_| late())?;
    flowed?;
    output
}

/// Whether the program hears on: it may end without reading all of it, and its exit code tells then.
async fn says(input: &mut ChildStdin, bytes: &[u8]) -> Result<bool> {
    match input.write_all(bytes).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn output(child: Child, what: &str) -> Result<String> {
    let output = child.wait_with_output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = words.trim().lines().collect();
    let words = lines[lines.len().saturating_sub(TOLD)..].join("\n");
    let why = format!("`{what}` failed ({}): {words}", output.status);
    Err(Fault::new(Code::E0402, why).into())
}

/// How many lines of a program's words are told.
const TOLD: usize = 12;

/// What is read from a disk and unpacked on the way.
pub struct Unpacked(pub Box<dyn Read>);

impl AsyncRead for Unpacked {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Waker<'_>,
        piece: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let length = self.get_mut().0.read(piece.initialize_unfilled())?;
        piece.advance(length);
        Poll::Ready(Ok(()))
    }
}

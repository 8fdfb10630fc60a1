//! SQL that somebody else wrote, run as the app's role by a psql that takes no commands of its own.

use std::io::Read;

use anyhow::{Context, Result};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::process::ChildStdin;

use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, System};
use crate::storage::dump::{DumpFault, DumpFilter, PIECE, RowCounts, read_piece, refused};

/// How much of an error is told.
const TOLD: usize = 600;

/// Has psql, with these more arguments, run what `flow` says, and gives what came of it. Errors name the line.
///
/// # Errors
/// E0451 when `PostgreSQL` refuses something in it, E0402 when the host's psql cannot be restricted, and whatever `flow` says.
pub async fn run<T>(
    system: &System,
    psql: impl FnOnce(&[&str]) -> Cmd,
    flow: impl AsyncFnOnce(&mut ChildStdin) -> Result<T>,
) -> Result<T> {
    let restrict = restrict(system)?;
    let psql = psql(&["-o", "/dev/null", "-c", &restrict, "-f", "-"]);
    let mut child = system.start(&psql)?;
    let mut input = child.stdin.take().context("psql has no input")?;
    let flowed = async {
        let flowed = flow(&mut input).await;
        drop(input);
        flowed
    };
    let (flowed, output) = tokio::join!(flowed, child.wait_with_output());
    let output = output?;
    match flowed {
        // What the flow itself refuses is not for psql to explain, which was cut off then.
        Err(error) if error.is::<Fault>() => Err(error),
        _ if !output.status.success() => Err(failed(&output.stderr).into()),
        flowed => flowed,
    }
}

/// What may run of a dump goes to the sink.
pub async fn sift(
    mut sieve: DumpFilter,
    read: &mut impl Read,
    sink: &mut (impl AsyncWrite + Unpin),
) -> Result<RowCounts> {
    let (mut piece, mut out) = (vec![0; PIECE], Vec::new());
    loop {
        match read_piece(read, &mut piece)? {
            0 => break,
            length => sieve.push(&piece[..length], &mut out)?,
        }
        sink.write_all(&out).await?;
        out.clear();
    }
    let counts = sieve.end(&mut out)?;
    sink.write_all(&out).await?;
    sink.flush().await?;
    Ok(counts)
}

/// SQL can change what is a text to psql, and then has commands to it where whoever read it saw a text: psql takes none until
/// it hears a word again that the SQL cannot know.
fn restrict(system: &System) -> Result<String> {
    let random = system
        .read_text("/proc/sys/kernel/random/uuid")?
        .context("could not read random bytes from the kernel")?;
    let word: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(format!("\\restrict {word}"))
}

/// Why psql did not take it to its end.
fn failed(stderr: &[u8]) -> Fault {
    let why = words(stderr);
    if !why.contains("invalid command \\restrict") {
        return refused(DumpFault::Statement, why);
    }
    Fault::new(
        Code::E0402,
        "the host's psql is older than 15.14 and would run commands that are hidden in a dump",
    )
    .hint("nothing of the dump was run; update the host's packages, and try again")
}

/// The error among what a program of `PostgreSQL`'s said.
pub fn words(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    let from = said.find("ERROR:").or_else(|| said.find("error:"));
    // `psql:<stdin>:12: ERROR: …`
    let line = from.and_then(|at| {
        said[..at]
            .rsplit("<stdin>:")
            .next()?
            .split(':')
            .next()?
            .parse::<u64>()
            .ok()
    });
    let text: String = said[from.unwrap_or(0)..]
        .trim()
        .chars()
        .take(TOLD)
        .collect();
    match line {
        Some(line) => format!("line {line}: {text}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_line() {
        let psql = b"psql:<stdin>:3: NOTICE:  a\npsql:<stdin>:12: ERROR:  relation \"x\" exists\nLINE 1: b\n";
        assert_eq!(
            words(psql),
            "line 12: ERROR:  relation \"x\" exists\nLINE 1: b"
        );
        let restore = b"pg_restore: error: unsupported version (1.16) in file header\n";
        assert_eq!(
            words(restore),
            "error: unsupported version (1.16) in file header"
        );
        assert_eq!(words(b"killed"), "killed");
    }

    #[test]
    fn a_psql_that_cannot_be_restricted_is_told_as_that() {
        let old = failed(b"psql: error: invalid command \\restrict\nTry \\? for help.\n");
        assert_eq!(old.code, Code::E0402);
        assert_eq!(failed(b"psql:<stdin>:3: ERROR:  x\n").code, Code::E0451);
    }
}

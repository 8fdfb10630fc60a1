//! Programs of a host: by argument list, bounded in time, ended with all that they started.

use std::io::{ErrorKind, Read, Write};
use std::pin::{Pin, pin};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::System;
use super::cmd::{Cmd, GRACE};
use crate::core::error::{Code, Fault};

/// What is passed on to or from a program at a time: the host's memory is small.
const PIECE: usize = 64 * 1024;
/// How much of a program's words goes into an error.
const LAST_LINES: usize = 12;

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    /// The exit code; 128 + the signal when a signal ended it, as shells count.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    what: String,
}

impl Output {
    pub fn ok(&self) -> bool {
        self.code == 0
    }

    /// The output when the program succeeded.
    ///
    /// # Errors
    /// E0402 with the end of what the program said, when it did not.
    pub fn success(self) -> Result<Self> {
        if self.ok() {
            return Ok(self);
        }
        let (what, code, words) = (&self.what, self.code, self.last_words());
        Err(Fault::new(
            Code::E0402,
            format!("`{what}` exited with status {code}: {words}"),
        )
        .into())
    }

    /// The end of what the program said.
    pub fn last_words(&self) -> String {
        let said = if self.stderr.trim().is_empty() {
            &self.stdout
        } else {
            &self.stderr
        };
        tail(said)
    }
}

/// The last lines of a text.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

impl System {
    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it could not be started or did not end in time; its exit code is in the output.
    pub async fn run(&self, cmd: &Cmd) -> Result<Output> {
        let mut child = spawn(cmd, &mut cmd.build(self)?)?;
        if let (Some(bytes), Some(mut pipe)) = (cmd.input(), child.stdin.take()) {
            // A program may end without reading all of it; its exit code tells then.
            match pipe.write_all(bytes).await {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
                _ => drop(pipe),
            }
        }
        let group = child.id();
        let mut waiting = pin!(child.wait_with_output());
        let deadline = cmd.deadline();
        if let Ok(output) = tokio::time::timeout(deadline, &mut waiting).await {
            return Ok(ended(cmd, &output?));
        }
        if let Some(unit) = cmd.unit() {
            // A unit does not end with the program that waits for it.
            let _ = Command::new("systemctl")
                .args(["stop", unit])
                .status()
                .await;
        }
        let output = stop(group, waiting).await;
        let last = output.map(|output| ended(cmd, &output));
        Err(too_long(cmd, deadline, last.as_ref()).into())
    }

    /// Starts a program that is spoken with; it ends when it is dropped.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn start(&self, cmd: &Cmd) -> Result<Child> {
        Ok(spawn(cmd, cmd.build(self)?.stdin(Stdio::piped()))?)
    }

    /// Runs two programs at once, what the first says going into the second, to the end of both.
    ///
    /// # Errors
    /// As `run`, by the longer of their deadlines; E0402 when one of them failed, with the words of whichever did.
    pub async fn pipe(&self, from: &Cmd, into: &Cmd) -> Result<()> {
        let mut source = spawn(from, &mut from.build(self)?)?;
        let stream: Stdio = source
            .stdout
            .take()
            .context("a program has no output")?
            .try_into()?;
        let sink = spawn(into, into.build(self)?.stdin(stream))?;
        let (first, second) = (source.id(), sink.id());
        let both = async { tokio::try_join!(source.wait_with_output(), sink.wait_with_output()) };
        let deadline = from.deadline().max(into.deadline());
        let (first, second) = tokio::time::timeout(deadline, both).await.map_err(|_| {
            kill(first);
            kill(second);
            too_long(into, deadline, None)
        })??;
        match (
            ended(from, &first).success(),
            ended(into, &second).success(),
        ) {
            (Ok(_), Ok(_)) => Ok(()),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Err(first), Err(second)) => Err(second.context(format!("{first:#}"))),
        }
    }

    /// Runs a program to its end, what it says going into `sink` as it comes.
    ///
    /// # Errors
    /// As `run`; E0402 when it failed.
    pub async fn drain(&self, cmd: &Cmd, sink: &mut impl Write) -> Result<()> {
        let mut child = spawn(cmd, &mut cmd.build(self)?)?;
        let group = child.id();
        let mut said = child.stdout.take().context("a program has no output")?;
        let copied = async {
            let mut piece = vec![0; PIECE];
            loop {
                match said.read(&mut piece).await? {
                    0 => return anyhow::Ok(child.wait_with_output().await?),
                    length => sink.write_all(&piece[..length])?,
                }
            }
        };
        let deadline = cmd.deadline();
        let output = tokio::time::timeout(deadline, copied).await.map_err(|_| {
            kill(group);
            too_long(cmd, deadline, None)
        })??;
        ended(cmd, &output).success().map(drop)
    }

    /// Runs a program to its end, with all of `source` said to it; gives what it says.
    ///
    /// # Errors
    /// As `run`; E0402 when it failed.
    pub async fn feed(&self, cmd: &Cmd, source: &mut impl Read) -> Result<Output> {
        let mut child = spawn(cmd, cmd.build(self)?.stdin(Stdio::piped()))?;
        let group = child.id();
        let mut ear = child.stdin.take().context("a program has no input")?;
        let fed = async {
            let mut piece = vec![0; PIECE];
            loop {
                let length = source.read(&mut piece)?;
                // A program may end without reading all of it; its exit code tells then.
                match ear.write_all(&piece[..length]).await {
                    Ok(()) if length > 0 => {}
                    Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
                    _ => break,
                }
            }
            drop(ear);
            Ok(())
        };
        let both = async { tokio::try_join!(fed, child.wait_with_output()) };
        let deadline = cmd.deadline();
        let ((), output) = tokio::time::timeout(deadline, both).await.map_err(|_| {
            kill(group);
            too_long(cmd, deadline, None)
        })??;
        ended(cmd, &output).success()
    }
}

fn spawn(cmd: &Cmd, command: &mut Command) -> Result<Child, Fault> {
    command.spawn().map_err(|error| {
        let what = cmd.line();
        Fault::new(
            Code::E0404,
            format!("`{what}` could not be started: {error}"),
        )
    })
}

/// Ends a program and what it has started: it is told to, and who does not listen is killed. What it said until then, when
/// it did end.
async fn stop(
    group: Option<u32>,
    mut waiting: Pin<&mut impl Future<Output = std::io::Result<std::process::Output>>>,
) -> Option<std::process::Output> {
    let group = Pid::from_raw(group?.cast_signed());
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        // A group that is gone needs no ending.
        let _ = killpg(group, signal);
        if let Ok(output) = tokio::time::timeout(GRACE, &mut waiting).await {
            return output.ok();
        }
    }
    None
}

/// Ends a program at once that is in the middle of what it says or is told, and what it has started.
fn kill(group: Option<u32>) {
    if let Some(group) = group {
        // One that is gone needs no ending.
        let _ = killpg(Pid::from_raw(group.cast_signed()), Signal::SIGKILL);
    }
}

fn too_long(cmd: &Cmd, deadline: Duration, last: Option<&Output>) -> Fault {
    let (what, seconds) = (cmd.line(), deadline.as_secs());
    // A program may say on the one why it waits, and on the other that it was told to end.
    let words = last.map_or(String::new(), |last| {
        tail(&format!("{}\n{}", last.stdout, last.stderr))
    });
    let message = format!("`{what}` did not finish within {seconds} s and was stopped: {words}");
    Fault::new(Code::E0405, message.trim_end_matches([':', ' ']))
}

fn ended(cmd: &Cmd, output: &std::process::Output) -> Output {
    let code = exit_code(output.status);
    let mut stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if let Some(why) = cmd.why_not_started(code).filter(|_| stderr.is_empty()) {
        why.clone_into(&mut stderr);
    }
    Output {
        code,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr,
        what: cmd.line(),
    }
}

fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use super::*;

    /// Whether a process has this among its arguments.
    fn runs(mark: &str) -> bool {
        fs::read_dir("/proc").unwrap().any(|entry| {
            let line = fs::read_to_string(entry.unwrap().path().join("cmdline"));
            line.is_ok_and(|line| line.contains(mark))
        })
    }

    #[tokio::test]
    async fn two_that_take_too_long_are_stopped_with_what_they_started() {
        let marks = [1001, 1002].map(|seconds| format!("{seconds}.{}", std::process::id()));
        let [from, into] = marks.each_ref().map(|mark| {
            Cmd::new(["sh", "-c", &format!("sleep {mark} & wait")])
                .within(Duration::from_millis(300))
        });
        let error = System::host().pipe(&from, &into).await.unwrap_err();
        assert!(error.to_string().contains("was stopped"), "{error}");
        // The kernel takes away who was killed in its own time.
        let begun = Instant::now();
        while marks.iter().any(|mark| runs(mark)) {
            assert!(begun.elapsed() < Duration::from_mins(1), "they run on");
        }
    }

    #[tokio::test]
    async fn what_takes_too_long_is_stopped_with_what_it_started() {
        let mark = format!("1000.{}", std::process::id());
        let cmd = Cmd::new(["sh", "-c", &format!("sleep {mark} & wait")])
            .within(Duration::from_millis(300));
        let error = System::host().run(&cmd).await.unwrap_err().to_string();
        assert!(
            error.ends_with("did not finish within 0 s and was stopped"),
            "{error}"
        );
        assert!(!runs(&mark));
    }
}

//! A program on the host that speaks with the operator instead of with us, and a port of this machine that leads there.

use std::process::ExitStatus;

use anyhow::{Context, Result};
use openssh::{ForwardType, Socket, Stdio};
use tokio::io::{AsyncRead, BufReader};

use super::wire::{self, LogEnd};
use super::{Remote, reason};
use crate::core::error::{Code, Fault};
use crate::core::shell;
use crate::core::value::Port;

/// What a program on the host prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostStream {
    Output,
    Errors,
}

/// Which streams of the program are this command's own, byte by byte; of the others each line is told.
#[derive(Clone, Copy, Debug)]
pub struct LocalStreams {
    pub output: bool,
    pub errors: bool,
}

/// What a port of this machine leads to on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tunnel {
    Port(Port),
    Socket(String),
}

/// As a shell says that there is no such program.
const NOT_FOUND: u8 = 127;

impl Remote {
    /// Runs a program with this command's input, and gives its exit code.
    ///
    /// # Errors
    /// E0501 when the connection is lost before it ends.
    pub async fn pass(
        &self,
        argv: &[&str],
        streams: LocalStreams,
        tell: &impl Fn(HostStream, &str),
    ) -> Result<u8> {
        let own = |is_own| {
            if is_own {
                Stdio::inherit()
            } else {
                Stdio::piped()
            }
        };
        let mut child = self
            .command(argv)
            .stdin(Stdio::inherit())
            .stdout(own(streams.output))
            .stderr(own(streams.errors))
            .spawn()
            .await
            .map_err(|error| reason::no_session(&error))?;
        let (output, errors) = (child.stdout().take(), child.stderr().take());
        let (output, errors) = tokio::join!(
            told(output, HostStream::Output, tell),
            told(errors, HostStream::Errors, tell)
        );
        let code = exit_code(child.wait().await)?;
        output.and(errors).map(|()| code)
    }

    /// Gives this terminal to a program, until it ends. Nobody filters what it writes there.
    ///
    /// # Errors
    /// E0404 when `ssh` cannot be started.
    pub async fn pass_terminal(&self, argv: &[&str]) -> Result<u8> {
        let sudo: &[&str] = if self.sudo { &["sudo", "-n"] } else { &[] };
        let mut child = tokio::process::Command::new("ssh")
            .args(["-t", "-o", "LogLevel=ERROR", "-F"])
            .arg(self.target.ssh_config())
            .arg("-S")
            .arg(self.session.control_socket())
            .args(self.target.ssh_arguments())
            .arg(shell::line(&[sudo, argv].concat()))
            .spawn()
            .map_err(|error| {
                Fault::new(Code::E0404, format!("`ssh` could not be started: {error}"))
                    .hint("install the OpenSSH client on this machine")
            })?;
        loop {
            tokio::select! {
                ended = child.wait() => return Ok(code_of(ended.context("could not wait for `ssh`")?)),
                // The keys are the program's, Ctrl-C too.
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    }

    /// A port of this machine leads to the host, for as long as the connection is there.
    ///
    /// # Errors
    /// E0805 when nothing can listen at the port.
    pub async fn tunnel(&self, local: Port, to: &Tunnel) -> Result<()> {
        let to = match to {
            Tunnel::Port(port) => Socket::TcpSocket {
                host: LOOPBACK.into(),
                port: **port,
            },
            Tunnel::Socket(path) => Socket::UnixSocket {
                path: std::path::Path::new(path).into(),
            },
        };
        let here = Socket::TcpSocket {
            host: LOOPBACK.into(),
            port: *local,
        };
        let taken = |why: String| {
            Fault::new(
                Code::E0805,
                format!("port {local} of this machine cannot be listened on: {why}"),
            )
            .hint("choose another one: the first number of `proxy LOCAL:REMOTE`")
        };
        // ssh says only that it failed.
        drop(
            std::net::TcpListener::bind((LOOPBACK, *local))
                .map_err(|error| taken(error.to_string()))?,
        );
        let asked = self
            .session
            .request_port_forward(ForwardType::Local, here, to);
        Ok(asked.await.map_err(|error| taken(error.to_string()))?)
    }

    /// Ends the connection with all that goes through it. Closing it would leave its ports open for as long as somebody uses them.
    pub async fn hang_up(self) {
        let mut exit = tokio::process::Command::new("ssh");
        exit.args(["-O", "exit", "-F"])
            .arg(self.target.ssh_config())
            .arg("-S")
            .arg(self.session.control_socket())
            .args(self.target.ssh_arguments())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        // One that cannot be told ends by itself.
        let _ = exit.status().await;
    }

    /// Waits for the end of the connection.
    pub async fn lost(&self) -> Result<()> {
        let waits = self
            .command(&["cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .await;
        let mut child = waits.map_err(|error| reason::no_session(&error))?;
        // It reads as long as somebody could write.
        let _stdin = child.stdin().take();
        let _ = child.wait().await;
        Err(lost().into())
    }
}

/// What the forwarded ports listen on, on both sides.
const LOOPBACK: &str = "127.0.0.1";

async fn told(
    from: Option<impl AsyncRead + Unpin>,
    stream: HostStream,
    tell: &impl Fn(HostStream, &str),
) -> Result<()> {
    let Some(from) = from else { return Ok(()) };
    wire::tell_lines(BufReader::new(from), LogEnd::Never, &mut |line| {
        tell(stream, line);
    })
    .await
}

fn lost() -> Fault {
    Fault::new(Code::E0501, "the connection to the host was lost").hint("run the command again")
}

fn exit_code(ended: Result<ExitStatus, openssh::Error>) -> Result<u8> {
    match ended {
        Ok(status) => Ok(code_of(status)),
        // The code for "not found" is an error of openssh.
        Err(openssh::Error::Remote(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(NOT_FOUND)
        }
        Err(_) => Err(lost().into()),
    }
}

/// Who was ended by a signal has none of its own.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(u8::MAX)
}

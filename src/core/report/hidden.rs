//! A line that is typed and not shown.

use std::io::{self, Write};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use crate::core::plain;

/// The terminal shows nothing of what is typed until this is dropped.
struct EchoOff {
    before: Termios,
}

impl EchoOff {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        quiet.local_flags.insert(LocalFlags::ECHONL);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // Where the terminal is gone, nothing is left to show.
        let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.before);
    }
}

/// Asks for it. A signal that would end the command leaves the terminal as it was.
///
/// # Errors
/// When there is no terminal, or the question was broken off.
pub async fn ask(question: &str) -> io::Result<String> {
    let _quiet = EchoOff::begin()?;
    let mut err = io::stderr();
    write!(err, "{} ", plain::lines(question))?;
    err.flush()?;
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).map(|_| line);
        // Nobody waits for it any more after a Ctrl-C.
        let _ = tell.send(read);
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let line = tokio::select! {
        line = told => line.map_err(io::Error::other)??,
        _ = tokio::signal::ctrl_c() => return Err(io::ErrorKind::Interrupted.into()),
        _ = terminate.recv() => return Err(io::ErrorKind::Interrupted.into()),
        _ = hangup.recv() => return Err(io::ErrorKind::Interrupted.into()),
    };
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

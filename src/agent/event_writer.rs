//! What the agent says.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;

use anyhow::Result;

use super::operator_input::HEARD_WITHIN;
use crate::protocol::{ALIVE_EVERY, FromAgent};

/// Stdout from a thread of its own: a connection that hangs must not hold up the work.
pub struct EventWriter {
    lines: Sender<FromAgent>,
    done: Receiver<()>,
}

impl EventWriter {
    pub fn start() -> Self {
        let (lines, queue) = channel::<FromAgent>();
        let (finished, done) = channel();
        thread::spawn(move || {
            while let Some(message) = next(&queue) {
                if speak(&message).is_err() {
                    break; // Nobody listens any more; the journal has it.
                }
            }
            let _ = finished.send(());
        });
        Self { lines, done }
    }

    pub fn say(&self, message: FromAgent) {
        // Fails only when the thread has ended because nobody listens.
        let _ = self.lines.send(message);
    }

    pub fn finish(self) {
        drop(self.lines);
        let _ = self.done.recv_timeout(HEARD_WITHIN);
    }
}

/// What is to be said next: after a while of silence that the agent lives. None when all is said.
fn next(queue: &Receiver<FromAgent>) -> Option<FromAgent> {
    match queue.recv_timeout(ALIVE_EVERY) {
        Ok(message) => Some(message),
        Err(RecvTimeoutError::Timeout) => Some(FromAgent::Alive),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

fn speak(message: &FromAgent) -> Result<()> {
    let line = message.line()?;
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

//! What the agent says.

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::Result;

use super::operator_input::HEARD_WITHIN;
use crate::protocol::FromAgent;

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
            for message in queue {
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

fn speak(message: &FromAgent) -> Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

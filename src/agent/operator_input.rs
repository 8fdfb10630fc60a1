//! What the agent hears while it works.

use std::io::{BufRead, BufReader, Stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::protocol::ToAgent;

/// How long the agent waits for the operator to say that the end was read.
pub const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// Stdin on a thread of its own: the work must not wait for anybody.
pub struct OperatorInput {
    halted: Arc<AtomicBool>,
    begin: Receiver<()>,
    heard: Receiver<()>,
}

impl OperatorInput {
    pub fn open(mut input: BufReader<Stdin>) -> Self {
        let halted = Arc::new(AtomicBool::new(false));
        let (tell_begin, begin) = channel();
        let (tell, heard) = channel();
        let halt = Arc::clone(&halted);
        thread::spawn(move || {
            let mut line = String::new();
            // What cannot be read is the end of the connection, or of nobody's interest here.
            while input.read_line(&mut line).is_ok_and(|length| length > 0) {
                match serde_json::from_str(&line) {
                    Ok(ToAgent::Halt) => halt.store(true, Ordering::Relaxed),
                    Ok(ToAgent::Begin) => {
                        let _ = tell_begin.send(());
                    }
                    Ok(ToAgent::Heard) => {
                        // Nobody waits any more when this comes late.
                        let _ = tell.send(());
                    }
                    _ => {}
                }
                line.clear();
            }
        });
        Self {
            halted,
            begin,
            heard,
        }
    }

    /// Whether the operator asked to stop.
    pub fn halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }

    /// Whether the operator's side lets the run begin in time. One that is gone does not.
    pub fn may_begin(&self, within: Duration) -> bool {
        self.begin.recv_timeout(within + HEARD_WITHIN).is_ok() && !self.halted()
    }

    /// Whether the operator's side says in time that it has read the end, beside what else it has to do.
    pub fn heard(&self, beside: Duration) -> bool {
        self.heard.recv_timeout(HEARD_WITHIN + beside).is_ok()
    }
}

//! The host's side of a run: the agent, the dead man's switch, jobs that timers start.

mod attach;
mod described;
mod event_writer;
pub mod guard;
mod operator_input;
mod record;
pub mod scheduled;
pub mod serve;
mod told;
mod unfinished;
pub mod watch;

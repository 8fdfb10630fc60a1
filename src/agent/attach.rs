//! Listening to a run that is under way, or that nobody heard the end of.

use std::time::Duration;

use anyhow::Result;

use super::event_writer::EventWriter;
use super::operator_input::OperatorInput;
use crate::core::error::{Code, Fault};
use crate::core::event::{Event, RunPoint};
use crate::host::journal::{self, Journal};
use crate::host::lock;
use crate::host::system::System;
use crate::protocol::FromAgent;

/// Between two looks at the journal: a person watches, and steps take longer.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Tells the newest run from its start to its end, as it is written.
///
/// # Errors
/// E0515 when there was none, E0517 when it was cut off.
pub async fn follow(system: &System, writer: &EventWriter, input: &OperatorInput) -> Result<()> {
    let mut told = 0;
    loop {
        // Asked before the journal is read: a run that ends in between has written its end by then.
        let busy = lock::is_held(system)?;
        let events = journal::newest(system)?;
        for event in &events[told.min(events.len())..] {
            writer.say(FromAgent::Event(Box::new(event.clone())));
        }
        told = events.len();
        match events
            .iter()
            .find(|event| matches!(event, Event::End { .. }))
        {
            Some(Event::End { point, .. }) => return heard(system, input, point, busy),
            _ if busy => {}
            _ => return Err(cut_off(&events).into()),
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// The journal is the run's own while it holds the lock; then it notes who read the end itself.
fn heard(system: &System, input: &OperatorInput, end: &RunPoint, busy: bool) -> Result<()> {
    if input.heard(Duration::ZERO) && !busy {
        let point = end.later();
        Journal::open(system)?.keep(&Event::Heard { point })?;
    }
    Ok(())
}

fn cut_off(events: &[Event]) -> Fault {
    let last = events.iter().rev().find_map(|event| match event {
        Event::Begin { label, .. } => Some(&label.name),
        _ => None,
    });
    match (events.is_empty(), last) {
        (true, _) => Fault::new(Code::E0515, "nothing ran on the host yet"),
        (false, step) => Fault::new(
            Code::E0517,
            format!(
                "the last run was interrupted at \"{}\" and is not running",
                step.map_or("its start", String::as_str)
            ),
        )
        .hint("`citrino-ops deploy --resume` finishes it, `citrino-ops deploy --abort` undoes it"),
    }
}

//! Events as lines for people.

use super::Verbosity;
use super::printer::{Piece, Printer, RefusalLines};
use super::words::{beside, effect, mark, measured, name_width, seen, size, sum, took};
use crate::core::event::{Act, Change, Counts, ErrorInfo, Event, Figure, Label, StepState};
use crate::core::plain;

/// How a step ended, as its line tells it.
struct Ended<'e> {
    label: &'e Label,
    state: StepState,
    took_ms: u64,
    change: Option<&'e Change>,
    figure: Option<&'e Figure>,
    error: Option<&'e ErrorInfo>,
}

/// Whether a figure belongs to what a row says: one within its limit is not why a check failed.
fn explains(state: StepState, figure: &Figure) -> bool {
    let is_within = figure.limit.is_some_and(|limit| figure.value <= limit);
    state != StepState::Differs || !is_within
}

impl Printer {
    /// The line of an event. The first error of a run is told once, at its end; the others, and
    /// those of an undo, here.
    pub fn human(&mut self, event: Event, is_told_at_end: bool) {
        match event {
            Event::Begin { n, label, .. } => {
                self.spin(format!("{n:>3} "), &format!("{}…", label.name));
            }
            Event::Step {
                label,
                state,
                took_ms,
                change,
                figure,
                error,
                ..
            } => {
                let error = error.as_ref();
                let is_told_here = match self.refusal {
                    Some(lines) => lines == RefusalLines::ReasonBelow,
                    None => self.checklist || !is_told_at_end,
                };
                self.rest();
                self.step(&Ended {
                    label: &label,
                    state,
                    took_ms,
                    change: change.as_ref(),
                    figure: figure.as_ref(),
                    error: error.filter(|_| is_told_here),
                });
            }
            Event::Audit(line) => {
                let is_whole = self.volume == Verbosity::Verbose;
                self.line(&line.told(is_whole));
            }
            Event::Alarm { error, .. } => self.alarm(&error),
            event if self.volume > Verbosity::Quiet => self.aside(event),
            _ => {}
        }
    }

    /// What who asked for quiet does not hear.
    fn aside(&mut self, event: Event) {
        match event {
            Event::Outage { outage, .. } => self.line(&seen(&outage)),
            Event::Sent {
                bytes,
                of_bytes,
                base,
                ..
            } => {
                let (sent, whole) = (size(bytes), size(of_bytes));
                let line = match base {
                    Some(base) => format!("sent {sent} of {whole} (a patch against {base})"),
                    None => format!("sent {sent} ({whole} uncompressed)"),
                };
                self.line(&line);
            }
            Event::Note { text, .. } => self.line(&text),
            _ => {}
        }
    }

    fn step(&mut self, step: &Ended<'_>) {
        let is_shown = match step.state {
            StepState::Same => match self.volume {
                Verbosity::Quiet => false,
                Verbosity::Normal => self.checklist,
                Verbosity::Verbose => true,
            },
            // Of a checklist that is what was asked for.
            StepState::Differs if self.checklist => true,
            StepState::Changed | StepState::Differs => {
                self.volume > Verbosity::Quiet && self.refusal.is_none()
            }
            StepState::Failed => true,
        };
        if !is_shown {
            return;
        }
        let undo = if step.label.undo { "undo: " } else { "" };
        let name = format!("{undo}{}", plain::line(&step.label.name));
        let beside = match (step.state, step.change) {
            (StepState::Differs, Some(change)) => beside(&name, change),
            _ => None,
        };
        self.step_line(step, &name, beside);
        let is_told = |change: &&Change| {
            let is_gone = change.act == Act::Delete;
            step.state == StepState::Differs || self.volume == Verbosity::Verbose || is_gone
        };
        if let Some(change) = step.change.filter(is_told) {
            let figure = step.figure.filter(|figure| explains(step.state, figure));
            self.change(change, beside.is_none() || figure.is_some());
        }
        if let Some(error) = step.error {
            self.line(&format!("    {}", error.message.replace('\n', "\n    ")));
        }
    }

    /// A single difference stands `beside` the name, when a line has room for both.
    fn step_line(&mut self, step: &Ended<'_>, name: &str, beside: Option<&str>) {
        let (mark, colour) = match step.state {
            StepState::Same => ("✓", "32"),
            StepState::Changed => ("✓", "33"),
            StepState::Differs if self.checklist => ("✗", "31"),
            StepState::Differs => step.change.map_or(("±", "33"), |change| mark(change.act)),
            StepState::Failed => ("✗", "31"),
        };
        let took = match step.state {
            StepState::Same | StepState::Differs => String::new(),
            // Nothing ran that could have taken time.
            StepState::Failed if self.refusal.is_some() => String::new(),
            StepState::Changed | StepState::Failed => format!("{:>8}", took(step.took_ms)),
        };
        let figure = step.figure.filter(|figure| explains(step.state, figure));
        let (tail, dim) = match (figure, beside) {
            (Some(figure), _) => (measured(figure), ""),
            (None, Some(what)) => (what.to_owned(), ""),
            (None, None) => (took, "2"),
        };
        let width = if beside.is_some() {
            0
        } else {
            name_width(super::width())
        };
        let part = plain::line(&step.label.part);
        let column = Label::PART_WIDTH;
        let row = format!(" {part:<column$} {name:<width$}  ");
        let row = if tail.is_empty() {
            row.trim_end()
        } else {
            &row
        };
        self.pieces(&[
            Piece::new(mark, colour),
            Piece::from(row),
            Piece::new(&plain::line(tail.trim_end()), dim),
        ]);
    }

    fn change(&mut self, change: &Change, lists: bool) {
        for what in change.what.iter().filter(|_| lists) {
            self.line(&format!("    {}", what.replace('\n', "\n    ")));
        }
        for effect in change.effects.iter().filter_map(effect) {
            self.line(&format!("    {}", plain::line(&effect)));
        }
        for line in change.diff.iter().flat_map(|diff| diff.lines()) {
            let colour = match line.chars().next() {
                Some('+') => "32",
                Some('-') => "31",
                _ => "2",
            };
            self.pieces(&[Piece::from("    "), Piece::new(line, colour)]);
        }
    }

    /// Tells an event of a run that is over, with its time.
    pub fn past(&mut self, event: Event) {
        if let Some(row) = past(event) {
            self.line(row.trim_end());
        }
    }
}

/// An event of a run that is over, as a line; with what failed below it, where that has several.
fn past(event: Event) -> Option<String> {
    let in_line = |text: String| Some(plain::line(&text).into_owned());
    match event {
        Event::Start {
            point,
            verb,
            who,
            applies,
            note,
            ..
        } => {
            let way = if applies { "" } else { " (check only)" };
            let note = note.map(|note| format!(": {note}"));
            in_line(format!(
                "{}  {verb}{way} by {who}, run {}{}",
                point.at,
                point.run,
                note.unwrap_or_default()
            ))
        }
        Event::Step {
            point,
            label,
            state,
            took_ms,
            error,
            ..
        } => {
            let state = format!("{state:?}").to_lowercase();
            let step = format!(
                "{}    {state:<8} {:<column$} {}",
                point.at,
                label.part,
                label.name,
                column = Label::PART_WIDTH
            );
            let why = error.map(|error| format!(": {}", error.message.replace('\n', "\n    ")));
            let (why, took) = (why.unwrap_or_default(), took(took_ms));
            Some(format!("{}{why}  {took}", plain::line(&step)))
        }
        Event::Outage { point, outage } => in_line(format!("{}    {}", point.at, seen(&outage))),
        Event::Halted { point, name, .. } => {
            in_line(format!("{}    stopped before \"{name}\"", point.at))
        }
        Event::End { point, tally } => {
            in_line(format!("{}  {}", point.at, sum(&tally, &Counts::default())))
        }
        _ => None,
    }
}

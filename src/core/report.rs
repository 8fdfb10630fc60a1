//! The one place that prints: events become lines for people, or JSON lines for programs.

mod hidden;
mod lines;
mod printer;
pub mod questions;
mod run_state;
mod table;
mod waiting;
mod words;

use std::io::IsTerminal;

use crate::core::datum::Datum;
use crate::core::error::{Fault, error_info, exit};
use crate::core::event::{Counts, ErrorInfo, Event, Outage, now};
use printer::{Piece, Printer, RefusalLines};
use run_state::RunState;
pub use table::{ListTable, TableHead, TableRow};
pub use words::{figured, size};

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// Takes what is waited for, and its progress in percent.
pub type Progress = Box<dyn Fn(&str, i64)>;

/// The width of the terminal, as far as it is good to read; the common one where there is none.
pub fn width() -> usize {
    const COMMON: usize = 80;
    let terminal = terminal_size::terminal_size();
    terminal.map_or(COMMON, |(width, _)| usize::from(width.0).clamp(40, 100))
}

/// Prints what happens, and keeps what the end of a command needs of it.
pub struct Report {
    state: RunState,
    printer: Printer,
    /// What stands for `citrino-ops` in a command that is to be typed.
    typed: Option<String>,
    /// Comes before whatever is told next.
    first: Option<String>,
}

impl Report {
    pub fn new(json: bool, volume: Verbosity) -> Self {
        Self {
            state: RunState::default(),
            printer: Printer::new(json, volume),
            typed: None,
            first: None,
        }
    }

    /// From now on commands that are to be typed begin like this one, as `citrino-ops -c other.yml`: typed
    /// without it they would act on another stack.
    pub fn typed_as(&mut self, typed: String) {
        self.typed = Some(typed);
    }

    fn as_typed(&self, text: String) -> String {
        match &self.typed {
            Some(typed) => text.replace("`citrino-ops ", &format!("`{typed} ")),
            None => text,
        }
    }

    fn told(&self, mut error: ErrorInfo) -> ErrorInfo {
        error.hint = error.hint.map(|hint| self.as_typed(hint));
        error
    }

    /// How wide lines are that people read.
    pub fn width(&self) -> usize {
        if self.printer.json {
            usize::MAX
        } else {
            width()
        }
    }

    /// Whether each thing is told in detail: it was asked for, or a program reads it.
    pub fn is_detailed(&self) -> bool {
        self.printer.json || self.printer.volume == Verbosity::Verbose
    }

    /// Whether a program reads what is printed.
    pub fn is_for_programs(&self) -> bool {
        self.printer.json
    }

    /// A line that a program of the host printed for its errors.
    pub fn complaint(&mut self, line: &str) {
        self.printer.complaint(line);
    }

    /// Whether more is printed than what was asked for.
    pub fn is_told(&self) -> bool {
        self.printer.json || self.printer.volume > Verbosity::Quiet
    }

    /// Prints one event.
    pub fn tell(&mut self, event: Event) {
        self.tell_first();
        self.state.fold(&event);
        let event = match event {
            Event::Note { at, text } => Event::Note {
                at,
                text: self.as_typed(text),
            },
            Event::Alarm { at, error } => Event::Alarm {
                at,
                error: self.told(error),
            },
            Event::Step {
                point,
                n,
                label,
                state,
                took_ms,
                change: Some(mut change),
                figure,
                error,
            } => {
                // A checklist says what to type.
                let what = change.what.into_iter().map(|what| self.as_typed(what));
                change.what = what.collect();
                Event::Step {
                    point,
                    n,
                    label,
                    state,
                    took_ms,
                    change: Some(change),
                    figure,
                    error,
                }
            }
            event => event,
        };
        if self.printer.json {
            self.printer.json_line(&event);
        } else {
            self.printer.human(event, self.state.is_told_at_end);
        }
    }

    /// Tells an event of a run that is over, with its time.
    pub fn past(&mut self, event: Event) {
        if self.printer.json {
            self.printer.json_line(&event);
        } else {
            self.printer.past(event);
        }
    }

    /// When the newest run started, RFC 3339 by the clock of its world; empty when there was none.
    pub fn begun(&self) -> &str {
        &self.state.begun
    }

    /// The first step that failed since the last time, for the error that the verb ends with.
    pub fn take_failure(&mut self) -> Option<Fault> {
        self.state.failure.take()
    }

    /// The same of the steps that undo.
    pub fn take_undo_failure(&mut self) -> Option<Fault> {
        self.state.undo_failure.take()
    }

    /// What users noticed since it was last asked for: a watch with failed requests.
    pub fn take_noticed(&mut self) -> Option<Outage> {
        self.state.noticed.take()
    }

    /// What was printed so far was a preview: it does not count in the sum at the end.
    pub fn forget_preview(&mut self) {
        self.state.forget_preview();
    }

    /// What the steps that differ would do: `5 to create, 1 to change`.
    pub fn prospect(&self) -> String {
        self.state.prospect()
    }

    /// What was looked at is refused, by this many steps: the others have no line from now on.
    pub fn as_refusal(&mut self, steps: usize) {
        self.printer.refusal = Some(if steps > 1 {
            RefusalLines::ReasonBelow
        } else {
            RefusalLines::ReasonAtEnd
        });
    }

    /// What was done only tested something: the sum at the end says so.
    pub fn as_test(&mut self) {
        self.state.is_test = true;
    }

    /// Whether a person is there to be asked.
    pub fn can_ask(&self) -> bool {
        self.printer.can_ask()
    }

    /// Asks a person, and gives the line that was typed.
    pub async fn ask(&mut self, question: &str) -> std::io::Result<String> {
        self.printer.ask(question).await
    }

    /// Asks a person for something that nobody may read over a shoulder.
    ///
    /// # Errors
    /// When there is no terminal, or a signal came meanwhile.
    pub async fn ask_hidden(&mut self, question: &str) -> std::io::Result<String> {
        self.printer.clear();
        hidden::ask(question).await
    }

    /// How far something is that takes its time, drawn where a person watches.
    pub fn progress(&self) -> Progress {
        self.printer.progress()
    }

    /// Something that was asked for: data for a program, a line for a person. It is printed at any volume.
    pub fn datum(&mut self, datum: Datum, line: &str) {
        self.tell_first();
        if self.printer.json {
            self.printer.json_line(&Event::Datum { at: now(), datum });
        } else {
            let line = self.as_typed(line.trim_end().to_owned());
            self.printer.line(&line);
        }
    }

    /// The same of a list: a row each.
    pub fn table(&mut self, table: &ListTable) {
        self.tell_first();
        if self.printer.json {
            for datum in table.data().cloned() {
                self.printer.json_line(&Event::Datum { at: now(), datum });
            }
        } else if !table.is_empty() {
            // A pipe has no width: there a row is a line, and can be looked for.
            let is_watched = std::io::stdout().is_terminal();
            let width = if is_watched { width() } else { usize::MAX };
            for line in table.lines(width) {
                self.printer.line(&line);
            }
        }
    }

    /// A note that comes before whatever is told next. A command that ends because of another run has said it
    /// with its error.
    pub fn note_first(&mut self, text: impl Into<String>) {
        self.first = Some(text.into());
    }

    fn tell_first(&mut self) {
        if let Some(text) = self.first.take() {
            self.note(text);
        }
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.tell(Event::note(text));
    }

    /// From now on every step has a line, as in a list that is ticked off.
    pub fn as_checklist(&mut self) {
        self.state.counts_checks = true;
        self.printer.checklist = true;
    }

    /// Shows what is waited for, until the next line.
    pub fn waiting(&mut self, text: impl Into<String>) {
        self.printer
            .spin(String::new(), &format!("{}…", text.into()));
    }

    /// Nothing is waited for any more: what stood for it goes.
    pub fn rest(&mut self) {
        self.printer.clear();
    }

    /// A heading of a part of the output.
    pub fn heading(&mut self, text: &str) {
        if !self.printer.json && self.printer.volume > Verbosity::Quiet {
            self.printer.pieces(&[Piece::new(text, "1")]);
        }
    }

    /// The end of every command: the error once, or the sum.
    pub fn finish(mut self, verb: &str, exit: u8, error: Option<&anyhow::Error>) {
        if exit != exit::LOCKED {
            self.tell_first();
        }
        self.printer.clear();
        let error = error.map(|error| self.told(error_info(error)));
        if self.printer.json {
            self.printer.json_line(&Event::Summary {
                at: now(),
                verb: verb.to_owned(),
                exit,
                tally: self.state.tally,
                sent_bytes: self.state.sent_bytes,
                error,
            });
        } else if let Some(error) = error {
            self.printer.complain("error", &error);
        } else if self.state.tally != Counts::default() && self.printer.volume > Verbosity::Quiet {
            let sum = self.state.sum();
            self.printer.line(&sum);
        }
    }
}

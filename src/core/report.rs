//! The one place that prints: events become lines for people, or JSON lines for programs.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::core::error::{Code, Fault, error_info};
use crate::core::event::{
    Act, Change, Counts, ErrorInfo, Event, Figure, Label, Outage, State, now,
};

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    Quiet,
    Normal,
    Verbose,
}

/// Takes what is waited for, and its progress in percent.
pub type Progress = Box<dyn Fn(&str, i64)>;

/// The common width of a terminal.
const LINE_WIDTH: usize = 80;
/// Beside the longest figure with its limit a name of this width fits a line.
const NAME_WIDTH: usize = 36;

/// Prints what happens. Progress is drawn only where a person watches.
pub struct Report {
    json: bool,
    volume: Volume,
    colour: bool,
    bar: ProgressBar,
    tally: Counts,
    /// Of releases, as they went over the wire.
    sent_bytes: u64,
    /// When the newest run started, RFC 3339 by the clock of its world; empty when there was none.
    begun: String,
    /// How many of the steps that differ would do what.
    acts: BTreeMap<Act, usize>,
    /// The first step that failed since it was last asked for.
    failure: Option<Fault>,
    /// The same of the steps that undo.
    undo_failure: Option<Fault>,
    /// The requests that failed during a run.
    noticed: Option<Outage>,
    /// Whether unchanged steps have a line too, as in a checklist.
    checklist: bool,
    /// Whether the error of the newest step is printed at the end of the command.
    told_last: bool,
}

impl Report {
    pub fn new(json: bool, volume: Volume) -> Self {
        let watched = std::io::stderr().is_terminal() && !json && volume != Volume::Quiet;
        let bar = ProgressBar::no_length();
        bar.set_draw_target(if watched {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}{msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            json,
            volume,
            colour,
            bar,
            tally: Counts::default(),
            sent_bytes: 0,
            begun: String::new(),
            acts: BTreeMap::new(),
            failure: None,
            undo_failure: None,
            noticed: None,
            checklist: false,
            told_last: false,
        }
    }

    /// Prints one event.
    pub fn tell(&mut self, event: Event) {
        match &event {
            Event::Start { at, .. } => at.clone_into(&mut self.begun),
            Event::End { tally, .. } => self.tally.add(*tally),
            Event::Sent { bytes, .. } => self.sent_bytes += bytes,
            Event::Step {
                label,
                error: Some(error),
                ..
            } => self.told_last = self.remember(label, error),
            Event::Step {
                state: State::Differs,
                change: Some(change),
                ..
            } => *self.acts.entry(change.act).or_default() += 1,
            Event::Halted { name, .. } => {
                let message = format!("stopped before \"{name}\", and undone");
                self.failure.get_or_insert(Fault::new(Code::E0804, message));
            }
            Event::Outage { outage, .. } if outage.failed > 0 => {
                self.noticed.get_or_insert_with(|| outage.clone());
            }
            _ => {}
        }
        if self.json {
            self.json_line(&event);
        } else {
            self.human(event);
        }
    }

    /// Keeps the first error of a run for its end; a run that only looks goes on and may have more.
    fn remember(&mut self, label: &Label, error: &ErrorInfo) -> bool {
        let is_first = !label.undo && self.failure.is_none();
        let place = if label.undo {
            &mut self.undo_failure
        } else {
            &mut self.failure
        };
        place.get_or_insert_with(|| {
            let mut fault = Fault::from(error.clone());
            fault.message = format!("{}: {}", label.name, fault.message);
            fault
        });
        is_first
    }

    /// When the newest run began, RFC 3339 by the clock of its world; empty when there was none.
    pub fn begun(&self) -> &str {
        &self.begun
    }

    /// The first step that failed since the last time, for the error that the verb ends with.
    pub fn take_failure(&mut self) -> Option<Fault> {
        self.failure.take()
    }

    /// The same of the steps that undo.
    pub fn take_undo_failure(&mut self) -> Option<Fault> {
        self.undo_failure.take()
    }

    /// What users noticed since it was last asked for: a watch with failed requests.
    pub fn take_noticed(&mut self) -> Option<Outage> {
        self.noticed.take()
    }

    /// Whether a person is there to be asked.
    pub fn can_ask(&self) -> bool {
        // Who asked for quiet would not see what the question is about.
        !self.json
            && self.volume > Volume::Quiet
            && std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
    }

    /// What was printed so far was a preview: it does not count in the sum at the end.
    pub fn forget_preview(&mut self) {
        self.tally = Counts::default();
        self.acts.clear();
    }

    /// What the steps that differ would do: `5 to create, 1 to change`.
    pub fn prospect(&self) -> String {
        let parts: Vec<String> = self
            .acts
            .iter()
            .map(|(act, count)| format!("{count} to {}", word(*act)))
            .collect();
        parts.join(", ")
    }

    /// How far something is that takes its time: what, and percent. It is drawn where a person
    /// watches, and nowhere else.
    pub fn progress(&self) -> Progress {
        let bar = self.bar.clone();
        Box::new(move |doing, percent| match percent {
            0 => bar.set_message(doing.to_owned()),
            percent => bar.set_message(format!("{doing}: {percent} %")),
        })
    }

    /// Something that was asked for, by its name.
    pub fn fact(&mut self, name: &str, text: impl Into<String>, figure: Option<Figure>) {
        self.tell(Event::Fact {
            at: now(),
            name: name.to_owned(),
            text: text.into(),
            figure,
        });
    }

    /// Asks a person, and gives the line that was typed. The line is read on a thread of its own, so that
    /// Ctrl-C is heard meanwhile.
    pub async fn ask(&mut self, question: &str) -> std::io::Result<String> {
        self.bar.disable_steady_tick();
        self.bar.suspend(|| {
            let mut err = std::io::stderr();
            write!(err, "{question} ")?;
            err.flush()
        })?;
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line).map(|_| line);
            // Nobody waits for it any more after a Ctrl-C.
            let _ = tell.send(read);
        });
        let line = told.await.map_err(std::io::Error::other)??;
        Ok(line.trim().to_owned())
    }

    /// Tells an event of a run that is over, with its time.
    pub fn past(&mut self, event: Event) {
        if self.json {
            self.json_line(&event);
            return;
        }
        match event {
            Event::Start {
                at,
                run,
                verb,
                who,
                applies,
                ..
            } => {
                let way = if applies { "" } else { " (check only)" };
                self.line(&format!("{at}  {verb}{way} by {who}, run {run}"));
            }
            Event::Step {
                at,
                label,
                state,
                took_ms,
                error,
                ..
            } => {
                let why = error.map_or(String::new(), |error| format!(": {}", error.message));
                let state = format!("{state:?}").to_lowercase();
                self.line(&format!(
                    "{at}    {state:<8} {:<9} {}{why}  {}",
                    label.part,
                    label.name,
                    seconds(took_ms)
                ));
            }
            Event::Outage { at, outage, .. } => self.line(&format!("{at}    {}", seen(&outage))),
            Event::Halted { at, name, .. } => {
                self.line(&format!("{at}    stopped before \"{name}\""));
            }
            Event::End { at, tally, .. } => {
                self.line(&format!("{at}  {}", sum(&tally, false)));
            }
            _ => {}
        }
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.tell(Event::note(text));
    }

    /// From now on every step has a line, as in a list that is ticked off.
    pub fn as_checklist(&mut self) {
        self.checklist = self.volume > Volume::Quiet;
    }

    /// Shows what is waited for, until the next line.
    pub fn waiting(&mut self, text: impl Into<String>) {
        self.spin(String::new(), format!("{}…", text.into()));
    }

    /// A heading of a part of the output.
    pub fn heading(&mut self, text: &str) {
        if !self.json && self.volume > Volume::Quiet {
            let text = self.paint(text, "1");
            self.line(&text);
        }
    }

    /// Requested output: it is printed at any volume, and unchanged.
    pub fn text(&mut self, text: &str) {
        if self.json {
            self.json_line(&Event::note(text.trim_end()));
        } else {
            self.line(text.trim_end());
        }
    }

    /// The end of every command: the error once, or the sum.
    pub fn finish(mut self, verb: &str, exit: u8, error: Option<&anyhow::Error>) {
        self.bar.finish_and_clear();
        let error = error.map(error_info);
        if self.json {
            let tally = self.tally;
            self.json_line(&Event::Summary {
                at: now(),
                verb: verb.to_owned(),
                exit,
                tally,
                sent_bytes: self.sent_bytes,
                error,
            });
            return;
        }
        if let Some(error) = error {
            self.complain("error", &error);
        } else if self.tally != Counts::default() && self.volume > Volume::Quiet {
            let line = self.sum();
            self.line(&line);
        }
    }

    /// How many steps ended how, and what they would do, unless they all only change something.
    fn sum(&self) -> String {
        let sum = sum(&self.tally, self.checklist);
        if self.acts.keys().all(|act| *act == Act::Change) {
            return sum;
        }
        format!("{sum} ({})", self.prospect())
    }

    fn json_line(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            self.line(&line);
        }
    }

    fn human(&mut self, event: Event) {
        match event {
            Event::Begin { n, label, .. } => {
                self.spin(format!("{n:>3} "), format!("{}…", label.name));
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
                self.step(
                    &label,
                    state,
                    took_ms,
                    change.as_ref(),
                    figure.as_ref(),
                    error.as_ref(),
                );
            }
            Event::Fact {
                name, text, figure, ..
            } => {
                let figure = figure.as_ref().map(measured).unwrap_or_default();
                let told = match text.as_str() {
                    "" => figure,
                    text => format!("{text}  {}", figure.trim_start()),
                };
                self.line(format!("{name:<42} {told}").trim_end());
            }
            Event::Outage { outage, .. } if self.volume > Volume::Quiet => {
                self.line(&seen(&outage));
            }
            Event::Sent {
                bytes,
                of_bytes,
                base,
                ..
            } if self.volume > Volume::Quiet => {
                let way = base.map_or("packed".to_owned(), |base| {
                    format!("a patch against {base}")
                });
                let (sent, whole) = (size(bytes), size(of_bytes));
                self.line(&format!("sent {sent} of {whole} ({way})"));
            }
            Event::Note { text, .. } if self.volume > Volume::Quiet => self.line(&text),
            Event::Audit(line) => self.line(&line.told()),
            Event::Alarm { error, .. } => {
                self.bar.suspend(|| self.complain("alarm", &error));
            }
            _ => {}
        }
    }

    fn step(
        &mut self,
        label: &Label,
        state: State,
        took_ms: u64,
        change: Option<&Change>,
        figure: Option<&Figure>,
        error: Option<&ErrorInfo>,
    ) {
        let shown = match state {
            State::Same => self.volume == Volume::Verbose || self.checklist,
            State::Changed | State::Differs => self.volume > Volume::Quiet,
            State::Failed => true,
        };
        if !shown {
            return;
        }
        let (mark, colour) = match state {
            State::Same => ("✓", "32"),
            State::Changed => ("✓", "33"),
            State::Differs if self.checklist => ("✗", "31"),
            State::Differs => change.map_or(("±", "33"), |change| mark(change.act)),
            State::Failed => ("✗", "31"),
        };
        let undo = if label.undo { "undo: " } else { "" };
        let took = match state {
            State::Same | State::Differs => String::new(),
            State::Changed | State::Failed => format!("{:>8}", seconds(took_ms)),
        };
        let name = format!("{undo}{}", label.name);
        let told = change.filter(|_| state == State::Differs || self.volume == Volume::Verbose);
        let beside = told
            .filter(|_| state == State::Differs)
            .and_then(|change| beside(&name, change));
        let tail = match (figure, beside) {
            (Some(figure), _) => measured(figure),
            (None, Some(what)) => what.to_owned(),
            (None, None) => self.paint(&took, "2"),
        };
        let width = if beside.is_some() { 0 } else { NAME_WIDTH };
        let line = format!(
            "{} {:<9} {name:<width$}  {tail}",
            self.paint(mark, colour),
            label.part
        );
        self.line(line.trim_end());
        if let Some(change) = told {
            self.change(change, beside.is_none() || figure.is_some());
        }
        // The first error of a run is told once, at its end; the others, and those of an undo, here.
        if let Some(error) = error.filter(|_| self.checklist || !self.told_last) {
            self.line(&format!("    {}", error.message.replace('\n', "\n    ")));
        }
    }

    fn change(&mut self, change: &Change, lists: bool) {
        for what in change.what.iter().filter(|_| lists) {
            self.line(&format!("    {what}"));
        }
        for line in change.diff.iter().flat_map(|diff| diff.lines()) {
            let colour = match line.chars().next() {
                Some('+') => "32",
                Some('-') => "31",
                _ => "2",
            };
            let line = self.paint(line, colour);
            self.line(&format!("    {line}"));
        }
    }

    fn complain(&self, word: &str, error: &ErrorInfo) {
        let mut text = format!(
            "{} {}",
            self.paint(&format!("{word}[{}]:", error.code), "31"),
            error.message
        );
        if let Some(hint) = &error.hint {
            text = format!("{text}\n{} {hint}", self.paint("hint:", "36"));
        }
        // Nothing can be done when stderr is closed.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    fn spin(&mut self, prefix: String, message: String) {
        self.bar.set_prefix(prefix);
        self.bar.set_message(message);
        self.bar.reset_elapsed();
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    fn line(&mut self, text: &str) {
        self.bar.suspend(|| {
            // A reader that has gone away (`| head`) is no error of ours.
            let _ = writeln!(std::io::stdout(), "{text}");
        });
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// `watched on the host: 0 of 1840 requests failed, longest gap 31 ms`
fn seen(outage: &Outage) -> String {
    let place = match outage.side.as_str() {
        "host" => "on the host",
        _ => "from this machine",
    };
    format!(
        "watched {place}: {} of {} requests failed, longest gap {} ms",
        outage.failed, outage.requests, outage.longest_gap_ms
    )
}

/// A single difference, which stands beside the name of the step where a line has room for both.
fn beside<'c>(name: &str, change: &'c Change) -> Option<&'c str> {
    let [what] = change.what.as_slice() else {
        return None;
    };
    // The mark and the part come first.
    let length = 12 + name.chars().count() + 2 + what.chars().count();
    (length <= LINE_WIDTH).then_some(what)
}

fn mark(act: Act) -> (&'static str, &'static str) {
    match act {
        Act::Create => ("+", "32"),
        Act::Change => ("±", "33"),
        Act::Replace => ("!", "31"),
        Act::Delete => ("-", "31"),
        Act::Adopt => ("<", "36"),
    }
}

fn word(act: Act) -> &'static str {
    match act {
        Act::Create => "create",
        Act::Change => "change",
        Act::Replace => "replace",
        Act::Delete => "delete",
        Act::Adopt => "adopt",
    }
}

fn measured(figure: &Figure) -> String {
    let limit = figure.limit.map_or(String::new(), |limit| {
        format!("  limit {limit:.0} {}", figure.unit)
    });
    let (value, unit, decimals) = match figure.unit.as_str() {
        "EUR" => (figure.value, "EUR", 2),
        "B" => (figure.value / 1e6, "MB", 1),
        unit => (figure.value, unit, 1),
    };
    format!("{value:>8.decimals$} {unit:<3}{limit}")
        .trim_end()
        .to_owned()
}

/// Bytes as people say them: `41 kB`, `14.2 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:01} s", millis / 1000, millis % 1000 / 100)
}

/// `No changes. 59 resources checked in 0.8 s.`, or how many steps ended how.
fn sum(tally: &Counts, checklist: bool) -> String {
    let took = seconds(tally.took_ms);
    if tally.changed + tally.differs + tally.failed + tally.skipped == 0 {
        return match (tally.same, checklist) {
            (1, true) => format!("1 check passed in {took}."),
            (count, true) => format!("All {count} checks passed in {took}."),
            (1, false) => format!("No changes. 1 resource checked in {took}."),
            (count, false) => format!("No changes. {count} resources checked in {took}."),
        };
    }
    let parts = [
        (tally.changed, "changed"),
        (tally.differs, "would change"),
        (tally.failed, "failed"),
        (tally.skipped, "not run"),
        (tally.same, "unchanged"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("{} in {took}", parts.join(", "))
}

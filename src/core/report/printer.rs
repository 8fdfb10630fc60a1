//! Where lines go: stdout, the bar of what is waited for, and a person who is asked.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::waiting::Waiting;
use super::{Progress, Verbosity};
use crate::core::event::{ErrorInfo, Event};
use crate::core::plain;

/// Progress is drawn only where a person watches.
pub struct Printer {
    pub json: bool,
    pub volume: Verbosity,
    /// Whether what runs is a checklist: unchanged steps have a line too, and what fails has one at any volume.
    pub checklist: bool,
    /// Whether a run that only looked was refused: then only what refused it has a line.
    pub refusal: Option<RefusalLines>,
    colour: bool,
    bar: ProgressBar,
    /// Says what is waited for where nobody sees the bar.
    waiting: Option<Waiting>,
}

/// A piece of a line, and its colour as a terminal knows it; empty for none.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'t> {
    text: &'t str,
    colour: &'static str,
}

impl<'t> Piece<'t> {
    pub fn new(text: &'t str, colour: &'static str) -> Self {
        Self { text, colour }
    }
}

impl<'t> From<&'t str> for Piece<'t> {
    fn from(text: &'t str) -> Self {
        Self::new(text, "")
    }
}

/// Where the reasons of a refusal stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalLines {
    /// In the error at the end: there is one.
    ReasonAtEnd,
    /// Below each line: there are several.
    ReasonBelow,
}

impl Printer {
    pub fn new(json: bool, volume: Verbosity) -> Self {
        let term = std::env::var_os("TERM");
        let moves = can_move(term.as_deref());
        let is_silent = json || volume == Verbosity::Quiet;
        let watched = std::io::stderr().is_terminal() && moves && !is_silent;
        let bar = ProgressBar::no_length();
        bar.set_draw_target(if watched {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}{msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        // It is drawn from the first wait on.
        bar.finish_and_clear();
        let colour =
            std::io::stdout().is_terminal() && moves && std::env::var_os("NO_COLOR").is_none();
        Self {
            json,
            volume,
            checklist: false,
            refusal: None,
            colour,
            bar,
            waiting: (!watched && !is_silent).then(Waiting::default),
        }
    }

    /// Whether a person is there to be asked.
    pub fn can_ask(&self) -> bool {
        // Who asked for quiet would not see what the question is about.
        !self.json
            && self.volume > Verbosity::Quiet
            && std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
    }

    /// How far something is that takes its time: what, and percent. It is drawn where a person
    /// watches; elsewhere it is the reason in the next line about the wait.
    pub fn progress(&self) -> Progress {
        let (bar, waiting) = (self.bar.clone(), self.waiting.clone());
        Box::new(move |doing, percent| {
            let doing = plain::line(doing);
            let text = match percent {
                0 => doing.into_owned(),
                percent => format!("{doing}: {percent} %"),
            };
            if let Some(waiting) = &waiting {
                waiting.because(&text);
            }
            bar.set_message(text);
        })
    }

    /// Asks a person, and gives the line that was typed. The line is read on a thread of its own, so that
    /// Ctrl-C is heard meanwhile.
    pub async fn ask(&mut self, question: &str) -> std::io::Result<String> {
        // A bar that is only suspended would be drawn again behind the question.
        self.clear();
        let mut err = std::io::stderr();
        write!(err, "{} ", plain::lines(question))?;
        err.flush()?;
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

    pub fn json_line(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            self.write(&plain::in_json(&line));
        }
    }

    pub fn complain(&self, word: &str, error: &ErrorInfo) {
        let word = format!("{word}[{}]:", error.code);
        let mut text = self.painted(&[
            Piece::new(&word, "31"),
            Piece::from(" "),
            Piece::from(&*error.message),
        ]);
        if let Some(hint) = &error.hint {
            text += &self.painted(&[
                Piece::from("\n"),
                Piece::new("hint:", "36"),
                Piece::from(" "),
                Piece::from(&**hint),
            ]);
        }
        // Nothing can be done when stderr is closed.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// The same while something is waited for.
    pub fn alarm(&self, error: &ErrorInfo) {
        self.bar.suspend(|| self.complain("alarm", error));
    }

    /// A line of somebody else's errors.
    pub fn complaint(&self, line: &str) {
        let text = self.painted(&[Piece::from(line)]);
        self.bar.suspend(|| {
            // Nothing can be done when stderr is closed.
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }

    pub fn spin(&mut self, prefix: String, message: &str) {
        let message = plain::line(message).into_owned();
        if let Some(waiting) = &self.waiting {
            waiting.begin(&message);
        }
        self.bar.set_prefix(prefix);
        self.bar.set_message(message);
        // Also brings back one that was cleared for a question.
        self.bar.reset();
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    /// Nothing is waited for any more.
    pub fn clear(&self) {
        self.rest();
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }

    /// Nothing is waited for that would need a line of its own.
    pub fn rest(&self) {
        if let Some(waiting) = &self.waiting {
            waiting.end();
        }
    }

    /// A text without colour, of one line or several.
    pub fn line(&mut self, text: &str) {
        self.pieces(&[Piece::from(text)]);
    }

    /// A line of pieces, each in its colour.
    pub fn pieces(&mut self, pieces: &[Piece<'_>]) {
        let text = self.painted(pieces);
        self.write(&text);
    }

    /// Only what `painted` or JSON made comes here: nothing else is fit for a terminal.
    fn write(&mut self, shown: &str) {
        self.rest();
        self.bar.suspend(|| {
            // A reader may close the pipe early (`| head`). That is not an error.
            let _ = writeln!(std::io::stdout(), "{shown}");
        });
    }

    /// Colours come last: what a piece says of its own has none.
    fn painted(&self, pieces: &[Piece<'_>]) -> String {
        let pieces = pieces.iter().map(|piece| {
            let text = plain::lines(piece.text);
            if self.colour && !piece.colour.is_empty() && !text.is_empty() {
                format!("\x1b[{}m{text}\x1b[0m", piece.colour)
            } else {
                text.into_owned()
            }
        });
        pieces.collect()
    }
}

/// Whether a terminal of this name knows colours and moves of the cursor.
fn can_move(term: Option<&OsStr>) -> bool {
    term.is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_gets_neither_colour_nor_a_bar() {
        assert!(!can_move(Some(OsStr::new("dumb"))));
        assert!(can_move(Some(OsStr::new("xterm"))));
        assert!(can_move(None));
    }

    #[test]
    fn only_our_own_colours_come_through() {
        let mut printer = Printer::new(false, Verbosity::Normal);
        printer.colour = true;
        let name = "\u{1b}[2Jnginx\u{9b}1A\u{202e}";
        let line = printer.painted(&[
            Piece::new("✗", "31"),
            Piece::from(name),
            Piece::new("", "2"),
        ]);
        assert_eq!(
            line,
            "\u{1b}[31m✗\u{1b}[0m\u{fffd}[2Jnginx\u{fffd}1A\u{fffd}"
        );
        printer.colour = false;
        assert_eq!(printer.painted(&[Piece::new("✗", "31")]), "✗");
        printer.spin(String::new(), name);
        assert!(!printer.bar.message().contains(char::is_control));
        printer.progress()("\u{1b}[2J", 7);
        assert_eq!(printer.bar.message(), "\u{fffd}[2J: 7 %");
    }

    #[test]
    fn a_question_stands_alone_and_the_bar_comes_back_after_it() {
        let mut printer = Printer::new(false, Verbosity::Normal);
        printer.spin("  3 ".to_owned(), "server eyes…");
        printer.clear();
        assert!(printer.bar.is_finished());
        printer.spin("  4 ".to_owned(), "firewall eyes…");
        assert!(!printer.bar.is_finished());
    }
}

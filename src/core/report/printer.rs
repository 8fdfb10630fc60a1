//! Where lines go: stdout, the bar of what is waited for, and a person who is asked.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Progress, Verbosity};
use crate::core::event::{ErrorInfo, Event};

/// Progress is drawn only where a person watches.
pub struct Printer {
    pub json: bool,
    pub volume: Verbosity,
    /// Whether unchanged steps have a line too, as in a checklist.
    pub checklist: bool,
    colour: bool,
    bar: ProgressBar,
}

impl Printer {
    pub fn new(json: bool, volume: Verbosity) -> Self {
        let watched = std::io::stderr().is_terminal() && !json && volume != Verbosity::Quiet;
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
            checklist: false,
            colour,
            bar,
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
    /// watches, and nowhere else.
    pub fn progress(&self) -> Progress {
        let bar = self.bar.clone();
        Box::new(move |doing, percent| match percent {
            0 => bar.set_message(doing.to_owned()),
            percent => bar.set_message(format!("{doing}: {percent} %")),
        })
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

    pub fn json_line(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            self.line(&line);
        }
    }

    pub fn complain(&self, word: &str, error: &ErrorInfo) {
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

    /// The same while something is waited for.
    pub fn alarm(&self, error: &ErrorInfo) {
        self.bar.suspend(|| self.complain("alarm", error));
    }

    pub fn spin(&mut self, prefix: String, message: String) {
        self.bar.set_prefix(prefix);
        self.bar.set_message(message);
        self.bar.reset_elapsed();
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    /// Nothing is waited for any more.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    pub fn line(&mut self, text: &str) {
        self.bar.suspend(|| {
            // A reader that has gone away (`| head`) is no error of ours.
            let _ = writeln!(std::io::stdout(), "{text}");
        });
    }

    pub fn paint(&self, text: &str, code: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

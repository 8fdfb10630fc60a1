//! Questions to a person: arrows, defaults, and an answer that is checked at once.

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Error, Input, Select};
use tokio::signal::unix::{SignalKind, signal};

use crate::core::error::{Code, Fault};
use crate::core::plain;

/// One of these, by its place.
///
/// # Errors
/// E0801 when the question was broken off.
pub fn choose(question: &str, items: &[String], default: usize) -> Result<usize, Fault> {
    // A list from elsewhere is text from elsewhere.
    let items: Vec<String> = items
        .iter()
        .map(|item| plain::line(item).into_owned())
        .collect();
    answered(|theme| {
        let select = Select::with_theme(theme)
            .with_prompt(question)
            .items(&items);
        select.default(default).max_length(ROWS).interact()
    })
}

/// How many rows of a list are seen at once.
const ROWS: usize = 12;

/// A line that `check` accepts.
///
/// # Errors
/// As of `choose`.
pub fn text(
    question: &str,
    default: Option<&str>,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<String, Fault> {
    answered(|theme| {
        let mut input = Input::<String>::with_theme(theme).with_prompt(question);
        if let Some(default) = default {
            input = input
                .default(default.to_owned())
                .show_default(!default.is_empty());
        }
        let is_optional = default.is_some_and(str::is_empty);
        let input = input.allow_empty(is_optional);
        input
            .validate_with(|line: &String| check(line))
            .interact_text()
    })
}

/// Yes or no.
///
/// # Errors
/// As of `choose`.
pub fn agree(question: &str, default: bool) -> Result<bool, Fault> {
    answered(|theme| {
        Confirm::with_theme(theme)
            .with_prompt(question)
            .default(default)
            .interact()
    })
}

fn answered<T>(ask: impl FnOnce(&ColorfulTheme) -> Result<T, Error>) -> Result<T, Fault> {
    // A Ctrl-C then breaks the question off, and the terminal is as it was before.
    let _heard = signal(SignalKind::interrupt());
    ask(&ColorfulTheme::default()).map_err(|_| {
        // A list hides the cursor.
        let _ = dialoguer::console::Term::stderr().show_cursor();
        Fault::new(Code::E0801, "Cancelled. Nothing was changed.")
    })
}

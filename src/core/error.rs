//! Errors are sentences with a code, the path of the fault and what to do next.

use std::fmt;

pub use super::code::{Area, Code, exit};
use super::event::ErrorInfo;
use super::plan::StepId;

/// An error that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    pub message: String,
    pub hint: Option<String>,
    /// The step that failed with it, where that step is one that code knows.
    pub step: StepId,
}

impl Fault {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            step: StepId::default(),
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<ErrorInfo> for Fault {
    /// The error of a step as the error of the run.
    fn from(trouble: ErrorInfo) -> Self {
        Self {
            code: trouble.code,
            message: trouble.message,
            hint: trouble.hint,
            step: StepId::default(),
        }
    }
}

/// An error chain as it is told: the first fault in it gives code and hint, all of it the message.
pub fn error_info(error: &anyhow::Error) -> ErrorInfo {
    let fault = fault(error);
    ErrorInfo {
        code: code(error),
        message: without_numbers(&format!("{error:#}")),
        hint: fault.and_then(|fault| fault.hint.clone()),
    }
}

/// The system's number of an error stands behind its own sentence, and says nothing more.
fn without_numbers(message: &str) -> String {
    const BEFORE: &str = " (os error ";
    let mut parts = message.split(BEFORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| {
        let end = part.find(|letter: char| !letter.is_ascii_digit());
        match end.map(|end| part.split_at(end)) {
            Some((_, rest)) if rest.starts_with(')') => told + &rest[1..],
            _ => told + BEFORE + part,
        }
    })
}

/// The code of the first fault in an error chain.
pub fn code(error: &anyhow::Error) -> Code {
    fault(error).map_or(Code::default(), |fault| fault.code)
}

/// The exit code that an error leads to.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    code(error).exit()
}

fn fault(error: &anyhow::Error) -> Option<&Fault> {
    // One that was put around another error is found by anyhow alone.
    let outer = error.downcast_ref();
    outer.or_else(|| error.chain().find_map(|cause| cause.downcast_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_around_another_error_and_within_it() {
        let fault = || Fault::new(Code::E0426, "a file cannot be read").hint("converge");
        let around = anyhow::anyhow!("no JSON").context(fault());
        let within = anyhow::Error::from(fault()).context("settings");
        let deep = anyhow::anyhow!("no JSON")
            .context(fault())
            .context("settings");
        for error in [around, within, deep] {
            let info = error_info(&error);
            assert_eq!(info.code, Code::E0426, "{error:#}");
            assert_eq!(info.hint.as_deref(), Some("converge"), "{error:#}");
        }
    }

    #[test]
    fn the_number_of_a_system_error_is_not_told() {
        let told = |error: &str| error_info(&anyhow::Error::msg(error.to_owned())).message;
        assert_eq!(
            told("a: Permission denied (os error 13); b: No such file or directory (os error 2)"),
            "a: Permission denied; b: No such file or directory"
        );
        assert_eq!(told("x (os error ?)"), "x (os error ?)");
        assert_eq!(told("x (os error 1"), "x (os error 1");
    }
}

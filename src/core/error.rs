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
        message: format!("{error:#}"),
        hint: fault.and_then(|fault| fault.hint.clone()),
    }
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
    error.chain().find_map(|cause| cause.downcast_ref())
}

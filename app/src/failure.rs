//! How a verb ends: an exit code, or a sentence and an exit code.

use std::fmt;

/// The exit code of `--check` if there is something to do.
pub const PENDING: u8 = 3;

/// An exit code, or the failure.
pub type Outcome = Result<u8, Failure>;

/// Why a verb stopped.
#[derive(Debug)]
pub enum Failure {
    /// The command line, the settings or the environment are wrong.
    Usage(anyhow::Error),
    /// The database, a file or the network failed.
    Failed(anyhow::Error),
}

impl Failure {
    /// 2 for usage, otherwise 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Failed(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::Usage(error) | Failure::Failed(error)) = self;
        let mut told = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Some errors repeat their cause in their own text.
            if !told.contains(&cause) {
                told = format!("{told}: {cause}");
            }
        }
        out.write_str(&told)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Failed(error)
    }
}

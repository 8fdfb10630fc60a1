//! Programs that an earlier step may not have installed yet.

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, Output, System};

/// Runs a program; `None` when the host does not have it, or not the user that it runs as, which on a
/// fresh host is a difference and no error. Every other failure stays one.
pub async fn run_if_there(system: &System, cmd: &Cmd) -> Result<Option<Output>> {
    match system.run(cmd).await {
        Ok(output) => Ok(Some(output)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Fault>()
        .is_some_and(|fault| matches!(fault.code, Code::E0404 | Code::E0406))
}

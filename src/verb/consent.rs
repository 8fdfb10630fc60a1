//! A yes, before something is changed that costs or cannot be undone.

use anyhow::Result;

use super::job::Job;
use crate::core::error::{Code, Fault};

/// A yes of a person, or one that was given with the command.
///
/// # Errors
/// E0801 when there is none.
pub async fn confirm(job: &mut Job<'_>, yes: bool, why: &str, question: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    can_ask(job, why)?;
    let question = format!("{question} [y/N]");
    match job.report.ask(&question).await?.as_str() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Fault::new(Code::E0801, "Cancelled. Nothing was changed.").into()),
    }
}

/// The same for what cannot be undone: the stack's name is typed.
///
/// # Errors
/// E0801 when it is not.
pub async fn confirm_by_name(job: &mut Job<'_>, yes: bool, why: &str, what: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    can_ask(job, why)?;
    let name = job.stack.name.clone();
    let question = format!("{what} Type `{name}` to continue:");
    if job.report.ask(&question).await? == name {
        return Ok(());
    }
    Err(Fault::new(
        Code::E0801,
        "Cancelled: the name was not typed. Nothing was changed.",
    )
    .into())
}

fn can_ask(job: &Job<'_>, why: &str) -> Result<()> {
    if job.report.can_ask() {
        return Ok(());
    }
    let message =
        format!("{why} Not confirmed: there is no terminal to ask in. Nothing was changed.");
    Err(Fault::new(Code::E0801, message).hint("add --yes").into())
}

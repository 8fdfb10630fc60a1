//! A yes, before something is changed that costs or cannot be undone.

use anyhow::Result;

use super::job::Job;
use crate::core::error::{Code, Fault};

/// What a yes gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stake {
    /// Money, or a moment of the site.
    Change,
    /// Data that cannot be brought back by undoing the command.
    Data,
}

/// A yes of a person, or one that was given with the command.
///
/// # Errors
/// E0801 when there is none.
pub async fn confirm(job: &mut Job<'_>, yes: bool, why: &str, question: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    can_ask(job, why, Stake::Change)?;
    answered(job, question).await
}

/// The same for what loses data.
///
/// # Errors
/// As of `confirm`.
pub async fn confirm_loss(job: &mut Job<'_>, yes: bool, why: &str, question: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    can_ask(job, why, Stake::Data)?;
    answered(job, question).await
}

async fn answered(job: &mut Job<'_>, question: &str) -> Result<()> {
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
    can_ask(job, why, Stake::Data)?;
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

/// Whoever is told what to add adds it: a program that reads a hint must not learn from it how to lose data.
fn can_ask(job: &Job<'_>, why: &str, stake: Stake) -> Result<()> {
    if job.report.can_ask() {
        return Ok(());
    }
    let message =
        format!("{why} Not confirmed: there is no terminal to ask in. Nothing was changed.");
    Err(Fault::new(Code::E0801, message).hint(hint(stake)).into())
}

fn hint(stake: Stake) -> &'static str {
    match stake {
        Stake::Change => "add --yes",
        Stake::Data => {
            "run the command in a terminal: it shows what would be lost, and asks a person"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_how_to_lose_data_without_being_asked() {
        assert!(hint(Stake::Change).contains("--yes"));
        assert!(!hint(Stake::Data).contains('-'));
    }
}

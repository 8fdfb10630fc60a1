//! `lock` and `unlock`: nothing changes the stack, until somebody says so.

use anyhow::Result;
use serde_json::json;

use super::job::Job;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::event::now;
use crate::core::plain;
use crate::core::plan::Mode;
use crate::core::value::TextLine;
use crate::facts::Facts;
use crate::host::lock::Freeze;
use crate::planner::freeze;
use crate::verb::consent;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, message: Option<&TextLine>) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let Some(message) = message else {
        let datum = datum(agent.facts());
        let told = told(agent.facts());
        job.report.datum(datum, &plain::line(&told));
        return Ok(exit::OK);
    };
    let locked = Freeze {
        who: job.claim().who,
        since: now(),
        message: message.clone(),
    };
    let mut plan = job.plan(Mode::Apply, freeze::locked(&locked)?, Vec::new());
    plan.note = Some(message.clone());
    on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    let typed = &job.typed;
    let note = format!("nothing changes the stack now; `{typed} unlock` unlocks it");
    job.report.note(note);
    Ok(exit::OK)
}

pub async fn unlock(job: &mut Job<'_>, yes: bool) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let mut agent = on_host::agent(job, &remote).await?;
    let Some(locked) = agent.facts().freeze.clone() else {
        job.report.note("the stack is not locked");
        return Ok(exit::OK);
    };
    if locked.who != job.claim().who {
        let told = locked.told();
        let why = format!("The stack is {told}.");
        consent::confirm(job, yes, &why, &format!("{why} Unlock it?")).await?;
        agent = on_host::agent(job, &remote).await?;
    }
    let mut plan = job.plan(Mode::Apply, freeze::unlocked(), Vec::new());
    plan.in_freeze = true;
    on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    Ok(exit::OK)
}

/// Whether the stack is locked, as data.
pub fn datum(facts: &Facts) -> Datum {
    let freeze = facts.freeze.as_ref();
    let data = json!({
        "locked": freeze.is_some(),
        "who": freeze.map(|freeze| &freeze.who),
        "since": freeze.map(|freeze| &freeze.since),
        "message": freeze.map(|freeze| &freeze.message),
    });
    Datum::new(DatumKind::Freeze, data)
}

/// The same for people.
fn told(facts: &Facts) -> String {
    match &facts.freeze {
        None => "not locked".to_owned(),
        Some(freeze) => freeze.told(),
    }
}

/// What commands that only look say of it.
pub fn note(job: &mut Job<'_>, facts: &Facts) {
    if let Some(freeze) = &facts.freeze {
        let told = freeze.told();
        job.report.note(format!(
            "the stack is {told}; nothing can change it until `citrino-ops unlock`"
        ));
    }
}

//! `deploy --resume`, `--abort`, `--attach`: what happens to an interrupted run.

use anyhow::Result;

use super::deploy::{self, Outcome};
use super::job::Job;
use super::outage_watch;
use crate::cli::CutOff;
use crate::core::error::{Code, Fault, code, exit};
use crate::operator::remote::Ending;
use crate::planner::release;
use crate::verb::on_host;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOffChoice {
    Finish(Ending),
    Attach,
}

impl CutOffChoice {
    /// None when nothing of it was asked for.
    pub fn of(asked: CutOff) -> Option<Self> {
        match asked {
            CutOff { resume: true, .. } => Some(Self::Finish(Ending::Resume)),
            CutOff { abort: true, .. } => Some(Self::Finish(Ending::Abort)),
            CutOff { attach: true, .. } => Some(Self::Attach),
            CutOff { .. } => None,
        }
    }
}

pub async fn run(job: &mut Job<'_>, way: CutOffChoice) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    // How the last run ended is what this verb is about: it needs no telling beforehand.
    let agent = remote.agent().await?;
    let app = &agent.facts().app;
    if let (CutOffChoice::Attach, Some(last)) = (way, &agent.facts().last_run) {
        job.report.note(format!("Following {}", last.named()));
    }
    let outcome = Outcome {
        what: "the run".to_owned(),
        serves_meanwhile: release::proved(app).map(str::to_owned),
        same: false,
        unit: release::trial(&job.stack.profile, app),
    };
    let claim = job.claim();
    let report = &mut *job.report;
    let mut tell = |event| report.tell(event);
    let tally = match way {
        CutOffChoice::Finish(ending) => agent.finish(claim, ending, &mut tell).await?,
        CutOffChoice::Attach => agent.attach(&mut tell).await?,
    };
    match job.ended(tally) {
        Ok(_) => job.report.note("The run succeeded."),
        Err(error) if way == CutOffChoice::Finish(Ending::Abort) && is_halted(&error) => {
            undone(job)?;
        }
        Err(error) => return Err(deploy::failed(job, &remote, &outcome, error).await),
    }
    outage_watch::noticed_nothing(job)?;
    remote.close().await;
    Ok(exit::OK)
}

fn is_halted(error: &anyhow::Error) -> bool {
    code(error) == Code::E0804
}

/// # Errors
/// E0606 when a step of the undo failed.
fn undone(job: &mut Job) -> Result<()> {
    match job.report.take_undo_failure() {
        None => job.report.note("The run was undone."),
        Some(undo) => {
            let message = format!("the run could not be undone: {}", undo.message);
            return Err(Fault::new(Code::E0606, message)
                .hint("`citrino-ops deploy` of a working build repairs the host")
                .into());
        }
    }
    Ok(())
}

//! `backup`: takes one, and looks after those that there are.

use anyhow::Result;
use time::OffsetDateTime;

use super::job::Job;
use super::provision::pending;
use crate::cli::{BackupCommand, BackupNow, BackupPrune, Key};
use crate::config::source;
use crate::core::error::{Code, Fault, exit};
use crate::core::plan::{Mode, Step};
use crate::facts::backups::{Accepts, Format};
use crate::operator::remote::Remote;
use crate::planner::backup::{SetAside, wished};
use crate::task::probe::{Ask, Recurrence, Whole};
use crate::task::{Probe, Task};
use crate::verb::consent;
use crate::verb::on_host;

mod list;
pub mod pull;
pub mod push;

pub use list::{headline, kept};

pub async fn run(job: &mut Job<'_>, what: &BackupCommand) -> Result<u8> {
    match what {
        BackupCommand::Now(options) => now(job, *options).await,
        BackupCommand::List => list::run(job).await,
        BackupCommand::Verify { backup, key } => verify(job, backup.as_deref(), key).await,
        BackupCommand::Drill { backup, key } => drill(job, backup.as_deref(), key).await,
        BackupCommand::Pull { backup, to } => {
            pull::run(job, backup.as_deref(), to.as_deref()).await
        }
        BackupCommand::Prune(options) => prune(job, *options).await,
    }
}

/// Takes one now.
pub async fn now(job: &mut Job<'_>, options: BackupNow) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let format = if options.plain {
        Format::Plain
    } else {
        Format::Custom
    };
    let settings = job.backups();
    let at = OffsetDateTime::now_utc();
    let mut steps = settings.taken(&agent.facts().app, at, format);
    steps.extend(settings.sent(at));
    let plan = job.plan(Mode::Apply, steps, Vec::new());
    on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    Ok(exit::OK)
}

/// The first one of a host that has none, and its proof: without them nobody could call it healthy.
pub async fn first(job: &mut Job<'_>, remote: &Remote) -> Result<()> {
    let agent = on_host::agent(job, remote).await?;
    if agent.facts().backups.proven().is_some() {
        return Ok(());
    }
    drop(agent);
    proven(job, remote).await
}

/// One of now, proven by a restore, and in the bucket.
pub async fn proven(job: &mut Job<'_>, remote: &Remote) -> Result<()> {
    let agent = on_host::agent(job, remote).await?;
    job.report.heading("backup");
    let settings = job.backups();
    let at = OffsetDateTime::now_utc();
    let mut steps = settings.taken_and_proven(&agent.facts().app, at);
    steps.extend(settings.sent(at));
    let plan = job.plan(Mode::Apply, steps, Vec::new());
    on_host::run(job, agent, &plan, &[]).await.map(drop)
}

async fn verify(job: &mut Job<'_>, name: Option<&str>, key: &Key) -> Result<u8> {
    let identities = source::identities(&job.stack, key.identity.as_deref())?;
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let backups = &agent.facts().backups;
    let names: Vec<String> = if let Some(name) = name {
        vec![wished(backups, Some(name), Accepts::Doubtful)?.name.clone()]
    } else {
        // Those that cannot be believed are named again, with the reason.
        backups.names().map(str::to_owned).collect()
    };
    if names.is_empty() {
        wished(backups, None, Accepts::Own)?;
    }
    let is_unread = |name: &String| {
        let mut sealed = backups.all().filter(|one| one.is_sealed());
        identities.is_empty() && sealed.any(|one| one.name == *name)
    };
    if names.iter().any(is_unread) {
        job.report.note("no age identity was given: encrypted backups are checked by their hash only, not decrypted");
    }
    let steps = names.iter().map(|name| {
        let whole = Whole {
            backup: name.clone(),
            identities: identities.clone(),
        };
        let probe = Probe {
            ask: Ask::Whole(whole),
            attempts: 1,
            deadline_s: 0,
            next: String::new(),
            watch: Recurrence::default(),
        };
        Step::new("backup", format!("check {name}"), Task::from(probe))
    });
    let plan = job.plan(Mode::Check, steps.collect(), Vec::new());
    job.report.as_checklist();
    let tally = agent
        .run(&plan, &[], &mut |event| job.report.tell(event))
        .await?;
    remote.close().await;
    job.ended(tally)?;
    if tally.differs == 0 {
        return Ok(exit::OK);
    }
    Err(Fault::new(Code::E0422, format!("{} of {} backups cannot be used", tally.differs, names.len()))
        .hint("take a new one with `citrino-ops backup`, and delete the broken ones by hand when you no longer need them")
        .into())
}

async fn drill(job: &mut Job<'_>, name: Option<&str>, key: &Key) -> Result<u8> {
    let identities = source::identities(&job.stack, key.identity.as_deref())?;
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let settings = job.backups();
    let steps = settings.drilled(agent.facts(), name, identities)?;
    let plan = job.plan(Mode::Apply, steps, Vec::new());
    on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    Ok(exit::OK)
}

/// Previous databases are the last way back of those who find out late: so they are named, and somebody says yes.
async fn prune(job: &mut Job<'_>, options: BackupPrune) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let (settings, at) = (job.backups(), OffsetDateTime::now_utc());
    let aside = if options.previous_databases {
        SetAside::Dropped
    } else {
        SetAside::Kept
    };
    let pruned = settings.pruned(at, aside);
    let agent = if options.previous_databases && !options.check {
        let there = on_host::foresee(job, agent, vec![pruned.clone()]).await?;
        if !there.is_empty() {
            let why = "This deletes for good what is named above.";
            consent::confirm_loss(job, options.yes.yes, why, "Delete?").await?;
        }
        remote.agent().await?
    } else {
        agent
    };
    let mut steps = vec![pruned];
    steps.extend(settings.pruned_there(at));
    let mode = if options.check {
        Mode::Check
    } else {
        Mode::Apply
    };
    let plan = job.plan(mode, steps, Vec::new());
    let tally = on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    if tally.differs + tally.changed == 0 {
        job.report.note("Nothing to delete.");
    }
    Ok(pending(tally.differs == 0))
}

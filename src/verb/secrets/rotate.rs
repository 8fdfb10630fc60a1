//! `secrets rotate`: another value for a secret of the app, with no request lost.

use anyhow::Result;

use super::value;
use crate::cli::RotateCommand;
use crate::config::sealed::{SealedFile, SecretLines};
use crate::config::stack::{DATABASE_PASSWORD, SecretSource};
use crate::core::error::{Code, Fault, code, exit};
use crate::core::plan::{Mode, Plan, Step};
use crate::core::secret::Secret;
use crate::facts::Facts;
use crate::operator::remote::{Agent, Remote};
use crate::planner::release;
use crate::planner::rotation::{RotationSites, SecretRotation};
use crate::task::Task;
use crate::verb::deploy::{self, Outcome};
use crate::verb::job::Job;
use crate::verb::{on_host, outage_watch};

pub async fn run(job: &mut Job<'_>, wanted: &RotateCommand) -> Result<u8> {
    let name = &*wanted.name;
    let sealed = sealed_name(job, name)?;
    let new = new_value(job, wanted).await?;
    let file = SealedFile::of(&job.stack.folder);
    let lock = file.lock()?;
    let mut secrets = file.read()?;
    let old = secrets.get(&sealed).filter(|old| *old != new);
    let old =
        old.ok_or_else(|| Fault::new(Code::E0103, format!("{name} has this value already")))?;
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let plan = plan(job, agent.facts(), name, &sealed, &new)?;
    // Before the host has it: a value that only the host knew would be lost with this machine's connection.
    secrets.set(&sealed, &new);
    file.write(&secrets)?;
    let ran = carried_out(job, &remote, agent, &plan).await;
    if let Err(error) = ran {
        return Err(kept_or_put_back(&file, &mut secrets, &sealed, &old, error));
    }
    drop(lock);
    remote.close().await;
    job.report.note(format!(
        "{name} is rotated, on the host and in secrets.age; keep the new secrets.age"
    ));
    Ok(exit::OK)
}

/// The name in secrets.age that the secret is taken from.
fn sealed_name(job: &Job<'_>, name: &str) -> Result<String, Fault> {
    let mut secrets = job.stack.secrets.iter();
    let found = secrets.find(|(known, _)| ***known == *name);
    let why = match found.map(|(_, source)| source) {
        Some(SecretSource::Age(sealed)) => return Ok(sealed.clone()),
        Some(source) => format!("{name} comes from {source}, where this command cannot write"),
        None => return Err(unknown(job, name)),
    };
    Err(Fault::new(Code::E0105, why).hint("keep it in secrets.age: `citrino-ops explain E0105`"))
}

fn unknown(job: &Job<'_>, name: &str) -> Fault {
    let known: Vec<&str> = job.stack.secrets.keys().map(|known| &**known).collect();
    let hint = if known.is_empty() {
        "citrino.yml has no `secrets`; `citrino-ops docs secrets` says how to add one".to_owned()
    } else {
        format!(
            "the names are {} (`citrino-ops secrets list`)",
            known.join(", ")
        )
    };
    let message = format!("citrino.yml names no {name} below `secrets`");
    Fault::new(Code::E0105, message).hint(hint)
}

/// Only the stack itself knows the password of its database; every other secret somebody else must know too, unless it is said.
async fn new_value(job: &mut Job<'_>, wanted: &RotateCommand) -> Result<Secret> {
    let is_own = &*wanted.name == DATABASE_PASSWORD;
    if wanted.generate || (is_own && !wanted.from_stdin) {
        value::made()
    } else {
        value::told(job, &wanted.name).await
    }
}

fn plan(
    job: &mut Job<'_>,
    facts: &Facts,
    name: &str,
    sealed: &str,
    new: &Secret,
) -> Result<Plan<Task>> {
    let old = job.playbooks.secrets().to_vec();
    let takes = |known: &str| {
        let mut secrets = job.stack.secrets.iter();
        secrets.any(|(one, source)| {
            **one == *known && matches!(source, SecretSource::Age(from) if from == sealed)
        })
    };
    let after: Vec<(String, Secret)> = old
        .iter()
        .map(|(known, value)| {
            let value = if takes(known) { new } else { value };
            (known.clone(), value.clone())
        })
        .collect();
    let mut without = old.clone();
    without.retain(|(known, _)| known != DATABASE_PASSWORD);
    let sites = RotationSites {
        old: site(job, facts, old.clone())?,
        without_password: site(job, facts, without)?,
        new: site(job, facts, after)?,
    };
    job.playbooks.take_secrets(old);
    let is_password = takes_password(job, sealed);
    let rotation = SecretRotation::of(&job.stack, facts, name, is_password, &sites)?;
    let mut plan = job.plan(Mode::Apply, rotation.steps, rotation.on_failure);
    if facts.app.live.is_some() {
        plan.watch = outage_watch::on_host(&job.stack);
    }
    Ok(plan)
}

/// Whether the database's password is taken from that name.
fn takes_password(job: &Job<'_>, sealed: &str) -> bool {
    let mut secrets = job.stack.secrets.iter();
    secrets.any(|(name, source)| {
        **name == *DATABASE_PASSWORD && matches!(source, SecretSource::Age(from) if from == sealed)
    })
}

/// What `converge` would make with these secrets.
fn site(
    job: &mut Job<'_>,
    facts: &Facts,
    secrets: Vec<(String, Secret)>,
) -> Result<Vec<Step<Task>>> {
    job.playbooks.take_secrets(secrets);
    job.playbooks.site(&job.host.roles, &job.values_on(facts))
}

async fn carried_out(
    job: &mut Job<'_>,
    remote: &Remote,
    agent: Agent<'_>,
    plan: &Plan<Task>,
) -> Result<()> {
    let app = &agent.facts().app;
    let live = app.live_release().map(str::to_owned);
    let outcome = Outcome {
        what: live.clone().unwrap_or_default(),
        serves_meanwhile: live.clone(),
        same: true,
        unit: release::trial(&job.stack.profile, app),
    };
    let outside = outage_watch::from_outside(job, remote, &plan.watch);
    let ran = on_host::run(job, agent, plan, &[]).await;
    let seen = outage_watch::seen(job, plan, outside);
    match ran {
        Err(error) if live.is_some() => {
            return Err(deploy::failed(job, remote, &outcome, error).await);
        }
        ran => ran.map(drop)?,
    }
    seen?;
    outage_watch::noticed_nothing(job)
}

/// Where the host goes on alone, or serves with the new value, secrets.age keeps it; everywhere else the host has the old one.
fn kept_or_put_back(
    file: &SealedFile,
    secrets: &mut SecretLines,
    sealed: &str,
    old: &Secret,
    error: anyhow::Error,
) -> anyhow::Error {
    if has_new(code(&error)) {
        return error.context("secrets.age has the new value; where the host lacks it, `citrino-ops converge` brings it");
    }
    secrets.set(sealed, old);
    match file.write(secrets) {
        Ok(()) => error,
        Err(unwritten) => error.context(format!(
            "secrets.age has the new value and could not be put back ({unwritten:#})"
        )),
    }
}

/// Whether a host whose run ended so has the new value, or may come to have it.
fn has_new(code: Code) -> bool {
    matches!(code, Code::E0503 | Code::E0518 | Code::E0607)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_value_comes_back_wherever_the_host_has_it() {
        for goes_on in [Code::E0503, Code::E0518, Code::E0607] {
            assert!(has_new(goes_on), "{goes_on}");
        }
        for put_back in [
            Code::E0501,
            Code::E0504,
            Code::E0508,
            Code::E0519,
            Code::E0602,
            Code::E0704,
        ] {
            assert!(!has_new(put_back), "{put_back}");
        }
    }
}

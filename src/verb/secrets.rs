//! `secrets`: where the stack's secrets come from, and those that are kept in secrets.age.

mod edit;
mod list;
mod rotate;
mod value;

pub use value::made;

use anyhow::Result;

use super::job::Job;
use crate::cli::SecretsCommand;
use crate::config::sealed::SealedFile;
use crate::config::stack::SecretSource;
use crate::core::error::exit;
use crate::core::value::Variable;

pub async fn run(job: &mut Job<'_>, what: &SecretsCommand) -> Result<u8> {
    match what {
        SecretsCommand::List { resolve } => list::run(job, *resolve),
        SecretsCommand::Set { name } => set(job, name).await,
        SecretsCommand::Edit => edit::run(job).await,
        SecretsCommand::Rotate(wanted) => Box::pin(rotate::run(job, wanted)).await,
    }
}

async fn set(job: &mut Job<'_>, name: &Variable) -> Result<u8> {
    let value = value::told(job, name).await?;
    let file = SealedFile::of(&job.stack.folder);
    prepare(job, &file)?;
    let _lock = file.lock()?;
    let mut secrets = file.read()?;
    secrets.set(name, &value);
    file.write(&secrets)?;
    job.report.note(format!("{name} is set in secrets.age"));
    if !is_named(job, name) {
        job.report.note(format!(
            "citrino.yml does not name it yet: add `{name}: {{ age: {name} }}` below `secrets`"
        ));
    }
    job.report
        .note("bring it to the host with `citrino-ops converge`");
    Ok(exit::OK)
}

/// Makes what is missing before secrets.age can be written, and tells it.
fn prepare(job: &mut Job<'_>, file: &SealedFile) -> Result<()> {
    let who = job.claim().who;
    for made in file.prepare(&who)? {
        job.report.note(made);
    }
    Ok(())
}

/// Whether citrino.yml takes something from secrets.age by this name.
fn is_named(job: &Job<'_>, name: &str) -> bool {
    let sources = crate::config::source::all(&job.stack);
    let mut sources = sources.into_iter();
    sources.any(|(_, source)| matches!(source, SecretSource::Age(known) if known == name))
}

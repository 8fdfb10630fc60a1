//! What the release that serves says of the schema that was imported, and does to it.

use anyhow::{Context, Result};

use super::validate;
use crate::core::error::{Code, Fault};
use crate::facts::app::{Migrations, Schema};
use crate::host::system::{Output, System};
use crate::task::postgres::app_role::AppRole;
use crate::task::release_check::{self, ReleaseCheck};
use crate::task::scratch::Scratch;

/// The schema of a dump is the app's, and none that the release does not know yet.
///
/// # Errors
/// E0452 when it is not.
pub async fn is_of_the_app(system: &System, trial: &ReleaseCheck, fresh: &Scratch) -> Result<()> {
    let commands = &system.app().commands;
    let describe = system
        .run(&trial.app(system, &commands.describe.words()))
        .await?
        .success()?;
    let known: Migrations = read(&describe)?;
    let status = trial
        .run_on(system, fresh, &commands.status.words())
        .await?;
    if !status.ok() {
        return Err(unfit(&format!(
            "the release cannot read it: {}",
            status.last_words()
        ))
        .into());
    }
    let schema: Schema = read(&status)?;
    fits(&known, &schema).map_err(|why| unfit(&why).into())
}

/// The release brings it up to what it needs.
///
/// # Errors
/// E0452 when a migration does not go through on it.
pub async fn migrate(system: &System, trial: &ReleaseCheck, fresh: &Scratch) -> Result<()> {
    let migrate = system.app().commands.migrate.run.words();
    let migrated = trial.run_on(system, fresh, &migrate).await?;
    if migrated.ok() {
        return Ok(());
    }
    Err(unfit(&format!(
        "the migrations of the release fail on it: {}",
        migrated.last_words()
    ))
    .into())
}

/// The release serves on it, to nobody yet.
///
/// # Errors
/// E0453 with what it answered.
pub async fn answers(
    system: &System,
    release: &ReleaseCheck,
    fresh: &Scratch,
    role: &AppRole,
) -> Result<()> {
    role.analyze(system, &fresh.name).await?;
    role.speaks_postgis(system, &fresh.name).await?;
    // One that was killed has left its own behind.
    release_check::stop(system).await?;
    let served = release.serve(system, fresh).await;
    release_check::stop(system).await?;
    served.map_err(|error| {
        validate::failed(&format!("the release does not answer on it: {error:#}")).into()
    })
}

fn fits(known: &Migrations, schema: &Schema) -> Result<(), String> {
    let Some(newest) = schema.applied.iter().max() else {
        return Err("it is not the app's schema: it has none of the app's migrations".to_owned());
    };
    if *newest > known.newest {
        return Err(format!(
            "its schema is newer than the live release knows: it has migration {newest:04}, the release knows {:04} at most",
            known.newest
        ));
    }
    let other = known
        .migrations
        .iter()
        .find(|one| schema.applied.contains(&one.version) && !schema.has(one));
    match other {
        Some(one) => Err(format!(
            "its migration {} has another text than the release's",
            one.file()
        )),
        None => Ok(()),
    }
}

fn unfit(why: &str) -> Fault {
    Fault::new(Code::E0452, format!("the import does not fit the live release: {why}"))
        .hint("the live database is unchanged; deploy the release that the data was made with, or import the rows as CSV")
}

fn read<T: for<'de> serde::Deserialize<'de>>(output: &Output) -> Result<T> {
    serde_json::from_str(&output.stdout).context("the output of `migrate` cannot be parsed")
}

#[cfg(test)]
mod tests {
    use crate::facts::app::DescribedMigration;

    use super::*;

    fn known() -> Migrations {
        let one = |version| DescribedMigration {
            version,
            name: "x".to_owned(),
            sha: format!("{version}"),
            floor: None,
            down: None,
        };
        Migrations {
            newest: 2,
            migrations: vec![one(1), one(2)],
        }
    }

    fn seen(applied: &[i64]) -> Schema {
        Schema {
            applied: applied.to_vec(),
            shas: applied
                .iter()
                .map(|version| (*version, version.to_string()))
                .collect(),
            ..Schema::default()
        }
    }

    #[test]
    fn older_fits_and_newer_or_anothers_does_not() {
        assert_eq!(fits(&known(), &seen(&[1])), Ok(()));
        assert_eq!(fits(&known(), &seen(&[1, 2])), Ok(()));
        assert!(
            fits(&known(), &seen(&[]))
                .unwrap_err()
                .contains("none of the app's")
        );
        assert!(
            fits(&known(), &seen(&[1, 2, 3]))
                .unwrap_err()
                .contains("migration 0003")
        );
        let mut other = seen(&[1]);
        other.shas.insert(1, "another".to_owned());
        assert!(
            fits(&known(), &other)
                .unwrap_err()
                .contains("its migration 0001_x has another text")
        );
    }
}

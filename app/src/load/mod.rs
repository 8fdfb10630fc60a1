//! `load`: loads the rows of one source into the database. A second run changes nothing.

mod batch;
mod file;
mod number;
mod readers;
mod reject;
mod row;
mod table;

use anyhow::{Context, Result};
use sqlx::postgres::{PgConnection, PgTransaction};
use sqlx::{AssertSqlSafe, Connection};

use crate::cli::Load;
use crate::failure::{Failure, Outcome, PENDING};
use crate::load::batch::{Batch, Part};
use crate::migrate::Schema;
use crate::settings::Database;

/// Numbers of rows that a table needs, or that were changed.
#[derive(Debug, Default, Clone, Copy, sqlx::FromRow)]
struct Difference {
    missing: i64,
    changed: i64,
    surplus: i64,
}

impl Difference {
    fn is_empty(self) -> bool {
        self.missing + self.changed + self.surplus == 0
    }
}

/// Loads what the command line names. With `check` it only says whether the database holds exactly that.
pub async fn run(database: &Database, job: &Load) -> Outcome {
    let batch = batch::prepare(job)?;
    let mut connection = database.connect().await?;
    let schema = Schema::read(&mut connection).await?;
    if let Some(refusal) = schema.refusal() {
        return Err(Failure::Failed(anyhow::anyhow!(refusal)));
    }
    if !schema.pending.is_empty() {
        return Err(Failure::Failed(anyhow::anyhow!(
            "the schema is older than this release; run citrino-app migrate first"
        )));
    }
    println!("{}", batch.title);
    print_counts(&mut connection, "before").await?;
    let differences = synchronise(&mut connection, &batch, job.check).await?;
    let clean = differences
        .iter()
        .all(|(_, difference)| difference.is_empty());
    for (table, difference) in &differences {
        print_difference(table, *difference, job.check);
    }
    print_counts(&mut connection, "after").await?;
    Ok(if job.check && !clean { PENDING } else { 0 })
}

/// One transaction under a lock that keeps two loaders apart.
async fn synchronise(
    connection: &mut PgConnection,
    batch: &Batch,
    check: bool,
) -> Result<Vec<(&'static str, Difference)>> {
    let mut transaction = connection
        .begin()
        .await
        .context("could not begin a transaction")?;
    for statement in [
        "SET LOCAL lock_timeout = '10s'",
        "SET LOCAL statement_timeout = '600s'",
        "SET LOCAL jit = off",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await?;
    }
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('citrino-app load'))")
        .execute(&mut *transaction)
        .await
        .context("another load is running")?;
    let mut differences = Vec::new();
    for part in &batch.parts {
        let difference = bring(&mut transaction, batch, part, check).await?;
        differences.push((part.table.name, difference));
    }
    if check {
        transaction.rollback().await?;
        return Ok(differences);
    }
    transaction
        .commit()
        .await
        .context("the data could not be committed; nothing was changed")?;
    if differences
        .iter()
        .any(|(_, difference)| !difference.is_empty())
    {
        sqlx::query("VACUUM (ANALYZE) agentes, servicios, propiedades")
            .execute(connection)
            .await?;
    }
    Ok(differences)
}

/// Stages the rows of a table and compares them. Without `check` it removes, updates and inserts what differs.
async fn bring(
    transaction: &mut PgTransaction<'_>,
    batch: &Batch,
    part: &Part,
    check: bool,
) -> Result<Difference> {
    let table = part.table;
    let failed = || {
        format!(
            "table {} could not be loaded; nothing was changed",
            table.name
        )
    };
    sqlx::raw_sql(AssertSqlSafe(table.create_staging()))
        .execute(&mut **transaction)
        .await
        .with_context(failed)?;
    sqlx::query(AssertSqlSafe(table.fill_staging()))
        .bind(&part.rows)
        .execute(&mut **transaction)
        .await
        .with_context(failed)?;
    let mut difference: Difference = sqlx::query_as(AssertSqlSafe(table.compare()))
        .bind(&batch.source)
        .fetch_one(&mut **transaction)
        .await
        .with_context(failed)?;
    if !batch.whole {
        difference.surplus = 0;
    }
    let steps = [
        (difference.surplus, table.remove()),
        (difference.changed, table.update()),
        (difference.missing, table.insert()),
    ];
    for (count, statement) in steps {
        if count > 0 && !check {
            sqlx::query(AssertSqlSafe(statement))
                .bind(&batch.source)
                .execute(&mut **transaction)
                .await
                .with_context(failed)?;
        }
    }
    Ok(difference)
}

fn print_difference(table: &str, difference: Difference, check: bool) {
    let Difference {
        missing,
        changed,
        surplus,
    } = difference;
    if check {
        println!("{table}: {missing} missing, {changed} different, {surplus} too many");
    } else {
        println!("{table}: {missing} inserted, {changed} updated, {surplus} removed");
    }
}

async fn print_counts(connection: &mut PgConnection, when: &str) -> Result<()> {
    let (agentes, servicios, propiedades): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM agentes), (SELECT count(*) FROM servicios), (SELECT count(*) FROM propiedades)",
    )
    .fetch_one(connection)
    .await
    .context("the tables cannot be counted")?;
    println!("{when}: agentes {agentes}, servicios {servicios}, propiedades {propiedades}");
    Ok(())
}

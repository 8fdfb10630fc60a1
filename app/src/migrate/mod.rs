//! `migrate`: the embedded migrations against the database.

mod describe;
mod drive;
mod embedded;
mod fault;
mod schema;
mod session;

use crate::cli::Migrate;
use crate::failure::{Failure, Outcome, PENDING};
use crate::settings::Database;

pub use describe::describe;
pub use embedded::newest;
pub use schema::Schema;

use drive::Back;
use embedded::{name, newest_name};

/// Runs `migrate`, except `--describe`, which needs no database.
pub async fn run(database: &Database, job: &Migrate) -> Outcome {
    let mut connection = database.connect().await?;
    let schema = Schema::read(&mut connection).await?;
    if job.status {
        println!("{}", schema.status());
        return Ok(0);
    }
    if let Some(target) = job.down_to {
        let back = Back {
            target,
            lose_data: job.lose_data,
        };
        return Ok(drive::down(database, connection, &schema, back).await?);
    }
    if let Some(refusal) = schema.refusal() {
        return Err(Failure::Failed(anyhow::anyhow!(refusal)));
    }
    if schema.pending.is_empty() {
        println!("nothing is pending; the schema is at {}", newest_name());
        return Ok(0);
    }
    if job.check {
        for migration in &schema.pending {
            println!("pending: {}", name(migration));
        }
        return Ok(PENDING);
    }
    Ok(drive::up(database, connection).await?)
}

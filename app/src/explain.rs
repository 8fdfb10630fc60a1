//! `explain`: how the database runs the query behind `/api/recomendar`.

use anyhow::{Context, anyhow};

use crate::catalog::recommend::{self, Preferences};
use crate::catalog::search::Page;
use crate::catalog::zone::{self, Found};
use crate::failure::{Failure, Outcome};
use crate::http;
use crate::settings::{Database, Settings};

/// Prints EXPLAIN (ANALYZE, BUFFERS) of the query for a zone, with the defaults of the API for the rest.
pub async fn run(settings: &Settings, database: &Database, wanted: &str, limite: i64) -> Outcome {
    let pool = database.pool(&settings.pool);
    let mut connection = pool
        .acquire()
        .await
        .context("the database does not answer")?;
    let found = zone::find(&mut connection, &http::fold(wanted))
        .await
        .context("the zones cannot be read")?;
    let zone = match found {
        Found::Zones(mut zones) if zones.len() == 1 => zones.remove(0),
        Found::Zones(zones) => {
            let names: Vec<String> = zones.into_iter().map(|zone| zone.zona).collect();
            return Err(unclear(wanted, &names));
        }
        Found::Similar(names) => return Err(unclear(wanted, &names)),
    };
    let preferences = Preferences {
        zona: Some(zone.zona_normalizada),
        ..http::preferences()
    };
    let lines = recommend::explain(&mut connection, &preferences, Page { limite, offset: 0 })
        .await
        .context("the query cannot be explained")?;
    println!("{}", lines.join("\n"));
    Ok(0)
}

fn unclear(wanted: &str, names: &[String]) -> Failure {
    Failure::Usage(anyhow!(
        "\"{wanted}\" is not one zone; these exist: {}",
        names.join(", ")
    ))
}

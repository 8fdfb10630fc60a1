//! `explain`: how the database runs the query behind `/api/recomendar`.

use anyhow::{Context, anyhow};
use sqlx::PgConnection;

use crate::catalog::candidates::Candidates;
use crate::catalog::fold::fold;
use crate::catalog::preferences::Preferences;
use crate::catalog::query_error::QueryError;
use crate::catalog::ranking;
use crate::catalog::ranking_cache::RankingCache;
use crate::catalog::search::Page;
use crate::catalog::services::RADII;
use crate::catalog::zone::{self, Found};
use crate::failure::{Failure, Outcome};
use crate::settings::{Database, Settings};

/// Prints EXPLAIN (ANALYZE, BUFFERS) of the query for a zone, with the defaults of the API for the rest.
pub async fn run(settings: &Settings, database: &Database, wanted: &str, limite: i64) -> Outcome {
    let pool = database.pool(&settings.pool);
    let mut connection = pool
        .acquire()
        .await
        .context("the database does not answer")?;
    let found = zone::find(&mut connection, &fold(wanted))
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
        ..Preferences::default()
    };
    let page = Page { limite, offset: 0 };
    let ranking_cache = RankingCache::start(database.beside(&settings.pool));
    let lines = explained(&ranking_cache, &mut connection, &preferences, page)
        .await
        .context("the query cannot be explained")?;
    println!("{}", lines.join("\n"));
    Ok(0)
}

/// With the radius whose figures the schema stores, and with one that has to be measured.
async fn explained(
    ranking_cache: &RankingCache,
    connection: &mut PgConnection,
    wanted: &Preferences,
    page: Page,
) -> Result<Vec<String>, QueryError> {
    let rank = |known: &Candidates| {
        let ranking = ranking::rank(known, wanted, page);
        let ids: Vec<i64> = ranking.chosen.iter().map(|chosen| chosen.id).collect();
        (ids.clone(), ids)
    };
    let (ids, _) = ranking_cache.ask(connection, wanted.radio_m, rank).await?;
    let mut lines = Vec::new();
    for radio_m in [wanted.radio_m, RADII[0]] {
        lines.push(format!("With the services within {radio_m} m:"));
        lines.extend(ranking_cache.explain(connection, radio_m, &ids).await?);
    }
    Ok(lines)
}

fn unclear(wanted: &str, names: &[String]) -> Failure {
    Failure::Usage(anyhow!(
        "\"{wanted}\" is not one zone; these exist: {}",
        names.join(", ")
    ))
}

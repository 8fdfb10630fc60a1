//! What `/api/recomendar` looks for, and what it finds.

use sqlx::PgConnection;

use crate::catalog::candidates::Candidates;
use crate::catalog::chosen_row::ChosenRow;
use crate::catalog::preferences::Preferences;
use crate::catalog::property::Property;
use crate::catalog::query_error::QueryError;
use crate::catalog::ranking::{self, Chosen, Ranking};
use crate::catalog::ranking_cache::RankingCache;
use crate::catalog::search::Page;
use crate::catalog::services::NearbyColumns;

/// A matching property.
#[derive(Debug)]
pub struct Recommended {
    pub propiedad: Property,
    /// Its score, and why.
    pub chosen: Chosen,
    pub cerca: NearbyColumns,
}

/// The preferences, resolved against the catalogue.
#[derive(Debug)]
pub struct Resolved {
    /// The preferences without the filters that were dropped.
    pub wanted: Preferences,
    /// The filters that were dropped.
    pub relaxed: Vec<&'static str>,
    /// The name of the zone.
    pub zone: Option<String>,
}

/// A page of the ranking.
#[derive(Debug)]
pub struct Found {
    pub resolved: Resolved,
    /// Matching properties in all.
    pub total: i64,
    pub rows: Vec<Recommended>,
}

/// A page of the ranking. `resolve` is given the catalogue and says what to rank by, or why it cannot.
pub async fn find<No>(
    ranking_cache: &RankingCache,
    connection: &mut PgConnection,
    radius_m: i64,
    page: Page,
    resolve: impl Fn(&Candidates) -> Result<Resolved, No>,
) -> Result<Result<Found, No>, QueryError> {
    let choose = |known: &Candidates| chosen(known, page, &resolve);
    let (found, rows) = ranking_cache.ask(connection, radius_m, choose).await?;
    Ok(found.map(|(resolved, Ranking { total, chosen })| Found {
        resolved,
        total,
        rows: rows.into_iter().zip(chosen).map(Recommended::new).collect(),
    }))
}

/// The ranking, and the ids of its rows.
pub fn chosen<No>(
    known: &Candidates,
    page: Page,
    resolve: impl Fn(&Candidates) -> Result<Resolved, No>,
) -> (Result<(Resolved, Ranking), No>, Vec<i64>) {
    match resolve(known) {
        Ok(resolved) => {
            let ranking = ranking::rank(known, &resolved.wanted, page);
            let ids = ranking.chosen.iter().map(|chosen| chosen.id).collect();
            (Ok((resolved, ranking)), ids)
        }
        Err(no) => (Err(no), Vec::new()),
    }
}

impl Recommended {
    fn new((row, chosen): (ChosenRow, Chosen)) -> Self {
        Recommended {
            propiedad: row.propiedad,
            chosen,
            cerca: row.cerca,
        }
    }
}

//! Answers from memory, and never out of date.
//!
//! Each answer is made of the memory as it is after a proof (`prover.rs`), so it is what the database held at one moment after
//! the request arrived. The rows of an answer are kept as JSON; those that are not kept are fetched by a statement that also
//! reports, in the same snapshot, whether the memory is still current. If it is not, the answer is made again.

use std::sync::Arc;

use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};

use crate::catalog::candidates::Candidates;
use crate::catalog::chosen_row::ChosenRow;
use crate::catalog::fragments::Fragment;
use crate::catalog::memory::{Mark, Memory, Moment};
use crate::catalog::property;
use crate::catalog::prover::{Connect, Prover};
use crate::catalog::query_error::QueryError;
use crate::catalog::services::{self, KEPT_M};
use crate::catalog::zone::Zone;

/// The ranking cache of a server.
#[derive(Debug)]
pub struct RankingCache {
    memory: Arc<Memory>,
    prover: Prover,
}

impl RankingCache {
    /// An empty one, which reads the catalogue when it is first asked.
    pub fn start(connect: impl Connect) -> Self {
        let memory = Arc::<Memory>::default();
        RankingCache {
            prover: Prover::start(Arc::clone(&memory), connect),
            memory,
        }
    }

    /// What `look` makes of the properties as they are after this call, and of the number of that state.
    pub async fn look<T>(&self, look: impl FnOnce(&Candidates, u64) -> T) -> Result<T, QueryError> {
        self.prover.prove().await?;
        let seen = self
            .memory
            .read(|known, moment, _| look(known, moment.generation));
        let (_, seen) = seen.ok_or(sqlx::Error::WorkerCrashed)?;
        Ok(seen)
    }

    /// Calls `choose` with all properties. Returns its result, and the rows of the ids that it chose, in its order.
    pub async fn ask<T>(
        &self,
        connection: &mut PgConnection,
        radius_m: i64,
        choose: impl Fn(&Candidates) -> (T, Vec<i64>),
    ) -> Result<(T, Vec<ChosenRow>), QueryError> {
        loop {
            self.prover.prove().await?;
            let chosen = self.memory.read(|known, _, _| choose(known));
            let (moment, (answer, ids)) = chosen.ok_or(sqlx::Error::WorkerCrashed)?;
            if let Some(rows) = rows(connection, &moment.mark, radius_m, &ids).await? {
                return Ok((answer, rows));
            }
        }
    }

    /// The same with the rows as JSON, most of which are in memory.
    pub async fn fragments<T>(
        &self,
        pool: &PgPool,
        choose: impl Fn(&Candidates) -> (T, Vec<i64>),
    ) -> Result<(T, Vec<Arc<Fragment>>), QueryError> {
        loop {
            self.prover.prove().await?;
            let chosen = self.memory.read(|known, _, kept| {
                let (answer, ids) = choose(known);
                let found: Vec<_> = ids.iter().map(|id| kept(*id)).collect();
                (answer, ids, found)
            });
            let (moment, (answer, ids, found)) = chosen.ok_or(sqlx::Error::WorkerCrashed)?;
            if let Some(fragments) = self.completed(pool, &moment, &ids, found).await? {
                return Ok((answer, fragments));
            }
        }
    }

    /// All fragments, with those that were not kept; none if the moment has passed.
    async fn completed(
        &self,
        pool: &PgPool,
        moment: &Moment,
        ids: &[i64],
        mut found: Vec<Option<Arc<Fragment>>>,
    ) -> Result<Option<Vec<Arc<Fragment>>>, QueryError> {
        let pairs = || ids.iter().copied().zip(&found);
        let missing: Vec<i64> = pairs()
            .filter(|(_, fragment)| fragment.is_none())
            .map(|(id, _)| id)
            .collect();
        if !missing.is_empty() {
            let mut connection = pool.acquire().await?;
            let Some(rows) = rows(&mut connection, &moment.mark, KEPT_M, &missing).await? else {
                return Ok(None);
            };
            let made: Vec<Arc<Fragment>> = rows
                .into_iter()
                .map(|row| Arc::new(Fragment::new(row)))
                .collect();
            let named: Vec<_> = missing.into_iter().zip(made.iter().cloned()).collect();
            self.memory.keep(moment.generation, &named);
            let gaps = found.iter_mut().filter(|fragment| fragment.is_none());
            for (gap, fragment) in gaps.zip(made) {
                *gap = Some(fragment);
            }
        }
        Ok(Some(found.into_iter().flatten().collect()))
    }

    /// Every zone that a property has, by its folded name.
    pub async fn zones(&self) -> Result<Vec<Zone>, QueryError> {
        self.look(|known, _| known.zones().to_vec()).await
    }

    /// EXPLAIN (ANALYZE, BUFFERS) of the statement behind an answer, line by line.
    pub async fn explain(
        &self,
        connection: &mut PgConnection,
        radius_m: i64,
        ids: &[i64],
    ) -> Result<Vec<String>, QueryError> {
        let read = self.memory.read(|_, _, _| ());
        let (moment, ()) = read.ok_or(sqlx::Error::RowNotFound)?;
        let mut query = query("EXPLAIN (ANALYZE, BUFFERS) ", &moment.mark, radius_m, ids);
        let lines = query.build_query_scalar().fetch_all(connection).await?;
        Ok(lines)
    }
}

/// The rows with these ids, in this order; none when the memory is out of date.
async fn rows(
    connection: &mut PgConnection,
    mark: &Mark,
    radius_m: i64,
    ids: &[i64],
) -> sqlx::Result<Option<Vec<ChosenRow>>> {
    if ids.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut rows: Vec<ChosenRow> = query("", mark, radius_m, ids)
        .build_query_as()
        .fetch_all(connection)
        .await?;
    if rows.len() < ids.len() || rows.iter().any(|row| !row.al_dia) {
        return Ok(None);
    }
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.propiedad.id));
    Ok(Some(rows))
}

fn query(prefix: &str, mark: &Mark, radius_m: i64, ids: &[i64]) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(prefix);
    query.push("SELECT (");
    mark.push_is_current(&mut query);
    query.push(") AS al_dia, ").push(property::COLUMNS);
    services::push_columns(&mut query, radius_m);
    query.push(" FROM propiedades p");
    services::push_lateral(&mut query, radius_m);
    query
        .push(" WHERE p.id = ANY(")
        .push_bind(ids.to_vec())
        .push(")");
    query
}

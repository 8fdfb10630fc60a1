//! What properties are ranked by, kept in memory, and never out of date.
//!
//! The statement that fetches the rows of an answer also asks, in the same snapshot, whether any transaction wrote a property
//! that the cache has not seen. If one did, the cache reads what it wrote, and the answer is made again, all within one snapshot.
//! So an answer is what the database held at one moment after the request arrived.

use std::sync::{PoisonError, RwLock};

use futures_util::TryStreamExt;
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};

use crate::catalog::candidates::{COLUMNS, Candidates, Row};
use crate::catalog::property::{self, Property};
use crate::catalog::services::{self, NearbyColumns};
use crate::catalog::zone::Zone;

/// The ranking cache of a server.
#[derive(Debug, Default)]
pub struct RankingCache {
    known: RwLock<Option<Known>>,
    /// Held by the request that brings the cache up to date.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Known {
    mark: Mark,
    candidates: Candidates,
}

/// What the cache has seen.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Mark {
    /// The server's start and the table's file. When either changes, everything is read again.
    lugar: String,
    /// The snapshot of the last refresh.
    vista: String,
    /// The oldest transaction that the snapshot may not have seen.
    desde: i64,
}

/// The row of a property that was chosen for the page.
#[derive(Debug, sqlx::FromRow)]
pub struct ChosenRow {
    al_dia: bool,
    #[sqlx(flatten)]
    pub propiedad: Property,
    /// Metres to the nearest service of each category.
    pub distancias_m: Option<Vec<Option<f64>>>,
    #[sqlx(flatten)]
    pub cerca: NearbyColumns,
}

/// More changed rows than this are not added one by one: reading everything again needs less memory.
const MANY: i64 = 5000;

const PLACE: &str =
    "concat_ws('.', extract(epoch FROM pg_postmaster_start_time()), 'propiedades'::regclass::oid,
    pg_relation_filenode('propiedades'))";

impl RankingCache {
    /// Calls `choose` with all properties. Returns its result, and the rows of the ids that it chose, in its order.
    pub async fn ask<T>(
        &self,
        connection: &mut PgConnection,
        radius_m: i64,
        choose: impl Fn(&Candidates) -> (T, Vec<i64>),
    ) -> sqlx::Result<(T, Vec<ChosenRow>)> {
        let seen = self.mark();
        if let Some(answer) = self
            .answer_from_memory(connection, radius_m, &choose)
            .await?
        {
            return Ok(answer);
        }
        let _turn = self.turn.lock().await;
        // Another request may have brought it up to date meanwhile.
        if self.mark() != seen
            && let Some(answer) = self
                .answer_from_memory(connection, radius_m, &choose)
                .await?
        {
            return Ok(answer);
        }
        let mut moment = connection
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        self.refresh(&mut moment).await?;
        let answer = self
            .answer_from_memory(&mut moment, radius_m, &choose)
            .await?;
        moment.commit().await?;
        // Within its own snapshot the cache is never out of date.
        answer.ok_or_else(|| {
            sqlx::Error::Protocol("the ranking cache could not be brought up to date".to_owned())
        })
    }

    /// Every zone that a property has, by its folded name.
    pub async fn zones(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<Zone>> {
        let choose = |known: &Candidates| (known.zones(), Vec::new());
        let (zones, _) = self.ask(connection, services::KEPT_M, choose).await?;
        Ok(zones)
    }

    fn mark(&self) -> Option<Mark> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| known.mark.clone())
    }

    /// The answer from what is in memory; none when the database has changed since.
    async fn answer_from_memory<T>(
        &self,
        connection: &mut PgConnection,
        radius_m: i64,
        choose: &impl Fn(&Candidates) -> (T, Vec<i64>),
    ) -> sqlx::Result<Option<(T, Vec<ChosenRow>)>> {
        let chosen = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known
                .as_ref()
                .map(|known| (known.mark.clone(), choose(&known.candidates)))
        };
        let Some((mark, (answer, ids))) = chosen else {
            return Ok(None);
        };
        let rows = if ids.is_empty() {
            let mut query = QueryBuilder::new("SELECT ");
            push_up_to_date(&mut query, &mark);
            let up_to_date: bool = query.build_query_scalar().fetch_one(connection).await?;
            up_to_date.then(Vec::new)
        } else {
            rows(connection, &mark, radius_m, &ids).await?
        };
        Ok(rows.map(|rows| (answer, rows)))
    }

    /// Reads what was written since the last refresh, or everything.
    async fn refresh(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(PLACE).push(
            " AS lugar, pg_current_snapshot()::text AS vista,
               pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS desde",
        );
        let now: Mark = query.build_query_as().fetch_one(&mut *connection).await?;
        match self.mark().filter(|seen| seen.lugar == now.lugar) {
            Some(seen) => match rows_since(connection, &seen).await? {
                Some(rows) => self.add(rows, now),
                None => self.replace(now, read_all(connection).await?),
            },
            None => self.replace(now, read_all(connection).await?),
        }
        Ok(())
    }

    fn add(&self, rows: Vec<Row>, mark: Mark) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            for row in rows {
                known.candidates.put(row);
            }
            known.candidates.settle();
            known.mark = mark;
        }
    }

    fn replace(&self, mark: Mark, candidates: Candidates) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Known { mark, candidates });
    }

    /// EXPLAIN (ANALYZE, BUFFERS) of the statement behind an answer, line by line.
    pub async fn explain(
        &self,
        connection: &mut PgConnection,
        radius_m: i64,
        ids: &[i64],
    ) -> sqlx::Result<Vec<String>> {
        let mark = self.mark().ok_or(sqlx::Error::RowNotFound)?;
        query("EXPLAIN (ANALYZE, BUFFERS) ", &mark, radius_m, ids)
            .build_query_scalar()
            .fetch_all(connection)
            .await
    }
}

/// All properties.
async fn read_all(connection: &mut PgConnection) -> sqlx::Result<Candidates> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(" FROM propiedades");
    let mut candidates = Candidates::default();
    let mut rows = query.build_query_as::<Row>().fetch(connection);
    while let Some(row) = rows.try_next().await? {
        candidates.put(row);
    }
    candidates.settle();
    Ok(candidates)
}

/// The rows that were written since; none when there are too many, or some were deleted, so that everything must be read again.
async fn rows_since(connection: &mut PgConnection, seen: &Mark) -> sqlx::Result<Option<Vec<Row>>> {
    let mut query = QueryBuilder::new("SELECT EXISTS (SELECT FROM propiedades_quitadas WHERE ");
    push_unseen(&mut query, seen);
    query.push(")");
    let deleted: bool = query
        .build_query_scalar()
        .fetch_one(&mut *connection)
        .await?;
    if deleted {
        return Ok(None);
    }
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(" FROM propiedades WHERE ");
    push_unseen(&mut query, seen);
    query.push(" LIMIT ").push_bind(MANY + 1);
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok((rows.len() <= usize::try_from(MANY).unwrap_or(usize::MAX)).then_some(rows))
}

/// The rows with these ids, in this order; none when the cache is out of date.
async fn rows(
    connection: &mut PgConnection,
    mark: &Mark,
    radius_m: i64,
    ids: &[i64],
) -> sqlx::Result<Option<Vec<ChosenRow>>> {
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
    push_up_to_date(&mut query, mark);
    query
        .push(") AS al_dia, ")
        .push(property::COLUMNS)
        .push(", p.distancias_m");
    services::push_columns(&mut query, radius_m);
    query.push(" FROM propiedades p");
    services::push_lateral(&mut query, radius_m);
    query
        .push(" WHERE p.id = ANY(")
        .push_bind(ids.to_vec())
        .push(")");
    query
}

/// Appends whether the cache has seen every change.
fn push_up_to_date(query: &mut QueryBuilder<Postgres>, mark: &Mark) {
    for table in ["propiedades", "propiedades_quitadas"] {
        query
            .push("NOT EXISTS (SELECT FROM ")
            .push(table)
            .push(" WHERE ");
        push_unseen(query, mark);
        query.push(") AND ");
    }
    query.push(PLACE).push(" = ").push_bind(mark.lugar.clone());
}

/// Appends the condition that a row was written by a transaction that the cache has not seen. Numbers that no transaction has
/// reached yet come from another server's dump.
fn push_unseen(query: &mut QueryBuilder<Postgres>, mark: &Mark) {
    query.push("cambio >= ").push_bind(mark.desde);
    query.push(" AND cambio < pg_snapshot_xmax(pg_current_snapshot())::text::bigint AND NOT pg_visible_in_snapshot(cambio::text::xid8, ");
    query
        .push_bind(mark.vista.clone())
        .push("::text::pg_snapshot)");
}

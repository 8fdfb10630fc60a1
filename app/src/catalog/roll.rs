//! The roll: what is ranked by, kept in memory, and never out of date.
//!
//! With the rows of an answer the database is asked, in the same statement and so in the same snapshot, whether any transaction
//! wrote a property that the roll's own snapshot did not see. If one did, the roll takes in what it wrote and the answer is made
//! anew, within one snapshot from then on. So an answer is what the database held at one moment after it was asked for.

use std::sync::{PoisonError, RwLock};

use futures_util::TryStreamExt;
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};

use crate::catalog::candidates::{COLUMNS, Candidates, Row};
use crate::catalog::property::{self, Property};
use crate::catalog::services::{self, NearbyColumns};
use crate::catalog::zone::Zone;

/// The roll of a server.
#[derive(Debug, Default)]
pub struct Roll {
    known: RwLock<Option<Known>>,
    /// Whoever brings it up to date holds this.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Known {
    mark: Mark,
    candidates: Candidates,
}

/// What the roll has seen.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Mark {
    /// The server's start and the table's file: another one is another story.
    lugar: String,
    /// The snapshot of the last look.
    vista: String,
    /// The oldest transaction that the snapshot may not have seen.
    desde: i64,
}

/// What is told of a property that was chosen.
#[derive(Debug, sqlx::FromRow)]
pub struct Told {
    al_dia: bool,
    #[sqlx(flatten)]
    pub propiedad: Property,
    /// Metres to the nearest service, by place of its category.
    pub distancias_m: Option<Vec<Option<f64>>>,
    #[sqlx(flatten)]
    pub cerca: NearbyColumns,
}

/// More rows than that are not added one by one: everything is read anew, which holds less memory meanwhile.
const MANY: i64 = 5000;

const PLACE: &str =
    "concat_ws('.', extract(epoch FROM pg_postmaster_start_time()), 'propiedades'::regclass::oid,
    pg_relation_filenode('propiedades'))";

impl Roll {
    /// Looks at all properties, and tells with what `look` made of them the rows that it chose, in its order.
    pub async fn ask<T>(
        &self,
        connection: &mut PgConnection,
        radius_m: i64,
        look: impl Fn(&Candidates) -> (T, Vec<i64>),
    ) -> sqlx::Result<(T, Vec<Told>)> {
        let seen = self.mark();
        if let Some(answer) = self.at_once(connection, radius_m, &look).await? {
            return Ok(answer);
        }
        let _turn = self.turn.lock().await;
        // Somebody else may have brought it up to date meanwhile.
        if self.mark() != seen
            && let Some(answer) = self.at_once(connection, radius_m, &look).await?
        {
            return Ok(answer);
        }
        let mut moment = connection
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        self.refresh(&mut moment).await?;
        let answer = self.at_once(&mut moment, radius_m, &look).await?;
        moment.commit().await?;
        // Of its own moment the roll is never out of date.
        answer.ok_or_else(|| {
            sqlx::Error::Protocol("the roll of properties cannot be brought up to date".to_owned())
        })
    }

    /// Every zone that a property has, by its folded name.
    pub async fn zones(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<Zone>> {
        let look = |known: &Candidates| (known.zones(), Vec::new());
        let (zones, _) = self.ask(connection, services::KEPT_M, look).await?;
        Ok(zones)
    }

    fn mark(&self) -> Option<Mark> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| known.mark.clone())
    }

    /// The answer by what is known; none when the database knows more.
    async fn at_once<T>(
        &self,
        connection: &mut PgConnection,
        radius_m: i64,
        look: &impl Fn(&Candidates) -> (T, Vec<i64>),
    ) -> sqlx::Result<Option<(T, Vec<Told>)>> {
        let looked = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known
                .as_ref()
                .map(|known| (known.mark.clone(), look(&known.candidates)))
        };
        let Some((mark, (answer, ids))) = looked else {
            return Ok(None);
        };
        let told = if ids.is_empty() {
            let mut query = QueryBuilder::new("SELECT ");
            push_up_to_date(&mut query, &mark);
            let up_to_date: bool = query.build_query_scalar().fetch_one(connection).await?;
            up_to_date.then(Vec::new)
        } else {
            rows(connection, &mark, radius_m, &ids).await?
        };
        Ok(told.map(|told| (answer, told)))
    }

    /// Takes in what was written since the last look, or everything.
    async fn refresh(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(PLACE).push(
            " AS lugar, pg_current_snapshot()::text AS vista,
               pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS desde",
        );
        let now: Mark = query.build_query_as().fetch_one(&mut *connection).await?;
        match self.mark().filter(|seen| seen.lugar == now.lugar) {
            Some(seen) => match news(connection, &seen).await? {
                Some(news) => self.add(news, now),
                None => self.replace(now, everything(connection).await?),
            },
            None => self.replace(now, everything(connection).await?),
        }
        Ok(())
    }

    fn add(&self, news: Vec<Row>, mark: Mark) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            for row in news {
                known.candidates.put(row);
            }
            known.mark = mark;
        }
    }

    fn replace(&self, mark: Mark, candidates: Candidates) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Known { mark, candidates });
    }

    /// The lines in which the database explains the statement behind an answer, measured.
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
async fn everything(connection: &mut PgConnection) -> sqlx::Result<Candidates> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(" FROM propiedades");
    let mut candidates = Candidates::default();
    let mut rows = query.build_query_as::<Row>().fetch(connection);
    while let Some(row) = rows.try_next().await? {
        candidates.put(row);
    }
    Ok(candidates)
}

/// What was written since; none when that is so much, or deleted, that everything is better read anew.
async fn news(connection: &mut PgConnection, seen: &Mark) -> sqlx::Result<Option<Vec<Row>>> {
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

/// The rows with these ids, in this order; none when the roll is out of date.
async fn rows(
    connection: &mut PgConnection,
    mark: &Mark,
    radius_m: i64,
    ids: &[i64],
) -> sqlx::Result<Option<Vec<Told>>> {
    let mut rows: Vec<Told> = query("", mark, radius_m, ids)
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

/// Appends whether the roll has seen everything.
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

/// Appends the condition that a row was written by a transaction that the roll has not seen. Numbers that no transaction has yet
/// come from another server's dump.
fn push_unseen(query: &mut QueryBuilder<Postgres>, mark: &Mark) {
    query.push("cambio >= ").push_bind(mark.desde);
    query.push(" AND cambio < pg_snapshot_xmax(pg_current_snapshot())::text::bigint AND NOT pg_visible_in_snapshot(cambio::text::xid8, ");
    query
        .push_bind(mark.vista.clone())
        .push("::text::pg_snapshot)");
}

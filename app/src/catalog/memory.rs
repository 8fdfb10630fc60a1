//! The part of the catalogue that is kept in memory: a copy of what the database held at one moment, and of which moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use futures_util::TryStreamExt;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::catalog::candidates::{COLUMNS, Candidates, Row};
use crate::catalog::fragments::{Fragment, Fragments};

/// The catalogue in memory. Only the prover changes it.
#[derive(Debug, Default)]
pub struct Memory {
    known: RwLock<Option<Known>>,
    /// Rows as JSON. They are always those of `known`: whoever changes one holds the lock of the other.
    fragments: Mutex<Fragments>,
}

#[derive(Debug)]
struct Known {
    moment: Moment,
    candidates: Candidates,
}

/// A state of the memory.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Another number, another state.
    pub generation: u64,
    pub mark: Arc<Mark>,
}

/// What the memory has seen.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Mark {
    /// The server's start and the table's file. When either changes, everything is read again.
    lugar: String,
    /// The snapshot of the last refresh.
    vista: String,
    /// The oldest transaction that the snapshot may not have seen.
    desde: i64,
}

/// More changed rows than this are not added one by one: reading everything again needs less memory.
const MANY: i64 = 5000;

const PLACE: &str =
    "concat_ws('.', extract(epoch FROM pg_postmaster_start_time()), 'propiedades'::regclass::oid,
    pg_relation_filenode('propiedades'))";

impl Memory {
    /// What `look` makes of the properties, and of which moment they are; none before they were read first.
    pub fn read<T>(
        &self,
        look: impl FnOnce(&Candidates, &Moment, &dyn Fn(i64) -> Option<Arc<Fragment>>) -> T,
    ) -> Option<(Moment, T)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        let kept = |id| self.fragments().get(id);
        let seen = look(&known.candidates, &known.moment, &kept);
        Some((known.moment.clone(), seen))
    }

    /// Keeps rows that were read at this moment, unless it has passed.
    pub fn keep(&self, generation: u64, rows: &[(i64, Arc<Fragment>)]) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let now = known.as_ref().map(|known| known.moment.generation);
        if now == Some(generation) {
            let mut fragments = self.fragments();
            for (id, fragment) in rows {
                fragments.put(*id, Arc::clone(fragment));
            }
        }
    }

    fn fragments(&self) -> MutexGuard<'_, Fragments> {
        self.fragments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn moment(&self) -> Option<Moment> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| known.moment.clone())
    }

    /// Whether this is still what the database holds.
    pub async fn is_current(&self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        let Some(moment) = self.moment() else {
            return Ok(false);
        };
        let mut query = QueryBuilder::new("SELECT ");
        moment.mark.push_is_current(&mut query);
        query.build_query_scalar().fetch_one(connection).await
    }

    /// Reads what was written since the last refresh, or everything. The connection is within one snapshot.
    pub async fn refresh(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(PLACE).push(
            " AS lugar, pg_current_snapshot()::text AS vista,
               pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS desde",
        );
        let now: Mark = query.build_query_as().fetch_one(&mut *connection).await?;
        let seen = self
            .moment()
            .filter(|moment| moment.mark.lugar == now.lugar);
        let rows = match seen {
            Some(seen) => rows_since(connection, &seen.mark).await?,
            None => None,
        };
        match rows {
            Some(rows) => self.add(rows, now),
            None => self.replace(read_all(connection).await?, now),
        }
        Ok(())
    }

    fn add(&self, rows: Vec<Row>, mark: Mark) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.as_mut() else {
            return;
        };
        let mut fragments = self.fragments();
        for row in rows {
            fragments.remove(row.id);
            known.candidates.put(row);
        }
        known.candidates.settle();
        known.moment = known.moment.next(mark);
    }

    fn replace(&self, candidates: Candidates, mark: Mark) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.fragments().clear();
        let moment = match known.as_ref() {
            Some(known) => known.moment.next(mark),
            None => Moment {
                generation: 0,
                mark: Arc::new(mark),
            },
        };
        *known = Some(Known { moment, candidates });
    }

    /// Makes the next refresh read everything: what is here may be half a change.
    pub fn distrust(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            let nowhere = Mark {
                lugar: String::new(),
                ..(*known.moment.mark).clone()
            };
            known.moment = known.moment.next(nowhere);
        }
    }
}

impl Moment {
    fn next(&self, mark: Mark) -> Self {
        Moment {
            generation: self.generation + 1,
            mark: Arc::new(mark),
        }
    }
}

impl Mark {
    /// Appends whether every change was seen.
    pub fn push_is_current(&self, query: &mut QueryBuilder<Postgres>) {
        for table in ["propiedades", "propiedades_quitadas"] {
            query
                .push("NOT EXISTS (SELECT FROM ")
                .push(table)
                .push(" WHERE ");
            self.push_unseen(query);
            query.push(") AND ");
        }
        query.push(PLACE).push(" = ").push_bind(self.lugar.clone());
    }

    /// Appends the condition that a row was written by a transaction that was not seen. Numbers that no transaction has
    /// reached yet come from another server's dump.
    fn push_unseen(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("cambio >= ").push_bind(self.desde);
        query.push(" AND cambio < pg_snapshot_xmax(pg_current_snapshot())::text::bigint AND NOT pg_visible_in_snapshot(cambio::text::xid8, ");
        query
            .push_bind(self.vista.clone())
            .push("::text::pg_snapshot)");
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
    seen.push_unseen(&mut query);
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
    seen.push_unseen(&mut query);
    query.push(" LIMIT ").push_bind(MANY + 1);
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok((rows.len() <= usize::try_from(MANY).unwrap_or(usize::MAX)).then_some(rows))
}

//! Which filters must give way so that something fits at all.

use sqlx::{PgConnection, QueryBuilder};

use crate::catalog::recommend::{Preferences, push_candidates};

/// A filter that may give way: its name, and how a wish looks without it.
type Filter = (&'static str, fn(&mut Preferences));

/// The filters that may give way, the one that is missed least first. The operation never does.
const FILTERS: [Filter; 4] = [
    ("presupuesto_min", |wanted| wanted.presupuesto_min = None),
    ("tipo_propiedad", |wanted| wanted.tipo_propiedad = None),
    ("zona_preferida", |wanted| wanted.zona = None),
    ("presupuesto_max", |wanted| wanted.presupuesto_max = None),
];

/// Takes as few filters as possible out of the wish, until at least one property passes the rest, and names them.
/// Nothing is taken out when something fits already, or when nothing would help.
pub async fn relax(
    connection: &mut PgConnection,
    wanted: &mut Preferences,
) -> sqlx::Result<Vec<&'static str>> {
    let mut sets: Vec<u32> = (0..1 << FILTERS.len()).collect();
    sets.sort_by_key(|set| (set.count_ones(), *set));
    for set in sets {
        let chosen = || {
            (0..)
                .zip(FILTERS)
                .filter(move |(bit, _)| set >> bit & 1 == 1)
        };
        let mut relaxed = wanted.clone();
        for (_, (_, without)) in chosen() {
            without(&mut relaxed);
        }
        if any(connection, &relaxed).await? {
            *wanted = relaxed;
            return Ok(chosen().map(|(_, (name, _))| name).collect());
        }
    }
    Ok(Vec::new())
}

async fn any(connection: &mut PgConnection, wanted: &Preferences) -> sqlx::Result<bool> {
    let mut query = QueryBuilder::new("SELECT EXISTS (SELECT");
    push_candidates(&mut query, wanted);
    query.push(")");
    query.build_query_scalar().fetch_one(&mut *connection).await
}

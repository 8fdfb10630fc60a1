//! The query of `/api/buscar`, over the properties that are kept in memory. It finds what `search.rs` finds in SQL.

use std::cmp::Ordering;

use crate::catalog::candidate_filter::HardFilter;
use crate::catalog::candidates::{Candidate, Candidates, Group};
use crate::catalog::filters::Filters;
use crate::catalog::search::{Order, Page};

/// A property, and what it is ordered by.
type Keyed = (f64, i64);

/// Whether memory has what these filters and this order look at: it measures no distance.
pub fn can(filters: &Filters, order: Order) -> bool {
    filters.cerca.is_none() && filters.estado.is_none() && order != Order::Distance
}

/// How many properties pass the filters, and the ids of a page of them.
pub fn find(known: &Candidates, filters: &Filters, order: Order, page: Page) -> (usize, Vec<i64>) {
    let mut found: Vec<Keyed> = passing(known, filters)
        .map(|(group, row)| (key(&group.rows[row], order), group.rows[row].id))
        .collect();
    let total = found.len();
    let offset = usize::try_from(page.offset).unwrap_or(0).min(total);
    let limit = usize::try_from(page.limite).unwrap_or(0);
    let end = offset.saturating_add(limit).min(total);
    if end < total {
        found.select_nth_unstable_by(end, by_key);
        found.truncate(end);
    }
    found.sort_unstable_by(by_key);
    (total, found[offset..].iter().map(|(_, id)| *id).collect())
}

/// The properties that pass the filters: the group of each, and its row.
pub fn passing<'k>(
    known: &'k Candidates,
    filters: &Filters,
) -> impl Iterator<Item = (&'k Group, usize)> {
    let filter = HardFilter::new(filters, known);
    known.groups.iter().flat_map(move |group| {
        let rows: Vec<usize> = if filter.may_hold(group) {
            let rows = (0..).zip(&group.rows);
            rows.filter(|(_, row)| filter.passes(row))
                .map(|(index, _)| index)
                .collect()
        } else {
            Vec::new()
        };
        rows.into_iter().map(move |row| (group, row))
    })
}

/// The smaller comes first, and what is unknown comes last.
fn key(row: &Candidate, order: Order) -> f64 {
    let key = match order {
        Order::Id | Order::Distance => 0.0,
        Order::Cheapest => row.precio,
        Order::Dearest => -row.precio,
        Order::Largest => -row.superficie,
        Order::Newest => return newest(row),
    };
    if key.is_nan() { f64::INFINITY } else { key }
}

/// The key of the newest first.
pub fn newest(row: &Candidate) -> f64 {
    if row.publicada == i32::MIN {
        f64::INFINITY
    } else {
        -f64::from(row.publicada)
    }
}

/// The total order of keys and ids.
pub fn by_key(one: &Keyed, other: &Keyed) -> Ordering {
    one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
}

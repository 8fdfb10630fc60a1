//! The ranking: score falling, price rising, id rising; unknown last.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::catalog::candidates::{Candidate, Candidates};
use crate::catalog::filter::{Filter, SOFT};
use crate::catalog::recommend::Preferences;
use crate::catalog::score::{Parts, Scale};
use crate::catalog::search::Page;

/// A page of the ranking.
#[derive(Debug)]
pub struct Ranking {
    /// Properties that fit in all.
    pub total: i64,
    /// In their order.
    pub chosen: Vec<Chosen>,
}

/// A property that was found fitting.
#[derive(Debug)]
pub struct Chosen {
    pub id: i64,
    pub parts: Parts,
}

/// Where a property stands: the better one is the smaller.
#[derive(Debug)]
struct Rank<'a> {
    /// −1 without a score.
    tenths: i32,
    /// Infinite without a price.
    precio: f64,
    candidate: &'a Candidate,
}

impl Ord for Rank<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let scores = other.tenths.cmp(&self.tenths);
        let prices = self.precio.total_cmp(&other.precio);
        scores
            .then(prices)
            .then_with(|| self.candidate.id.cmp(&other.candidate.id))
    }
}

impl PartialOrd for Rank<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rank<'_> {}

/// Scores all that pass the wish's filters, and keeps the page.
pub fn rank(known: &Candidates, wanted: &Preferences, page: Page) -> Ranking {
    let scale = Scale::new(wanted);
    let offset = usize::try_from(page.offset).unwrap_or(0);
    let most = offset.saturating_add(usize::try_from(page.limite).unwrap_or(0));
    let mut total = 0;
    // Its greatest is the worst of the best so far.
    let mut best = BinaryHeap::new();
    each(known, &Filter::new(wanted, known), |candidate, missed| {
        if missed != 0 {
            return;
        }
        let rank = Rank::new(candidate, &scale);
        if !rank.reaches(wanted.umbral) {
            return;
        }
        total += 1;
        if best.len() < most {
            best.push(rank);
        } else if best.peek().is_some_and(|worst| rank < *worst)
            && let Some(mut worst) = best.peek_mut()
        {
            *worst = rank;
        }
    });
    let page = best.into_sorted_vec().into_iter().skip(offset);
    Ranking {
        total,
        chosen: page
            .map(|rank| Chosen {
                id: rank.candidate.id,
                parts: scale.parts(rank.candidate),
            })
            .collect(),
    }
}

impl<'a> Rank<'a> {
    fn new(candidate: &'a Candidate, scale: &Scale) -> Self {
        Rank {
            tenths: scale.parts(candidate).tenths().unwrap_or(-1),
            precio: if candidate.precio.is_nan() {
                f64::INFINITY
            } else {
                candidate.precio
            },
            candidate,
        }
    }

    /// From 0 to 100; without a threshold everything does.
    fn reaches(&self, threshold: f64) -> bool {
        threshold <= 0.0 || (self.tenths >= 0 && f64::from(self.tenths) / 10.0 >= threshold)
    }
}

/// Takes as few soft filters as possible out of the wish, until at least one property passes the rest, and names them.
/// Nothing is taken out when something fits already, or when nothing would help.
pub fn relax(known: &Candidates, wanted: &mut Preferences) -> Vec<&'static str> {
    let mut seen = [false; 1 << SOFT.len()];
    each(known, &Filter::new(wanted, known), |_, missed| {
        seen[usize::from(missed)] = true;
    });
    let mut sets: Vec<usize> = (0..seen.len()).collect();
    sets.sort_by_key(|set| (set.count_ones(), *set));
    let helps = |set: &usize| (0..seen.len()).any(|missed| seen[missed] && missed & !set == 0);
    let Some(set) = sets.into_iter().find(helps) else {
        return Vec::new();
    };
    let given_way = |bit: usize| set >> bit & 1 == 1;
    let Preferences {
        presupuesto_min,
        tipo_propiedad,
        zona,
        presupuesto_max,
        ..
    } = wanted;
    if given_way(0) {
        *presupuesto_min = None;
    }
    if given_way(1) {
        *tipo_propiedad = None;
    }
    if given_way(2) {
        *zona = None;
    }
    if given_way(3) {
        *presupuesto_max = None;
    }
    (0..)
        .zip(SOFT)
        .filter(|(bit, _)| given_way(*bit))
        .map(|(_, name)| name)
        .collect()
}

/// Tells every property that passes the hard filters, and the soft ones that it misses.
fn each<'a>(known: &'a Candidates, filter: &Filter, mut tell: impl FnMut(&'a Candidate, u8)) {
    for group in known.groups.iter().filter(|group| filter.may_hold(group)) {
        let by_group = filter.missed_by_group(group);
        for candidate in &group.rows {
            if let Some(missed) = filter.missed(candidate) {
                tell(candidate, missed | by_group);
            }
        }
    }
}

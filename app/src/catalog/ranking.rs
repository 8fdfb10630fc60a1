//! The ranking: score falling, price rising, id rising; unknown last.

use crate::catalog::best::{Best, PERFECT, Rank};
use crate::catalog::candidate_filter::{CandidateFilter, SOFT};
use crate::catalog::candidates::Candidates;
use crate::catalog::preferences::Preferences;
use crate::catalog::score::{Parts, Scale};
use crate::catalog::search::Page;

/// A page of the ranking.
#[derive(Debug)]
pub struct Ranking {
    /// Matching properties in all.
    pub total: i64,
    /// In the order of the ranking.
    pub chosen: Vec<Chosen>,
}

/// A matching property.
#[derive(Debug)]
pub struct Chosen {
    pub id: i64,
    pub parts: Parts,
}

/// Scores all properties that pass the filters, and keeps the page.
pub fn rank(known: &Candidates, wanted: &Preferences, page: Page) -> Ranking {
    let filter = CandidateFilter::new(wanted, known);
    let scale = Scale::new(wanted);
    let offset = usize::try_from(page.offset).unwrap_or(0);
    let limit = usize::try_from(page.limite).unwrap_or(0);
    let mut best = Best::new(offset.saturating_add(limit));
    let mut total = 0;
    for (at, group) in (0..).zip(&known.groups) {
        if !filter.may_hold(group) || filter.missed_by_group(group) != 0 {
            continue;
        }
        let cercania = group.cercania(&scale.categorias);
        for (row, candidate) in group.rows.iter().enumerate() {
            if filter.missed(candidate) != Some(0) {
                continue;
            }
            #[allow(clippy::cast_possible_truncation)] // nobody has so many properties
            let at = (at, row as u32);
            // If the page is full of perfect scores and this property costs more, no score would put it on the page.
            if wanted.umbral <= 0.0 && !best.admits(Rank::new(PERFECT, candidate, at)) {
                total += 1;
                continue;
            }
            let near = cercania.iter().map(|column| column[row]);
            let tenths = scale.tenths(candidate, near).unwrap_or(-1);
            if reaches(tenths, wanted.umbral) {
                total += 1;
                best.offer(Rank::new(tenths, candidate, at));
            }
        }
    }
    let chosen = best
        .page(offset)
        .into_iter()
        .map(|rank| chosen(known, &scale, rank));
    Ranking {
        total,
        chosen: chosen.collect(),
    }
}

fn chosen(known: &Candidates, scale: &Scale, rank: Rank) -> Chosen {
    let (group, row) = (&known.groups[rank.at.0 as usize], rank.at.1 as usize);
    let candidate = &group.rows[row];
    let near = group.cercania(&scale.categorias);
    Chosen {
        id: candidate.id,
        parts: scale.parts(candidate, near.iter().map(|column| column[row])),
    }
}

/// The threshold is from 0 to 100; without one every score passes.
fn reaches(tenths: i32, threshold: f64) -> bool {
    threshold <= 0.0 || (tenths >= 0 && f64::from(tenths) / 10.0 >= threshold)
}

/// Drops as few soft filters as possible until at least one property passes the others. Returns the names of the dropped ones.
/// Drops nothing if something matches already, or if nothing would help.
pub fn relax(known: &Candidates, wanted: &mut Preferences) -> Vec<&'static str> {
    let mut seen = [false; 1 << SOFT.len()];
    let filter = CandidateFilter::new(wanted, known);
    for group in known.groups.iter().filter(|group| filter.may_hold(group)) {
        let by_group = filter.missed_by_group(group);
        for missed in group.rows.iter().filter_map(|row| filter.missed(row)) {
            seen[usize::from(missed | by_group)] = true;
        }
    }
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

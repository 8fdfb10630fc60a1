//! The ranking: fit falling, price rising, id rising; unknown last.

use crate::catalog::KINDS;
use crate::catalog::best::{Best, Rank};
use crate::catalog::candidate_filter::{CandidateFilter, SOFT};
use crate::catalog::candidates::{Candidate, Candidates, Group};
use crate::catalog::market::Reference;
use crate::catalog::preferences::Preferences;
use crate::catalog::score::{self, COMPONENTS, Component, Scale};
use crate::catalog::search::Page;

/// A page of the ranking.
#[derive(Debug)]
pub struct Ranking {
    /// Matching properties in all.
    pub total: i64,
    /// In the order of the ranking.
    pub chosen: Vec<Chosen>,
}

/// A matching property, and why it is where it is.
#[derive(Debug)]
pub struct Chosen {
    pub id: i64,
    /// From 0 to 100, with one decimal.
    pub score: f64,
    /// Its kind.
    pub tipo: &'static str,
    /// The name of its zone.
    pub zona: Option<String>,
    /// US dollars.
    pub precio: Option<f64>,
    /// The square metres that it is judged by: of the ground for a plot, built for everything else.
    pub medida: Option<f64>,
    pub dormitorios: Option<i64>,
    /// For each wanted category, metres to the nearest service; none beyond what the schema measures.
    pub metros: Vec<Option<f64>>,
    /// What its points count, up to 1.
    pub confidence: f64,
    /// The requested parts.
    pub parts: Vec<Part>,
    /// What its price per square metre is compared with.
    pub reference: Option<Reference>,
    /// US dollars per square metre.
    pub usd_m2: Option<f64>,
    /// Whether its bedrooms fit into its living space; none if that cannot be said.
    pub has_plausible_rooms: Option<bool>,
}

/// A requested part of a score.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub component: Component,
    /// From 0 to 1; none if it is unknown.
    pub value: Option<f64>,
    /// The most points that it can give, of 100.
    pub share: f64,
}

/// Scores all properties that pass the filters, and keeps the page.
pub fn rank(known: &Candidates, wanted: &Preferences, page: Page) -> Ranking {
    let filter = CandidateFilter::new(wanted, known);
    let scale = Scale::new(wanted);
    let offset = usize::try_from(page.offset).unwrap_or(0);
    let limit = usize::try_from(page.limite).unwrap_or(0);
    let mut search = Search::new(&scale, wanted.umbral, offset.saturating_add(limit));
    for (at, group) in (0..).zip(&known.groups) {
        if !filter.may_hold(group) || filter.missed_by_group(group) != 0 {
            continue;
        }
        let metros = group.metros(&scale.categorias);
        for (row, candidate) in group.rows.iter().enumerate() {
            if filter.missed(candidate) != Some(0) {
                continue;
            }
            #[allow(clippy::cast_possible_truncation)] // nobody has so many properties
            let at = (at, row as u32);
            let metres = metros.iter().map(|column| column[row]);
            search.offer(candidate, at, metres);
        }
    }
    let ranks = search.best.page(offset).into_iter();
    Ranking {
        total: search.total,
        chosen: ranks.map(|rank| chosen(known, &scale, rank)).collect(),
    }
}

/// A ranking as it is made. Most properties need no look at all their parts.
struct Search<'s> {
    scale: &'s Scale,
    best: Best,
    total: i64,
    /// The fit that the threshold asks for, and the points that it takes.
    threshold: (i32, f64),
    /// With fewer points a property is not on the page.
    page: f64,
}

impl<'s> Search<'s> {
    fn new(scale: &'s Scale, threshold: f64, most: usize) -> Self {
        let fit = score::least_fit(threshold);
        Search {
            scale,
            best: Best::new(most),
            total: 0,
            threshold: (fit, scale.least(fit)),
            page: scale.least(0),
        }
    }

    #[inline]
    fn offer(&mut self, candidate: &Candidate, at: (u32, u32), metres: impl Iterator<Item = f64>) {
        let (least, points) = self.threshold;
        let most = self.scale.most(candidate);
        if most < points {
            return;
        }
        if least == 0 && most < self.page {
            self.total += 1;
            return;
        }
        let own = self.scale.own(candidate);
        // If it would not be on the page with all services at its door, and passes without any, they need no look.
        let most = own + score::services(candidate, 1.0);
        if most < points {
            return;
        }
        if most < self.page && (least == 0 || self.scale.fit(own) >= least) {
            self.total += 1;
            return;
        }
        let nearness = self.scale.nearness(metres);
        let fit = self.scale.fit(own + score::services(candidate, nearness));
        if fit >= least {
            self.total += 1;
            self.best.offer(Rank::new(fit, candidate, at));
            self.page = self.scale.least(self.best.least_fit());
        }
    }
}

fn chosen(known: &Candidates, scale: &Scale, rank: Rank) -> Chosen {
    let (group, row) = (&known.groups[rank.at.0 as usize], rank.at.1 as usize);
    let candidate = &group.rows[row];
    let figure = |value: f64| (!value.is_nan()).then_some(value);
    let metros = group.metros(&scale.categorias).into_iter();
    Chosen {
        id: candidate.id,
        // A newer schema may have more kinds.
        tipo: KINDS.get(usize::from(candidate.tipo)).unwrap_or(&"otro"),
        zona: known
            .zonas
            .named(group.zona)
            .map(|(_, zona)| zona.to_owned()),
        precio: figure(candidate.precio),
        medida: figure(candidate.medida),
        dormitorios: (candidate.dormitorios >= 0).then_some(candidate.dormitorios.into()),
        metros: metros
            .map(|column| Some(column[row]).filter(|metres| metres.is_finite()))
            .collect(),
        score: score::score(rank.fit),
        confidence: score::confidence(candidate),
        parts: parts(group, scale, row),
        reference: known.reference(group, candidate.tipo),
        usd_m2: figure(candidate.usd_m2()),
        has_plausible_rooms: candidate.has_plausible_rooms(),
    }
}

fn parts(group: &Group, scale: &Scale, row: usize) -> Vec<Part> {
    let columns = group.metros(&scale.categorias);
    let nearness = scale.nearness(columns.iter().map(|column| column[row]));
    COMPONENTS
        .into_iter()
        .filter(|component| scale.asks(*component))
        .map(|component| {
            let value = scale.value(component, &group.rows[row], nearness);
            Part {
                component,
                value: (!value.is_nan()).then_some(value),
                share: scale.share(component),
            }
        })
        .collect()
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

#[cfg(test)]
mod tests;

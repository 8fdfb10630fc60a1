//! The filters of a recommendation, over the properties that are kept in memory.

use time::{Date, OffsetDateTime};

use crate::catalog::candidates::{Candidate, Candidates, Group};
use crate::catalog::filters::{Amount, Condition, Filters, PlaceName, Rooms};
use crate::catalog::fold::fold;
use crate::catalog::names::has;
use crate::catalog::preferences::Preferences;
use crate::catalog::{KINDS, LIVING, OPERATIONS};

/// The filters that may be dropped, the least important first. The operation is never dropped.
pub const SOFT: [&str; 4] = [
    "presupuesto_min",
    "tipo_propiedad",
    "zona_preferida",
    "presupuesto_max",
];
const KIND: usize = 1;
const ZONE: usize = 2;

/// The filters of a recommendation, made ready for many properties. An unknown value passes none.
#[derive(Debug)]
pub struct CandidateFilter {
    operacion: usize,
    soft_zonas: Option<Vec<bool>>,
    tipo: Option<u8>,
    /// If people are to live there: by kind, whether one can. The kind that is named passes whatever it is.
    habitable: Option<[bool; KINDS.len()]>,
    presupuesto_min: Option<f64>,
    presupuesto_max: Option<f64>,
    hard: HardFilter,
}

/// Hard filters alone: those of a search, or those of a recommendation that are never dropped.
#[derive(Debug, Default)]
pub struct HardFilter {
    zonas: Vec<Vec<bool>>,
    /// The filters that look at a single property.
    checks: Vec<Check>,
}

/// A hard filter on a property.
#[derive(Debug)]
enum Check {
    Kinds(Vec<u8>),
    Operation(u8),
    Amount(Amount, f64, f64),
    Rooms(Rooms, i16, i16),
    /// Days since 1970.
    PublishedSince(i32),
    /// The ids that pass, sorted.
    Only(Vec<i64>),
    /// The names that pass, by their place among all names.
    Name(PlaceName, Vec<bool>),
}

impl HardFilter {
    /// The filters that can be checked in memory. A circle cannot, nor can a state other than being on offer.
    pub fn new(filters: &Filters, known: &Candidates) -> Self {
        let mut filter = HardFilter::default();
        for condition in filters.conditions() {
            filter.add(condition, known);
        }
        filter
    }

    fn add(&mut self, condition: Condition, known: &Candidates) {
        let check = match condition {
            Condition::Zones(zones) => {
                let marks = known.zonas.marked(|name| zones.contains(&name.folded));
                return self.zonas.push(marks);
            }
            Condition::OtherZones(zones) => {
                let marks = known.zonas.marked(|name| !zones.contains(&name.folded));
                return self.zonas.push(marks);
            }
            Condition::State(_) | Condition::Near(_) => return,
            Condition::Operation(word) => Check::Operation(index(OPERATIONS, word)),
            Condition::Kinds(kinds) => {
                Check::Kinds(kinds.iter().map(|word| index(KINDS, word)).collect())
            }
            Condition::Amount(amount, least, most) => Check::Amount(
                amount,
                least.unwrap_or(f64::NEG_INFINITY),
                most.unwrap_or(f64::INFINITY),
            ),
            Condition::Rooms(rooms, least, most) => {
                let bound = |number: i64| i16::try_from(number).unwrap_or(i16::MAX);
                // An unknown count is negative, so it lies below every range.
                Check::Rooms(rooms, least.map_or(0, bound), most.map_or(i16::MAX, bound))
            }
            Condition::Contains(name, part) => {
                let part = fold(part);
                let names = match name {
                    PlaceName::Neighbourhood => &known.uvs,
                    PlaceName::Block => &known.manzanas,
                };
                Check::Name(name, names.marked(|name| name.folded.contains(&part)))
            }
            Condition::Only(ids) => {
                let mut ids = ids.to_vec();
                ids.sort_unstable();
                Check::Only(ids)
            }
            Condition::PublishedWithin(days) => {
                let days = i32::try_from(days).unwrap_or(i32::MAX);
                Check::PublishedSince(today().saturating_sub(days))
            }
        };
        self.checks.push(check);
    }

    /// Whether a property of this group could pass.
    pub fn may_hold(&self, group: &Group) -> bool {
        self.zonas.iter().all(|marks| has(marks, group.zona))
    }

    /// Whether a property of such a group passes.
    #[inline]
    pub fn passes(&self, candidate: &Candidate) -> bool {
        self.checks.iter().all(|check| check.passes(candidate))
    }
}

impl CandidateFilter {
    /// The filters of these preferences.
    pub fn new(wanted: &Preferences, known: &Candidates) -> Self {
        CandidateFilter {
            operacion: place(OPERATIONS, wanted.operacion),
            soft_zonas: wanted
                .zona
                .as_ref()
                .map(|zona| known.zonas.marked(|name| name.folded == *zona)),
            tipo: wanted.tipo_propiedad.map(|word| index(KINDS, word)),
            habitable: wanted
                .houses_people()
                .then(|| std::array::from_fn(|kind| LIVING.contains(&KINDS[kind]))),
            presupuesto_min: wanted.presupuesto_min,
            presupuesto_max: wanted.presupuesto_max,
            // Groups hold one operation each, so this one would be checked again for nothing.
            hard: HardFilter::new(
                &Filters {
                    operacion: None,
                    ..wanted.ademas.clone()
                },
                known,
            ),
        }
    }

    /// Whether a property of this group could pass if the soft filters were dropped.
    pub fn may_hold(&self, group: &Group) -> bool {
        group.operacion == Some(self.operacion) && self.hard.may_hold(group)
    }

    /// The bit of the zone filter if the group misses it. All properties of a group have the same zone.
    pub fn missed_by_group(&self, group: &Group) -> u8 {
        let is_in = self
            .soft_zonas
            .as_ref()
            .is_none_or(|marks| has(marks, group.zona));
        u8::from(!is_in) << ZONE
    }

    /// The soft filters that a property misses, as bits; `None` if it misses a hard one.
    #[inline]
    pub fn missed(&self, candidate: &Candidate) -> Option<u8> {
        if !self.hard.passes(candidate) {
            return None;
        }
        let other_kind = self.tipo.is_some_and(|tipo| tipo != candidate.tipo);
        if (other_kind || self.tipo.is_none()) && !self.can_be_lived_in(candidate) {
            return None;
        }
        let price = candidate.precio;
        let (low, high) = (self.presupuesto_min, self.presupuesto_max);
        let too_cheap = low.is_some_and(|least| !within(price, least, f64::INFINITY));
        let too_dear = high.is_some_and(|most| !within(price, f64::NEG_INFINITY, most));
        Some(u8::from(too_cheap) | u8::from(other_kind) << KIND | u8::from(too_dear) << 3)
    }
}

impl CandidateFilter {
    /// Whether it can be lived in, or nobody is to live there.
    #[inline]
    fn can_be_lived_in(&self, candidate: &Candidate) -> bool {
        let habitable = self.habitable.as_ref();
        habitable.is_none_or(|by_kind| by_kind.get(usize::from(candidate.tipo)) == Some(&true))
    }
}

impl Check {
    #[inline]
    fn passes(&self, candidate: &Candidate) -> bool {
        match self {
            Check::Kinds(kinds) => kinds.contains(&candidate.tipo),
            Check::Operation(operacion) => *operacion == candidate.operacion,
            Check::Amount(amount, least, most) => {
                let value = match amount {
                    Amount::Price => candidate.precio,
                    Amount::Surface => candidate.superficie,
                };
                within(value, *least, *most)
            }
            Check::Rooms(rooms, least, most) => {
                let value = match rooms {
                    Rooms::Bedrooms => candidate.dormitorios,
                    Rooms::Bathrooms => candidate.banos,
                    Rooms::Garages => candidate.garajes,
                };
                (*least..=*most).contains(&value)
            }
            Check::Only(ids) => ids.binary_search(&candidate.id).is_ok(),
            Check::PublishedSince(day) => candidate.publicada >= *day,
            Check::Name(PlaceName::Neighbourhood, marks) => has(marks, candidate.uv),
            Check::Name(PlaceName::Block, marks) => has(marks, candidate.manzana),
        }
    }
}

/// An unknown value is NaN, which lies in no range.
fn within(value: f64, least: f64, most: f64) -> bool {
    value >= least && value <= most
}

/// The index of a word in a vocabulary; its length for an unknown word.
fn place(words: &[&str], word: &str) -> usize {
    let found = words.iter().position(|known| *known == word);
    found.unwrap_or(words.len())
}

/// The same as it is stored with a property.
fn index(words: &[&str], word: &str) -> u8 {
    u8::try_from(place(words, word)).unwrap_or(u8::MAX)
}

/// Days since 1970, in UTC.
fn today() -> i32 {
    let epoch = Date::from_ordinal_date(1970, 1).map_or(0, Date::to_julian_day);
    OffsetDateTime::now_utc().date().to_julian_day() - epoch
}

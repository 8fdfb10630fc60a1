//! The filters of a wish, over what is kept in memory.

use time::{Date, OffsetDateTime};

use crate::catalog::candidates::{Candidate, Candidates, Group};
use crate::catalog::names::{Names, has};
use crate::catalog::recommend::Preferences;
use crate::catalog::search::Filters;
use crate::catalog::{KINDS, OPERATIONS};

/// The filters that may give way, the one that is missed least first. The operation never does.
pub const SOFT: [&str; 4] = [
    "presupuesto_min",
    "tipo_propiedad",
    "zona_preferida",
    "presupuesto_max",
];
const KIND: usize = 1;
const ZONE: usize = 2;

/// A wish's filters, made ready for many properties. An unknown value passes none.
#[derive(Debug)]
pub struct Filter {
    operacion: usize,
    /// Whether there is any hard filter on a property by itself.
    is_narrow: bool,
    soft_zonas: Option<Vec<bool>>,
    hard_zonas: Option<Vec<bool>>,
    tipo: Option<u8>,
    tipos: Vec<u8>,
    presupuesto_min: (f64, f64),
    presupuesto_max: (f64, f64),
    precio: (f64, f64),
    superficie: (f64, f64),
    dormitorios: (i16, i16),
    banos: (i16, i16),
    garajes: (i16, i16),
    desde: Option<i32>,
    uvs: Option<Vec<bool>>,
    manzanas: Option<Vec<bool>>,
}

impl Filter {
    /// The filters of a wish.
    pub fn new(wanted: &Preferences, known: &Candidates) -> Self {
        // Taken apart, so that a filter that is added there is not forgotten here.
        let Filters {
            zonas,
            sin_zonas,
            precio_min,
            precio_max,
            tipos,
            operacion: _,
            estado: _, // what is not on offer is in no group that is looked at
            unidad_vecinal,
            manzana,
            superficie_min,
            superficie_max,
            habitaciones_min,
            habitaciones_max,
            banos_min,
            banos_max,
            tiene_garaje,
            dias,
            cerca: _, // a wish names no circle
        } = &wanted.ademas;
        let containing = |names: &Names, part: &Option<String>| {
            let part = crate::catalog::fold::fold(part.as_ref()?);
            Some(names.marked(|name| name.folded.contains(&part)))
        };
        let hard_zonas = (zonas.is_some() || !sin_zonas.is_empty()).then(|| {
            known.zonas.marked(|name| {
                zonas
                    .as_ref()
                    .is_none_or(|zonas| zonas.contains(&name.folded))
                    && !sin_zonas.contains(&name.folded)
            })
        });
        let bounds = [precio_min, precio_max, superficie_min, superficie_max];
        let rooms = [
            habitaciones_min,
            habitaciones_max,
            banos_min,
            banos_max,
            dias,
        ];
        let is_narrow = !tipos.is_empty()
            || bounds.iter().any(|bound| bound.is_some())
            || rooms.iter().any(|bound| bound.is_some())
            || tiene_garaje.is_some()
            || unidad_vecinal.is_some()
            || manzana.is_some();
        Filter {
            is_narrow,
            operacion: OPERATIONS
                .iter()
                .position(|known| *known == wanted.operacion)
                .unwrap_or(OPERATIONS.len()),
            soft_zonas: wanted
                .zona
                .as_ref()
                .map(|zona| known.zonas.marked(|name| name.folded == *zona)),
            hard_zonas,
            tipo: wanted.tipo_propiedad.map(kind),
            tipos: tipos.iter().map(|tipo| kind(tipo)).collect(),
            presupuesto_min: range(wanted.presupuesto_min, None),
            presupuesto_max: range(None, wanted.presupuesto_max),
            precio: range(*precio_min, *precio_max),
            superficie: range(*superficie_min, *superficie_max),
            dormitorios: counts(*habitaciones_min, *habitaciones_max),
            banos: counts(*banos_min, *banos_max),
            garajes: match tiene_garaje {
                Some(true) => (1, i16::MAX),
                Some(false) => (0, 0),
                None => ANY,
            },
            desde: dias.map(|days| today().saturating_sub(i32::try_from(days).unwrap_or(i32::MAX))),
            uvs: containing(&known.uvs, unidad_vecinal),
            manzanas: containing(&known.manzanas, manzana),
        }
    }

    /// Whether any of a group may pass, were the soft filters to give way.
    pub fn may_hold(&self, group: &Group) -> bool {
        let is_in =
            |zonas: &Option<Vec<bool>>| zonas.as_ref().is_none_or(|marks| has(marks, group.zona));
        group.operacion == Some(self.operacion) && is_in(&self.hard_zonas)
    }

    /// The soft filter of zones, which is the same for a whole group: as a bit when it is missed.
    pub fn missed_by_group(&self, group: &Group) -> u8 {
        let is_in = self
            .soft_zonas
            .as_ref()
            .is_none_or(|marks| has(marks, group.zona));
        u8::from(!is_in) << ZONE
    }

    /// The soft filters that a property misses, as bits; none when it misses a hard one.
    #[inline]
    pub fn missed(&self, candidate: &Candidate) -> Option<u8> {
        if self.is_narrow && !self.passes(candidate) {
            return None;
        }
        let too_cheap = !within(self.presupuesto_min, candidate.precio);
        let too_dear = !within(self.presupuesto_max, candidate.precio);
        let other_kind = self.tipo.is_some_and(|tipo| tipo != candidate.tipo);
        Some(u8::from(too_cheap) | u8::from(other_kind) << KIND | u8::from(too_dear) << 3)
    }

    /// Whether a property passes the hard filters.
    fn passes(&self, candidate: &Candidate) -> bool {
        let is_named =
            |names: &Option<Vec<bool>>, place| names.as_ref().is_none_or(|marks| has(marks, place));
        (self.tipos.is_empty() || self.tipos.contains(&candidate.tipo))
            && within(self.precio, candidate.precio)
            && within(self.superficie, candidate.superficie)
            && counted(self.dormitorios, candidate.dormitorios)
            && counted(self.banos, candidate.banos)
            && counted(self.garajes, candidate.garajes)
            && self.desde.is_none_or(|day| candidate.publicada >= day)
            && is_named(&self.uvs, candidate.uv)
            && is_named(&self.manzanas, candidate.manzana)
    }
}

/// A range that everything passes, the unknown too.
const ALL: (f64, f64) = (f64::NAN, f64::NAN);
/// The same of counts.
const ANY: (i16, i16) = (i16::MIN, i16::MAX);

fn range(least: Option<f64>, most: Option<f64>) -> (f64, f64) {
    match (least, most) {
        (None, None) => ALL,
        _ => (
            least.unwrap_or(f64::NEG_INFINITY),
            most.unwrap_or(f64::INFINITY),
        ),
    }
}

fn within((least, most): (f64, f64), number: f64) -> bool {
    least.is_nan() || (number >= least && number <= most)
}

fn counts(least: Option<i64>, most: Option<i64>) -> (i16, i16) {
    let bound = |number: i64| i16::try_from(number).unwrap_or(i16::MAX);
    match (least, most) {
        (None, None) => ANY,
        _ => (least.map_or(0, bound), most.map_or(i16::MAX, bound)),
    }
}

fn counted((least, most): (i16, i16), count: i16) -> bool {
    (least..=most).contains(&count)
}

fn kind(word: &'static str) -> u8 {
    let place = KINDS.iter().position(|known| *known == word);
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(u8::MAX)
}

/// Days since 1970, in UTC.
fn today() -> i32 {
    let epoch = Date::from_ordinal_date(1970, 1).map_or(0, Date::to_julian_day);
    OffsetDateTime::now_utc().date().to_julian_day() - epoch
}

//! The score: its parts and their weights. README.md explains it.

use crate::catalog::candidates::Candidate;
use crate::catalog::preferences::Preferences;
use crate::catalog::services::CATEGORIES;

/// Weight of the price.
pub const PRICE: f64 = 35.0;
/// Weight of the nearness of services.
pub const SERVICES: f64 = 35.0;
/// Weight of the surface.
pub const SURFACE: f64 = 15.0;
/// Weight of the rooms that the family needs.
pub const FAMILY: f64 = 15.0;

/// Up to this share of the highest price the price counts in full.
const COMFORTABLE: f64 = 0.8;
/// The parts of a score, each from 0 to 1. A part that was not requested or is unknown is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts {
    pub precio: Option<f64>,
    pub servicios: Option<f64>,
    pub superficie: Option<f64>,
    pub familia: Option<f64>,
}

/// The sums that a score is computed from.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    points: f64,
    weight: f64,
}

impl Sums {
    fn add(&mut self, weight: f64, part: f64) {
        self.points += part * weight;
        self.weight += weight;
    }

    /// The score in tenths, 0 to 1000; none when no part could be judged.
    fn tenths(self) -> Option<i32> {
        #[allow(clippy::cast_possible_truncation)] // to whole tenths; there are 1000 at most
        (self.weight > 0.0).then(|| (1000.0 * self.points / self.weight + 0.5) as i32)
    }
}

impl Parts {
    fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for (weight, part) in [
            (PRICE, self.precio),
            (SERVICES, self.servicios),
            (SURFACE, self.superficie),
            (FAMILY, self.familia),
        ] {
            if let Some(part) = part {
                sums.add(weight, part);
            }
        }
        sums
    }

    /// Sum of the weights of the parts that could be judged, 0 to 100.
    pub fn weight(&self) -> f64 {
        self.sums().weight
    }

    /// The score from 0 to 100; none when no part could be judged.
    pub fn score(&self) -> Option<f64> {
        let tenths = self.sums().tenths()?;
        Some(f64::from(tenths) / 10.0)
    }
}

/// The part of the preferences that the score looks at.
#[derive(Debug)]
pub struct Scale {
    presupuesto_max: Option<f64>,
    /// Indices in [`CATEGORIES`].
    pub categorias: Vec<usize>,
    /// How many they are.
    count: f64,
    superficie_deseada: f64,
    dormitorios_necesarios: Option<f64>,
}

impl Scale {
    /// The scale of these preferences.
    pub fn new(wanted: &Preferences) -> Self {
        let place = |id: &i32| {
            usize::try_from(*id - 1)
                .ok()
                .filter(|place| *place < CATEGORIES.len())
        };
        let categorias: Vec<usize> = wanted.categorias.iter().filter_map(place).collect();
        Scale {
            presupuesto_max: wanted.presupuesto_max,
            #[allow(clippy::cast_precision_loss)] // there are nine categories
            count: categorias.len() as f64,
            categorias,
            superficie_deseada: wanted.superficie_deseada(),
            dormitorios_necesarios: wanted.dormitorios_necesarios(),
        }
    }

    /// The score of a property in tenths, 0 to 1000; none when no part could be judged. `near` is how near it is to each
    /// wanted category, in their order.
    #[inline]
    pub fn tenths(&self, candidate: &Candidate, near: impl Iterator<Item = f64>) -> Option<i32> {
        let mut sums = Sums::default();
        self.each(candidate, near, |weight, _, part| sums.add(weight, part));
        sums.tenths()
    }

    /// How a property fits, part by part.
    pub fn parts(&self, candidate: &Candidate, near: impl Iterator<Item = f64>) -> Parts {
        let mut parts = Parts::default();
        self.each(candidate, near, |_, field, part| {
            *field(&mut parts) = Some(part);
        });
        parts
    }

    /// Calls `tell` for each part that is requested and known, with its weight, its field and its value.
    #[inline]
    fn each(
        &self,
        candidate: &Candidate,
        near: impl Iterator<Item = f64>,
        mut tell: impl FnMut(f64, Field, f64),
    ) {
        if let Some(most) = self.presupuesto_max
            && !candidate.precio.is_nan()
        {
            // 1 up to 80 % of the highest price, then linear to one half at the highest price.
            let share = candidate.precio / most;
            let part = (1.0 - 0.5 * (share - COMFORTABLE) / (1.0 - COMFORTABLE)).min(1.0);
            tell(PRICE, |parts| &mut parts.precio, part);
        }
        let near: f64 = near.sum();
        if !near.is_nan() {
            tell(SERVICES, |parts| &mut parts.servicios, near / self.count);
        }
        if !candidate.superficie.is_nan() {
            let part = (candidate.superficie / self.superficie_deseada).min(1.0);
            tell(SURFACE, |parts| &mut parts.superficie, part);
        }
        if let Some(needed) = self.dormitorios_necesarios
            && candidate.dormitorios >= 0
        {
            let part = (f64::from(candidate.dormitorios) / needed).min(1.0);
            tell(FAMILY, |parts| &mut parts.familia, part);
        }
    }
}

/// The field of a part.
type Field = fn(&mut Parts) -> &mut Option<f64>;

//! The score: what it is made of and how much each part weighs. README.md states it for readers.

use crate::catalog::candidates::Candidate;
use crate::catalog::recommend::Preferences;
use crate::catalog::services::CATEGORIES;

/// Weights of the parts.
pub const PRICE: f64 = 35.0;
/// Weight of the nearness of services.
pub const SERVICES: f64 = 35.0;
/// Weight of the surface.
pub const SURFACE: f64 = 15.0;
/// Weight of the rooms that the family needs.
pub const FAMILY: f64 = 15.0;

/// Up to this share of the highest price nothing is lost.
const COMFORTABLE: f64 = 0.8;
/// Metres within which a service counts in full.
const AT_THE_DOOR_M: f64 = 250.0;
/// Metres from which it counts nothing; the schema measures no further.
const A_WALK_M: f64 = 1000.0;

/// The parts of a score, each from 0 to 1. What was not asked for, or is not known, takes no part.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    pub precio: Option<f64>,
    pub servicios: Option<f64>,
    pub superficie: Option<f64>,
    pub familia: Option<f64>,
}

impl Parts {
    fn weighted(&self) -> [(Option<f64>, f64); 4] {
        [
            (self.precio, PRICE),
            (self.servicios, SERVICES),
            (self.superficie, SURFACE),
            (self.familia, FAMILY),
        ]
    }

    /// Sums of the points and of the weights of the parts that could be judged.
    fn sums(&self) -> (f64, f64) {
        let mut sums = (0.0, 0.0);
        for (part, weight) in self.weighted() {
            if let Some(part) = part {
                sums.0 += part * weight;
                sums.1 += weight;
            }
        }
        sums
    }

    /// Sum of the weights of the parts that could be judged, 0 to 100.
    pub fn weight(&self) -> f64 {
        self.sums().1
    }

    /// The score in tenths, 0 to 1000; none when no part could be judged.
    pub fn tenths(&self) -> Option<i32> {
        let (points, weight) = self.sums();
        #[allow(clippy::cast_possible_truncation)] // to whole tenths; there are 1000 at most
        (weight > 0.0).then(|| (1000.0 * points / weight + 0.5) as i32)
    }
}

/// How near the nearest service of each category is, from its metres: 1 within 250 m, then in a straight line to 0 at 1000 m.
pub fn nearness(distances_m: &[Option<f64>]) -> [f64; CATEGORIES.len()] {
    std::array::from_fn(|category| {
        let metres = distances_m
            .get(category)
            .copied()
            .flatten()
            .unwrap_or(A_WALK_M);
        ((A_WALK_M - metres) / (A_WALK_M - AT_THE_DOOR_M)).clamp(0.0, 1.0)
    })
}

/// What of a wish the score looks at.
#[derive(Debug)]
pub struct Scale {
    presupuesto_max: Option<f64>,
    /// Places in [`CATEGORIES`].
    pub categorias: Vec<usize>,
    superficie_deseada: f64,
    dormitorios_necesarios: Option<f64>,
}

impl Scale {
    /// The scale of a wish.
    pub fn new(wanted: &Preferences) -> Self {
        let place = |id: &i32| {
            usize::try_from(*id - 1)
                .ok()
                .filter(|place| *place < CATEGORIES.len())
        };
        Scale {
            presupuesto_max: wanted.presupuesto_max,
            categorias: wanted.categorias.iter().filter_map(place).collect(),
            superficie_deseada: wanted.superficie_deseada(),
            dormitorios_necesarios: wanted.dormitorios_necesarios(),
        }
    }

    /// How a property fits; `near` is how near it is to each wanted category, in their order.
    pub fn parts(&self, candidate: &Candidate, near: impl Iterator<Item = f64>) -> Parts {
        let known = |number: f64| (!number.is_nan()).then_some(number);
        // 1 up to 80 % of the highest price, then in a straight line to one half at the highest price.
        let price = |price: f64, most: f64| {
            (1.0 - 0.5 * (price / most - COMFORTABLE) / (1.0 - COMFORTABLE)).min(1.0)
        };
        let rooms = (candidate.dormitorios >= 0).then(|| f64::from(candidate.dormitorios));
        Parts {
            precio: self
                .presupuesto_max
                .zip(known(candidate.precio))
                .map(|(most, asked)| price(asked, most)),
            servicios: known(self.servicios(near)),
            superficie: known(candidate.superficie)
                .map(|metres| (metres / self.superficie_deseada).min(1.0)),
            familia: self
                .dormitorios_necesarios
                .zip(rooms)
                .map(|(needed, rooms)| (rooms / needed).min(1.0)),
        }
    }

    /// The mean over the wanted categories; NaN where the property's place is not known.
    fn servicios(&self, near: impl Iterator<Item = f64>) -> f64 {
        let sum: f64 = near.sum();
        #[allow(clippy::cast_precision_loss)] // there are nine categories
        let count = self.categorias.len() as f64;
        sum / count
    }
}

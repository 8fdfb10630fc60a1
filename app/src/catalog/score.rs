//! The score: its parts and their weights. docs/ranking.md explains it.

use crate::catalog::candidates::Candidate;
use crate::catalog::preferences::Preferences;
use crate::catalog::services::CATEGORIES;
use crate::catalog::{GROUND, KINDS};

/// The best fit. A fit is a whole number, so that it is the same however it was computed, and fine enough that ties are rare.
pub const PERFECT: i32 = 1_000_000;

/// What a listing counts whose own figures contradict each other or the market, or lack what they would be checked with. It is
/// the same for both: otherwise leaving a figure out would raise the score of a listing that the figure gives away.
const UNCHECKED: f64 = 0.6;

/// Up to this share of the highest price the price counts in full.
const COMFORTABLE: f64 = 0.8;
/// Within this share of the radius a service counts in full.
const AT_THE_DOOR: f64 = 0.25;
/// Square metres of ground from which they count in full.
pub const GROUND_M2: f64 = 300.0;

/// A part of the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    Price,
    Market,
    Services,
    Surface,
    Rooms,
}

/// All parts, in the order in which they are explained.
pub const COMPONENTS: [Component; 5] = [
    Component::Price,
    Component::Market,
    Component::Services,
    Component::Surface,
    Component::Rooms,
];

impl Component {
    /// Its weight among all five.
    pub const fn weight(self) -> f64 {
        match self {
            Component::Services => 30.0,
            Component::Price | Component::Market => 20.0,
            Component::Surface | Component::Rooms => 15.0,
        }
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
    radius_m: f64,
    superficie_deseada: f64,
    dormitorios: Option<(f64, f64)>,
    ground: usize,
    /// The weights of the requested parts.
    weight: f64,
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
        #[allow(clippy::cast_precision_loss)] // rooms, metres and categories are few
        let mut scale = Scale {
            presupuesto_max: wanted.presupuesto_max,
            count: categorias.len() as f64,
            categorias,
            radius_m: wanted.radio_m as f64,
            superficie_deseada: wanted.superficie_deseada(),
            dormitorios: wanted
                .dormitorios()
                .map(|(least, most)| (least as f64, most as f64)),
            ground: KINDS.iter().position(|kind| *kind == GROUND).unwrap_or(0),
            weight: 0.0,
        };
        scale.weight = COMPONENTS
            .into_iter()
            .filter(|part| scale.asks(*part))
            .map(Component::weight)
            .sum();
        scale
    }

    /// Whether a part was requested.
    pub fn asks(&self, part: Component) -> bool {
        match part {
            Component::Price => self.presupuesto_max.is_some(),
            Component::Rooms => self.dormitorios.is_some(),
            Component::Market | Component::Services | Component::Surface => true,
        }
    }

    /// The most points that a requested part can give, of 100.
    pub fn share(&self, part: Component) -> f64 {
        100.0 * part.weight() / self.weight
    }

    /// No property of this price on the market has more points than this, whatever else it has. Quick to compute.
    #[inline]
    pub fn most(&self, candidate: &Candidate) -> f64 {
        let market = Component::Market.weight();
        confidence(candidate) * (self.weight - market + market * candidate.mercado.max(0.0))
    }

    /// Below these points no property has this fit. A little less than the fit takes, for what sums made in another order lose.
    pub fn least(&self, fit: i32) -> f64 {
        f64::from(fit - 1) * self.weight / f64::from(PERFECT)
    }

    /// What all parts but the services give, weighted and as far as it counts.
    #[inline]
    pub fn own(&self, candidate: &Candidate) -> f64 {
        // NaN, which is unknown or not requested, becomes 0.
        let points = |part: Component, value: f64| part.weight() * value.max(0.0);
        confidence(candidate)
            * (points(Component::Price, self.price(candidate))
                + points(Component::Market, candidate.mercado)
                + points(Component::Surface, self.surface(candidate))
                + points(Component::Rooms, self.rooms(candidate)))
    }

    /// The fit of these points, from 0 to [`PERFECT`].
    #[inline]
    pub fn fit(&self, points: f64) -> i32 {
        let fit = f64::from(PERFECT) * points / self.weight;
        #[allow(clippy::cast_possible_truncation)] // to whole millionths
        {
            (fit + 0.5) as i32
        }
    }

    /// How near the services are, from 0 to 1, by the metres to the nearest of each wanted category: in full within a quarter of
    /// the radius, then linear to 0 at the radius. NaN without coordinates.
    #[inline]
    pub fn nearness(&self, metres: impl Iterator<Item = f64>) -> f64 {
        let slope = 1.0 / ((1.0 - AT_THE_DOOR) * self.radius_m);
        let near = |metres: f64| ((self.radius_m - metres) * slope).clamp(0.0, 1.0);
        metres.map(near).sum::<f64>() / self.count
    }

    /// The value of a part, from 0 to 1; NaN if it is unknown or not requested.
    pub fn value(&self, part: Component, candidate: &Candidate, nearness: f64) -> f64 {
        match part {
            Component::Price => self.price(candidate),
            Component::Market => candidate.mercado,
            Component::Services => nearness,
            Component::Surface => self.surface(candidate),
            Component::Rooms => self.rooms(candidate),
        }
    }

    /// 1 up to 80 % of the highest price, then linear to one half at the highest price.
    #[inline]
    fn price(&self, candidate: &Candidate) -> f64 {
        let share = candidate.precio / self.presupuesto_max.unwrap_or(f64::NAN);
        (1.0 - 0.5 * (share - COMFORTABLE) / (1.0 - COMFORTABLE)).clamp(0.0, 1.0)
    }

    #[inline]
    fn surface(&self, candidate: &Candidate) -> f64 {
        let wanted = if usize::from(candidate.tipo) == self.ground {
            GROUND_M2
        } else {
            self.superficie_deseada
        };
        (candidate.medida / wanted).clamp(0.0, 1.0)
    }

    /// In full within the range; fewer and more by their share.
    #[inline]
    fn rooms(&self, candidate: &Candidate) -> f64 {
        let Some((least, most)) = self.dormitorios else {
            return f64::NAN;
        };
        let rooms = f64::from(candidate.dormitorios);
        if rooms < 0.0 {
            f64::NAN
        } else if rooms < least {
            rooms / least
        } else if rooms <= most {
            1.0
        } else {
            most / rooms
        }
    }
}

/// What the points of a listing count.
#[inline]
pub fn confidence(candidate: &Candidate) -> f64 {
    // Looked up and not branched on, since nobody can predict it.
    [UNCHECKED, 1.0][usize::from(candidate.comprobada)]
}

/// What the services give, weighted and as far as it counts.
#[inline]
pub fn services(candidate: &Candidate, nearness: f64) -> f64 {
    confidence(candidate) * Component::Services.weight() * nearness.max(0.0)
}

/// The least fit whose score is at least this.
pub fn least_fit(threshold: f64) -> i32 {
    let tenths = (0..=1000).find(|tenths| f64::from(*tenths) / 10.0 >= threshold);
    (tenths.unwrap_or(1001) * 1000 - 500).max(0)
}

/// A fit as a score from 0 to 100 with one decimal.
pub fn score(fit: i32) -> f64 {
    f64::from((fit + 500) / 1000) / 10.0
}

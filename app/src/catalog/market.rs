//! The market: what a square metre costs in a zone, by kind, and how a price compares with it.

use std::collections::HashMap;

/// So many comparable listings make a median; fewer say nothing.
const ENOUGH: usize = 5;
/// The best price, as a share of the median. A cheaper one has yet to explain why.
const BEST: f64 = 0.9;
/// A price per square metre below the first share of the median, or above the second, is not plausible.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 0.25..=4.0;
/// From this share of the median a price is worth nothing.
const TOO_DEAR: f64 = 2.5;

/// Prices per square metre of one operation, as they are collected.
#[derive(Debug, Default)]
pub struct Collected {
    by_zone: HashMap<(u32, u8), Vec<f64>>,
    by_kind: HashMap<u8, Vec<f64>>,
}

/// The medians of one operation.
#[derive(Debug, Clone, Default)]
pub struct Market {
    by_zone: HashMap<(u32, u8), f64>,
    by_kind: HashMap<u8, f64>,
}

/// What a listing is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reference {
    /// The median of US dollars per square metre.
    pub usd_m2: f64,
    /// Whether it is the zone's own; otherwise the zone has too few listings, and it is the whole city's.
    pub of_zone: bool,
}

impl Collected {
    /// Counts listings of a zone and kind.
    pub fn add(&mut self, zone: Option<u32>, kind: u8, usd_m2: &[f64]) {
        if let Some(zone) = zone {
            self.by_zone.entry((zone, kind)).or_default().extend(usd_m2);
        }
        self.by_kind.entry(kind).or_default().extend(usd_m2);
    }

    /// The medians of what was counted.
    pub fn medians(self) -> Market {
        Market {
            by_zone: medians(self.by_zone),
            by_kind: medians(self.by_kind),
        }
    }
}

fn medians<K: std::hash::Hash + Eq>(prices: HashMap<K, Vec<f64>>) -> HashMap<K, f64> {
    prices
        .into_iter()
        .filter(|(_, prices)| prices.len() >= ENOUGH)
        .map(|(key, prices)| (key, median(prices)))
        .collect()
}

/// The middle one, or the mean of the two in the middle.
fn median(mut prices: Vec<f64>) -> f64 {
    let half = prices.len() / 2;
    let even = prices.len().is_multiple_of(2);
    let (below, middle, _) = prices.select_nth_unstable_by(half, f64::total_cmp);
    if even {
        f64::midpoint(below.iter().copied().fold(0.0, f64::max), *middle)
    } else {
        *middle
    }
}

impl Market {
    /// Takes these medians in place of its own of these kinds.
    pub fn replace(&mut self, kinds: impl Fn(u8) -> bool, new: Market) {
        self.by_zone.retain(|(_, kind), _| !kinds(*kind));
        self.by_kind.retain(|kind, _| !kinds(*kind));
        self.by_zone.extend(new.by_zone);
        self.by_kind.extend(new.by_kind);
    }

    /// What a listing of this zone and kind is compared with. A listing of an unknown zone cannot be compared: the city's
    /// median would flatter what is too dear for its own zone.
    pub fn reference(&self, zone: Option<u32>, kind: u8) -> Option<Reference> {
        let own = self.by_zone.get(&(zone?, kind));
        let usd_m2 = *own.or_else(|| self.by_kind.get(&kind))?;
        Some(Reference {
            usd_m2,
            of_zone: own.is_some(),
        })
    }
}

/// How good a price is, from its share of the median: 1 at 90 %, falling with the logarithm to 0 at a quarter and at two and a
/// half times. It is 1 at one place only, so that scores are seldom equal. NaN stays NaN.
pub fn value(share: f64) -> f64 {
    let worst = if share < BEST {
        *PLAUSIBLE.start()
    } else {
        TOO_DEAR
    };
    (1.0 - (share / BEST).ln() / (worst / BEST).ln()).clamp(0.0, 1.0)
}

/// Whether a share of the median is plausible; NaN is not.
pub fn is_plausible(share: f64) -> bool {
    PLAUSIBLE.contains(&share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn a_price_is_best_a_little_below_the_median() {
        for (share, expected) in [(0.25, 0.0), (0.9, 1.0), (2.5, 0.0), (9.0, 0.0)] {
            assert!(close(value(share), expected), "{share}: {}", value(share));
        }
        let falling = |shares: [f64; 4]| shares.map(value).is_sorted_by(|a, b| a > b);
        assert!(falling([0.9, 1.0, 1.6, 2.4]) && falling([0.9, 0.8, 0.5, 0.3]));
        assert!(value(f64::NAN).is_nan() && !is_plausible(f64::NAN));
    }

    #[test]
    fn a_zone_with_few_listings_is_compared_with_the_city() {
        let mut collected = Collected::default();
        collected.add(Some(7), 0, &[5.0, 1.0, 4.0, 2.0]);
        collected.add(None, 0, &[3.0]);
        let market = collected.medians();
        let city = market.reference(Some(7), 0).unwrap();
        assert!(close(city.usd_m2, 3.0) && !city.of_zone);
        assert_eq!(market.reference(None, 0), None);
        assert_eq!(market.reference(Some(7), 1), None);
        assert!(close(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5));
    }
}

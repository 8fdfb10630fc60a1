//! What the catalogue looks like as a whole, from the properties that are kept in memory: the figures that `statistics.rs` and
//! `zone.rs` find in SQL, to the last digit.

use std::collections::BTreeMap;

use crate::catalog::candidates::{Candidate, Candidates, Sign};
use crate::catalog::property::Place;
use crate::catalog::statistics::{
    BOUNDS, Count, Figures, KindMedian, PriceClass, TOP_ZONES, price_class_list,
};
use crate::catalog::zone::ZoneFigures;
use crate::catalog::{KINDS, OPERATIONS};

/// How many properties each operation has, the most frequent first.
pub fn operations(known: &Candidates) -> Vec<Count> {
    let words = all(known).map(|(row, _, _)| OPERATIONS.get(usize::from(row.operacion)));
    counts(words.flatten().copied())
}

/// How many properties of an operation each kind has, the most frequent first.
pub fn kinds(known: &Candidates, operacion: &str) -> Vec<Count> {
    let words = of(known, operacion).map(|(row, _, _)| KINDS.get(usize::from(row.tipo)));
    counts(words.flatten().copied())
}

/// What each kind of an operation costs, by its name.
pub fn kind_medians(known: &Candidates, operacion: &str) -> Vec<KindMedian> {
    let mut kinds: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
    for (row, _, _) in of(known, operacion) {
        if let Some(kind) = KINDS.get(usize::from(row.tipo)) {
            kinds.entry(kind).or_default().push(row);
        }
    }
    let median = |(kind, rows): (&str, Vec<&Candidate>)| {
        let prices = Sample::new(rows.iter().map(|row| row.precio));
        let usd_m2 = Sample::new(rows.iter().map(|row| usd_m2(row.precio, row.superficie)));
        KindMedian {
            nombre: kind.to_owned(),
            con_precio: whole(prices.0.len()),
            precio_mediano: prices.at(0.5),
            precio_m2_mediano: usd_m2.at(0.5),
        }
    };
    kinds.into_iter().map(median).collect()
}

/// The ten zones with the most properties of an operation.
pub fn top_zones(known: &Candidates, operacion: &str) -> Vec<Count> {
    let mut zones: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
    for (_, _, zona) in of(known, operacion) {
        if let Some((folded, written)) = zona {
            let (first, count) = zones.entry(folded).or_insert((written, 0));
            *first = written.min(first);
            *count += 1;
        }
    }
    let mut found = sorted(zones.into_values());
    found.truncate(TOP_ZONES);
    found
}

/// Every price class of an operation, the empty ones too, from the lowest up.
pub fn price_classes(known: &Candidates, operacion: &str) -> Vec<PriceClass> {
    let mut classes = [0; BOUNDS.len()];
    for (row, _, _) in of(known, operacion) {
        let above = BOUNDS
            .iter()
            .filter(|bound| row.precio >= f64::from(**bound));
        if let Some(class) = above.count().checked_sub(1) {
            classes[class] += 1;
        }
    }
    price_class_list(&classes)
}

/// The figures of an operation.
pub fn figures(known: &Candidates, operacion: &str) -> Figures {
    let rows: Vec<&Candidate> = of(known, operacion).map(|(row, _, _)| row).collect();
    let of_all = |figure: fn(&Candidate) -> f64| Sample::new(rows.iter().map(|row| figure(row)));
    let prices = of_all(|row| row.precio);
    let surfaces = of_all(|row| row.superficie);
    let usd_m2 = of_all(|row| usd_m2(row.precio, row.superficie));
    Figures {
        cantidad: whole(rows.len()),
        sin_precio: whole(rows.len() - prices.0.len()),
        precio_promedio: prices.mean(),
        precio_minimo: prices.0.first().copied(),
        precio_cuartil_1: prices.at(0.25),
        precio_mediano: prices.at(0.5),
        precio_cuartil_3: prices.at(0.75),
        precio_maximo: prices.0.last().copied(),
        sin_superficie: whole(rows.len() - surfaces.0.len()),
        superficie_promedio: surfaces.mean(),
        superficie_mediana: surfaces.at(0.5),
        con_precio_m2: whole(usd_m2.0.len()),
        precio_m2_mediano: usd_m2.at(0.5),
    }
}

/// Every zone with its figures, by its folded name, and how many properties are in no known zone.
pub fn zones(known: &Candidates) -> (Vec<ZoneFigures>, i64) {
    let mut zones: BTreeMap<&str, Gathered> = BTreeMap::new();
    let mut nowhere = 0;
    for (row, sign, zona) in all(known) {
        match zona {
            Some((folded, written)) => zones.entry(folded).or_default().add(row, sign, written),
            None => nowhere += 1,
        }
    }
    (
        zones.into_values().map(Gathered::figures).collect(),
        nowhere,
    )
}

/// The properties of a zone.
#[derive(Default)]
struct Gathered<'k> {
    zona: Option<&'k str>,
    cantidad: usize,
    en_venta: i64,
    prices: Vec<f64>,
    places: Vec<Place>,
}

impl<'k> Gathered<'k> {
    fn add(&mut self, row: &Candidate, sign: &Sign, written: &'k str) {
        self.zona = Some(self.zona.map_or(written, |zona| zona.min(written)));
        self.cantidad += 1;
        if OPERATIONS.get(usize::from(row.operacion)) == Some(&"venta") {
            self.en_venta += 1;
            self.prices.push(row.precio);
        }
        self.places.extend(sign.lugar);
    }

    fn figures(self) -> ZoneFigures {
        let middle = |axis: fn(&Place) -> f64| Sample::new(self.places.iter().map(axis)).at(0.5);
        let (lat, lng) = (middle(|place| place.lat), middle(|place| place.lng));
        ZoneFigures {
            zona: self.zona.unwrap_or_default().to_owned(),
            cantidad: whole(self.cantidad),
            en_venta: self.en_venta,
            centro: lat.zip(lng).map(|(lat, lng)| Place { lat, lng }),
            precio_mediano: Sample::new(self.prices.into_iter()).at(0.5),
        }
    }
}

/// A zone: its name folded, and as it is written.
type Named<'k> = Option<(&'k str, &'k str)>;

fn all(known: &Candidates) -> impl Iterator<Item = (&Candidate, &Sign, Named<'_>)> {
    known.groups.iter().flat_map(|group| {
        let zona = known.zonas.named(group.zona);
        let rows = group.rows.iter().zip(&group.signs);
        rows.map(move |(row, sign)| (row, sign, zona))
    })
}

fn of<'k>(
    known: &'k Candidates,
    operacion: &str,
) -> impl Iterator<Item = (&'k Candidate, &'k Sign, Named<'k>)> {
    let wanted = OPERATIONS.iter().position(|word| *word == operacion);
    all(known).filter(move |(row, _, _)| Some(usize::from(row.operacion)) == wanted)
}

fn counts<'k>(words: impl Iterator<Item = &'k str>) -> Vec<Count> {
    let mut found: BTreeMap<&str, i64> = BTreeMap::new();
    for word in words {
        *found.entry(word).or_default() += 1;
    }
    sorted(found.into_iter())
}

/// The most frequent first, then by name.
fn sorted<'k>(counts: impl Iterator<Item = (&'k str, i64)>) -> Vec<Count> {
    let mut counts: Vec<(&str, i64)> = counts.collect();
    counts.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    let named = |(name, cantidad): (&str, i64)| Count {
        nombre: Some(name.to_owned()),
        cantidad,
    };
    counts.into_iter().map(named).collect()
}

/// Known values, sorted.
struct Sample(Vec<f64>);

impl Sample {
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let mut known: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        known.sort_unstable_by(f64::total_cmp);
        Sample(known)
    }

    /// `percentile_cont`.
    fn at(&self, share: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        #[allow(clippy::cast_precision_loss)] // nobody has so many properties
        let place = share * last as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it is an index
        let below = place.floor() as usize;
        let (low, high) = (self.0[below], self.0[(below + 1).min(last)]);
        let part = place - place.floor();
        Some(if part == 0.0 {
            low
        } else {
            low + part * (high - low)
        })
    }

    /// `round(avg(…), 2)`: of values with two decimals, halves away from zero.
    fn mean(&self) -> Option<f64> {
        let count = i128::try_from(self.0.len())
            .ok()
            .filter(|count| *count > 0)?;
        let sum: i128 = self.0.iter().map(|value| hundredths(*value)).sum();
        Some(decimal((2 * sum + count) / (2 * count)))
    }
}

/// `round(price / surface, 2)`; NaN if one of them is.
fn usd_m2(price: f64, surface: f64) -> f64 {
    if price.is_nan() || surface.is_nan() {
        return f64::NAN;
    }
    let (price, surface) = (hundredths(price), hundredths(surface));
    decimal((200 * price + surface) / (2 * surface))
}

/// A value with two decimals, in hundredths.
fn hundredths(value: f64) -> i128 {
    #[allow(clippy::cast_possible_truncation)] // the schema has twelve digits
    {
        (value * 100.0).round() as i128
    }
}

fn decimal(hundredths: i128) -> f64 {
    #[allow(clippy::cast_precision_loss)] // the schema has twelve digits
    {
        hundredths as f64 / 100.0
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_quotients_round_as_decimals_do() {
        let sample = |values: &[f64]| Sample::new(values.iter().copied());
        assert_eq!(sample(&[0.01, 0.02]).mean(), Some(0.02));
        assert_eq!(sample(&[1.0, 1.0, 1.01]).mean(), Some(1.0));
        assert_eq!(sample(&[]).mean(), None);
        assert_eq!(sample(&[4.0, 1.0, f64::NAN, 2.0]).at(0.5), Some(2.0));
        assert_eq!(sample(&[1.0, 2.0]).at(0.25), Some(1.25));
        assert!((usd_m2(1.0, 8.0) - 0.13).abs() < 1e-12);
        assert!(usd_m2(f64::NAN, 8.0).is_nan());
    }
}

//! The points of the map, from the properties that are kept in memory. They are those that `map.rs` finds in SQL.

use crate::catalog::candidates::Candidates;
use crate::catalog::filters::Filters;
use crate::catalog::map::{LIMIT, Point};
use crate::catalog::search_in_memory::{by_key, newest, passing};
use crate::catalog::{KINDS, OPERATIONS};

/// What the map shows.
#[derive(Debug)]
pub struct Drawn {
    /// Properties that pass the filters.
    pub total: usize,
    /// Of these, without coordinates.
    pub placeless: usize,
    /// The others, the newest first.
    pub points: Vec<Point>,
}

/// What the map shows of the properties that pass these filters.
pub fn draw(known: &Candidates, filters: &Filters) -> Drawn {
    let mut total = 0;
    let mut placed = Vec::new();
    for (group, row) in passing(known, filters) {
        total += 1;
        let candidate = &group.rows[row];
        if let Some(place) = group.signs[row].lugar {
            placed.push(((newest(candidate), candidate.id), (group, row, place)));
        }
    }
    let placeless = total - placed.len();
    placed.sort_unstable_by(|(one, _), (other, _)| by_key(one, other));
    let points = placed
        .into_iter()
        .take(usize::try_from(LIMIT).unwrap_or(0))
        .map(|(_, (group, row, place))| {
            let candidate = &group.rows[row];
            Point {
                id: candidate.id,
                nombre: group.signs[row].titulo.to_string(),
                operacion: word(OPERATIONS, candidate.operacion),
                tipo_propiedad: word(KINDS, candidate.tipo),
                precio: (!candidate.precio.is_nan()).then_some(candidate.precio),
                lat: millionth(place.lat),
                lng: millionth(place.lng),
            }
        })
        .collect();
    Drawn {
        total,
        placeless,
        points,
    }
}

fn word(words: &[&str], index: u8) -> String {
    words
        .get(usize::from(index))
        .map_or_else(String::new, |word| (*word).to_owned())
}

/// Rounded to a millionth as PostgreSQL rounds: fifteen digits of the number in decimal, and halves away from zero.
fn millionth(degrees: f64) -> f64 {
    let whole = format!("{:.0}", degrees.abs().trunc())
        .trim_start_matches('0')
        .len();
    let digits = format!("{degrees:.*}", 15 - whole);
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, digits.as_str()),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let (kept, rest) = part.split_at(part.len().min(6));
    let kept: u64 = format!("{whole}{kept}").parse().unwrap_or(0);
    let up = u64::from(rest.starts_with(['5', '6', '7', '8', '9']));
    #[allow(clippy::cast_precision_loss)] // degrees have nine digits
    let millionths = (kept + up) as f64;
    sign * millionths / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_rounded_as_decimals() {
        for (given, expected) in [
            (-17.783_412_5, -17.783_413),
            (-17.783_412_499_9, -17.783_412),
            (-63.0, -63.0),
            (0.000_000_5, 0.000_001),
            (-63.182_149_999_999_99, -63.18215),
        ] {
            let rounded = millionth(given);
            assert!((rounded - expected).abs() < 1e-12, "{given}: {rounded}");
        }
    }
}

//! Homes like another one.

use crate::catalog::candidates::{Candidate, Candidates, Group, Sign};

/// What an unknown figure counts, and another zone where a place is unknown.
const UNKNOWN: f64 = 1.0;

/// The ids of the properties on offer that are most like this one, of its operation and kind; none if there is no such property.
pub fn to(known: &Candidates, id: i64, most: usize) -> Option<Vec<i64>> {
    let (group, row) = known.find(id)?;
    let own = (&group.rows[row], &group.signs[row], group.zona);
    let mut found: Vec<(f64, i64)> = known
        .groups
        .iter()
        .filter(|group| group.operacion == Some(usize::from(own.0.operacion)))
        .flat_map(|group| listings(group).map(move |(row, sign)| (row, sign, group.zona)))
        .filter(|(row, ..)| row.tipo == own.0.tipo && row.id != id)
        .map(|other| (distance(own, other), other.0.id))
        .collect();
    found.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    found.truncate(most);
    Some(found.into_iter().map(|(_, id)| id).collect())
}

fn listings(group: &Group) -> impl Iterator<Item = (&Candidate, &Sign)> {
    group.rows.iter().zip(&group.signs)
}

type Listing<'k> = (&'k Candidate, &'k Sign, u32);

/// How unlike two are: what a tenth of the price is, or a bedroom, or a kilometre, as people would weigh it.
fn distance(one: Listing, other: Listing) -> f64 {
    let (a, b) = (one.0, other.0);
    let ratio = |a: f64, b: f64| known((a / b).ln().abs());
    let rooms = |a: i16, b: i16| {
        if a < 0 || b < 0 {
            UNKNOWN
        } else {
            f64::from((a - b).abs())
        }
    };
    let place = match (one.1.lugar, other.1.lugar) {
        (Some(a), Some(b)) => {
            // A degree of latitude, and one of longitude at the city's, in kilometres.
            ((a.lat - b.lat) * 110.9).hypot((a.lng - b.lng) * 105.9) / 2.0
        }
        _ if one.2 == other.2 => 0.0,
        _ => UNKNOWN,
    };
    let zone = if one.2 == other.2 { 0.0 } else { 0.3 };
    4.0 * ratio(a.precio, b.precio)
        + 1.5 * ratio(a.medida, b.medida)
        + 0.5 * rooms(a.dormitorios, b.dormitorios)
        + place
        + zone
}

fn known(value: f64) -> f64 {
    if value.is_nan() { UNKNOWN } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::candidates::Row;

    fn home(id: i64, zona: &str, precio: f64, dormitorios: i32) -> Row {
        Row {
            id,
            en_oferta: true,
            operacion: "venta".to_owned(),
            tipo_propiedad: "casa".to_owned(),
            zona: Some(zona.to_owned()),
            zona_normalizada: Some(zona.to_lowercase()),
            precio: Some(precio),
            construida: Some(120.0),
            num_dormitorios: Some(dormitorios),
            lat: Some(-17.78),
            lng: Some(-63.18),
            ..Row::default()
        }
    }

    #[test]
    fn the_most_alike_come_first_and_others_not_at_all() {
        let rows = [
            home(1, "Centro", 100_000.0, 3),
            home(2, "Centro", 250_000.0, 3),
            home(3, "Centro", 104_000.0, 3),
            home(4, "Centro", 104_000.0, 5),
            Row {
                operacion: "alquiler".to_owned(),
                ..home(5, "Centro", 100_000.0, 3)
            },
            Row {
                tipo_propiedad: "terreno".to_owned(),
                ..home(6, "Centro", 100_000.0, 3)
            },
            Row {
                en_oferta: false,
                ..home(7, "Centro", 100_000.0, 3)
            },
            Row {
                precio: None,
                lat: None,
                ..home(8, "Urbari", 1.0, 3)
            },
        ];
        let mut known = Candidates::default();
        for row in rows {
            known.put(row);
        }
        known.settle();
        assert_eq!(to(&known, 1, 9), Some(vec![3, 4, 2, 8]));
        assert_eq!(to(&known, 1, 2), Some(vec![3, 4]));
        // What is not on offer has homes like it that are.
        assert_eq!(to(&known, 7, 1), Some(vec![1]));
        assert_eq!(to(&known, 99, 2), None);
    }
}

//! The demonstration data: agents, services and properties of an imagined Santa Cruz, the same for the same seed.
//!
//! Shares, sizes and zones come from the survey of the original's listings (October 2025). A price is made of what its square metres
//! cost in its zone: the survey mixes currencies, monthly rents and sales, and its medians by zone are nobody's. Figures marked "assumed" were not in it.

mod agents;
pub mod places;
mod prices;
mod properties;
mod random;
mod services;

use serde::Serialize;

pub use agents::Agent;
pub use properties::Property;
pub use services::Service;

/// The seed of the published figures.
pub const DEFAULT_SEED: u64 = 20_251_016;

/// How many properties the published figures have.
pub const DEFAULT_COUNT: u32 = 1588;

/// The source that all generated rows carry.
pub const SOURCE: &str = "demo";

/// Everything that `load --demo` puts into the database.
#[derive(Debug, Serialize)]
pub struct Demo {
    /// 150 agents.
    pub agentes: Vec<Agent>,
    /// 4,777 services.
    pub servicios: Vec<Service>,
    /// The requested number of properties.
    pub propiedades: Vec<Property>,
}

/// The rows of a seed. Each table has its own stream of numbers, so that a change to one leaves the others as they are.
pub fn generate(seed: u64, propiedades: u32) -> Demo {
    Demo {
        agentes: agents::generate(random::Random::new(seed, 1)),
        servicios: services::generate(random::Random::new(seed, 2)),
        propiedades: properties::generate(random::Random::new(seed, 3), propiedades),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(seed: u64) -> Vec<u8> {
        serde_json::to_vec(&generate(seed, DEFAULT_COUNT)).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(bytes(DEFAULT_SEED), bytes(DEFAULT_SEED));
        assert_ne!(bytes(DEFAULT_SEED), bytes(DEFAULT_SEED + 1));
    }

    #[test]
    fn the_counts_are_those_of_the_plan() {
        let demo = generate(DEFAULT_SEED, DEFAULT_COUNT);
        assert_eq!(
            (
                demo.propiedades.len(),
                demo.servicios.len(),
                demo.agentes.len()
            ),
            (1588, 4777, 150)
        );
    }

    #[test]
    fn the_gaps_are_like_those_of_the_survey() {
        let rows = generate(DEFAULT_SEED, DEFAULT_COUNT).propiedades;
        let share = |missing: usize| missing * 1000 / rows.len();
        let price = share(rows.iter().filter(|row| row.precio_usd.is_none()).count());
        let zone = share(rows.iter().filter(|row| row.zona.is_none()).count());
        let place = share(rows.iter().filter(|row| row.lat.is_none()).count());
        assert!(
            (15..=40).contains(&price),
            "{price} per mille have no price"
        );
        assert!((30..=60).contains(&zone), "{zone} per mille have no zone");
        assert!(
            (20..=50).contains(&place),
            "{place} per mille have no coordinates"
        );
        assert!(
            rows.iter()
                .all(|row| row.lat.is_some() == row.lng.is_some())
        );
    }

    #[test]
    fn sales_lead_and_their_median_is_near_the_survey() {
        let rows = generate(DEFAULT_SEED, DEFAULT_COUNT).propiedades;
        let mut prices: Vec<i64> = rows
            .iter()
            .filter(|row| row.operacion == "venta" && row.tipo_propiedad == "departamento")
            .filter_map(|row| row.precio_usd)
            .collect();
        prices.sort_unstable();
        let median = prices[prices.len() / 2];
        assert!((80_000..=130_000).contains(&median), "median {median}");
        assert!(rows.iter().filter(|row| row.operacion == "venta").count() * 3 > rows.len() * 2);
    }

    #[test]
    fn no_listing_contradicts_itself() {
        let rows = generate(DEFAULT_SEED, DEFAULT_COUNT).propiedades;
        for row in &rows {
            let built = row.superficie_construida;
            if let (Some(rooms @ 2..), Some(built)) = (row.num_dormitorios, built) {
                assert!(built >= 20 * i64::from(rooms), "{row:?}");
            }
        }
    }

    /// The median of what a square metre of a kind costs in a zone.
    fn usd_m2(rows: &[Property], kind: &str, zone: &str) -> i64 {
        let of_it = rows.iter().filter(|row| {
            (row.operacion, row.tipo_propiedad, row.zona) == ("venta", kind, Some(zone))
        });
        let metres = |row: &Property| {
            if kind == "terreno" {
                row.superficie_total
            } else {
                row.superficie_construida
            }
        };
        let mut each: Vec<i64> = of_it
            .filter_map(|row| Some(row.precio_usd? / metres(row)?))
            .collect();
        each.sort_unstable();
        *each.get(each.len() / 2).unwrap_or(&0)
    }

    #[test]
    fn medians_are_those_that_people_of_the_city_know() {
        // Enough rows for a median of small zones.
        let rows = generate(DEFAULT_SEED, 20_000).propiedades;
        for (kind, zone, least, most) in [
            ("departamento", "Equipetrol", 1500, 1900),
            ("departamento", "Sirari", 1600, 2100),
            ("departamento", "Centro", 1050, 1350),
            ("departamento", "Zona Norte", 1000, 1350),
            ("terreno", "Equipetrol", 600, 900),
            ("terreno", "Urubó", 130, 210),
            ("terreno", "Warnes / Cambódromo", 30, 60),
            ("terreno", "Cotoca", 25, 55),
            ("terreno", "Satélite Norte", 20, 40),
            ("terreno", "Plan 3000", 50, 90),
            ("casa", "Plan 3000", 400, 800),
            ("casa", "Las Palmas", 1100, 1900),
        ] {
            let found = usd_m2(&rows, kind, zone);
            assert!(
                (least..=most).contains(&found),
                "{kind} in {zone}: {found} USD/m²"
            );
        }
        let price = |kind: &str, zone: &str| {
            let of_it = rows.iter().filter(|row| {
                (row.operacion, row.tipo_propiedad, row.zona) == ("venta", kind, Some(zone))
            });
            let mut prices: Vec<i64> = of_it.filter_map(|row| row.precio_usd).collect();
            prices.sort_unstable();
            prices[prices.len() / 2]
        };
        for (kind, zone, least, most) in [
            ("casa", "Plan 3000", 35_000, 75_000),
            ("casa", "Urubó", 170_000, 320_000),
            ("casa", "Equipetrol", 250_000, 420_000),
            ("casa", "Zona Norte", 75_000, 150_000),
            ("terreno", "Cotoca", 10_000, 30_000),
            ("departamento", "Equipetrol", 90_000, 170_000),
        ] {
            let found = price(kind, zone);
            assert!(
                (least..=most).contains(&found),
                "{kind} in {zone}: USD {found}"
            );
        }
    }

    #[test]
    fn a_home_has_rooms_of_its_size() {
        let rows = generate(DEFAULT_SEED, DEFAULT_COUNT).propiedades;
        for row in &rows {
            let (Some(rooms), Some(built)) = (row.num_dormitorios, row.superficie_construida)
            else {
                continue;
            };
            let each = built / i64::from(rooms);
            assert!((18..=320).contains(&each), "{row:?}");
            assert!(
                row.num_banos
                    .is_none_or(|baths| baths <= rooms.max(2) && baths <= 4),
                "{row:?}"
            );
            assert!(rooms < 4 || built >= 100, "{row:?}");
        }
        // Each kind stands where it is built.
        let many = |kind: &str, zone: &str| {
            rows.iter()
                .filter(|row| row.tipo_propiedad == kind && row.zona == Some(zone))
                .count()
        };
        assert!(many("departamento", "Equipetrol") > 3 * many("casa", "Equipetrol"));
        assert!(many("terreno", "Cotoca") > 3 * many("departamento", "Cotoca"));
        assert!(many("galpon", "Parque Industrial") > 0 && many("galpon", "Equipetrol") == 0);
        assert!(many("penthouse", "Plan 3000") == 0);
    }

    #[test]
    fn codes_are_unique() {
        let demo = generate(DEFAULT_SEED, DEFAULT_COUNT);
        let codes: std::collections::BTreeSet<_> =
            demo.propiedades.iter().map(|row| &row.codigo).collect();
        assert_eq!(codes.len(), demo.propiedades.len());
        let codes: std::collections::BTreeSet<_> =
            demo.servicios.iter().map(|row| &row.codigo).collect();
        assert_eq!(codes.len(), demo.servicios.len());
    }
}

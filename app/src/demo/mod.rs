//! The demonstration data: agents, services and properties of an imagined Santa Cruz, the same for the same seed.
//!
//! Shares, quantiles and zones come from the survey of the original's listings (October 2025, prices divided by 6.96
//! bolivianos a dollar). Figures marked "assumed" were not in it.

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
        // What a square metre of a plot for sale costs, from the cheapest zone to the dearest.
        let plots = rows
            .iter()
            .filter(|row| row.operacion == "venta" && row.tipo_propiedad == "terreno");
        let each: Vec<i64> = plots
            .filter_map(|row| Some(row.precio_usd? / row.superficie_total?))
            .collect();
        let outside = each.iter().filter(|usd| !(60..=500).contains(*usd)).count();
        assert!(each.len() > 100 && outside == 0, "{each:?}");
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

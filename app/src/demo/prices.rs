//! Prices and sizes of the kinds of property: quantiles, and random draws from them.

use crate::demo::places::{Style, Zone};

/// The 10th, 25th, 50th, 75th and 90th percentile.
pub type Quantiles = [f64; 5];

/// A kind of property.
pub struct Kind {
    pub name: &'static str,
    pub label: &'static str,
    /// Weight among sales, by count of the survey.
    pub sold: u32,
    /// Weight among rents; assumed.
    pub rented: u32,
    /// What a square metre costs, as a share of a flat's in the same zone; for kinds with ground, of what is built on it.
    pub level: f64,
    /// A month's rent, in thousandths of the price.
    pub rent: f64,
    /// Square metres of ground.
    pub plot: Option<Quantiles>,
    /// Square metres built.
    pub built: Option<Quantiles>,
    /// Whether it has bedrooms.
    pub lived_in: bool,
    /// Percent that mention parking.
    pub parking: f64,
}

/// Sizes of departamento, casa, terreno and local as surveyed; all other kinds, levels and rents: assumed.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "departamento",
        label: "Departamento",
        sold: 387,
        rented: 45,
        level: 1.0,
        rent: 5.2,
        plot: None,
        built: Some([39.0, 47.0, 73.0, 112.0, 181.0]),
        lived_in: true,
        parking: 40.0,
    },
    Kind {
        name: "casa",
        label: "Casa",
        sold: 457,
        rented: 18,
        level: 0.32,
        rent: 4.2,
        plot: Some([180.0, 240.0, 315.0, 412.0, 523.0]),
        built: Some([90.0, 120.0, 187.0, 292.0, 417.0]),
        lived_in: true,
        parking: 55.0,
    },
    Kind {
        name: "terreno",
        label: "Terreno",
        sold: 376,
        rented: 2,
        level: 0.0,
        rent: 2.0,
        plot: Some([240.0, 300.0, 376.0, 800.0, 3340.0]),
        built: None,
        lived_in: false,
        parking: 14.0,
    },
    Kind {
        name: "local",
        label: "Local comercial",
        sold: 19,
        rented: 14,
        level: 1.2,
        rent: 6.5,
        plot: None,
        built: Some([26.0, 35.0, 70.0, 250.0, 350.0]),
        lived_in: false,
        parking: 20.0,
    },
    Kind {
        name: "oficina",
        label: "Oficina",
        sold: 16,
        rented: 12,
        level: 1.05,
        rent: 6.0,
        plot: None,
        built: Some([25.0, 50.0, 115.0, 185.0, 403.0]),
        lived_in: false,
        parking: 41.0,
    },
    Kind {
        name: "galpon",
        label: "Galpón",
        sold: 11,
        rented: 4,
        level: 0.2,
        rent: 6.0,
        plot: Some([400.0, 600.0, 1000.0, 1800.0, 3500.0]),
        built: Some([300.0, 450.0, 700.0, 1200.0, 2200.0]),
        lived_in: false,
        parking: 30.0,
    },
    Kind {
        name: "duplex",
        label: "Dúplex",
        sold: 8,
        rented: 1,
        level: 0.85,
        rent: 4.8,
        plot: None,
        built: Some([90.0, 110.0, 140.0, 190.0, 260.0]),
        lived_in: true,
        parking: 55.0,
    },
    Kind {
        name: "quinta",
        label: "Quinta",
        sold: 8,
        rented: 1,
        level: 0.3,
        rent: 3.5,
        plot: Some([800.0, 1200.0, 2500.0, 5000.0, 10_000.0]),
        built: Some([80.0, 120.0, 180.0, 260.0, 400.0]),
        lived_in: true,
        parking: 50.0,
    },
    Kind {
        name: "penthouse",
        label: "Penthouse",
        sold: 4,
        rented: 1,
        level: 1.15,
        rent: 4.8,
        plot: None,
        built: Some([110.0, 140.0, 200.0, 280.0, 400.0]),
        lived_in: true,
        parking: 70.0,
    },
    Kind {
        name: "edificio",
        label: "Edificio",
        sold: 8,
        rented: 1,
        level: 0.75,
        rent: 5.5,
        plot: Some([300.0, 400.0, 500.0, 700.0, 1000.0]),
        built: Some([400.0, 650.0, 1000.0, 1700.0, 3000.0]),
        lived_in: false,
        parking: 45.0,
    },
    Kind {
        name: "otro",
        label: "Propiedad",
        sold: 45,
        rented: 4,
        level: 0.8,
        rent: 5.0,
        plot: None,
        built: Some([30.0, 60.0, 110.0, 200.0, 400.0]),
        lived_in: false,
        parking: 20.0,
    },
];

/// The deposit of an anticrético, as a share of the price.
const ANTICRETICO: f64 = 0.26;
/// Dollars for a square metre that is built, beside the share of a flat's.
const WALLS: f64 = 140.0;
/// Square metres of ground from which one costs less.
const FIELD: f64 = 1000.0;

/// How much of 100 listings of a kind a zone of this style has, beside its usual weight.
pub fn share(kind: &Kind, style: Style) -> u32 {
    let [towers, gardens, popular, edge, works] = match kind.name {
        "departamento" => [200, 80, 60, 12, 15],
        "casa" => [45, 170, 130, 90, 30],
        "terreno" => [25, 130, 110, 230, 150],
        "oficina" => [220, 60, 30, 5, 150],
        "local" => [150, 60, 100, 40, 120],
        "galpon" => [0, 0, 60, 120, 2500],
        "quinta" => [0, 60, 20, 500, 0],
        "penthouse" => [260, 60, 0, 0, 0],
        "duplex" => [120, 140, 80, 10, 0],
        "edificio" => [160, 40, 90, 10, 80],
        _ => [100, 100, 100, 100, 100],
    };
    match style {
        Style::Towers => towers,
        Style::Gardens => gardens,
        Style::Popular => popular,
        Style::Edge => edge,
        Style::Works => works,
    }
}

/// What something of these square metres usually costs in a zone, in dollars: ground and walls, or by the built metre.
pub fn usual(kind: &Kind, zone: &Zone, plot: Option<f64>, built: Option<f64>) -> f64 {
    let ground = plot.map_or(0.0, |metres| {
        let field = (metres - FIELD).max(0.0);
        zone.ground * (metres - 0.45 * field)
    });
    let walls = built.map_or(0.0, |metres| {
        if kind.plot.is_some() && kind.name != "edificio" {
            return metres * (WALLS + kind.level * zone.flat);
        }
        // A small flat costs more by the metre.
        metres * kind.level * zone.flat * (1.22 - 0.002 * metres).clamp(0.88, 1.14)
    });
    match kind.name {
        "edificio" => walls,
        "quinta" => 0.7 * ground + walls,
        _ => ground + walls,
    }
}

/// A price as it is asked for an operation, in steps that people write.
pub fn asked(operacion: &str, kind: &Kind, usd: f64) -> (f64, f64) {
    match operacion {
        "alquiler" => (usd * kind.rent / 1000.0, 10.0),
        "anticretico" => (usd * ANTICRETICO, 500.0),
        _ => (usd, if usd < 100_000.0 { 500.0 } else { 1000.0 }),
    }
}

/// The value at `share` of a distribution (0 lowest, 1 highest): straight lines between the percentiles, from 0.55
/// times the tenth to 2.2 times the ninetieth.
pub fn at(quantiles: &Quantiles, share: f64) -> f64 {
    let knots = [
        (0.0, quantiles[0] * 0.55),
        (0.10, quantiles[0]),
        (0.25, quantiles[1]),
        (0.50, quantiles[2]),
        (0.75, quantiles[3]),
        (0.90, quantiles[4]),
        (1.0, quantiles[4] * 2.2),
    ];
    for pair in knots.windows(2) {
        let ((left, low), (right, high)) = (pair[0], pair[1]);
        if share <= right {
            return low + (high - low) * (share - left) / (right - left);
        }
    }
    knots[6].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_come_back() {
        let quantiles = [10.0, 25.0, 50.0, 75.0, 90.0];
        assert!((at(&quantiles, 0.5) - 50.0).abs() < 1e-9);
        assert!((at(&quantiles, 0.1) - 10.0).abs() < 1e-9);
        assert!((at(&quantiles, 1.0) - 198.0).abs() < 1e-9);
    }
}

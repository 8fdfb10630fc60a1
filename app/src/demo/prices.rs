//! Prices and sizes of the kinds of property: quantiles, and random draws from them.

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
    /// Dollars, sale.
    pub sale: Quantiles,
    /// Dollars a month, rent.
    pub rent: Quantiles,
    /// Square metres of ground.
    pub plot: Option<Quantiles>,
    /// Square metres built.
    pub built: Option<Quantiles>,
    /// Weights of 1, 2, 3 … bedrooms; empty for kinds without bedrooms.
    pub bedrooms: &'static [u32],
    /// Percent that mention parking.
    pub parking: f64,
}

const RENT: Quantiles = [350.0, 500.0, 800.0, 1300.0, 2200.0];

/// Departamento, casa, terreno and local as surveyed (their rents beyond the median, and all other kinds: assumed).
pub const KINDS: &[Kind] = &[
    Kind {
        name: "departamento",
        label: "Departamento",
        sold: 387,
        rented: 45,
        sale: [52_000.0, 65_400.0, 101_100.0, 157_300.0, 222_000.0],
        rent: [345.0, 460.0, 720.0, 1000.0, 1400.0],
        plot: None,
        built: Some([39.0, 47.0, 73.0, 112.0, 181.0]),
        bedrooms: &[27, 42, 28, 3],
        parking: 40.0,
    },
    Kind {
        name: "casa",
        label: "Casa",
        sold: 457,
        rented: 18,
        sale: [55_300.0, 80_000.0, 145_800.0, 230_300.0, 402_300.0],
        rent: [450.0, 650.0, 950.0, 1500.0, 2500.0],
        plot: Some([180.0, 240.0, 315.0, 412.0, 523.0]),
        built: Some([90.0, 120.0, 187.0, 292.0, 417.0]),
        bedrooms: &[15, 21, 39, 12, 6, 3, 2],
        parking: 55.0,
    },
    Kind {
        name: "terreno",
        label: "Terreno",
        sold: 376,
        rented: 2,
        sale: [14_100.0, 28_000.0, 71_100.0, 266_500.0, 1_156_600.0],
        rent: [200.0, 350.0, 700.0, 1500.0, 3000.0],
        plot: Some([240.0, 300.0, 376.0, 800.0, 3340.0]),
        built: None,
        bedrooms: &[],
        parking: 14.0,
    },
    Kind {
        name: "local",
        label: "Local comercial",
        sold: 19,
        rented: 14,
        sale: [26_100.0, 75_100.0, 135_800.0, 270_500.0, 844_800.0],
        rent: [250.0, 400.0, 700.0, 1400.0, 2800.0],
        plot: None,
        built: Some([26.0, 35.0, 70.0, 250.0, 350.0]),
        bedrooms: &[],
        parking: 20.0,
    },
    Kind {
        name: "oficina",
        label: "Oficina",
        sold: 16,
        rented: 12,
        sale: [30_000.0, 62_000.0, 140_000.0, 230_000.0, 480_000.0],
        rent: [200.0, 350.0, 650.0, 1200.0, 2400.0],
        plot: None,
        built: Some([25.0, 50.0, 115.0, 185.0, 403.0]),
        bedrooms: &[],
        parking: 41.0,
    },
    Kind {
        name: "galpon",
        label: "Galpón",
        sold: 11,
        rented: 4,
        sale: [90_000.0, 160_000.0, 320_000.0, 620_000.0, 1_200_000.0],
        rent: [800.0, 1200.0, 2200.0, 4000.0, 7500.0],
        plot: Some([400.0, 600.0, 1000.0, 1800.0, 3500.0]),
        built: Some([300.0, 450.0, 700.0, 1200.0, 2200.0]),
        bedrooms: &[],
        parking: 30.0,
    },
    Kind {
        name: "duplex",
        label: "Dúplex",
        sold: 8,
        rented: 1,
        sale: [65_000.0, 85_000.0, 120_000.0, 175_000.0, 260_000.0],
        rent: RENT,
        plot: None,
        built: Some([90.0, 110.0, 140.0, 190.0, 260.0]),
        bedrooms: &[0, 30, 60, 10],
        parking: 55.0,
    },
    Kind {
        name: "quinta",
        label: "Quinta",
        sold: 8,
        rented: 1,
        sale: [60_000.0, 95_000.0, 160_000.0, 290_000.0, 600_000.0],
        rent: RENT,
        plot: Some([800.0, 1200.0, 2500.0, 5000.0, 10_000.0]),
        built: Some([80.0, 120.0, 180.0, 260.0, 400.0]),
        bedrooms: &[5, 25, 40, 20, 10],
        parking: 50.0,
    },
    Kind {
        name: "penthouse",
        label: "Penthouse",
        sold: 4,
        rented: 1,
        sale: [110_000.0, 150_000.0, 230_000.0, 340_000.0, 520_000.0],
        rent: RENT,
        plot: None,
        built: Some([110.0, 140.0, 200.0, 280.0, 400.0]),
        bedrooms: &[0, 20, 60, 20],
        parking: 70.0,
    },
    Kind {
        name: "edificio",
        label: "Edificio",
        sold: 8,
        rented: 1,
        sale: [280_000.0, 450_000.0, 800_000.0, 1_400_000.0, 2_600_000.0],
        rent: [2000.0, 3000.0, 5000.0, 9000.0, 15_000.0],
        plot: Some([300.0, 400.0, 500.0, 700.0, 1000.0]),
        built: Some([400.0, 650.0, 1000.0, 1700.0, 3000.0]),
        bedrooms: &[],
        parking: 45.0,
    },
    Kind {
        name: "otro",
        label: "Propiedad",
        sold: 45,
        rented: 4,
        sale: [30_000.0, 60_000.0, 110_000.0, 200_000.0, 420_000.0],
        rent: RENT,
        plot: None,
        built: Some([30.0, 60.0, 110.0, 200.0, 400.0]),
        bedrooms: &[],
        parking: 20.0,
    },
];

/// The deposit of an anticrético in dollars.
pub const ANTICRETICO: Quantiles = [13_100.0, 15_100.0, 25_900.0, 34_500.0, 64_700.0];

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

    #[test]
    fn dearer_shares_cost_more() {
        for kind in KINDS {
            let prices: Vec<f64> = (0..=100)
                .map(|step| at(&kind.sale, f64::from(step) / 100.0))
                .collect();
            assert!(prices.is_sorted(), "{}", kind.name);
        }
    }
}

//! The ring roads of Santa Cruz, as distances from its centre.
//!
//! The rings are no circles, and the catalogue does not know on which side of one a property is: what is said of a ring here is
//! an estimate from its mean radius on the city's map.

/// The Plaza 24 de Septiembre: latitude and longitude in degrees.
pub const CENTRE: (f64, f64) = (-17.7834, -63.1821);

/// Mean radius of each ring in metres, from the centre (which is ring 0) outwards.
const RADII_M: [f64; 10] = [
    0.0, 1000.0, 1900.0, 2900.0, 4000.0, 5200.0, 6500.0, 8000.0, 9500.0, 11_000.0,
];

/// The outermost ring.
pub const LAST: f64 = 9.0;

/// Metres from the centre of a ring, or of a place between two: 4.5 is halfway between the fourth and the fifth.
pub fn radius_m(ring: f64) -> f64 {
    let ring = ring.clamp(0.0, LAST);
    let mut inner = 0;
    while inner + 2 < RADII_M.len() && ring >= f64::from(u32::try_from(inner + 1).unwrap_or(0)) {
        inner += 1;
    }
    let (low, high) = (RADII_M[inner], RADII_M[inner + 1]);
    low + (high - low) * (ring - f64::from(u32::try_from(inner).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_further_out_than_the_one_before() {
        for (ring, metres) in [
            (0.0, 0.0),
            (1.0, 1000.0),
            (4.0, 4000.0),
            (4.5, 4600.0),
            (9.0, 11_000.0),
        ] {
            assert!(
                (radius_m(ring) - metres).abs() < 1e-6,
                "{ring}: {}",
                radius_m(ring)
            );
        }
        let steps: Vec<f64> = (0..=90)
            .map(|tenth| radius_m(f64::from(tenth) / 10.0))
            .collect();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

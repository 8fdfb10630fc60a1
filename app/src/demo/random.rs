//! A small generator of numbers (`SplitMix64`): the same everywhere, no floating-point library functions.

/// A stream of numbers, determined by a seed and a stream number.
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream `stream` of `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Random {
            state: seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03),
        };
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1), in steps of 2⁻³².
    pub fn unit(&mut self) -> f64 {
        let high = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(high) / 4_294_967_296.0
    }

    /// Uniform in [low, high], both included.
    pub fn whole(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high - low) + 1;
        low + u32::try_from(((self.next() >> 32) * span) >> 32).unwrap_or(0)
    }

    /// True in `percent` percent of the cases.
    pub fn chance(&mut self, percent: f64) -> bool {
        self.unit() * 100.0 < percent
    }

    /// Bell-shaped around 0 with deviation 1 and no tails beyond 3.5: the sum of four uniforms, scaled by √3.
    pub fn bell(&mut self) -> f64 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * 1.732_050_807_568_877_2
    }

    /// One of the items, by weight.
    pub fn weighted<'a, T>(&mut self, items: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
        let total: u32 = items.iter().map(&weight).sum();
        let mut left = self.whole(0, total.max(1) - 1);
        for item in items {
            let own = weight(item);
            if left < own {
                return item;
            }
            left -= own;
        }
        &items[items.len() - 1]
    }

    /// One of the items, all equally likely.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        self.weighted(items, |_| 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_reach_both_ends() {
        let mut random = Random::new(7, 0);
        let drawn: std::collections::BTreeSet<u32> = (0..200).map(|_| random.whole(3, 6)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
    }

    #[test]
    fn weights_decide() {
        let mut random = Random::new(7, 0);
        let heavy = (0..1000)
            .filter(|_| *random.weighted(&[1_u32, 9], |weight| *weight) == 9)
            .count();
        assert!((850..=950).contains(&heavy), "{heavy}");
    }
}

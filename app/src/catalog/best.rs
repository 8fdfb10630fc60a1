//! The best of many, in the order of the ranking.

use std::cmp::Ordering;

use crate::catalog::candidates::Candidate;

/// The rank of a property: the better, the smaller.
#[derive(Debug, Clone, Copy)]
pub struct Rank {
    pub fit: i32,
    /// Infinite without a price.
    precio: f64,
    id: i64,
    /// Its group and its row.
    pub at: (u32, u32),
}

impl Rank {
    /// The rank of a property with this fit.
    pub fn new(fit: i32, candidate: &Candidate, at: (u32, u32)) -> Self {
        Rank {
            fit,
            precio: if candidate.precio.is_nan() {
                f64::INFINITY
            } else {
                candidate.precio
            },
            id: candidate.id,
            at,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        let fits = other.fit.cmp(&self.fit);
        let prices = self.precio.total_cmp(&other.precio);
        fits.then(prices).then(self.id.cmp(&other.id))
    }
}

/// The best so far, at least as many as requested.
#[derive(Debug)]
pub struct Best {
    most: usize,
    rows: Vec<Rank>,
    /// Ranks that are not better than this one are no longer among the best.
    bound: Option<Rank>,
}

impl Best {
    /// Nothing yet; keeps at most this many.
    pub fn new(most: usize) -> Self {
        Best {
            most,
            rows: Vec::new(),
            bound: None,
        }
    }

    /// A lower fit than this is no longer among the best.
    pub fn least_fit(&self) -> i32 {
        self.bound.map_or(0, |bound| bound.fit)
    }

    /// Whether this rank would be among the best.
    pub fn admits(&self, rank: Rank) -> bool {
        self.bound.is_none_or(|bound| rank.order(&bound).is_lt())
    }

    /// Adds the rank if it is among the best.
    pub fn offer(&mut self, rank: Rank) {
        if self.admits(rank) {
            self.rows.push(rank);
            // This moves every row a few times at most, however many are requested.
            if self.rows.len() >= self.most.saturating_mul(2).max(16) {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        let last = self.most.checked_sub(1);
        let Some(last) = last.filter(|last| *last < self.rows.len()) else {
            return;
        };
        let (_, worst, _) = self.rows.select_nth_unstable_by(last, Rank::order);
        self.bound = Some(*worst);
        self.rows.truncate(self.most);
    }

    /// The best after the first `offset`, in their order.
    pub fn page(mut self, offset: usize) -> Vec<Rank> {
        self.cut();
        if offset >= self.rows.len() {
            return Vec::new();
        }
        self.rows.select_nth_unstable_by(offset, Rank::order);
        let mut page = self.rows.split_off(offset);
        page.sort_unstable_by(Rank::order);
        page
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_page_is_that_of_the_sorted_whole(
            given in proptest::collection::vec((0..4_i32, 0..4_u8), 0..400),
            offset in 0..300_usize,
            limit in 1..100_usize,
        ) {
            let mut ranks: Vec<Rank> = (0..)
                .zip(given)
                .map(|(id, (fit, price))| Rank { fit, precio: f64::from(price), id, at: (0, 0) })
                .collect();
            let mut best = Best::new(offset + limit);
            for rank in &ranks {
                best.offer(*rank);
            }
            ranks.sort_by(Rank::order);
            let expected: Vec<i64> = ranks.iter().skip(offset).take(limit).map(|rank| rank.id).collect();
            let page: Vec<i64> = best.page(offset).iter().map(|rank| rank.id).collect();
            prop_assert_eq!(page, expected);
        }
    }
}

//! Ranges of IPv4 addresses in CIDR notation.

use std::fmt;
use std::net::Ipv4Addr;

/// A range without bits beyond its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    base: u32,
    pub length: u32,
}

/// Private networks (RFC 1918).
const PRIVATE: [Range; 3] = [
    Range::new(0x0a00_0000, 8),
    Range::new(0xac10_0000, 12),
    Range::new(0xc0a8_0000, 16),
];

impl Range {
    const fn new(base: u32, length: u32) -> Self {
        Self { base, length }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let base: Ipv4Addr = address.parse().ok()?;
        let length = length.parse().ok().filter(|length| *length <= 32)?;
        let range = Self::new(base.to_bits(), length);
        (range.base & !range.mask() == 0).then_some(range)
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - self.length).unwrap_or(0)
    }

    pub fn has(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask() == self.base
    }

    pub fn covers(self, other: Self) -> bool {
        self.length <= other.length && other.base & self.mask() == self.base
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    pub fn is_private(self) -> bool {
        PRIVATE.iter().any(|private| private.covers(self))
    }

    /// Whether it begins at the same address as another.
    pub fn begins_as(self, other: Self) -> bool {
        self.base == other.base
    }

    /// The first usable address.
    pub fn first(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.saturating_add(1))
    }

    fn last(self) -> u32 {
        self.base | !self.mask()
    }

    /// All addresses but the first and the last.
    pub fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.base.saturating_add(1)..self.last()).map(Ipv4Addr::from_bits)
    }

    /// The ranges of this length in it; the range itself if it is not larger.
    pub fn parts(self, length: u32) -> impl Iterator<Item = Self> {
        let length = length.max(self.length);
        let step = 1_u64 << (32 - length);
        let (first, last) = (u64::from(self.base), u64::from(self.last()));
        (0..)
            .map(move |part| first + part * step)
            .take_while(move |base| *base <= last)
            .filter_map(move |base| Some(Self::new(u32::try_from(base).ok()?, length)))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.base), self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_compared() {
        let range = |text: &str| Range::parse(text).unwrap();
        for bad in ["10.0.0.1/24", "10.0.0.0/33", "10.0.0.0", "fd00::/8", "x/8"] {
            assert_eq!(Range::parse(bad), None, "{bad}");
        }
        assert!(range("10.0.0.0/16").covers(range("10.0.3.0/24")));
        assert!(range("10.0.3.0/24").overlaps(range("10.0.0.0/16")));
        assert!(!range("10.0.3.0/24").overlaps(range("10.0.4.0/24")));
        assert!(range("0.0.0.0/0").covers(range("255.0.0.0/8")));
        assert!(range("172.31.0.0/16").is_private() && !range("172.32.0.0/16").is_private());
        let parts: Vec<String> = range("10.0.0.0/23")
            .parts(24)
            .map(|part| part.to_string())
            .collect();
        assert_eq!(parts, ["10.0.0.0/24", "10.0.1.0/24"]);
        assert_eq!(range("10.0.0.0/30").hosts().count(), 2);
        assert_eq!(range("10.0.0.0/32").parts(24).count(), 1);
    }
}

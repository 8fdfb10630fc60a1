//! Whole numbers with a range, and ports.

use std::fmt;
use std::ops::Deref;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Both numbers that a text can mean, as a sentence that can stand after the name of a key: with three digits behind it a point or a
/// comma may begin the decimals or part thousands, and whoever writes it means one of them.
pub fn two_readings(text: &str) -> Option<String> {
    let (whole, rest) = text.split_once(['.', ','])?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts_thousands = (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if !parts_thousands || rest.len() != 3 || !is_digits(whole) || !is_digits(rest) {
        return None;
    }
    let decimals = match rest.trim_end_matches('0') {
        "" => whole.to_owned(),
        decimals => format!("{whole}.{decimals}"),
    };
    Some(format!(
        "can mean {decimals} or {whole}{rest}: write `{decimals}` or `{whole}{rest}`"
    ))
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct WholeNumber<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> WholeNumber<MIN, MAX> {
    /// The nearest number of the range. For defaults.
    pub const fn near(number: u32) -> Self {
        if number < MIN {
            Self(MIN)
        } else if number > MAX {
            Self(MAX)
        } else {
            Self(number)
        }
    }

    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> Deref for WholeNumber<MIN, MAX> {
    type Target = u32;

    fn deref(&self) -> &u32 {
        &self.0
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Display for WholeNumber<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for WholeNumber<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not `deserialize_u32`: what is no number at all is then told by this range, not by that of a `u32`.
        from.deserialize_any(Range::<MIN, MAX>).map(Self)
    }
}

struct Range<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Visitor<'_> for Range<MIN, MAX> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from {MIN} to {MAX}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
        match u32::try_from(number) {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(number),
            _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

/// A TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Port(u16);

impl Port {
    pub const SSH: Self = Self(22);
    /// Where the app answers on loopback, as the production plan has it.
    pub const APP: Self = Self(5001);

    /// None for 0, which no service can listen on.
    pub const fn new(port: u16) -> Option<Self> {
        if port == 0 { None } else { Some(Self(port)) }
    }
}

impl Deref for Port {
    type Target = u16;

    fn deref(&self) -> &u16 {
        &self.0
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = WholeNumber::<1, 65535>::deserialize(from)?;
        u16::try_from(number.get())
            .map(Self)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_mean_two_numbers_is_told_with_both() {
        for (text, one, other) in [
            ("1.500", "1.5", "1500"),
            ("1,500", "1.5", "1500"),
            ("120.000", "120", "120000"),
            ("6.960", "6.96", "6960"),
        ] {
            let both = two_readings(text).unwrap();
            assert_eq!(
                both,
                format!("can mean {one} or {other}: write `{one}` or `{other}`")
            );
        }
        // One reading: too many or too few digits for a thousand, or none before it.
        for text in [
            "",
            "1500",
            "1.5",
            "1.50",
            "1.5000",
            "0.500",
            "1500.000",
            "1.5a0",
            ".500",
            "-1.500",
            "1.500.000",
        ] {
            assert_eq!(two_readings(text), None, "{text}");
        }
    }
}

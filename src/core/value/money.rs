//! An amount of money.

use std::fmt;
use std::ops::Deref;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::two_readings;

/// An amount above 0, in the currency that its key names.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Money(f64);

impl Deref for Money {
    type Target = f64;

    fn deref(&self) -> &f64 {
        &self.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Amount).map(Self)
    }
}

struct Amount;

impl Amount {
    /// Beyond this a number is a slip, and its cents are lost.
    const MOST: f64 = 1e9;
}

impl Visitor<'_> for Amount {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of money above 0, such as 30 or 12.50")
    }

    fn visit_f64<E: Error>(self, amount: f64) -> Result<f64, E> {
        if amount > 0.0 && amount <= Self::MOST {
            return Ok(amount);
        }
        Err(E::invalid_value(Unexpected::Float(amount), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        match two_readings(text) {
            Some(both) => Err(E::custom(both)),
            None => Err(E::invalid_type(Unexpected::Str(text), &self)),
        }
    }

    #[allow(clippy::cast_precision_loss)] // what is too large to be exact is refused
    fn visit_u64<E: Error>(self, amount: u64) -> Result<f64, E> {
        self.visit_f64(amount as f64)
    }

    #[allow(clippy::cast_precision_loss)] // as above
    fn visit_i64<E: Error>(self, amount: i64) -> Result<f64, E> {
        self.visit_f64(amount as f64)
    }
}

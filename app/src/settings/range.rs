//! The range that a number of the settings must lie in.

use anyhow::{Result, ensure};

/// Refuses a value that lies outside of it, by the name of its key.
pub fn between<T: PartialOrd + std::fmt::Display + Copy>(
    key: &str,
    value: T,
    low: T,
    high: T,
) -> Result<()> {
    ensure!(
        value >= low && value <= high,
        "{key} is {value}, but must lie between {low} and {high}"
    );
    Ok(())
}

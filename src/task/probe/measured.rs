//! A figure with its limit.

use crate::core::engine::CheckResult;

/// A measured value beside its limit, with a sentence when it is past it.
pub fn measured(subject: &str, value: f64, unit: &str, limit: Option<f64>) -> CheckResult {
    let value = (value * 10.0).round() / 10.0;
    let past = limit.filter(|limit| value > *limit);
    let what =
        past.map(|limit| format!("{subject} {value} {unit}, expected at most {limit} {unit}"));
    CheckResult::from(Vec::from_iter(what)).with_figure(value, unit, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_value_and_the_limit_that_it_is_past() {
        let good = measured("it took", 12.34, "ms", Some(100.0));
        assert!(good.change.is_none());
        assert!((good.figure.unwrap().value - 12.3).abs() < f64::EPSILON);
        let bad = measured("it took", 120.0, "ms", Some(100.0));
        assert_eq!(
            bad.change.unwrap().what,
            ["it took 120 ms, expected at most 100 ms"]
        );
    }
}

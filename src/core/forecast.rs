//! When a disk will be full, as far as what it held until now says it.

use serde::{Deserialize, Serialize};

/// What a file system held at a moment, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSample {
    /// In seconds of the UNIX epoch.
    pub at: i64,
    pub used: u64,
    pub free: u64,
}

const DAY: i64 = 24 * 3600;
/// What is older says nothing of today.
const WINDOW: i64 = 7 * DAY;
/// Nothing is said of a shorter time, and of fewer samples: a backup, an update, a log that is rotated tomorrow would look like growth.
const LEAST: i64 = DAY;
const FEWEST: usize = 12;
/// Nobody plans for what comes later.
const FARTHEST_DAYS: f64 = 365.0;

impl DiskSample {
    fn size(self) -> u64 {
        self.used.saturating_add(self.free)
    }

    /// Whether the disk had the same size then; what root keeps for itself makes it waver.
    fn is_of(self, newest: Self) -> bool {
        self.size().abs_diff(newest.size()) <= newest.size() / 100
    }
}

/// In how many days the disk is full, when it goes on as in the last week; none when nothing says so. The samples are in order.
pub fn full_in_days(samples: &[DiskSample], now: i64) -> Option<f64> {
    let newest = *samples.last()?;
    let counts =
        |it: &&DiskSample| (0..=WINDOW).contains(&now.saturating_sub(it.at)) && it.is_of(newest);
    // A disk that grew begins anew: so does what is known of it.
    let counted: Vec<DiskSample> = samples.iter().filter(counts).copied().collect();
    let first = counted.first()?;
    if newest.at - first.at < LEAST || counted.len() < FEWEST {
        return None;
    }
    let rate = steady_rate(&counted)?;
    let days = as_f64(newest.free) / rate;
    (days <= FARTHEST_DAYS).then_some(days)
}

/// Bytes a day. One leap, as of a release or an import, is no growth: that shows in both halves of the time.
fn steady_rate(samples: &[DiskSample]) -> Option<f64> {
    let rate = slope(samples)?;
    let (first, last) = (samples.first()?, samples.last()?);
    let middle = first.at + (last.at - first.at) / 2;
    let (before, after) = samples.split_at(samples.partition_point(|it| it.at < middle));
    let is_steady = [before, after]
        .iter()
        .all(|half| slope(half).is_some_and(|half| half > rate / 4.0));
    (rate > 0.0 && is_steady).then_some(rate)
}

/// Least squares, in bytes a day.
fn slope(samples: &[DiskSample]) -> Option<f64> {
    let first = samples.first()?;
    let points = samples.iter().map(|it| {
        let days = as_f64((it.at - first.at).unsigned_abs()) / as_f64(DAY.unsigned_abs());
        (days, as_f64(it.used) - as_f64(first.used))
    });
    let points: Vec<(f64, f64)> = points.collect();
    let count = as_f64(points.len() as u64);
    let sum = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
    let (x, y) = (sum(|p| p.0) / count, sum(|p| p.1) / count);
    let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let along: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (spread > 0.0).then(|| along / spread)
}

#[allow(clippy::cast_precision_loss)] // a forecast needs no 64 bits
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: f64 = 1e9;
    const SIZE: f64 = 40.0 * GB;

    /// A sample an hour, of a disk of 40 GB that holds what the function says of the days since the first.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss
    )] // the figures of the tests are small
    fn disk(days: f64, used: impl Fn(f64) -> f64) -> (Vec<DiskSample>, i64) {
        let hours = (days * 24.0) as i64;
        let samples = (0..=hours).map(|hour| {
            let used = used(hour as f64 / 24.0);
            DiskSample {
                at: 1_796_000_000 + hour * 3600,
                used: used as u64,
                free: (SIZE - used) as u64,
            }
        });
        (samples.collect(), 1_796_000_000 + hours * 3600 + 60)
    }

    fn forecast(days: f64, used: impl Fn(f64) -> f64) -> Option<f64> {
        let (samples, now) = disk(days, used);
        full_in_days(&samples, now)
    }

    /// A number in -1..1 that looks like chance and is the same each time.
    fn noise(day: f64) -> f64 {
        ((day * 24.0).round() * 12.9898).sin() * 43_758.5 % 1.0
    }

    #[test]
    fn growth_is_told_in_days() {
        // 12 GB are free at the end, and 1 GB comes a day.
        let days = forecast(7.0, |day| (21.0 + day) * GB).unwrap();
        assert!((days - 12.0).abs() < 0.1, "{days}");
        let days = forecast(1.1, |day| (37.9 + day) * GB).unwrap();
        assert!((days - 1.0).abs() < 0.1, "{days}");
    }

    #[test]
    fn what_comes_and_goes_each_day_hides_no_growth_and_is_none() {
        let saw = |day: f64| (day % 1.0) * 2.0;
        let days = forecast(7.0, |day| (20.0 + day + saw(day)) * GB).unwrap();
        assert!((9.0..16.0).contains(&days), "{days}");
        for length in [1.3, 2.0, 3.5, 5.9, 7.0] {
            let flat = forecast(length, |day| (20.0 + 0.05 * noise(day)) * GB);
            assert!(flat.is_none_or(|days| days > 60.0), "{length}: {flat:?}");
        }
        let flat = forecast(7.0, |day| (20.0 + saw(day)) * GB);
        assert!(flat.is_none_or(|days| days > 60.0), "{flat:?}");
    }

    #[test]
    fn one_leap_is_no_growth() {
        for at in [0.5, 2.0, 3.5, 5.0, 6.5] {
            let leap = |day: f64| if day < at { 20.0 } else { 30.0 };
            assert_eq!(forecast(7.0, |day| leap(day) * GB), None, "{at}");
        }
    }

    #[test]
    fn nothing_is_said_of_less_than_a_day() {
        assert_eq!(forecast(0.9, |day| (20.0 + 15.0 * day) * GB), None);
        let (samples, now) = disk(1.5, |day| (20.0 + day) * GB);
        let few: Vec<DiskSample> = samples.into_iter().step_by(4).collect();
        assert_eq!(full_in_days(&few, now), None);
        assert_eq!(full_in_days(&[], now), None);
    }

    #[test]
    fn a_disk_that_empties_or_rests_is_never_full() {
        assert_eq!(forecast(7.0, |day| (35.0 - day) * GB), None);
        assert_eq!(forecast(7.0, |_| 35.0 * GB), None);
        assert_eq!(forecast(7.0, |day| (20.0 + day / 100.0) * GB), None);
    }

    #[test]
    fn a_disk_that_became_larger_begins_anew() {
        let (mut samples, now) = disk(7.0, |day| (20.0 + day) * GB);
        let half = samples.len() / 2;
        for sample in &mut samples[half..] {
            sample.free += 40_000_000_000;
        }
        let days = full_in_days(&samples, now).unwrap();
        assert!((days - 53.0).abs() < 1.0, "{days}");
        // Less than a day ago, nothing is known.
        let short = &mut samples[..half + 20].to_vec();
        let now = short.last().unwrap().at + 60;
        assert_eq!(full_in_days(short, now), None);
    }

    #[test]
    fn a_clock_that_was_set_wrong_counts_for_nothing() {
        let (samples, now) = disk(7.0, |day| (21.0 + day) * GB);
        assert_eq!(full_in_days(&samples, now - 30 * DAY), None);
        assert_eq!(full_in_days(&samples, now + 30 * DAY), None);
        let huge = DiskSample {
            at: i64::MAX,
            used: u64::MAX,
            free: u64::MAX,
        };
        let many = vec![huge; 40];
        assert_eq!(full_in_days(&many, i64::MIN + 1), None);
    }
}

//! Will the disks have room for a while?

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::file_systems::file_systems;
use crate::core::engine::CheckResult;
use crate::core::forecast::full_in_days;
use crate::host::disk_samples::DiskSamples;
use crate::host::system::System;

/// At the rate of the last week, none of the disks is full before so many days. Nothing is said while nobody has looked for a day.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskForecast {
    pub path: String,
    /// Other places, which may be on file systems of their own; what is not there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    pub min_days: u32,
}

impl DiskForecast {
    /// The figure is that of the disk that is full first.
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let samples = DiskSamples::read(system)?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let disks = file_systems(&self.path, &self.also, system)?;
        let full = disks.iter().filter_map(|(place, _)| {
            let days = full_in_days(samples.of(place), now)?;
            Some((*place, (days * 10.0).round() / 10.0))
        });
        Ok(self.judge(&full.collect::<Vec<_>>()))
    }

    fn judge(&self, full: &[(&str, f64)]) -> CheckResult {
        let least = f64::from(self.min_days);
        let soon = full.iter().filter(|(_, days)| *days < least);
        let what: Vec<String> = soon
            .map(|(place, days)| {
                format!("at the rate of the last week the disk of {place} is full in {days} days, expected at least {least}")
            })
            .collect();
        let result = CheckResult::from(what);
        let days = full.iter().map(|(_, days)| *days);
        match days.min_by(f64::total_cmp) {
            Some(days) => result.with_figure(days, "days until full", None),
            None => result,
        }
    }

    /// Keeps what the disks hold now, for answers to come.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keep(&self, system: &System) -> Result<()> {
        let mut samples = DiskSamples::read(system)?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let disks = file_systems(&self.path, &self.also, system)?;
        if samples.add(&disks, now) {
            samples.write(system).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_that_is_full_first_counts() {
        let forecast = DiskForecast {
            path: "/".to_owned(),
            also: Vec::new(),
            min_days: 7,
        };
        let quiet = forecast.judge(&[]);
        assert!(quiet.change.is_none() && quiet.figure.is_none());
        let far = forecast.judge(&[("/", 12.0), ("/mnt", 40.0)]);
        assert!(far.change.is_none());
        assert!((far.figure.unwrap().value - 12.0).abs() < f64::EPSILON);
        let soon = forecast.judge(&[("/", 40.0), ("/mnt", 2.5)]);
        assert_eq!(
            soon.change.unwrap().what,
            [
                "at the rate of the last week the disk of /mnt is full in 2.5 days, expected at least 7"
            ]
        );
    }
}

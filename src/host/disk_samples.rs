//! What the disks of a host held in the last days: a sample an hour, for a forecast. Whoever looks after the host keeps them.

use std::collections::BTreeMap;

use anyhow::Result;
use nix::sys::statvfs::Statvfs;
use serde::{Deserialize, Serialize};

use crate::core::forecast::DiskSample;
use crate::host::own::DISK_SAMPLES;
use crate::host::system::System;

/// Seconds between two samples, with room for a timer that comes late.
const EVERY: i64 = 3600 - 300;
/// How many are kept of a disk: those of eight days. And of how many disks.
const MOST: usize = 192;
const MOST_DISKS: usize = 16;

/// Samples in their order, by the place that leads to the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiskSamples(BTreeMap<String, Vec<DiskSample>>);

impl DiskSamples {
    /// None of a file that says nothing; it is written anew.
    ///
    /// # Errors
    /// When it lies where somebody else could have put it.
    pub fn read(system: &System) -> Result<Self> {
        let text = system.read_text(DISK_SAMPLES)?;
        let samples = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(samples.unwrap_or_default())
    }

    pub fn of(&self, place: &str) -> &[DiskSample] {
        self.0.get(place).map_or(&[], Vec::as_slice)
    }

    /// Adds one of each disk, where the last is an hour old, and says whether any was. What is no longer asked about goes.
    pub fn add(&mut self, disks: &[(&str, Statvfs)], now: i64) -> bool {
        self.0
            .retain(|place, _| disks.iter().any(|(it, _)| it == place));
        let mut is_new = false;
        for (place, disk) in disks.iter().take(MOST_DISKS) {
            let samples = self.0.entry((*place).to_owned()).or_default();
            // A clock that was set back must not keep anything for years.
            samples.retain(|it| it.at <= now);
            if samples
                .last()
                .is_some_and(|last| now.saturating_sub(last.at) < EVERY)
            {
                continue;
            }
            is_new = true;
            samples.push(sample(disk, now));
            let surplus = samples.len().saturating_sub(MOST);
            samples.drain(..surplus);
        }
        is_new
    }

    /// # Errors
    /// When the disk takes nothing.
    pub async fn write(&self, system: &System) -> Result<()> {
        let text = serde_json::to_vec(self)?;
        system
            .write_atomic(DISK_SAMPLES, &text, 0o600, None, &[])
            .await
    }
}

/// As df(1) counts: what root alone may use is neither used nor free.
fn sample(disk: &Statvfs, at: i64) -> DiskSample {
    let bytes = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
    DiskSample {
        at,
        used: bytes(disk.blocks().saturating_sub(disk.blocks_free())),
        free: bytes(disk.blocks_available()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disks(system: &System) -> Vec<(&'static str, Statvfs)> {
        vec![("/", system.disk("/").unwrap())]
    }

    #[tokio::test]
    async fn one_an_hour_is_kept_and_no_more_than_a_week_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        system.make_folders("/var/lib/citrino/alerts").unwrap();
        let disks = disks(&system);
        let mut samples = DiskSamples::read(&system).unwrap();
        let begin = 1_796_000_000;
        for minutes in (0..30 * 24 * 60).step_by(5) {
            samples.add(&disks, begin + minutes * 60);
        }
        assert_eq!(samples.of("/").len(), MOST);
        samples.write(&system).await.unwrap();
        assert_eq!(DiskSamples::read(&system).unwrap(), samples);
        // A clock that is set back.
        assert!(samples.add(&disks, begin));
        assert_eq!(samples.of("/").len(), 1);
        assert!(!samples.add(&disks, begin + 60));
        // Nobody asks about it any more.
        samples.add(&[], begin);
        assert!(samples.of("/").is_empty());
    }

    #[test]
    fn a_file_that_says_nothing_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let place = folder.path().join("var/lib/citrino/alerts");
        std::fs::create_dir_all(&place).unwrap();
        for text in ["", "[]", "{\"/\": [{\"at\": \"x\"}]}", "{\"/\": 7}"] {
            std::fs::write(place.join("disks.json"), text).unwrap();
            assert_eq!(DiskSamples::read(&system).unwrap(), DiskSamples::default());
        }
    }
}

//! How much of the host is in use: memory, processor, disk.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::statvfs::Statvfs;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::file_systems::file_systems;
use super::measured::measured;
use crate::core::engine::CheckResult;
use crate::host::memory_usage::{self, MemoryGroup, container, number_after};
use crate::host::system::System;

/// How long the processor is watched.
const SAMPLE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    pub path: String,
    /// Other places, which may be on file systems of their own; what is not there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    pub max_percent: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    pub max_percent: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    pub max_percent: f64,
}

impl Disk {
    /// The figure is that of the fullest; each that is too full is named by the first place on it.
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let disks = file_systems(&self.path, &self.also, system)?;
        let looks: Vec<CheckResult> = disks.iter().map(|disk| self.look(disk)).collect();
        let figures = looks.iter().filter_map(|look| look.figure.clone());
        let fullest = figures.max_by(|a, b| a.value.total_cmp(&b.value));
        let changes = looks.into_iter().filter_map(|look| look.change);
        let what: Vec<String> = changes.flat_map(|change| change.what).collect();
        Ok(CheckResult {
            figure: fullest,
            ..CheckResult::from(what)
        })
    }

    /// As df(1) counts: what root alone may use is neither used nor free.
    fn look(&self, (place, found): &(&str, Statvfs)) -> CheckResult {
        let used = found.blocks().saturating_sub(found.blocks_free());
        let percent = share(used, used + found.blocks_available());
        // Full is also what has no room for one more file.
        let files = found.files().saturating_sub(found.files_free());
        let of_files = share(files, found.files());
        let (what, percent) = if of_files > percent {
            ("files on", of_files)
        } else {
            ("usage of", percent)
        };
        let subject = format!("{what} the disk of {place} is");
        measured(&subject, percent, "%", Some(self.max_percent))
    }
}

impl Memory {
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let usage = memory_usage::memory(system)?;
        let usage = usage.context("could not read the memory usage from the kernel")?;
        let percent = share(usage.used, usage.all);
        Ok(measured(
            "memory usage is",
            percent,
            "%",
            Some(self.max_percent),
        ))
    }
}

impl Cpu {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let group = container(system)?.map(|(group, _)| group);
        let begun = Instant::now();
        let before = sample(system, group)?;
        sleep(SAMPLE).await;
        let after = sample(system, group)?;
        let busy = after.busy.saturating_sub(before.busy);
        let all = match (before.all, after.all) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => micros(begun.elapsed()) * cpus(),
        };
        let limit = Some(self.max_percent);
        Ok(measured("processor usage is", share(busy, all), "%", limit))
    }
}

/// What the processors did so far; the unit is the source's own.
struct Sample {
    busy: u64,
    /// A control group does not tell what it could have had.
    all: Option<u64>,
}

fn sample(system: &System, group: Option<&MemoryGroup>) -> Result<Sample> {
    let found = if let Some(group) = group {
        let stat = system.read_text(group.cpu)?.unwrap_or_default();
        number_after(&stat, "usage_usec").map(|busy| Sample { busy, all: None })
    } else {
        host_sample(&system.read_text("/proc/stat")?.unwrap_or_default())
    };
    found.context("could not read the processor usage from the kernel")
}

/// Reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal
/// (proc(5)); what comes after counts again what user has.
fn host_sample(stat: &str) -> Option<Sample> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    let all: u64 = ticks.iter().sum();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(Sample {
        busy: all - idle,
        all: Some(all),
    })
}

fn cpus() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// In per cent; of nothing, nothing is in use.
#[allow(clippy::cast_precision_loss)] // a share to one decimal needs no 64 bits
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_processors_did() {
        let stat = "cpu  100 0 50 800 40 0 5 5 7 0\ncpu0 1 2 3\n";
        let sample = host_sample(stat).unwrap();
        assert_eq!((sample.busy, sample.all), (160, Some(1000)));
        assert!(host_sample("cpu0 1 2 3\n").is_none());
    }
}

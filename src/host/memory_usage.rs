//! How much memory the host has, and what is in use of it: a machine's, or that of a container's group.

use anyhow::Result;

use crate::host::system::System;

/// Of /proc/meminfo (proc(5)).
const KIB: u64 = 1024;

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUsage {
    pub used: u64,
    pub all: u64,
}

/// Where a control group of either version tells what it may use and does, as seen from inside.
pub struct MemoryGroup {
    /// Its limit in bytes.
    limit: &'static str,
    current: &'static str,
    stat: &'static str,
    /// The line of `stat` with the cache of files that nobody has looked at lately.
    cache: &'static str,
    pub cpu: &'static str,
}

/// Version 2, and the hybrid of both in which memory is version 1.
const GROUPS: [MemoryGroup; 2] = [
    MemoryGroup {
        limit: "/sys/fs/cgroup/memory.max",
        current: "/sys/fs/cgroup/memory.current",
        stat: "/sys/fs/cgroup/memory.stat",
        cache: "inactive_file",
        cpu: "/sys/fs/cgroup/cpu.stat",
    },
    MemoryGroup {
        limit: "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        current: "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        stat: "/sys/fs/cgroup/memory/memory.stat",
        cache: "total_inactive_file",
        cpu: "/sys/fs/cgroup/unified/cpu.stat",
    },
];

/// A machine's own top group has no limit (version 2 has no such file there, version 1 a number
/// beyond all memory). With one at the top of what we see, the host is a container, and its
/// bounds are those of the group.
pub fn container(system: &System) -> Result<Option<(&'static MemoryGroup, u64)>> {
    const BEYOND_ALL: u64 = 1 << 60;
    for group in &GROUPS {
        let text = system.read_text(group.limit)?.unwrap_or_default();
        if let Ok(limit) = text.trim().parse::<u64>()
            && limit < BEYOND_ALL
        {
            return Ok(Some((group, limit)));
        }
    }
    Ok(None)
}

/// What is in use; none when the kernel does not tell.
///
/// # Errors
/// When its files cannot be read.
pub fn memory(system: &System) -> Result<Option<MemoryUsage>> {
    let text = |path: &str| Ok::<_, anyhow::Error>(system.read_text(path)?.unwrap_or_default());
    Ok(match container(system)? {
        Some((group, limit)) => group_memory(
            limit,
            &text(group.current)?,
            &text(group.stat)?,
            group.cache,
        ),
        None => host_memory(&text("/proc/meminfo")?),
    })
}

/// What a process has of it, in bytes; none when it is gone.
///
/// # Errors
/// When the kernel's file cannot be read.
pub fn of_process(system: &System, pid: &str) -> Result<Option<u64>> {
    let status = system.read_text(format!("/proc/{pid}/status"))?;
    Ok(status.and_then(|text| Some(number_after(&text, "VmRSS:")? * KIB)))
}

/// What the kernel can take back at once counts as free (proc(5)).
fn host_memory(meminfo: &str) -> Option<MemoryUsage> {
    let all = number_after(meminfo, "MemTotal:")? * KIB;
    let available = number_after(meminfo, "MemAvailable:")? * KIB;
    Some(MemoryUsage {
        used: all.saturating_sub(available),
        all,
    })
}

/// The cache of files that nobody has looked at lately counts as free.
fn group_memory(limit: u64, current: &str, stat: &str, cache: &str) -> Option<MemoryUsage> {
    let current: u64 = current.trim().parse().ok()?;
    let cache = number_after(stat, cache)?;
    Some(MemoryUsage {
        used: current.saturating_sub(cache),
        all: limit,
    })
}

/// The number in the line that begins with this word.
pub fn number_after(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| {
        (words.next() == Some(key)).then(|| words.next().and_then(|word| word.parse().ok()))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_memory_of_a_host_and_of_a_group() {
        let meminfo = "MemTotal:        2000000 kB\nMemFree:          100000 kB\nMemAvailable:    1500000 kB\n";
        assert_eq!(
            host_memory(meminfo),
            Some(MemoryUsage {
                used: 512_000_000,
                all: 2_048_000_000
            })
        );
        assert_eq!(host_memory("MemTotal: 1 kB\n"), None);
        let stat = "anon 100\ninactive_file 300\n";
        assert_eq!(
            group_memory(2000, "1000\n", stat, "inactive_file"),
            Some(MemoryUsage {
                used: 700,
                all: 2000
            })
        );
    }
}

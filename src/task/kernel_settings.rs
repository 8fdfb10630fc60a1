//! Settings of the kernel that belong together, now and after the next boot.

use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::sysctl::{live, words};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::System;

/// The kernel is asked for each, not the file: another one may be read after ours. A setting that the kernel does not know is left
/// out. One that only the machine of a container may set is the machine's: it is counted in a figure, is no difference, and stands in
/// the file, which a machine of its own would read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelSettings {
    /// The file that the next boot reads.
    pub path: String,
    /// What it says, as sysctl.d(5) has it. A playbook names its template.
    pub content: String,
}

/// A setting that the kernel runs with otherwise.
pub struct KernelDeviation<'a> {
    key: &'a str,
    expected: &'a str,
    is: String,
    /// Whether it can be set from here, which root always can unless the kernel is another machine's.
    pub is_ours: bool,
}

impl fmt::Display for KernelDeviation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, expected {}", self.key, self.is, self.expected)
    }
}

impl KernelSettings {
    fn settings(&self) -> Result<Vec<(&str, &str)>> {
        let lines = self.content.lines().map(str::trim);
        let said = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
        said.map(|line| {
            let (key, value) = line.split_once('=').ok_or_else(|| {
                Fault::new(
                    Code::E0201,
                    format!("`{line}` of {} is no setting", self.path),
                )
                .hint("each line is `KEY = VALUE`, as sysctl.d(5) says")
            })?;
            Ok((key.trim(), value.trim()))
        })
        .collect()
    }

    /// What the kernel runs with otherwise.
    ///
    /// # Errors
    /// E0201 of a line that is no setting; when the kernel cannot be asked.
    pub fn deviations(&self, system: &System) -> Result<Vec<KernelDeviation<'_>>> {
        let mut deviations = Vec::new();
        for (key, expected) in self.settings()? {
            let Some(is) = system.read_text(live(key))? else {
                continue;
            };
            if words(&is) != words(expected) {
                deviations.push(KernelDeviation {
                    key,
                    expected,
                    is: words(&is).join(" "),
                    is_ours: system.takes_kernel_values(live(key))?,
                });
            }
        }
        Ok(deviations)
    }
}

impl Wish<System> for KernelSettings {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let deviations = self.deviations(system)?;
        let (ours, kept): (Vec<_>, Vec<_>) = deviations.into_iter().partition(|it| it.is_ours);
        let mut what: Vec<String> = ours.iter().map(ToString::to_string).collect();
        if system.read_text(&self.path)?.as_deref() != Some(&self.content) {
            what.push(format!("{} does not set them for the next boot", self.path));
        }
        let result = CheckResult::from(what);
        if kept.is_empty() {
            return Ok(result);
        }
        let count = u32::try_from(kept.len()).unwrap_or(u32::MAX);
        Ok(result.with_figure(f64::from(count), "kept by the machine", None))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let deviations = self.deviations(system)?;
        system.make_folders("/etc/sysctl.d")?;
        system
            .write_atomic(&self.path, self.content.as_bytes(), 0o644, None, &[])
            .await?;
        for it in deviations.iter().filter(|it| it.is_ours) {
            let (key, value) = (it.key, it.expected);
            system
                .write_kernel(live(key), value)
                .with_context(|| format!("the kernel refused the value {value} for {key}"))?;
        }
        Ok(())
    }
}

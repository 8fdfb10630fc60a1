//! A setting of the kernel, now and after the next boot.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::own;
use crate::host::system::System;

/// Each key has a file of its own in /etc/sysctl.d, so that two wishes never write one file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// As sysctl(8) writes it: `vm.swappiness`.
    pub key: String,
    pub value: String,
    /// A kernel that has no such key is left alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// Where the kernel has a setting. sysctl.d(5): dots part the key, and a key that has slashes first keeps its dots.
pub fn live(key: &str) -> String {
    let slashes = key.find(['.', '/']).map(|at| &key[at..=at]) == Some("/");
    let path = if slashes {
        key.to_owned()
    } else {
        key.chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect()
    };
    format!("/proc/sys/{path}")
}

impl Sysctl {
    fn live(&self) -> String {
        live(&self.key)
    }

    fn file(&self) -> String {
        own::sysctl_file(&self.key.replace('/', "."))
    }

    fn line(&self) -> String {
        format!("{} = {}\n", self.key, self.value)
    }
}

/// The kernel parts numbers with tabs, people with blanks.
pub fn words(value: &str) -> Vec<&str> {
    value.split_whitespace().collect()
}

impl Wish<System> for Sysctl {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let mut what = Vec::new();
        match system.read_text(self.live())? {
            None if self.optional => return Ok(CheckResult::same()),
            None => what.push(format!("the kernel has no {} yet", self.key)),
            Some(live) if words(&live) != words(&self.value) => what.push(format!(
                "{} is {}, expected {}",
                self.key,
                words(&live).join(" "),
                self.value
            )),
            Some(_) => {}
        }
        if system.read_text(self.file())?.as_deref() != Some(&self.line()) {
            what.push(format!("{} does not set it for the next boot", self.file()));
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        if system.stat(self.live())?.is_none() {
            return Err(Fault::new(
                Code::E0408,
                format!("the kernel has no setting {}", self.key),
            )
            .hint("its module may not be loaded, or the host is a container without it")
            .into());
        }
        system.make_folders("/etc/sysctl.d")?;
        system
            .write_atomic(self.file(), self.line().as_bytes(), 0o644, None, &[])
            .await?;
        // Written to /proc itself: sysctl(8) is not on every image.
        system
            .write_kernel(self.live(), &self.value)
            .with_context(|| {
                format!(
                    "the kernel refused the value {} for {}",
                    self.value, self.key
                )
            })
    }
}

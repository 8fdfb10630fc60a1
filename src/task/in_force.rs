//! A program runs with what one of its files says. A file can be as it should be and count for nothing: another one is read
//! before it or after it, a command line goes before both, or the program has not read it. So the program is asked.

mod apt;
mod config_text;
mod kernel;
mod nginx;
mod postgresql;
mod sshd;
mod unit;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::System;

/// Nothing is changed by it: what is in the way was written by somebody else, who may have a reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    pub program: AskedProgram,
    /// The file of ours.
    pub path: String,
    /// What it says. A playbook names its template.
    pub content: String,
    /// The unit that runs with it; apt has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whose logins `sshd` is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// Who is asked, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedProgram {
    /// `sshd -T`
    Sshd,
    /// `pg_settings`
    Postgresql,
    /// The sockets that it listens on.
    Nginx,
    /// `apt-config dump`
    Apt,
    /// `/proc/sys`
    Kernel,
    /// `systemctl show`, with drop-ins.
    Systemd,
}

/// A setting that the program does not run with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Deviation {
    what: String,
    /// What has the program read our file again is enough; else somebody else's word is in the way.
    by_us: bool,
}

impl Deviation {
    /// Nobody is in the way.
    fn unread(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            by_us: true,
        }
    }

    fn in_the_way(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            by_us: false,
        }
    }
}

impl InForce {
    async fn deviations(&self, system: &System) -> Result<Vec<Deviation>> {
        match self.program {
            AskedProgram::Sshd => sshd::deviations(self, system).await,
            AskedProgram::Postgresql => postgresql::deviations(self, system).await,
            AskedProgram::Nginx => nginx::deviations(self, system).await,
            AskedProgram::Apt => apt::deviations(self, system).await,
            AskedProgram::Kernel => kernel::deviations(self, system),
            AskedProgram::Systemd => unit::deviations(self, system).await,
        }
    }

    /// Whether an earlier step of a run that only looks would have the program read the file again.
    fn will_be_read(&self, system: &System) -> bool {
        let unit = self.unit.as_ref();
        system.future_file(&self.path).is_some()
            || unit.is_some_and(|unit| system.future_unit(unit).is_some())
    }

    fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or_default()
    }
}

impl Wish<System> for InForce {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let mut deviations = self.deviations(system).await?;
        if self.will_be_read(system) {
            deviations.retain(|deviation| !deviation.by_us);
        }
        let what: Vec<String> = deviations.into_iter().map(|it| it.what).collect();
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let deviations = self.deviations(system).await?;
        if deviations.is_empty() {
            return Ok(());
        }
        let what: Vec<String> = deviations.into_iter().map(|it| it.what).collect();
        let hint = format!(
            "{} is as citrino.yml says and has no effect there: take away what is in the way, then run the command again",
            self.path
        );
        Err(Fault::new(Code::E0411, what.join("; ")).hint(hint).into())
    }
}

//! A program that makes a change, and another program that tells whether the change is needed.

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::program::run_if_there;
use crate::core::engine::{CheckResult, Wish};
use crate::host::env_file;
use crate::host::system::{Cmd, System};

/// `check` exits with 0 when nothing is to be done; any other code is a difference. Without a check
/// a command could not be run twice, so every command has one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    pub run: Vec<String>,
    pub check: Vec<String>,
    /// Runs as this user instead of root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A file of `KEY=value` lines for both programs: secrets stay out of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<String>,
    /// Both programs run in the sandbox of the app.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// What `run` writes, where a service goes by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// How many seconds each of the programs may take, when that is not for the agent to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_s: Option<u64>,
}

impl Command {
    fn cmd(&self, system: &System, argv: &[String]) -> Result<Cmd> {
        let mut cmd = Cmd::new(argv);
        if let Some(user) = &self.user {
            cmd = cmd.user(user);
        }
        if let Some(seconds) = self.deadline_s {
            cmd = cmd.within(Duration::from_secs(seconds));
        }
        let file = self.env_file.as_deref();
        if self.sandbox {
            return Ok(cmd.in_sandbox(system, &Vec::from_iter(file)));
        }
        if let Some(file) = file {
            cmd = cmd.envs(env_file::read(system, file)?);
        }
        Ok(cmd)
    }
}

impl Wish<System> for Command {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let what = self.check.join(" ");
        // On a fresh host the program may come with an earlier step that has not run yet.
        let Some(output) = run_if_there(system, &self.cmd(system, &self.check)?).await? else {
            return Ok(CheckResult::differs(format!(
                "`{what}` is not on the host yet"
            )));
        };
        if output.ok() {
            return Ok(CheckResult::same());
        }
        let said = output
            .stderr
            .trim()
            .lines()
            .last()
            .or(output.stdout.trim().lines().last())
            .unwrap_or_default();
        Ok(CheckResult::differs(
            format!("`{what}` exits with {} {said}", output.code)
                .trim_end()
                .to_owned(),
        ))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let cmd = self.cmd(system, &self.run)?;
        system.run(&cmd).await?.success()?;
        Ok(())
    }
}

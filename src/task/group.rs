//! A group of this name.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::host::system::{Cmd, System};

/// `system` chooses the range of the number when the group is made; the number of a group that is
/// there stays, because files carry it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub system: bool,
}

impl Wish<System> for Group {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        Ok(match system.find_account("/etc/group", &self.name)? {
            Some(_) => CheckResult::same(),
            None => CheckResult::differs(format!("group {} does not exist", self.name)),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let mut argv = vec!["groupadd"];
        if self.system {
            argv.push("--system");
        }
        argv.extend(["--", &self.name]);
        system.run(&Cmd::new(argv)).await?.success()?;
        Ok(())
    }
}

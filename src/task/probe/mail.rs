//! Does the mail of the host leave it?

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::CheckResult;
use crate::host::mail;
use crate::host::system::System;

/// No mail waits longer than this for the relay, and none was refused for good.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailWaits {
    pub max_min: u64,
}

impl MailWaits {
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let Some(queue) = mail::queue(system)? else {
            return Ok(CheckResult::differs("there is no queue for mail"));
        };
        let minutes = queue.oldest.as_secs() / 60;
        let mut what = Vec::new();
        if minutes >= self.max_min {
            what.push(format!(
                "the relay has not accepted mail for {minutes} minutes; {} wait",
                queue.waiting
            ));
        }
        if queue.failed > 0 {
            what.push(format!(
                "the relay refused {} mails for good; they are in /var/spool/nullmailer/failed",
                queue.failed
            ));
        }
        Ok(CheckResult::from(what))
    }
}

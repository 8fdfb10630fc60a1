//! A test notice reaches everybody who is told of failures, through the very unit that real ones take.

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::value::{RunId, checked};
use crate::host::alert_spool::{self, AlertTrial};
use crate::host::mail::{self, Whereabouts};
use crate::host::own::ALERT_UNIT;
use crate::host::system::{Cmd, System};

/// Between two looks at the queue.
const PAUSE: Duration = Duration::from_millis(250);

/// A test of this name was sent, and everybody took it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertTest {
    #[serde(deserialize_with = "checked::<_, RunId>")]
    pub id: String,
    /// Whether somebody is told by mail.
    pub by_mail: bool,
    /// How long the relay may take.
    pub within_s: u64,
}

impl AlertTest {
    fn trial(&self, system: &System) -> Result<Option<AlertTrial>> {
        let trial = alert_spool::trial(system)?;
        Ok(Some(trial).filter(|trial| trial.id == self.id))
    }

    fn whereabouts(&self, system: &System) -> Result<Whereabouts> {
        if self.by_mail {
            return mail::find(system, &self.id);
        }
        Ok(Whereabouts::Gone)
    }

    /// Waits until the relay has it.
    async fn left(&self, system: &System, since: i64) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(self.within_s);
        loop {
            let refusal = mail::refusal(system, since).await?;
            let (why, is_final) = match self.whereabouts(system)? {
                Whereabouts::Gone => return Ok(()),
                Whereabouts::Failed => ("the relay refused the mail for good", true),
                Whereabouts::Waiting => ("the relay did not accept the mail", refusal.is_some()),
            };
            if is_final || Instant::now() > deadline {
                return Err(refused(why, refusal).into());
            }
            sleep(PAUSE).await;
        }
    }
}

fn refused(what: &str, why: Option<String>) -> Fault {
    let why = why.unwrap_or_else(|| "it has not answered yet".to_owned());
    Fault::new(Code::E0470, format!("{what}: {why}")).hint(
        "the mail stays in the queue, which tries again; check `alerts.relay`, then run `citrino-ops converge`",
    )
}

impl Wish<System> for AlertTest {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let Some(trial) = self.trial(system)? else {
            return Ok(CheckResult::differs("no test alert was sent"));
        };
        if !trial.refused.is_empty() {
            return Ok(CheckResult::differs(trial.refused.join("; ")));
        }
        Ok(match self.whereabouts(system)? {
            Whereabouts::Gone => CheckResult::same(),
            Whereabouts::Waiting => CheckResult::differs("the mail is in the queue"),
            Whereabouts::Failed => CheckResult::differs("the relay refused the mail for good"),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let since = OffsetDateTime::now_utc().unix_timestamp();
        let unit = format!("{ALERT_UNIT}@{}.service", self.id);
        let started = system.run(&Cmd::new(["systemctl", "start", &unit])).await?;
        let Some(trial) = self.trial(system)? else {
            started.success()?;
            let why = "the alert unit sent nothing";
            return Err(Fault::new(Code::E0472, why)
                .hint("run `citrino-ops converge`, then try again")
                .into());
        };
        if let [first, ..] = trial.refused.as_slice() {
            return Err(Fault::new(Code::E0470, first.clone())
                .hint("correct what the message names, run `citrino-ops converge`, then try again")
                .into());
        }
        self.left(system, since).await
    }
}

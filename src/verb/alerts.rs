//! `alerts`: whether those who are to be told of failures would hear of them; and the host's side of telling.

use anyhow::Result;
use time::OffsetDateTime;

use super::job::Job;
use crate::agent::watch;
use crate::cli::AlertsCommand;
use crate::core::error::{Code, Fault, exit};
use crate::core::event::Event;
use crate::core::plan::{Mode, Step};
use crate::planner::alerts::are_wanted;
use crate::task::AlertTest;
use crate::verb::on_host;

/// How long the relay may take.
const WITHIN_S: u64 = 60;

pub async fn run(job: &mut Job<'_>, AlertsCommand::Test: AlertsCommand) -> Result<u8> {
    if !are_wanted(&job.stack) {
        let why = "no alert recipients: set `alerts.email`, `alerts.heartbeat` or `notify`";
        return Err(Fault::new(Code::E0471, why)
            .hint("`citrino-ops config docs alerts` says how; then `citrino-ops converge`")
            .into());
    }
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let test = AlertTest {
        id: id(),
        by_mail: !job.stack.alerts.email.is_empty(),
        within_s: WITHIN_S,
    };
    let step = Step::new("alerts", "send a test alert", test);
    let mut plan = job.plan(Mode::Apply, vec![step], Vec::new());
    // It changes nothing.
    plan.in_freeze = true;
    on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    for line in taken(job) {
        job.report.note(line);
    }
    Ok(exit::OK)
}

/// Who accepted it, for people.
fn taken(job: &Job<'_>) -> Vec<String> {
    let alerts = &job.stack.alerts;
    let mail = alerts.relay.iter().map(|relay| {
        let to: Vec<&str> = alerts.email.iter().map(|email| &**email).collect();
        format!("{} accepted the mail to {}", relay.host, to.join(", "))
    });
    let hooks = job.stack.notify.len();
    let webhooks = if hooks == 1 { "webhook" } else { "webhooks" };
    let hooks = (hooks > 0).then(|| format!("{hooks} {webhooks} accepted it"));
    let heartbeat = alerts.heartbeat.as_ref();
    let heartbeat = heartbeat.map(|_| "the heartbeat was accepted".to_owned());
    mail.chain(hooks).chain(heartbeat).collect()
}

/// A name that no unit has.
fn id() -> String {
    format!("test{}", OffsetDateTime::now_utc().unix_timestamp_nanos())
}

/// What the unit of alerts does on the host.
///
/// # Errors
/// As of the watch.
pub async fn on_host(about: &str, tell: &mut impl FnMut(Event)) -> Result<()> {
    // Every unit's name has a point.
    if about.contains('.') {
        watch::failed(about, tell).await
    } else {
        watch::test(about).await
    }
}

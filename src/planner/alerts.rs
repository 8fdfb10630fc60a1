//! What a host must know to look after itself, and to tell of what it finds.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::playbook::Playbooks;
use crate::config::source::{HEARTBEAT, hook_name};
use crate::config::stack::Stack;
use crate::config::template::Values;
use crate::core::app_profile::AppProfile;
use crate::core::plan::Step;
use crate::core::secret::{DOTS, Secret};
use crate::core::value::HostName;
use crate::core::webhook::{Hook, Notice, NoticeItem};
use crate::facts::Facts;
use crate::host::own::{CLUSTER, WATCH_UNIT};
use crate::task::Task;

/// The checklist.
const PLAYBOOK: &str = "health";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertSettings {
    pub stack: String,
    pub host: HostName,
    pub domain: String,
    pub from: String,
    pub email: Vec<String>,
    #[serde(default)]
    pub heartbeat: Option<Secret>,
    #[serde(default)]
    pub hooks: Vec<Hook>,
    /// Whether the answers are kept as figures for Prometheus.
    #[serde(default)]
    pub figures: bool,
    /// The checklist as `health` has it, and the values that it names.
    pub playbook: String,
    pub values: Map<String, Value>,
}

/// Whether anybody is told of anything.
pub fn are_wanted(stack: &Stack) -> bool {
    !stack.alerts.email.is_empty() || stack.alerts.heartbeat.is_some() || !stack.notify.is_empty()
}

/// Whether the host asks itself its checklist: to tell people, or for the figures of monitoring.
pub fn looks(stack: &Stack) -> bool {
    are_wanted(stack) || stack.monitoring.exporters
}

/// The units whose failure is told of. A unit that is not on the host costs nothing.
pub fn units(app: &AppProfile) -> Vec<String> {
    let (version, cluster) = CLUSTER;
    let named = [
        "citrino-backup.service",
        "citrino-drill.service",
        "citrino-offsite.service",
        "citrino-certificate.service",
        "citrino-pitr@full.service",
        "citrino-pitr@diff.service",
        WATCH_UNIT,
        "apt-daily-upgrade.service",
        "nginx.service",
    ];
    let slots = ["blue", "green"].map(|slot| format!("{}@{slot}.service", app.name));
    let cluster = format!("postgresql@{version}-{cluster}.service");
    let named = named.into_iter().map(str::to_owned);
    named.chain([cluster]).chain(slots).collect()
}

/// The webhooks of citrino.yml, with their URLs.
pub fn hooks(stack: &Stack, secrets: &[(String, Secret)]) -> Vec<Hook> {
    let hooks = stack.notify.iter().enumerate();
    hooks
        .map(|(index, notify)| Hook {
            url: secret(secrets, &hook_name(index)).unwrap_or_else(|| Secret::new("")),
            format: notify.format,
            events: notify.events.clone(),
        })
        .collect()
}

fn secret(secrets: &[(String, Secret)], name: &str) -> Option<Secret> {
    let found = secrets.iter().find(|(known, _)| known == name);
    found.map(|(_, secret)| secret.clone())
}

impl AlertSettings {
    /// With the secrets that were read for alerts.
    ///
    /// # Errors
    /// When there is no checklist.
    pub fn of(
        stack: &Stack,
        secrets: &[(String, Secret)],
        playbooks: &Playbooks,
        values: &Values,
    ) -> Result<Self> {
        Ok(Self {
            stack: stack.name.to_string(),
            host: stack.only_host().name,
            domain: stack.domain.to_string(),
            from: stack.alerts.sender(&stack.domain),
            email: stack.alerts.email.iter().map(ToString::to_string).collect(),
            heartbeat: secret(secrets, HEARTBEAT),
            hooks: hooks(stack, secrets),
            figures: stack.monitoring.exporters,
            playbook: playbooks.text(PLAYBOOK)?.to_owned(),
            values: playbooks.named_values(PLAYBOOK, values)?,
        })
    }

    /// The same with nothing to read in the place of each secret.
    pub fn with_dots(&self) -> Self {
        let mut dotted = self.clone();
        let secrets = dotted.hooks.iter_mut().map(|hook| &mut hook.url);
        for secret in secrets.chain(&mut dotted.heartbeat) {
            *secret = Secret::new(DOTS);
        }
        dotted
    }

    /// The checklist of the host as it is now.
    ///
    /// # Errors
    /// As of the playbook.
    pub fn steps(&self, app: &AppProfile, facts: &Facts) -> Result<Vec<Step<Task>>> {
        let playbooks = Playbooks::own()?.with_text(PLAYBOOK, self.playbook.clone());
        let tables = facts.backups.data_tables(app);
        let values = Values::new(&[])
            .with_all(&self.values)
            .with("facts", facts)
            .with("data_tables", &tables);
        playbooks.steps(PLAYBOOK, &values)
    }

    /// These as one notice.
    pub fn notice(&self, at: String, items: Vec<NoticeItem>) -> Notice {
        Notice {
            stack: self.stack.clone(),
            host: self.host.to_string(),
            at,
            subject: Notice::subject_of(&self.domain, &items),
            body: Notice::body_of(&self.host, &items),
            items,
        }
    }
}

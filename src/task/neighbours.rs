//! The first look at a host that was there before the stack: what others have on it that `converge` would replace, lock out or
//! close. Nothing of that happens before somebody has said yes to each sentence; what was agreed is remembered.
//!
//! A sentence is its own key: it holds nothing that changes from one look to the next, such as a number of a process.

mod accounts;
mod cluster;
mod network;
mod nginx;

use std::collections::BTreeSet;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::plain;
use crate::host::neighbours::{NeighbourRecord, SharedCluster};
use crate::host::own::PROFILE;
use crate::host::system::System;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    /// Who logs in, and where sshd listens.
    pub login: String,
    pub ssh_port: u16,
    /// The accounts of the app.
    pub users: Vec<String>,
    pub database: String,
    pub roles: Vec<String>,
    /// The sentences that somebody says yes to now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agree: Vec<String>,
}

/// Nothing of others was found, and that is not written down yet.
pub const NOT_LOOKED_AT: &str = "the host was not looked at yet";

/// A line for each.
pub(super) fn listed(sentences: &[impl AsRef<str>]) -> String {
    let lines = sentences.iter().map(AsRef::as_ref);
    lines.flat_map(|line| ["\n  - ", line]).collect()
}

/// What was seen.
struct NeighboursSeen {
    before: Option<NeighbourRecord>,
    sites: Vec<nginx::FoundSite>,
    cluster: Option<SharedCluster>,
    ports: BTreeSet<u16>,
    sentences: BTreeSet<String>,
}

impl Neighbours {
    async fn look(&self, system: &System) -> Result<NeighboursSeen> {
        let before = NeighbourRecord::read(system)?;
        // A host of an earlier version has no record, and what has the stack's names there is the stack's.
        let is_first = before.is_none() && system.stat(PROFILE)?.is_none();
        let mut sentences = Vec::new();
        let nginx = nginx::look(system, before.as_ref())?;
        sentences.extend(nginx.sentences);
        let cluster = cluster::look(system, self, is_first).await?;
        sentences.extend(cluster.sentences);
        let network = network::look(system, self).await?;
        sentences.extend(network.sentences);
        sentences.extend(accounts::look(system, self, is_first).await?);
        let shown = sentences
            .iter()
            .map(|sentence| plain::line(sentence).into_owned());
        Ok(NeighboursSeen {
            before,
            sites: nginx.sites,
            cluster: cluster.shared,
            ports: network.ports,
            sentences: shown.collect(),
        })
    }
}

impl NeighboursSeen {
    /// What nobody has said yes to.
    fn open<'a>(&'a self, now: &'a [String]) -> Vec<&'a String> {
        let before = self.before.as_ref().map(|before| &before.agreed);
        let is_open = |sentence: &&String| {
            !now.contains(sentence) && before.is_none_or(|agreed| !agreed.contains(*sentence))
        };
        self.sentences.iter().filter(is_open).collect()
    }

    async fn record(self, system: &System, now: &[String]) -> Result<NeighbourRecord> {
        let is_first = self.before.is_none();
        let mut record = self.before.unwrap_or_default();
        if is_first {
            record.sshd = accounts::limits(system).await?;
        }
        record.agreed.extend(now.iter().cloned());
        record.sites = self
            .sites
            .into_iter()
            .filter_map(nginx::FoundSite::kept)
            .collect();
        record.ports.extend(self.ports);
        record.cluster = record.cluster.or(self.cluster);
        Ok(record)
    }
}

impl Wish<System> for Neighbours {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let seen = self.look(system).await?;
        let open: Vec<String> = seen.open(&[]).into_iter().cloned().collect();
        if open.is_empty() && seen.before.is_none() {
            return Ok(CheckResult::differs(NOT_LOOKED_AT));
        }
        Ok(CheckResult::from(open))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let seen = self.look(system).await?;
        let open = seen.open(&self.agree);
        if !open.is_empty() {
            let lines = listed(&open);
            let message =
                format!("the host has other software that `converge` would change:{lines}");
            return Err(Fault::new(Code::E0415, message)
                .hint("nothing was changed; `citrino-ops adopt --host` shows this list, asks, and remembers your answer")
                .into());
        }
        let record = seen.record(system, &self.agree).await?;
        record.write(system).await
    }
}

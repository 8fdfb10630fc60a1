//! Snapshots of a server's disk, taken before what could harm it.

use anyhow::Result;
use hcloud::models::{CreateImageFromServerRequest, create_image_from_server_request};
use reqwest::Method;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::Instant;

use super::Hetzner;
use super::actions::{Action, Started};
use super::answers::{Protection, or_default};
use super::call::{Called, Limit, to_value};
use super::deadline;
use super::failure::CallError;
use super::labels;
use super::resource::{Fields, Labelled, ResourceKind};
use super::server_view::ServerView;
use super::servers::map_of;
use super::words::ImageStatus;
use crate::config::stack::Host;
use crate::core::error::{Code, Fault};

/// Actions after which a server's disk is no longer what it was.
const STARTS: &[&str] = &[
    "create_server",
    "start_server",
    "reboot_server",
    "reset_server",
    "rebuild_server",
];

/// How many of one server are kept that were taken before the same step.
const KEPT: usize = 2;

pub type SnapshotView = Labelled<SnapshotFields>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SnapshotFields {
    /// Snapshots have no name: people know them by this.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// RFC 3339.
    #[serde(default, deserialize_with = "or_default")]
    pub created: String,
    /// What it takes of the store, in GB; what it costs goes by it.
    #[serde(default, deserialize_with = "or_default")]
    pub image_size: f64,
    #[serde(default, deserialize_with = "or_default")]
    protection: Protection,
    #[serde(default, deserialize_with = "or_default")]
    status: ImageStatus,
    #[serde(default, deserialize_with = "or_default")]
    created_from: SnapshotOrigin,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct SnapshotOrigin {
    #[serde(deserialize_with = "or_default")]
    id: i64,
}

impl Fields for SnapshotFields {
    const MANY: &'static str = "images";
    const ONE: &'static str = "image";
    const WORD: &'static str = "snapshot";

    fn name<'v>(&'v self, _: &'v str) -> &'v str {
        &self.description
    }
    fn is_protected(&self) -> bool {
        self.protection.delete
    }
}

impl SnapshotView {
    /// Whether a server could be made of it.
    pub fn is_usable(&self) -> bool {
        self.status == ImageStatus::Available
    }

    /// Whether it failed, and will never be usable.
    pub fn is_broken(&self) -> bool {
        self.status == ImageStatus::Unavailable
    }

    /// Whether it holds the disk of this server as it was before the step, and since it last ran.
    fn serves(&self, server: i64, before: &str, last_start: Option<OffsetDateTime>) -> bool {
        let current =
            date(&self.created).is_some_and(|made| last_start.is_none_or(|at| made >= at));
        self.is_of(server, before) && current && !self.is_broken()
    }

    /// Whether it was taken of this server before this step.
    fn is_of(&self, server: i64, before: &str) -> bool {
        let step = self.labels.get(labels::BEFORE).map(String::as_str);
        self.created_from.id == server && step == Some(before)
    }
}

impl Hetzner {
    /// The snapshots of the stack, the newest first.
    pub async fn snapshots_of(&self, stack: &str) -> Result<Vec<SnapshotView>> {
        let mut found = self
            .snapshots(stack)
            .await
            .map_err(|error| error.told("list the snapshots"))?;
        found.sort_by(|a, b| b.created.cmp(&a.created).then(b.id.cmp(&a.id)));
        Ok(found)
    }

    async fn snapshots(&self, stack: &str) -> Called<Vec<SnapshotView>> {
        let query = [
            ("type", "snapshot".to_owned()),
            ("label_selector", labels::selector(stack)),
        ];
        self.listed(&query).await
    }

    /// Takes one of the disk of a server that is off, and waits until it is usable. One that was taken for the
    /// same step since the server last ran serves, so that a step that is tried again takes no second.
    pub async fn snapshot(&self, server: &ServerView, host: &Host, before: &str) -> Result<()> {
        let doing = format!("take a snapshot of server {}", server.name);
        let last_start = self.last_start(server.id, &doing).await?;
        let ours = async || {
            let mut found = self.snapshots(&host.stack).await?;
            found.retain(|one| one.serves(server.id, before, last_start));
            Ok(found.pop())
        };
        let mut found = ours()
            .await
            .map_err(|error: CallError| error.told(&doing))?;
        if found.is_none() {
            let started = self.begin_snapshot(server, host, before, &ours).await;
            let started = started.map_err(|error| error.told(&doing))?;
            self.await_all(started, &doing).await?;
            found = ours().await.map_err(|error| error.told(&doing))?;
        }
        let Some(found) = found else {
            return Err(unusable(&doing));
        };
        self.until_usable(found, &doing).await?;
        self.bound_snapshots(server, host, before).await;
        Ok(())
    }

    /// A step that is tried again and again leaves no more than the newest of its snapshots.
    async fn bound_snapshots(&self, server: &ServerView, host: &Host, before: &str) {
        let Ok(mut found) = self.snapshots_of(&host.stack).await else {
            return;
        };
        found.retain(|one| one.is_of(server.id, before) && !one.is_protected());
        for old in found.iter().skip(KEPT) {
            // The server is off meanwhile: what cannot be deleted now, `gc` lists.
            if self.try_delete(old).await.is_err() {
                return;
            }
        }
    }

    async fn begin_snapshot(
        &self,
        server: &ServerView,
        host: &Host,
        before: &str,
        ours: &impl AsyncFn() -> Called<Option<SnapshotView>>,
    ) -> Called<Started> {
        let mut labels = labels::of_host(host);
        labels.insert(labels::BEFORE.to_owned(), before.to_owned());
        let body = to_value(&CreateImageFromServerRequest {
            description: Some(format!("{} before {before}", server.name)),
            labels: Some(map_of(&labels)),
            r#type: Some(create_image_from_server_request::Type::Snapshot),
        })?;
        let path = format!("/servers/{}/actions/create_image", server.id);
        self.create_once(
            async || self.send(Method::POST, &path, &[], Some(&body)).await,
            async || Ok(ours().await?.map(|_| Started::default())),
        )
        .await
    }

    async fn until_usable(&self, mut found: SnapshotView, doing: &str) -> Result<()> {
        let begun = Instant::now();
        let mut polls = 0;
        while !found.is_usable() {
            if found.is_broken() || begun.elapsed() > self.within(deadline::SNAPSHOT) {
                return Err(unusable(doing));
            }
            self.show(doing, 0);
            self.pause(self.poll_wait(polls)).await;
            polls += 1;
            let until = Limit::Until(begun + self.within(deadline::SNAPSHOT));
            found = self.one_within(found.id, doing, until).await?;
        }
        Ok(())
    }

    /// When the server was last made to run.
    async fn last_start(&self, server: i64, doing: &str) -> Result<Option<OffsetDateTime>> {
        let path = format!("/servers/{server}/actions");
        let actions: Vec<Action> = self
            .list(&path, "actions", &[])
            .await
            .map_err(|error| error.told(doing))?;
        let starts = actions
            .iter()
            .filter(|action| STARTS.contains(&action.command.as_str()));
        Ok(starts.filter_map(|action| date(&action.started)).max())
    }
}

fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

fn unusable(doing: &str) -> anyhow::Error {
    Fault::new(
        Code::E0307,
        format!("could not {doing}: the snapshot did not become usable"),
    )
    .hint("nothing else was done without the snapshot; check it in the Hetzner console, then run the command again")
    .into()
}

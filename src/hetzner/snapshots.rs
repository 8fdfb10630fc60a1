//! Snapshots of a server's disk, taken before what could harm it.

use anyhow::Result;
use hcloud::models::{CreateImageFromServerRequest, create_image_from_server_request};
use reqwest::Method;
use serde::Deserialize;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::Hetzner;
use super::actions::{Started, deadline};
use super::answers::{Protection, or_default};
use super::call::{Called, to_value};
use super::labels::{self, Labels};
use super::resource::Kind;
use super::server_view::ServerView;
use super::servers::map_of;

/// A snapshot for the same step that is no older serves the step that is tried again.
const SERVES_AGAIN: Duration = Duration::hours(1);

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SnapshotView {
    pub id: i64,
    /// Snapshots have no name: people know them by this.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Labels,
    /// RFC 3339.
    #[serde(default, deserialize_with = "or_default")]
    pub created: String,
    /// What it takes of the store, in GB; what it costs goes by it.
    #[serde(default, deserialize_with = "or_default")]
    pub image_size: f64,
    #[serde(default, deserialize_with = "or_default")]
    protection: Protection,
}

impl Kind for SnapshotView {
    const MANY: &'static str = "images";
    const ONE: &'static str = "image";
    const WORD: &'static str = "snapshot";

    fn id(&self) -> i64 {
        self.id
    }
    fn name(&self) -> &str {
        &self.description
    }
    fn labels(&self) -> &Labels {
        &self.labels
    }
    fn is_protected(&self) -> bool {
        self.protection.delete
    }
}

impl SnapshotView {
    fn is_fresh(&self, now: OffsetDateTime) -> bool {
        OffsetDateTime::parse(&self.created, &Rfc3339).is_ok_and(|made| now - made < SERVES_AGAIN)
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

    /// Takes one of the server's disk before a step, once: one that was taken for the same step
    /// within the last hour serves, so that a step that is tried again takes no second.
    pub async fn snapshot(&self, server: &ServerView, stack: &str, before: &str) -> Result<()> {
        let doing = format!("take a snapshot of the server {}", server.name);
        let now = OffsetDateTime::now_utc();
        let fresh = |one: &SnapshotView| {
            one.labels
                .get(labels::BEFORE)
                .is_some_and(|step| step == before)
                && one.is_fresh(now)
        };
        if self.snapshots_of(stack).await?.iter().any(fresh) {
            return Ok(());
        }
        let mut labels = labels::of_stack(stack);
        labels.insert(labels::BEFORE.to_owned(), before.to_owned());
        let request = CreateImageFromServerRequest {
            description: Some(format!("{} before {before}", server.name)),
            labels: Some(map_of(&labels)),
            r#type: Some(create_image_from_server_request::Type::Snapshot),
        };
        let body = to_value(&request).map_err(|error| error.told(&doing))?;
        let path = format!("/servers/{}/actions/create_image", server.id);
        let started = self
            .create_once(
                async || {
                    self.send::<Started>(Method::POST, &path, &[], Some(&body))
                        .await
                },
                async || {
                    let made = self.snapshots(stack).await?;
                    Ok(made.iter().any(fresh).then(Started::default))
                },
            )
            .await
            .map_err(|error| error.told(&doing))?;
        self.await_all(started, &doing, deadline::SNAPSHOT).await
    }
}

//! Volumes: disks that are resources of their own.

use anyhow::Result;
use hcloud::models::{AttachVolumeToServerRequest, CreateVolumeRequest, ResizeVolumeRequest};
use serde::Deserialize;

use super::Hetzner;
use super::answers::{NameAnswer, Protection, or_default};
use super::labels;
use super::resource::{Fields, Labelled, Order};
use super::servers::map_of;
use super::words::ApiCode;
use crate::config::stack::Host;

/// The file system that a new volume is given.
const FORMAT: &str = "ext4";

pub type VolumeView = Labelled<VolumeFields>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct VolumeFields {
    /// In GB.
    #[serde(default, deserialize_with = "or_default")]
    pub size: f64,
    /// The server that has it.
    #[serde(default)]
    pub server: Option<i64>,
    /// Where a host that has it finds it.
    #[serde(default, deserialize_with = "or_default")]
    pub linux_device: String,
    #[serde(default, deserialize_with = "or_default")]
    location: NameAnswer,
    #[serde(default, deserialize_with = "or_default")]
    protection: Protection,
}

impl Fields for VolumeFields {
    const MANY: &'static str = "volumes";
    const ONE: &'static str = "volume";
    const WORD: &'static str = "volume";
    const CAN_UNPROTECT: bool = true;

    fn is_used(&self) -> bool {
        self.server.is_some()
    }
    fn is_protected(&self) -> bool {
        self.protection.delete
    }
}

impl VolumeView {
    pub fn location(&self) -> &str {
        &self.location.name
    }
}

impl Hetzner {
    /// A formatted volume, attached to the server.
    pub async fn create_volume(
        &self,
        name: &str,
        host: &Host,
        size_gb: u32,
        server: i64,
    ) -> Result<VolumeView> {
        let body = CreateVolumeRequest {
            labels: Some(map_of(&labels::of_host(host))),
            server: Some(server),
            format: Some(FORMAT.to_owned()),
            // The host's own playbook mounts it, where the database is.
            automount: Some(false),
            ..CreateVolumeRequest::new(name.to_owned(), size_gb.cast_signed())
        };
        self.make(name, &host.stack, &body).await
    }

    pub async fn attach_volume(&self, found: &VolumeView, server: i64) -> Result<()> {
        let doing = format!("attach volume {} to the server", found.name);
        let body = AttachVolumeToServerRequest {
            automount: Some(false),
            ..AttachVolumeToServerRequest::new(server)
        };
        self.order::<VolumeView>(Order::new(found.id, "attach", &doing), &body)
            .await
    }

    pub async fn detach_volume(&self, found: &VolumeView) -> Result<()> {
        let doing = format!("detach volume {}", found.name);
        self.order::<VolumeView>(
            Order::new(found.id, "detach", &doing).unless(&[ApiCode::VolumeNotAttached]),
            &serde_json::json!({}),
        )
        .await
    }

    /// Makes it larger; smaller it cannot become.
    pub async fn grow_volume(&self, found: &VolumeView, size_gb: u32) -> Result<()> {
        let doing = format!("resize volume {}", found.name);
        let body = ResizeVolumeRequest::new(f64::from(size_gb));
        self.order::<VolumeView>(Order::new(found.id, "resize", &doing), &body)
            .await
    }
}

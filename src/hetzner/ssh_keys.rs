//! Public keys that the API puts on new servers.

use anyhow::Result;
use hcloud::models::CreateSshKeyRequest;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::Hetzner;
use super::call::{Called, to_value};
use super::labels::Labels;
use super::resource::{Fields, Labelled};
use super::servers::map_of;
use super::words::ApiCode;

pub type KeyView = Labelled<KeyFields>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct KeyFields {
    pub public_key: String,
}

impl Fields for KeyFields {
    const MANY: &'static str = "ssh_keys";
    const ONE: &'static str = "ssh_key";
    const WORD: &'static str = "ssh key";
}

impl KeyView {
    /// Whether it is the key of this line; comments do not count.
    pub fn is_key(&self, line: &str) -> bool {
        let body = |line: &str| -> Vec<String> {
            line.split_whitespace().take(2).map(str::to_owned).collect()
        };
        body(&self.public_key) == body(line)
    }
}

impl Hetzner {
    /// All keys of the project: the API allows each public key once in it, whoever made it.
    pub async fn ssh_keys(&self) -> Result<Vec<KeyView>> {
        self.listed(&[])
            .await
            .map_err(|error| error.told("list the ssh keys").into())
    }

    /// Uploads a key, once. When the project has the same public key under another name by now,
    /// that one serves as well.
    pub async fn create_ssh_key(&self, name: &str, line: &str, labels: &Labels) -> Result<()> {
        let doing = format!("upload ssh key {name}");
        let body = to_value(&CreateSshKeyRequest {
            labels: Some(map_of(labels)),
            ..CreateSshKeyRequest::new(name.to_owned(), line.to_owned())
        })
        .map_err(|error| error.told(&doing))?;
        let made = self
            .create_once(
                async || {
                    self.send::<Value>(Method::POST, "/ssh_keys", &[], Some(&body))
                        .await
                        .map(drop)
                },
                async || {
                    let keys: Called<Vec<KeyView>> = self.listed(&[]).await;
                    Ok(keys?.iter().any(|key| key.is_key(line)).then_some(()))
                },
            )
            .await;
        match made {
            Err(error) if error.is(&ApiCode::UniquenessError) && error.names("public_key") => {
                Ok(())
            }
            other => other.map_err(|error| error.told(&doing).into()),
        }
    }
}

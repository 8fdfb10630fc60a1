//! Public keys that the API puts on new servers. All by the crate's own functions: their answers
//! hold nothing that could surprise.

use anyhow::Result;
use hcloud::apis::ssh_keys_api::{self, CreateSshKeyParams, DeleteSshKeyParams, ListSshKeysParams};
use hcloud::models::{CreateSshKeyRequest, SshKey};

use super::Hetzner;
use super::call::{Called, Kind};
use super::labels::Labels;
use super::servers::map_of;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyView {
    pub id: i64,
    pub name: String,
    pub labels: Labels,
    pub public_key: String,
}

impl From<SshKey> for KeyView {
    fn from(key: SshKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            labels: key.labels.into_iter().collect(),
            public_key: key.public_key,
        }
    }
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
        self.keys()
            .await
            .map_err(|error| error.told("list the ssh keys").into())
    }

    async fn keys(&self) -> Called<Vec<KeyView>> {
        let found = self
            .pages(async |page| {
                self.retrying(Kind::Repeatable, async || {
                    let params = ListSshKeysParams {
                        page: Some(page),
                        per_page: Some(50),
                        ..ListSshKeysParams::default()
                    };
                    let answer = ssh_keys_api::list_ssh_keys(&self.cfg, params).await?;
                    Ok((answer.ssh_keys, answer.meta.pagination.next_page))
                })
                .await
            })
            .await?;
        Ok(found.into_iter().map(KeyView::from).collect())
    }

    /// Uploads a key, once. When the project has the same public key under another name by now,
    /// that one serves as well.
    pub async fn create_ssh_key(&self, name: &str, line: &str, labels: &Labels) -> Result<()> {
        let request = CreateSshKeyRequest {
            labels: Some(map_of(labels)),
            ..CreateSshKeyRequest::new(name.to_owned(), line.to_owned())
        };
        let made = self
            .create_once(
                async || {
                    let params = CreateSshKeyParams {
                        create_ssh_key_request: request.clone(),
                    };
                    ssh_keys_api::create_ssh_key(&self.cfg, params).await?;
                    Ok(())
                },
                async || {
                    Ok(self
                        .keys()
                        .await?
                        .iter()
                        .any(|key| key.is_key(line))
                        .then_some(()))
                },
            )
            .await;
        match made {
            Err(error) if error.is("uniqueness_error") && error.names("public_key") => Ok(()),
            other => {
                other.map_err(|error| error.told(&format!("upload the ssh key {name}")).into())
            }
        }
    }

    /// Deletes a key; servers that have it keep it. One that is gone already is no error.
    pub async fn delete_ssh_key(&self, key: &KeyView) -> Result<()> {
        let done = self
            .retrying(Kind::Repeatable, async || {
                let params = DeleteSshKeyParams { id: key.id };
                Ok(ssh_keys_api::delete_ssh_key(&self.cfg, params).await?)
            })
            .await;
        match done {
            Err(error) if error.is("not_found") => Ok(()),
            other => other.map_err(|error| {
                error
                    .told(&format!("delete the ssh key {}", key.name))
                    .into()
            }),
        }
    }
}

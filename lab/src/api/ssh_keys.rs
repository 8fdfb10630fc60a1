//! SSH keys: names and keys are unique, the fingerprint is MD5 in colon form.

use axum::extract::{Path, State};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::kind::SSH_KEY;
use super::listing::{self, Query};
use super::reply::{created, gone};
use super::request::{self, Body};
use super::timestamp::now;
use super::{resource, view};
use crate::store::{SSH_KEYS, id_of};

#[derive(Deserialize)]
pub struct Create {
    name: Value,
    public_key: String,
    #[serde(default)]
    labels: Option<Value>,
}

pub async fn create(State(account): State<Account>, Body(body): Body<Create>) -> Answer {
    let fingerprint = fingerprint(&body.public_key)?;
    let mut store = account.lock();
    let name = request::name(SSH_KEYS, &body.name)?;
    if store.by_name(SSH_KEYS, &name).is_some() {
        return Err(ApiError::not_unique("name"));
    }
    if store
        .all(SSH_KEYS)
        .any(|key| key["fingerprint"] == fingerprint.as_str())
    {
        return Err(ApiError::not_unique("public_key"));
    }
    let id = store.next_id();
    let key = json!({
        "id": id, "name": name, "public_key": body.public_key.trim(), "fingerprint": fingerprint,
        "labels": request::labels(body.labels)?, "created": now(),
    });
    store.insert(SSH_KEYS, id, key.clone());
    store.save()?;
    Ok(created(json!({ "ssh_key": key })))
}

pub async fn list(State(account): State<Account>, query: Query) -> Answer {
    listing::list(SSH_KEYS, account.lock().all(SSH_KEYS), &query)
}

pub async fn get(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    view::show(&account, SSH_KEY, id)
}

pub async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(body): Body<Value>,
) -> Answer {
    resource::rename(&account, SSH_KEY, id, &body)
}

pub async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    store
        .remove(SSH_KEYS, id)
        .ok_or_else(|| ApiError::not_found("ssh_key"))?;
    store.save()?;
    Ok(gone())
}

fn fingerprint(line: &str) -> Answer<String> {
    let wrong = || ApiError::invalid("public_key", "is not an OpenSSH public key");
    let mut words = line.split_whitespace();
    let (Some(kind), Some(key)) = (words.next(), words.next()) else {
        return Err(wrong());
    };
    if !kind.starts_with("ssh-") && !kind.starts_with("ecdsa-") && !kind.starts_with("sk-") {
        return Err(wrong());
    }
    let bytes = STANDARD.decode(key).map_err(|_| wrong())?;
    let digest = Md5::digest(bytes);
    Ok(digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":"))
}

/// A key by id or name, as the request to create a server names it.
pub fn find<'s>(store: &'s crate::store::Store, body: &Value) -> Option<&'s Value> {
    match body {
        Value::Number(_) => store
            .all(SSH_KEYS)
            .find(|key| Some(id_of(key)) == body.as_u64()),
        Value::String(name) => store
            .by_name(SSH_KEYS, name)
            .or_else(|| store.get(SSH_KEYS, name.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_md5_of_the_key_alone() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB";
        let alone = fingerprint(key).unwrap();
        assert_eq!(alone.len(), 47);
        assert_eq!(
            fingerprint(&format!("{key} operator@somewhere")).unwrap(),
            alone
        );
        assert!(fingerprint("ssh-ed25519").is_err() && fingerprint("no key").is_err());
    }
}

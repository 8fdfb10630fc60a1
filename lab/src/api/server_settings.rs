//! Settings of a server: protection, backups, rescue and the root password.

use serde_json::{Value, json};

use super::account::Account;
use super::error::ApiError;
use super::kind::SERVER;
use super::{actions, background, images, request, resource, server_state};
use crate::machine::Machine;
use crate::store::{SERVERS, SSH_KEYS, Store, id_of};

fn set(store: &mut Store, id: u64, command: &str, (key, value): (&str, Value)) -> Value {
    if let Some(server) = store.get_mut(SERVERS, id) {
        server[key] = value;
    }
    actions::done(store, command, &[("server", id)])
}

/// According to Hetzner's documentation both values must be equal.
pub fn protect(store: &mut Store, id: u64, body: &Value) -> Result<Value, ApiError> {
    let (delete, rebuild) = (
        request::flag(body, "delete")?,
        request::flag(body, "rebuild")?,
    );
    if delete.is_some() && rebuild.is_some() && delete != rebuild {
        let message = "delete and rebuild must have the same value";
        return Err(ApiError::invalid("rebuild", message));
    }
    let requested = request::needed("delete", delete.or(rebuild))?;
    let protection = json!({ "delete": requested, "rebuild": requested });
    Ok(set(
        store,
        id,
        "change_protection",
        ("protection", protection),
    ))
}

pub fn enable_backup(store: &mut Store, id: u64) -> Value {
    set(
        store,
        id,
        "enable_backup",
        ("backup_window", json!("22-02")),
    )
}

/// Switching backups off deletes all backups.
pub fn disable_backup(account: &Account, store: &mut Store, id: u64) -> Value {
    images::forget_backups(store, account.lab().as_ref(), id);
    set(store, id, "disable_backup", ("backup_window", Value::Null))
}

/// The rescue system is only a setting and never booted.
pub fn enable_rescue(store: &mut Store, id: u64, body: &Value) -> Result<Value, ApiError> {
    if let Some(kind) = request::text(body, "type")? {
        request::one_of("type", kind, &["linux64"])?;
    }
    for key in request::list(body, "ssh_keys")? {
        let wrong = || ApiError::invalid("ssh_keys", format!("ssh key {key} not found"));
        let key = key.as_u64().ok_or_else(wrong)?;
        store.get(SSH_KEYS, key).ok_or_else(wrong)?;
    }
    let action = set(store, id, "enable_rescue", ("rescue_enabled", json!(true)));
    Ok(json!({ "action": action, "root_password": server_state::new_password() }))
}

pub fn disable_rescue(store: &mut Store, id: u64) -> Value {
    set(
        store,
        id,
        "disable_rescue",
        ("rescue_enabled", json!(false)),
    )
}

/// Sets a new root password in the running machine, like Hetzner's guest agent.
pub fn reset_password(account: &Account, store: &mut Store, id: u64) -> Result<Value, ApiError> {
    let server = resource::find(store, SERVER, id)?;
    if server_state::is_off(account, store, server) {
        let message = "server is not running";
        return Err(ApiError::new(422, "server_not_running", message));
    }
    let password = server_state::new_password();
    let action = actions::begin(store, "reset_password", &[("server", id)]);
    let job = background::MachineJob {
        server: id,
        actions: vec![id_of(&action)],
        after: None,
    };
    let line = format!("root:{password}\n");
    background::run(account, store, job, move |machine: &Machine| {
        machine.set_password(&line)
    });
    Ok(json!({ "action": action, "root_password": password }))
}

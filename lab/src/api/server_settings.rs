//! What is set on a server: protection, backups, rescue, and its password.

use serde_json::{Value, json};

use super::account::Account;
use super::error::ApiError;
use super::{actions, background, images, request, resource, server_state};
use crate::machine::Machine;
use crate::store::{SERVERS, SSH_KEYS, Store, id_of};

fn set(store: &mut Store, id: u64, command: &str, key: &str, value: Value) -> Value {
    if let Some(server) = store.get_mut(SERVERS, id) {
        server[key] = value;
    }
    actions::done(store, command, &[("server", id)])
}

/// Of a server both must be equal, Hetzner's documents say.
pub fn protect(store: &mut Store, id: u64, wish: &Value) -> Result<Value, ApiError> {
    let (delete, rebuild) = (
        request::flag(wish, "delete")?,
        request::flag(wish, "rebuild")?,
    );
    if delete.is_some() && rebuild.is_some() && delete != rebuild {
        let message = "delete and rebuild must have the same value";
        return Err(ApiError::invalid("rebuild", message));
    }
    let wished = request::needed("delete", delete.or(rebuild))?;
    let protection = json!({ "delete": wished, "rebuild": wished });
    Ok(set(
        store,
        id,
        "change_protection",
        "protection",
        protection,
    ))
}

pub fn enable_backup(store: &mut Store, id: u64) -> Value {
    set(store, id, "enable_backup", "backup_window", json!("22-02"))
}

/// With the option all backups go.
pub fn disable_backup(account: &Account, store: &mut Store, id: u64) -> Value {
    images::forget_backups(store, account.lab().as_ref(), id);
    set(store, id, "disable_backup", "backup_window", Value::Null)
}

/// The rescue system is told of, and never booted.
pub fn enable_rescue(store: &mut Store, id: u64, wish: &Value) -> Result<Value, ApiError> {
    if let Some(kind) = request::text(wish, "type")? {
        request::one_of("type", kind, &["linux64"])?;
    }
    for key in request::list(wish, "ssh_keys")? {
        let wrong = || ApiError::invalid("ssh_keys", format!("ssh key {key} not found"));
        let key = key.as_u64().ok_or_else(wrong)?;
        store.get(SSH_KEYS, key).ok_or_else(wrong)?;
    }
    let action = set(store, id, "enable_rescue", "rescue_enabled", json!(true));
    Ok(json!({ "action": action, "root_password": server_state::new_password() }))
}

pub fn disable_rescue(store: &mut Store, id: u64) -> Value {
    set(store, id, "disable_rescue", "rescue_enabled", json!(false))
}

/// Gives root a new password, in the running machine as Hetzner's guest agent would.
pub fn reset_password(account: &Account, store: &mut Store, id: u64) -> Result<Value, ApiError> {
    let server = resource::find(store, SERVERS, "server", id)?;
    if server_state::is_off(account, store, server) {
        let message = "server is not running";
        return Err(ApiError::new(422, "server_not_running", message));
    }
    let password = server_state::new_password();
    let action = actions::begin(store, "reset_password", &[("server", id)]);
    let errand = background::Errand {
        server: id,
        actions: vec![id_of(&action)],
        after: None,
    };
    let line = format!("root:{password}\n");
    background::run(account, store, errand, move |machine: &Machine| {
        machine.set_password(&line)
    });
    Ok(json!({ "action": action, "root_password": password }))
}

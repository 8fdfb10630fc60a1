//! Whether a server runs.

use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Value, json};

use super::account::Account;
use super::error::ApiError;
use crate::store::{Store, id_of};

/// The status of a server: one whose machine has stopped by itself is off.
pub fn status(account: &Account, store: &Store, server: &Value) -> Value {
    let stopped = server["status"] == "running"
        && account
            .machine(store, id_of(server))
            .is_some_and(|machine| !machine.is_running());
    if stopped {
        json!("off")
    } else {
        server["status"].clone()
    }
}

/// Whether a server is off.
pub fn is_off(account: &Account, store: &Store, server: &Value) -> bool {
    status(account, store, server) == "off"
}

/// 422 if the server is not off.
pub fn must_be_off(account: &Account, store: &Store, server: &Value) -> Result<(), ApiError> {
    if is_off(account, store, server) {
        return Ok(());
    }
    let message = "server must be stopped for this";
    Err(ApiError::new(422, "server_not_stopped", message))
}

/// A new password for root.
pub fn new_password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 20)
}

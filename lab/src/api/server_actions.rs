//! What is done to servers: power, protection, backups, reverse DNS, and their end.

use anyhow::Result;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::error::{Answer, ApiError};
use super::request::Body;
use super::{Account, actions, created, primary_ips};
use crate::machine::Machine;
use crate::store::{ACTIONS, SERVERS, Store, id_of};

/// Work on a machine, and what it says when it is over.
pub struct Errand {
    pub server: u64,
    pub actions: Vec<u64>,
    /// The server's status after it went well; `None` leaves it as it is in any case.
    pub after: Option<&'static str>,
}

/// Does the work on a thread of its own, then ends the actions. Give it the locked store.
pub fn run(
    account: &Account,
    store: &Store,
    errand: Errand,
    work: impl FnOnce(&Machine) -> Result<()> + Send + 'static,
) {
    let machine = account.machine(store, errand.server);
    let account = account.clone();
    tokio::task::spawn_blocking(move || {
        let result = machine.map_or(Ok(()), |machine| work(&machine));
        let mut store = account.lock();
        let error = result.err().map(|error| format!("{error:#}"));
        let after = if error.is_some() {
            errand.after.map(|_| "off")
        } else {
            errand.after
        };
        if let (Some(after), Some(server)) = (after, store.get_mut(SERVERS, errand.server)) {
            server["status"] = json!(after);
        }
        for action in errand.actions {
            actions::finish(&mut store, action, error.as_deref());
        }
        report(account.commit(&store));
    });
}

/// What no request waits for any more goes to the API's log.
fn report(result: Result<()>) {
    if let Err(error) = result {
        eprintln!("{error:#}");
    }
}

/// POST /servers/{id}/actions/{action}.
pub async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(wish): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let server = store
        .get(SERVERS, id)
        .ok_or_else(|| ApiError::not_found("server"))?;
    if actions::running_on(&store, "server", id) {
        return Err(ApiError::new(
            423,
            "locked",
            "server is locked by another running action",
        ));
    }
    let off = super::servers::shown(&account, &store, server)["status"] == "off";
    let action = match action.as_str() {
        "poweron" => power(
            &account,
            &mut store,
            id,
            "start_server",
            Some("running"),
            Machine::start,
        ),
        "poweroff" => power(
            &account,
            &mut store,
            id,
            "stop_server",
            Some("off"),
            Machine::power_off,
        ),
        "shutdown" => power(
            &account,
            &mut store,
            id,
            "shutdown_server",
            None,
            Machine::shutdown,
        ),
        "reboot" | "reset" if off => {
            return Err(ApiError::new(
                422,
                "server_not_running",
                "server is not running",
            ));
        }
        "reboot" => power(
            &account,
            &mut store,
            id,
            "reboot_server",
            None,
            Machine::reboot,
        ),
        "reset" => power(&account, &mut store, id, "reset_server", None, |machine| {
            machine.power_off().and_then(|()| machine.start())
        }),
        "change_protection" => protect(&mut store, id, &wish)?,
        "enable_backup" => backup(&mut store, id, "enable_backup", json!("22-02")),
        "disable_backup" => backup(&mut store, id, "disable_backup", Value::Null),
        "change_dns_ptr" => primary_ips::change_dns_ptr(&mut store, "server", id, &wish)?,
        other => {
            return Err(ApiError::new(
                404,
                "not_found",
                format!("the lab does not know the action `{other}`"),
            ));
        }
    };
    account.commit(&store)?;
    Ok(created(json!({ "action": action })))
}

fn power(
    account: &Account,
    store: &mut Store,
    id: u64,
    command: &str,
    after: Option<&'static str>,
    work: impl FnOnce(&Machine) -> Result<()> + Send + 'static,
) -> Value {
    let action = actions::begin(store, command, &[("server", id)]);
    // What it is to be, so that it is so again after the host came back.
    if let (Some(after), Some(server)) = (after, store.get_mut(SERVERS, id)) {
        server["status"] = json!(if after == "off" {
            "stopping"
        } else {
            "starting"
        });
    }
    run(
        account,
        store,
        Errand {
            server: id,
            actions: vec![id_of(&action)],
            after,
        },
        work,
    );
    action
}

/// Of a server both must be equal, Hetzner's documents say.
fn protect(store: &mut Store, id: u64, wish: &Value) -> Result<Value, ApiError> {
    let flags = [&wish["delete"], &wish["rebuild"]].map(Value::as_bool);
    let wished = match flags {
        [Some(delete), Some(rebuild)] if delete != rebuild => {
            return Err(ApiError::invalid(
                "rebuild",
                "delete and rebuild must have the same value",
            ));
        }
        [first, second] => first
            .or(second)
            .ok_or_else(|| ApiError::invalid("delete", "is missing"))?,
    };
    if let Some(server) = store.get_mut(SERVERS, id) {
        server["protection"] = json!({ "delete": wished, "rebuild": wished });
    }
    Ok(actions::done(store, "change_protection", &[("server", id)]))
}

fn backup(store: &mut Store, id: u64, command: &str, window: Value) -> Value {
    if let Some(server) = store.get_mut(SERVERS, id) {
        server["backup_window"] = window;
    }
    actions::done(store, command, &[("server", id)])
}

/// DELETE /servers/{id}: the server is there until its machine is gone.
pub async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let server = store
        .get(SERVERS, id)
        .ok_or_else(|| ApiError::not_found("server"))?;
    if server["protection"]["delete"] == true {
        return Err(ApiError::new(
            423,
            "protected",
            "server deletion is protected",
        ));
    }
    if actions::running_on(&store, "server", id) {
        return Err(ApiError::new(
            423,
            "locked",
            "server is locked by another running action",
        ));
    }
    let action = actions::begin(&mut store, "delete_server", &[("server", id)]);
    begin_delete(&account, &mut store, id, id_of(&action));
    account.commit(&store)?;
    Ok(Json(json!({ "action": action })).into_response())
}

fn begin_delete(account: &Account, store: &mut Store, id: u64, action: u64) {
    if let Some(server) = store.get_mut(SERVERS, id) {
        server["status"] = json!("deleting");
    }
    let machine = account.machine(store, id);
    let account = account.clone();
    tokio::task::spawn_blocking(move || {
        let deleted = machine.map_or(Ok(()), |machine| machine.delete());
        let mut store = account.lock();
        if deleted.is_ok() {
            store.remove(SERVERS, id);
            store.machines.remove(&id);
            super::firewall_resources::forget_server(&mut store, id);
            primary_ips::take_back(&mut store, id);
        }
        actions::finish(
            &mut store,
            action,
            deleted.err().map(|error| format!("{error:#}")).as_deref(),
        );
        report(account.commit(&store));
    });
}

/// At the start of the API: actions that an earlier process left end here, and machines that were
/// to run, and were lost with their host, run again.
pub fn take_up(account: &Account) -> Result<()> {
    let mut store = account.lock();
    let left: Vec<u64> = store
        .all(ACTIONS)
        .filter(|action| action["status"] == "running")
        .map(id_of)
        .collect();
    for action in left {
        actions::finish(
            &mut store,
            action,
            Some("the API was restarted while this action ran"),
        );
    }
    let servers: Vec<(u64, String)> = store
        .all(SERVERS)
        .map(|server| {
            (
                id_of(server),
                server["status"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    for (id, status) in servers {
        let running = account
            .machine(&store, id)
            .is_some_and(|machine| machine.is_running());
        match status.as_str() {
            "deleting" => {
                let action = actions::begin(&mut store, "delete_server", &[("server", id)]);
                begin_delete(account, &mut store, id, id_of(&action));
            }
            "running"
                if account
                    .machine(&store, id)
                    .is_none_or(|machine| !machine.is_lost()) => {}
            "running" | "starting" => {
                power(
                    account,
                    &mut store,
                    id,
                    "start_server",
                    Some("running"),
                    Machine::start,
                );
            }
            _ => {
                if let Some(server) = store.get_mut(SERVERS, id) {
                    server["status"] = json!(if running { "running" } else { "off" });
                }
            }
        }
    }
    account.commit(&store)
}

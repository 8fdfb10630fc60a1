//! What is done to servers: power, and their end; the rest is in the files beside.

use anyhow::Result;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, Errand};
use super::error::{Answer, ApiError};
use super::reply::created;
use super::request::Body;
use super::{
    actions, addresses, firewall_resources, images, resource, server_changes, server_networks,
    server_settings, server_state, volume_attach,
};
use crate::machine::{Machine, cgroup};
use crate::store::{ACTIONS, SERVERS, Store, id_of};

/// What can be done to a server beside naming and deleting it.
pub const NAMES: &[&str] = &[
    "poweron",
    "poweroff",
    "shutdown",
    "reboot",
    "reset",
    "rebuild",
    "change_type",
    "create_image",
    "enable_rescue",
    "disable_rescue",
    "reset_password",
    "enable_backup",
    "disable_backup",
    "change_protection",
    "change_dns_ptr",
    "attach_to_network",
    "detach_from_network",
    "change_alias_ips",
];

/// POST /servers/{id}/actions/{action}.
pub async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(wish): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    resource::find(&store, SERVERS, "server", id)?;
    resource::unlocked(&store, "server", id)?;
    let body = body(&account, &mut store, id, &action, &wish)?;
    account.commit(&store)?;
    Ok(created(body))
}

fn body(
    account: &Account,
    store: &mut Store,
    id: u64,
    action: &str,
    wish: &Value,
) -> Result<Value, ApiError> {
    let action = match action {
        "poweron" | "poweroff" | "shutdown" | "reboot" | "reset" => {
            power(account, store, id, action)?
        }
        "rebuild" => return server_changes::rebuild(account, store, id, wish),
        "change_type" => server_changes::change_type(account, store, id, wish)?,
        "create_image" => return images::create(account, store, id, wish),
        "enable_rescue" => return server_settings::enable_rescue(store, id, wish),
        "disable_rescue" => server_settings::disable_rescue(store, id),
        "reset_password" => return server_settings::reset_password(account, store, id),
        "enable_backup" => server_settings::enable_backup(store, id),
        "disable_backup" => server_settings::disable_backup(account, store, id),
        "change_protection" => server_settings::protect(store, id, wish)?,
        "change_dns_ptr" => addresses::change_dns_ptr_of_server(store, id, wish)?,
        "attach_to_network" => server_networks::attach(account, store, id, wish)?,
        "detach_from_network" => server_networks::detach(account, store, id, wish)?,
        "change_alias_ips" => server_networks::change_alias_ips(store, id, wish)?,
        other => return Err(ApiError::unknown_action(other)),
    };
    Ok(json!({ "action": action }))
}

fn power(account: &Account, store: &mut Store, id: u64, action: &str) -> Result<Value, ApiError> {
    let server = resource::find(store, SERVERS, "server", id)?;
    if ["reboot", "reset"].contains(&action) && server_state::is_off(account, store, server) {
        let message = "server is not running";
        return Err(ApiError::new(422, "server_not_running", message));
    }
    Ok(match action {
        "poweron" => start(account, store, id),
        "poweroff" => order(
            account,
            store,
            id,
            ("stop_server", Some("off")),
            Machine::power_off,
        ),
        // A machine goes off when its system has ended; where there is none, nothing holds it up.
        "shutdown" => order(
            account,
            store,
            id,
            (
                "shutdown_server",
                (!account.has_machines()).then_some("off"),
            ),
            Machine::shutdown,
        ),
        "reboot" => order(account, store, id, ("reboot_server", None), Machine::reboot),
        _ => order(account, store, id, ("reset_server", None), |machine| {
            machine.power_off().and_then(|()| machine.start())
        }),
    })
}

fn start(account: &Account, store: &mut Store, id: u64) -> Value {
    let on = ("start_server", Some("running"));
    order(account, store, id, on, Machine::start)
}

/// Begins the action of a command, after which the server is as told.
fn order(
    account: &Account,
    store: &mut Store,
    id: u64,
    (command, after): (&str, Option<&'static str>),
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
    let errand = Errand {
        server: id,
        actions: vec![id_of(&action)],
        after,
    };
    background::run(account, store, errand, work);
    action
}

/// DELETE /servers/{id}: the server is there until its machine is gone.
pub async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let server = resource::find(&store, SERVERS, "server", id)?;
    resource::unprotected(server, "server")?;
    resource::unlocked(&store, "server", id)?;
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
    let lab = account.lab();
    background::work(
        account,
        vec![action],
        move || machine.map_or(Ok(()), |machine| machine.delete()),
        move |store, deleted| {
            if !deleted {
                return;
            }
            store.remove(SERVERS, id);
            store.machines.remove(&id);
            store.births.remove(&id);
            firewall_resources::forget_server(store, id);
            addresses::take_back(store, id);
            volume_attach::forget_server(store, id);
            images::forget_backups(store, lab.as_ref(), id);
        },
    );
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
        let why = "the API was restarted while this action ran";
        actions::finish(&mut store, action, Some(why));
    }
    background::forget_unfinished(&mut store);
    let servers: Vec<(u64, String)> = store
        .all(SERVERS)
        .map(|server| {
            let status = server["status"].as_str().unwrap_or_default();
            (id_of(server), status.to_owned())
        })
        .collect();
    for (id, status) in servers {
        take_up_server(account, &mut store, id, &status);
    }
    account.commit(&store)
}

fn take_up_server(account: &Account, store: &mut Store, id: u64, status: &str) {
    let machine = account.machine(store, id);
    if let Some(machine) = &machine {
        // A snapshot that was being taken may have halted it.
        cgroup::freeze(machine, false);
    }
    match status {
        "deleting" => {
            let action = actions::begin(store, "delete_server", &[("server", id)]);
            begin_delete(account, store, id, id_of(&action));
        }
        "running" if machine.as_ref().is_none_or(|machine| !machine.is_lost()) => {}
        "running" | "starting" => {
            start(account, store, id);
        }
        _ => {
            let running = machine.is_some_and(|machine| machine.is_running());
            if let Some(server) = store.get_mut(SERVERS, id) {
                server["status"] = json!(if running { "running" } else { "off" });
            }
        }
    }
}

//! Actions of servers: power and deletion. The others are in files of their own.

use anyhow::Result;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, MachineJob};
use super::error::{Answer, ApiError};
use super::kind::SERVER;
use super::reply::created;
use super::request::Body;
use super::{
    actions, addresses, firewall_resources, images, resource, server_changes, server_networks,
    server_settings, server_state, volume_attach,
};
use crate::machine::{Machine, cgroup};
use crate::store::{ACTIONS, SERVERS, Store, id_of};

/// The actions of a server.
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
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    resource::find(&store, SERVER, id)?;
    resource::unlocked(&store, "server", id)?;
    let answer = begin(&account, &mut store, (id, &action), &body)?;
    account.commit(&store)?;
    Ok(created(answer))
}

/// Begins an action. Answers the body of the response.
fn begin(
    account: &Account,
    store: &mut Store,
    (id, action): (u64, &str),
    body: &Value,
) -> Result<Value, ApiError> {
    let action = match action {
        "poweron" | "poweroff" | "shutdown" | "reboot" | "reset" => {
            power(account, store, id, action)?
        }
        "rebuild" => return server_changes::rebuild(account, store, id, body),
        "change_type" => server_changes::change_type(account, store, id, body)?,
        "create_image" => return images::create(account, store, id, body),
        "enable_rescue" => return server_settings::enable_rescue(store, id, body),
        "disable_rescue" => server_settings::disable_rescue(store, id),
        "reset_password" => return server_settings::reset_password(account, store, id),
        "enable_backup" => server_settings::enable_backup(store, id),
        "disable_backup" => server_settings::disable_backup(account, store, id),
        "change_protection" => server_settings::protect(store, id, body)?,
        "change_dns_ptr" => addresses::change_dns_ptr_of_server(store, id, body)?,
        "attach_to_network" => server_networks::attach(account, store, id, body)?,
        "detach_from_network" => server_networks::detach(account, store, id, body)?,
        "change_alias_ips" => server_networks::change_alias_ips(store, id, body)?,
        other => return Err(ApiError::unknown_action(other)),
    };
    Ok(json!({ "action": action }))
}

fn power(account: &Account, store: &mut Store, id: u64, action: &str) -> Result<Value, ApiError> {
    let server = resource::find(store, SERVER, id)?;
    if ["reboot", "reset"].contains(&action) && server_state::is_off(account, store, server) {
        let message = "server is not running";
        return Err(ApiError::new(422, "server_not_running", message));
    }
    Ok(match action {
        "poweron" => start(account, store, id),
        "poweroff" => {
            let off = Command::new(id, "stop_server", Some("off"));
            order(account, store, &off, Machine::power_off)
        }
        // A machine is off when its system has ended; without a machine the server is off at once.
        "shutdown" => {
            let after = (!account.has_machines()).then_some("off");
            let shutdown = Command::new(id, "shutdown_server", after);
            order(account, store, &shutdown, Machine::shutdown)
        }
        "reboot" => {
            let reboot = Command::new(id, "reboot_server", None);
            order(account, store, &reboot, Machine::reboot)
        }
        _ => {
            let reset = Command::new(id, "reset_server", None);
            order(account, store, &reset, |machine| {
                machine.power_off().and_then(|()| machine.start())
            })
        }
    })
}

fn start(account: &Account, store: &mut Store, id: u64) -> Value {
    let on = Command::new(id, "start_server", Some("running"));
    order(account, store, &on, Machine::start)
}

/// What is done to the power of a server.
struct Command {
    server: u64,
    name: &'static str,
    /// The status of the server afterwards; `None` leaves it as it is.
    after: Option<&'static str>,
}

impl Command {
    fn new(server: u64, name: &'static str, after: Option<&'static str>) -> Self {
        Self {
            server,
            name,
            after,
        }
    }
}

/// Begins the action of a command.
fn order(
    account: &Account,
    store: &mut Store,
    command: &Command,
    work: impl FnOnce(&Machine) -> Result<()> + Send + 'static,
) -> Value {
    let id = command.server;
    let action = actions::begin(store, command.name, &[("server", id)]);
    // The status on its way is stored, so that the server gets there too if the host restarts meanwhile.
    if let (Some(after), Some(server)) = (command.after, store.get_mut(SERVERS, id)) {
        server["status"] = json!(if after == "off" {
            "stopping"
        } else {
            "starting"
        });
    }
    let job = MachineJob {
        server: id,
        actions: vec![id_of(&action)],
        after: command.after,
    };
    background::run(account, store, job, work);
    action
}

/// DELETE /servers/{id}: the server exists until its machine is deleted.
pub async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let server = resource::find(&store, SERVER, id)?;
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
            store.bootstraps.remove(&id);
            firewall_resources::forget_server(store, id);
            addresses::take_back(store, id);
            volume_attach::forget_server(store, id);
            images::forget_backups(store, lab.as_ref(), id);
        },
    );
}

/// When the API starts: ends the actions that an earlier process left, and starts machines that should
/// run but were lost with their host.
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
        // An interrupted snapshot may have left it frozen.
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

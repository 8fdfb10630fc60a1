//! POST /servers: stores the server, and creates its machine in the background.

use axum::extract::State;
use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, MachineJob};
use super::error::{Answer, ApiError};
use super::reply::created;
use super::request::Body;
use super::server_order::{self, Create, Numbers, Order, Public};
use super::timestamp::now;
use super::{
    actions, addresses, catalogue, firewall_resources, images, server_networks, server_state, view,
    volume_attach,
};
use crate::machine::settings::Nic;
use crate::machine::{Bootstrap, Machine, private, volume};
use crate::store::{SERVERS, Store, id_of};

/// Answers as soon as everything is stored.
pub async fn create(State(account): State<Account>, Body(body): Body<Create>) -> Answer {
    let mut store = account.lock();
    let order = server_order::read(
        &store,
        &account.controls().offers,
        account.has_machines(),
        &body,
    )?;
    if store.all(SERVERS).count() >= account.controls().limits.servers {
        return Err(ApiError::limit("server_limit", "server limit exceeded"));
    }
    let numbers = server_order::numbers(&store, &order)?;
    let start = body.start_after_create.unwrap_or(true);
    let (bootstrap, nics) = write_down(&account, &mut store, &order, &numbers)?;
    let id = bootstrap.id;
    let action = actions::begin(&mut store, "create_server", &[("server", id)]);
    let mut next = Vec::new();
    for volume in &order.volumes {
        let about = [("volume", *volume), ("server", id)];
        next.push(actions::begin(&mut store, "attach_volume", &about));
    }
    if start {
        next.push(actions::begin(
            &mut store,
            "start_server",
            &[("server", id)],
        ));
    }
    account.commit(&store)?;
    let server = store
        .get(SERVERS, id)
        .map(|server| view::server(&account, &store, server));
    let answer = json!({
        "server": server, "action": action, "next_actions": next, "root_password": bootstrap.root_password,
    });
    let job = MachineJob {
        server: id,
        actions: std::iter::once(&action).chain(&next).map(id_of).collect(),
        after: Some(if start { "running" } else { "off" }),
    };
    let automount = body.automount.unwrap_or(false);
    background::run(&account, &store, job, move |machine| {
        machine.create(&bootstrap)?;
        equip(machine, &nics, &order.volumes, automount)?;
        if start { machine.start() } else { Ok(()) }
    });
    Ok(created(answer))
}

/// Attaches links and volumes to a machine that does not run yet.
fn equip(machine: &Machine, nics: &[Nic], volumes: &[u64], automount: bool) -> anyhow::Result<()> {
    for nic in nics {
        private::attach(machine, nic)?;
    }
    for id in volumes {
        volume::attach(machine, *id)?;
        if automount {
            volume::automount(machine, *id)?;
        }
    }
    Ok(())
}

/// Stores the server with its addresses, firewalls, volumes and networks.
fn write_down(
    account: &Account,
    store: &mut Store,
    order: &Order,
    numbers: &Numbers,
) -> Result<(Bootstrap, Vec<Nic>), ApiError> {
    let id = store.next_id();
    let bootstrap = Bootstrap {
        id,
        name: order.name.clone(),
        public_keys: order.keys.clone(),
        user_data: order.user_data.clone(),
        root_password: order.keys.is_empty().then(server_state::new_password),
        memory_bytes: catalogue::memory_bytes(order.server_type),
        host: (order.ipv4 != Public::Absent).then_some(numbers.ipv4),
        snapshot: images::disk(&order.image),
    };
    store.insert(SERVERS, id, record(&bootstrap, order));
    store.machines.insert(id, numbers.machine);
    store.bootstraps.insert(id, bootstrap.clone());
    for (kind, public, host) in [
        ("ipv4", order.ipv4, numbers.ipv4),
        ("ipv6", order.ipv6, numbers.ipv6),
    ] {
        let new = addresses::New {
            name: None,
            kind,
            host,
            location: order.location,
            server: Some(id),
            auto_delete: true,
            labels: json!({}),
        };
        match public {
            Public::Absent => {}
            Public::Kept(ip) => addresses::assign(store, ip, Some(id)),
            Public::New => {
                addresses::make(store, account.numbering(), new);
            }
        }
    }
    for guard in &order.guards {
        firewall_resources::add_server(store, *guard, id);
    }
    for volume in &order.volumes {
        volume_attach::set_server(store, *volume, Some(id));
    }
    let mut nics = Vec::new();
    for network in &order.networks {
        nics.push(server_networks::join(store, (id, *network), None, &[])?);
    }
    Ok((bootstrap, nics))
}

fn record(bootstrap: &Bootstrap, order: &Order) -> Value {
    json!({
        "id": bootstrap.id, "name": bootstrap.name, "status": "initializing", "created": now(),
        "public_net": null, "private_net": [], "server_type": order.server_type, "location": order.location, "image": order.image,
        "iso": null, "rescue_enabled": false, "locked": true, "backup_window": null, "outgoing_traffic": 0, "ingoing_traffic": 0,
        "included_traffic": catalogue::included_traffic(order.server_type, order.location),
        "protection": { "delete": false, "rebuild": false }, "labels": order.labels, "volumes": [], "load_balancers": [],
        "primary_disk_size": order.server_type["disk"], "placement_group": null,
    })
}

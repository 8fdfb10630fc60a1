//! The Hetzner Cloud API, one file for each resource; what they share is in files of its own.

mod account;
mod actions;
mod addresses;
mod admin;
mod background;
mod budget;
mod calls;
mod catalogue;
mod catalogue_routes;
mod cidr;
mod controls;
mod error;
mod faults;
mod firewall_resources;
mod firewall_rules;
mod firewall_scope;
mod firewalls;
mod guard;
mod images;
mod kind;
mod listing;
mod membership;
mod network_parts;
mod networks;
mod offers;
mod primary_ips;
mod records;
mod reply;
mod request;
mod resource;
mod routes;
mod rrsets;
mod selector;
mod server_actions;
mod server_changes;
mod server_create;
mod server_networks;
mod server_order;
mod server_settings;
mod server_state;
mod servers;
mod soa;
mod ssh_keys;
mod timestamp;
mod view;
mod volume_attach;
mod volume_create;
mod volumes;
pub mod wire;
mod zone_store;
mod zones;

use anyhow::Result;
use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::lab::Lab;
use account::Account;
use routes::{Routes, get};

/// Loads the state of the lab, and finishes what an earlier API process left undone.
pub fn open(lab: &Lab, machines: bool) -> Result<Account> {
    let account = Account::load(lab, machines)?;
    server_actions::take_up(&account)?;
    Ok(account)
}

/// Every path of the API that the lab serves.
fn table() -> Routes {
    Routes::new()
        .route("/actions", get(actions::list))
        .route("/actions/{id}", get(actions::get))
        .merge(catalogue_routes::routes())
        .merge(firewalls::routes())
        .merge(images::routes())
        .merge(networks::routes())
        .merge(primary_ips::routes())
        .merge(servers::routes())
        .merge(volumes::routes())
        .merge(zones::routes())
        .route("/ssh_keys", get(ssh_keys::list).post(ssh_keys::create))
        .route(
            "/ssh_keys/{id}",
            get(ssh_keys::get)
                .put(ssh_keys::update)
                .delete(ssh_keys::delete),
        )
}

/// Hetzner's API, and the lab's own routes under `/_lab`.
pub fn router(account: Account) -> Router {
    let (listed, v1) = table().into_parts();
    Router::new()
        .nest("/v1", v1)
        .nest("/_lab", admin::routes(&listed))
        .layer(from_fn_with_state(account.clone(), guard::guard))
        .with_state(account)
}

//! The Hetzner Cloud API, one file a resource; what they share is here and in the files beside.

mod actions;
mod addresses;
mod admin;
mod background;
mod budget;
mod calls;
mod catalogue;
mod cidr;
mod door;
mod error;
mod faults;
mod firewall_resources;
mod firewall_rules;
mod firewalls;
mod images;
mod listing;
mod network_parts;
mod networks;
mod offers;
mod primary_ips;
mod records;
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
mod servers;
mod soa;
mod ssh_keys;
mod volume_create;
mod volumes;
pub mod wire;
mod zones;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::lab::Lab;
use crate::machine::Machine;
use crate::store::{FIREWALLS, NETWORKS, SERVERS, Store};
use error::{Answer, ApiError};
use routes::{Routes, get};

/// The one project of a lab, shared by all requests.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    lab: Lab,
    token: String,
    /// Without machines the API keeps its state and nothing runs: for tests of the API alone.
    machines: bool,
    store: Mutex<Store>,
    desk: Mutex<admin::Desk>,
}

impl Account {
    /// Loads what the lab holds, and takes up what an API process before this one left undone.
    pub fn open(lab: &Lab, machines: bool) -> Result<Self> {
        let inner = Inner {
            lab: lab.clone(),
            token: lab.token()?,
            machines,
            store: Mutex::new(Store::load(lab.store())?),
            desk: Mutex::default(),
        };
        let account = Self(Arc::new(inner));
        server_actions::take_up(&account)?;
        Ok(account)
    }

    /// The state; no request waits for anything slow while it holds it.
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the lab's operator has set. Who needs both locks takes the state first.
    fn desk(&self) -> MutexGuard<'_, admin::Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine of a server.
    fn machine(&self, store: &Store, server: u64) -> Option<Machine> {
        let number = *store.machines.get(&server)?;
        self.0.machines.then(|| Machine::new(&self.0.lab, number))
    }

    /// The lab, where it has machines.
    fn lab(&self) -> Option<Lab> {
        self.0.machines.then(|| self.0.lab.clone())
    }

    /// Keeps the state, and has the firewalls follow it.
    fn commit(&self, store: &Store) -> Result<()> {
        store.save()?;
        if self.0.machines {
            crate::machine::firewall::apply(&self.0.lab, &firewall_resources::guarded(store))?;
        }
        Ok(())
    }
}

/// Every path of the API that the lab answers.
fn table() -> Routes {
    Routes::new()
        .route("/actions", get(actions::list))
        .route("/actions/{id}", get(actions::get))
        .route("/datacenters", get(catalogue::datacenters))
        .route("/datacenters/{id}", get(catalogue::datacenters))
        .route("/locations", get(catalogue::list_locations))
        .route("/locations/{id}", get(catalogue::get_location))
        .route("/pricing", get(catalogue::pricing))
        .route("/server_types", get(catalogue::list_server_types))
        .route("/server_types/{id}", get(catalogue::get_server_type))
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

/// The lab's API: Hetzner's, and under `/_lab` what is the lab's own.
pub fn router(account: Account) -> Router {
    let (listed, v1) = table().into_parts();
    Router::new()
        .nest("/v1", v1)
        .nest("/_lab", admin::routes(&listed))
        .layer(from_fn_with_state(account.clone(), door::guard))
        .with_state(account)
}

/// The time as the API writes it.
fn now() -> String {
    written(OffsetDateTime::now_utc())
}

fn written(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00");
    // The format is fixed and fits every time.
    time.format(format).unwrap_or_default()
}

/// An object as the API shows it: some of it follows from other objects.
fn shown(account: &Account, store: &Store, kind: &str, object: &Value) -> Value {
    match kind {
        SERVERS => servers::shown(account, store, object),
        FIREWALLS => firewalls::shown(store, object),
        NETWORKS => networks::shown(store, object),
        _ => object.clone(),
    }
}

/// One object under its singular.
fn show(account: &Account, kind: &str, singular: &str, id: u64) -> Answer {
    let store = account.lock();
    let object = store
        .get(kind, id)
        .ok_or_else(|| ApiError::not_found(singular))?;
    Ok(Json(json!({ singular: shown(account, &store, kind, object) })).into_response())
}

/// The PUT of every resource: name and labels, each only when given.
fn rename(account: &Account, kind: &str, singular: &str, id: u64, wish: &Value) -> Answer {
    let mut store = account.lock();
    if store.get(kind, id).is_none() {
        return Err(ApiError::not_found(singular));
    }
    let name = wish
        .get("name")
        .filter(|name| !name.is_null())
        .map(|name| request::name(kind, name))
        .transpose()?;
    if let Some(name) = &name
        && store
            .by_name(kind, name)
            .is_some_and(|other| crate::store::id_of(other) != id)
    {
        return Err(ApiError::not_unique("name"));
    }
    let labels = wish
        .get("labels")
        .filter(|labels| !labels.is_null())
        .map(|labels| request::labels(Some(labels.clone())))
        .transpose()?;
    if let Some(object) = store.get_mut(kind, id) {
        if let Some(name) = name {
            object["name"] = json!(name);
        }
        if let Some(labels) = labels {
            object["labels"] = labels;
        }
    }
    // Labels decide which servers a firewall stands before.
    account.commit(&store)?;
    drop(store);
    show(account, kind, singular, id)
}

/// A password of root's.
fn password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 20)
}

/// 201 with a body.
fn created(body: Value) -> axum::response::Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

//! The Hetzner Cloud API, one file a resource; what they share is here and in the files beside.

mod actions;
mod budget;
mod catalogue;
mod door;
mod error;
mod firewall_resources;
mod firewall_rules;
mod firewalls;
mod listing;
mod primary_ips;
mod request;
mod selector;
mod server_actions;
mod server_create;
mod servers;
mod ssh_keys;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::lab::Lab;
use crate::machine::Machine;
use crate::store::{FIREWALLS, SERVERS, Store};
use error::{Answer, ApiError};

/// The one project of a lab, shared by all requests.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    lab: Lab,
    token: String,
    /// Without machines the API keeps its state and nothing runs: for tests of the API alone.
    machines: bool,
    store: Mutex<Store>,
    budget: Mutex<budget::Budget>,
}

impl Account {
    /// Loads what the lab holds, and takes up what an API process before this one left undone.
    pub fn open(lab: &Lab, machines: bool) -> Result<Self> {
        let inner = Inner {
            lab: lab.clone(),
            token: lab.token()?,
            machines,
            store: Mutex::new(Store::load(lab.store())?),
            budget: Mutex::default(),
        };
        let account = Self(Arc::new(inner));
        server_actions::take_up(&account)?;
        Ok(account)
    }

    /// The state; no request waits for anything slow while it holds it.
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine of a server.
    fn machine(&self, store: &Store, server: u64) -> Option<Machine> {
        let number = *store.machines.get(&server)?;
        self.0.machines.then(|| Machine::new(&self.0.lab, number))
    }

    /// Keeps the state, and has the firewalls follow it.
    fn commit(&self, store: &Store) -> Result<()> {
        store.save()?;
        if self.0.machines {
            crate::machine::firewall::apply(
                &self.0.lab,
                &firewall_resources::guarded(&self.0.lab, store),
            )?;
        }
        Ok(())
    }
}

/// Every path that the lab answers.
pub fn router(account: Account) -> Router {
    let v1 = Router::new()
        .route("/actions", get(actions::list))
        .route("/actions/{id}", get(actions::get))
        .route("/datacenters", get(catalogue::datacenters))
        .route("/datacenters/{id}", get(catalogue::datacenters))
        .route("/images", get(catalogue::list_images))
        .route("/images/{id}", get(catalogue::get_image))
        .route("/locations", get(catalogue::list_locations))
        .route("/locations/{id}", get(catalogue::get_location))
        .route("/pricing", get(catalogue::pricing))
        .route("/server_types", get(catalogue::list_server_types))
        .route("/server_types/{id}", get(catalogue::get_server_type))
        .merge(firewalls::routes())
        .merge(primary_ips::routes())
        .merge(server_routes())
        .route("/ssh_keys", get(ssh_keys::list).post(ssh_keys::create))
        .route(
            "/ssh_keys/{id}",
            get(ssh_keys::get)
                .put(ssh_keys::update)
                .delete(ssh_keys::delete),
        );
    Router::new()
        .nest("/v1", v1)
        .layer(from_fn_with_state(account.clone(), door::guard))
        .with_state(account)
}

fn server_routes() -> Router<Account> {
    Router::new()
        .route("/servers", get(servers::list).post(server_create::create))
        .route(
            "/servers/{id}",
            get(servers::get)
                .put(servers::update)
                .delete(server_actions::delete),
        )
        .route("/servers/{id}/actions", get(servers::list_actions))
        .route(
            "/servers/{id}/actions/{action}",
            get(servers::get_action).post(server_actions::act),
        )
        .route("/servers/actions", get(actions::list_all))
        .route("/servers/actions/{id}", get(actions::get))
        .route("/firewalls/actions", get(actions::list_all))
        .route("/firewalls/actions/{id}", get(actions::get))
        .route(
            "/firewalls/{id}/actions/{action}",
            post(firewalls::act).get(firewalls::get_action),
        )
}

/// The time as the API writes it.
fn now() -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00");
    // The format is fixed and fits every time.
    OffsetDateTime::now_utc().format(format).unwrap_or_default()
}

/// An object as the API shows it: some of it follows from other objects.
fn shown(account: &Account, store: &Store, kind: &str, object: &Value) -> Value {
    match kind {
        SERVERS => servers::shown(account, store, object),
        FIREWALLS => firewalls::shown(store, object),
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

/// 201 with a body.
fn created(body: Value) -> axum::response::Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

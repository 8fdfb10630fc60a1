//! What all kinds of resources have in common: lists, objects and actions.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::kind::Kind;
use super::listing::{self, Query};
use super::routes::{Routes, get};
use super::{actions, request, view};
use crate::store::{ACTIONS, Store, id_of};

/// The GET routes.
pub fn routes(kind: Kind) -> Routes {
    let all = move |State(account): State<Account>, query: Query| async move {
        list(&account, kind.plural, &query)
    };
    let one = move |State(account): State<Account>, Path(id): Path<u64>| async move {
        view::show(&account, kind, id)
    };
    let of_kind = move |State(account): State<Account>, query: Query| async move {
        list_actions(&account, kind.singular, &query)
    };
    let of_one = move |State(account): State<Account>, Path(id): Path<u64>, query: Query| async move {
        find(&account.lock(), kind, id)?;
        actions::list_of(&account, kind.singular, id, &query)
    };
    let one_of_one = move |State(account): State<Account>, Path((id, action)): Path<(u64, u64)>| async move {
        actions::get_of(&account, kind.singular, id, action)
    };
    let kind = kind.plural;
    Routes::new()
        .route(&format!("/{kind}"), get(all))
        .route(&format!("/{kind}/{{id}}"), get(one))
        .route(&format!("/{kind}/actions"), get(of_kind))
        .route(&format!("/{kind}/actions/{{id}}"), get(actions::get))
        .route(&format!("/{kind}/{{id}}/actions"), get(of_one))
        .route(
            &format!("/{kind}/{{id}}/actions/{{action}}"),
            get(one_of_one),
        )
}

fn list(account: &Account, kind: &str, query: &Query) -> Answer {
    let store = account.lock();
    let all: Vec<Value> = store
        .all(kind)
        .map(|object| view::object(account, &store, kind, object))
        .collect();
    listing::list(kind, all.iter(), query)
}

/// PUT: changes name and labels if they are given.
pub fn rename(account: &Account, kind: Kind, id: u64, body: &Value) -> Answer {
    let mut store = account.lock();
    if store.get(kind.plural, id).is_none() {
        return Err(ApiError::not_found(kind.singular));
    }
    let name = body
        .get("name")
        .filter(|name| !name.is_null())
        .map(|name| request::name(kind.plural, name))
        .transpose()?;
    if let Some(name) = &name
        && store
            .by_name(kind.plural, name)
            .is_some_and(|other| id_of(other) != id)
    {
        return Err(ApiError::not_unique("name"));
    }
    let labels = body
        .get("labels")
        .filter(|labels| !labels.is_null())
        .map(|labels| request::labels(Some(labels.clone())))
        .transpose()?;
    if let Some(object) = store.get_mut(kind.plural, id) {
        if let Some(name) = name {
            object["name"] = json!(name);
        }
        if let Some(labels) = labels {
            object["labels"] = labels;
        }
    }
    // Labels decide to which servers a firewall is applied.
    account.commit(&store)?;
    drop(store);
    view::show(account, kind, id)
}

/// The actions on all resources of a kind.
pub fn list_actions(account: &Account, singular: &str, query: &Query) -> Answer {
    let store = account.lock();
    let is_about = |action: &&Value| {
        let mut about = action["resources"].as_array().into_iter().flatten();
        about.any(|resource| resource["type"] == singular)
    };
    listing::list(ACTIONS, actions::all(&store).iter().filter(is_about), query)
}

/// An object, or 404.
pub fn find(store: &Store, kind: Kind, id: u64) -> Result<&Value, ApiError> {
    store
        .get(kind.plural, id)
        .ok_or_else(|| ApiError::not_found(kind.singular))
}

/// An object that a body names; 422 if it does not exist.
pub fn named<'s>(
    store: &'s Store,
    kind: &str,
    field: &str,
    id: u64,
) -> Result<&'s Value, ApiError> {
    store
        .get(kind, id)
        .ok_or_else(|| ApiError::invalid(field, format!("{field} {id} not found")))
}

/// 409 if another object of the kind has the name.
pub fn unique(store: &Store, kind: &str, name: &str) -> Result<(), ApiError> {
    match store.by_name(kind, name) {
        Some(_) => Err(ApiError::not_unique("name")),
        None => Ok(()),
    }
}

/// 423 if an action is running on the object.
pub fn unlocked(store: &Store, singular: &str, id: u64) -> Result<(), ApiError> {
    if actions::running_on(store, singular, id) {
        let message = format!("{singular} is locked by another running action");
        return Err(ApiError::new(423, "locked", message));
    }
    Ok(())
}

/// 423 if the object is protected from deletion.
pub fn unprotected(object: &Value, singular: &str) -> Result<(), ApiError> {
    if object["protection"]["delete"] == true {
        let message = format!("{singular} deletion is protected");
        return Err(ApiError::new(423, "protected", message));
    }
    Ok(())
}

/// The action `change_protection` of resources with deletion protection only.
pub fn protect(store: &mut Store, kind: Kind, id: u64, body: &Value) -> Result<Value, ApiError> {
    let requested = request::needed("delete", request::flag(body, "delete")?)?;
    if let Some(object) = store.get_mut(kind.plural, id) {
        object["protection"] = json!({ "delete": requested });
    }
    Ok(actions::done(
        store,
        "change_protection",
        &[(kind.singular, id)],
    ))
}

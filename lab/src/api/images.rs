//! Images: those of the catalogue, and snapshots and backups of servers.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, MachineJob};
use super::error::{Answer, ApiError};
use super::kind::{IMAGE, SERVER};
use super::listing::{self, Query};
use super::reply::{created, gone};
use super::request::{self, Body};
use super::routes::{Routes, get};
use super::timestamp::now;
use super::{actions, catalogue, resource};
use crate::lab::Lab;
use crate::machine::snapshot;
use crate::store::{IMAGES, Store, id_of};

/// Hetzner's own number of slots for backups.
const BACKUPS: usize = 7;

/// Its actions.
const ACTIONS: &[&str] = &["change_protection"];

/// Everything under `/images`.
pub fn routes() -> Routes {
    Routes::new()
        .route("/images", get(list))
        .route("/images/{id}", get(get_one).put(update).delete(delete))
        .route("/images/actions", get(list_all_actions))
        .route("/images/actions/{id}", get(actions::get))
        .route("/images/{id}/actions", get(list_actions))
        .actions(
            "/images/{id}/actions/{action}",
            ACTIONS,
            get(get_action).post(act),
        )
}

async fn list(State(account): State<Account>, query: Query) -> Answer {
    let store = account.lock();
    let with_deprecated = listing::value(&query, "include_deprecated") == Some("true");
    let mut all: Vec<Value> = {
        let controls = account.controls();
        catalogue::all(IMAGES)
            .map(|image| controls.offers.of_image(image))
            .collect()
    };
    all.extend(store.all(IMAGES).cloned());
    all.retain(|image| with_deprecated || image["deprecation"].is_null());
    listing::list(IMAGES, all.iter(), &query)
}

fn find(store: &Store, id: u64) -> Option<&Value> {
    let mut system = catalogue::all(IMAGES);
    store
        .get(IMAGES, id)
        .or_else(|| system.find(|image| id_of(image) == id))
}

/// A snapshot or a backup. Hetzner's own images cannot be changed.
fn own(store: &Store, id: u64) -> Result<&Value, ApiError> {
    let image = find(store, id).ok_or_else(|| ApiError::not_found("image"))?;
    if image["type"] == "system" {
        let message = "a system image cannot be changed";
        return Err(ApiError::new(403, "forbidden", message));
    }
    Ok(image)
}

async fn get_one(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let store = account.lock();
    let image = find(&store, id).ok_or_else(|| ApiError::not_found("image"))?;
    Ok(Json(json!({ "image": image })).into_response())
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    own(&store, id)?;
    let description = request::text(&body, "description")?;
    let kind = request::text(&body, "type")?
        .map(|kind| request::one_of("type", kind, &["snapshot"]))
        .transpose()?;
    request::relabel(&mut store, IMAGES, id, &body)?;
    if let Some(image) = store.get_mut(IMAGES, id) {
        if let Some(description) = description {
            image["description"] = json!(description);
        }
        if kind.is_some() {
            image["type"] = json!("snapshot");
            image["bound_to"] = Value::Null;
        }
    }
    store.save()?;
    Ok(Json(json!({ "image": store.get(IMAGES, id) })).into_response())
}

async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let image = own(&store, id)?;
    resource::unprotected(image, "image")?;
    resource::unlocked(&store, "image", id)?;
    remove(&mut store, account.lab().as_ref(), id)?;
    store.save()?;
    Ok(gone())
}

fn remove(store: &mut Store, lab: Option<&Lab>, id: u64) -> Result<(), ApiError> {
    if let Some(lab) = lab {
        snapshot::remove(lab, id)?;
    }
    store.remove(IMAGES, id);
    Ok(())
}

async fn list_all_actions(State(account): State<Account>, query: Query) -> Answer {
    resource::list_actions(&account, "image", &query)
}

async fn list_actions(State(account): State<Account>, Path(id): Path<u64>, query: Query) -> Answer {
    find(&account.lock(), id).ok_or_else(|| ApiError::not_found("image"))?;
    actions::list_of(&account, "image", id, &query)
}

async fn get_action(
    State(account): State<Account>,
    Path((image, action)): Path<(u64, u64)>,
) -> Answer {
    actions::get_of(&account, "image", image, action)
}

/// POST /images/{id}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let image = own(&store, id)?;
    if action != "change_protection" {
        return Err(ApiError::unknown_action(&action));
    }
    if image["type"] != "snapshot" {
        return Err(ApiError::invalid(
            "delete",
            "only snapshots can be protected",
        ));
    }
    let action = resource::protect(&mut store, IMAGE, id, &body)?;
    store.save()?;
    Ok(created(json!({ "action": action })))
}

/// The action `create_image` of a server.
pub fn create(
    account: &Account,
    store: &mut Store,
    server: u64,
    body: &Value,
) -> Result<Value, ApiError> {
    let kind = request::text(body, "type")?.unwrap_or("snapshot");
    let kind = request::one_of("type", kind, &["snapshot", "backup"])?;
    let description = request::text(body, "description")?;
    let labels = request::labels(body.get("labels").cloned())?;
    let of = resource::find(store, SERVER, server)?.clone();
    if kind == "backup" {
        if of["backup_window"].is_null() {
            let message = "backups are not enabled for this server";
            return Err(ApiError::invalid("type", message));
        }
        make_room(store, account.lab().as_ref(), server)?;
    }
    let id = store.next_id();
    let image = json!({
        "id": id, "type": kind, "status": "creating", "name": null, "created": now(),
        "description": description.map_or_else(|| format!("{kind} of {}", of["name"].as_str().unwrap_or_default()), str::to_owned),
        "image_size": null, "disk_size": of["primary_disk_size"],
        "created_from": { "id": server, "name": of["name"] }, "bound_to": (kind == "backup").then_some(server),
        "os_flavor": of["image"]["os_flavor"], "os_version": of["image"]["os_version"],
        "architecture": of["server_type"]["architecture"], "rapid_deploy": false,
        "protection": { "delete": false }, "deprecation": null, "deleted": null, "labels": labels,
    });
    store.insert(IMAGES, id, image.clone());
    let about = [("server", server), ("image", id)];
    let action = actions::begin(store, "create_image", &about);
    let job = MachineJob {
        server,
        actions: vec![id_of(&action)],
        after: None,
    };
    let lab = account.lab();
    background::run_then(
        account,
        store,
        job,
        move |machine| snapshot::save(machine, id),
        move |store, went_well| settle(store, lab.as_ref(), id, went_well),
    );
    Ok(json!({ "action": action, "image": image }))
}

/// After the copy: makes the image available, or removes it after a failure.
fn settle(store: &mut Store, lab: Option<&Lab>, id: u64, went_well: bool) {
    if !went_well {
        store.remove(IMAGES, id);
        return;
    }
    let bytes = lab.map_or(0, |lab| snapshot::size(lab, id));
    // Whole gigabytes and at least one, as an image is billed.
    let gigabytes = u32::try_from(bytes.div_ceil(1 << 30).max(1)).unwrap_or(u32::MAX);
    if let Some(image) = store.get_mut(IMAGES, id) {
        image["status"] = json!("available");
        image["image_size"] = json!(f64::from(gigabytes));
    }
}

fn backups(store: &Store, server: u64) -> Vec<u64> {
    let bound = store
        .all(IMAGES)
        .filter(|image| image["type"] == "backup" && image["bound_to"] == server);
    bound.map(id_of).collect()
}

/// If all slots are in use, removes the oldest backup.
fn make_room(store: &mut Store, lab: Option<&Lab>, server: u64) -> Result<(), ApiError> {
    let held = backups(store, server);
    let surplus = (held.len() + 1).saturating_sub(BACKUPS);
    held.into_iter()
        .take(surplus)
        .try_for_each(|id| remove(store, lab, id))
}

/// Removes the backups of a server, when the server or the option goes.
pub fn forget_backups(store: &mut Store, lab: Option<&Lab>, server: u64) {
    for id in backups(store, server) {
        // A folder that could not be removed is removed with the lab.
        let _ = remove(store, lab, id);
    }
}

/// The only system that machines can boot; others are only listed.
const BOOTS: &str = "debian-12";

/// The image that a request names, for a server of this type: a snapshot by id, or one of the catalogue
/// by id or name. `machines` says whether it must really boot.
pub fn usable(
    store: &Store,
    body: &Value,
    server_type: &Value,
    machines: bool,
) -> Result<Value, ApiError> {
    let architecture = &server_type["architecture"];
    let id = body.as_u64().or_else(|| body.as_str()?.parse().ok());
    let image = id
        .and_then(|id| store.get(IMAGES, id))
        .or_else(|| catalogue::find_image(body, architecture))
        .ok_or_else(|| ApiError::invalid("image", "image not found"))?;
    if machines && image["type"] == "system" && image["name"] != BOOTS {
        let message = format!("the machines of the lab boot {BOOTS} only");
        return Err(ApiError::invalid("image", message));
    }
    if image["architecture"] != *architecture {
        let message = "image architecture does not fit the server type";
        return Err(ApiError::invalid("image", message));
    }
    if image["status"] != "available" {
        return Err(ApiError::invalid("image", "image is not available yet"));
    }
    Ok(image.clone())
}

/// Whether an image fits on a disk of this many gigabytes.
pub fn fits(image: &Value, disk: Option<u64>) -> Result<(), ApiError> {
    if image["disk_size"].as_u64() > disk {
        let message = "image disk is bigger than that of the server";
        return Err(ApiError::invalid("image", message));
    }
    Ok(())
}

/// The saved disk of an image; `None` for an image of the catalogue.
pub fn disk(image: &Value) -> Option<u64> {
    (image["type"] != "system").then(|| id_of(image))
}

//! `serve`: a tiny app on a unix socket, which drains on SIGTERM as the app does.

use std::fs::{self, Permissions};
use std::future::pending;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::order::{Fault, Order};

/// How long requests that are being answered may take yet.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct App {
    fault: Fault,
    /// The id by which the host tells releases apart.
    release: String,
}

/// Serves until SIGTERM.
///
/// # Errors
/// A sentence, when it cannot listen or is told not to start.
pub async fn run(order: &Order, config: &str, bind: &str) -> Result<(), String> {
    fs::metadata(config).map_err(|error| format!("{config}: {error}"))?;
    let path = bind
        .strip_prefix("unix:")
        .ok_or("it serves on unix sockets only")?;
    if order.fault == Fault::DoesNotStart {
        return Err(order.message("it does not start"));
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let listener = listen(path).map_err(|error| format!("cannot listen on {path}: {error}"))?;
    println!("serving on {bind}");
    if order.fault == Fault::DiesAfter {
        tokio::spawn(die_after(Duration::from_secs(order.seconds)));
    }
    let app = App {
        fault: order.fault,
        release: ["CITRINO_RELEASE", "SHOP_RELEASE"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok())
            .unwrap_or_default(),
    };
    let (told, mut stop) = watch::channel(());
    let served = axum::serve(listener, routes(app)).with_graceful_shutdown(async move {
        // Told or gone, it is time to stop.
        let _ = stop.changed().await;
    });
    let ended = async {
        terminate.recv().await;
        told.send_replace(());
        sleep(DRAIN).await;
    };
    tokio::select! {
        served = served.into_future() => served.map_err(|error| error.to_string()),
        () = ended => Ok(()),
    }
}

async fn die_after(time: Duration) {
    sleep(time).await;
    eprintln!("it dies as it was told");
    std::process::abort();
}

/// A socket that nginx may open; one that nobody listens on any more is replaced.
fn listen(path: &str) -> std::io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(listener)
}

fn routes(app: App) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/api/health", get(health))
        .route("/api/ready", get(ready))
        .route("/api/recomendar", post(recommend))
        .route("/api/buscar", get(search).post(search))
        // The same of another app: tests/host/other_app.yml.
        .route("/alive", get(health))
        .route("/able", get(ready))
        .route("/v1/offers", post(recommend))
        .with_state(app)
}

async fn page(State(app): State<App>) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"es\"><title>Citrino</title><h1>Citrino</h1><p>{}</p></html>\n",
        app.release
    ))
}

async fn health(State(app): State<App>, headers: HeaderMap) -> Json<Value> {
    if app.fault == Fault::HangsBehindNginx && headers.contains_key("x-forwarded-for") {
        pending::<()>().await;
    }
    Json(json!({
        "estado": "ok", "version": env!("CARGO_PKG_VERSION"), "release": app.release, "uptime_s": 0,
    }))
}

async fn ready(State(app): State<App>) -> Response {
    if app.fault == Fault::ReadyHangs {
        pending::<()>().await;
    }
    let mut answer = json!({
        "estado": "listo", "motivos": [], "release": app.release, "postgis": "3.3.2",
        "propiedades": 1588, "servicios": 4777, "agentes": 150,
    });
    if app.fault != Fault::IsNeverReady {
        return Json(answer).into_response();
    }
    answer["estado"] = json!("no_listo");
    answer["motivos"] = json!(["La base de datos no responde."]);
    (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
}

async fn recommend(State(app): State<App>, Json(wish): Json<Value>) -> Response {
    if app.fault == Fault::FailsToRecommend {
        let error =
            json!({ "error": { "codigo": "interno", "mensaje": "Algo falló.", "campos": [] } });
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response();
    }
    let mut item = property();
    item["compatibilidad"] = json!(87.5);
    item["justificacion"] = json!("Está en la zona pedida.");
    item["servicios_cercanos"] =
        json!({ "supermercado": { "cantidad": 2, "media_m": 410.0, "mas_cercano_m": 320.0 } });
    Json(json!({
        "success": true, "zona": wish["zona_preferida"], "radio_m": 1000, "total_recomendaciones": 1,
        "cantidad": 1, "limite": 10, "offset": 0, "recomendaciones": [item],
    }))
    .into_response()
}

async fn search() -> Json<Value> {
    Json(json!({
        "success": true, "total_resultados": 1, "cantidad": 1, "limite": 20, "offset": 0, "orden": "id",
        "zonas": [], "propiedades": [property()],
    }))
}

fn property() -> Value {
    json!({
        "id": 1, "nombre": "Departamento en Equipetrol", "tipo_propiedad": "departamento", "operacion": "venta",
        "precio": 98000.0, "moneda": "USD", "superficie_m2": 84.0, "habitaciones": 2, "banos": 2,
        "zona": "Equipetrol", "fuente": "stand-in", "coordenadas": { "lat": -17.766, "lng": -63.195 },
    })
}

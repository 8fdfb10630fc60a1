//! Whether the process is alive, and whether it is ready.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::http::document::PlainFaults;
use crate::http::error::ErrorBody;
use crate::http::state::App;
use crate::migrate::{self, Schema};

/// How long the database may take to answer a readiness check.
const PATIENCE: Duration = Duration::from_secs(2);

/// The answer of `/api/health`.
#[derive(Serialize, ToSchema)]
#[schema(as = Salud)]
pub struct Live {
    estado: &'static str,
    version: &'static str,
    release: String,
    uptime_s: u64,
}

/// Si el proceso vive.
///
/// La base de datos no tiene voz aquí; eso es `/api/ready`.
#[utoipa::path(get, path = "/api/health", tag = "operación",
    responses((status = 200, description = "El proceso responde.", body = Live), PlainFaults))]
pub async fn live(State(app): State<App>) -> Json<Live> {
    Json(Live {
        estado: "ok",
        version: env!("CARGO_PKG_VERSION"),
        release: app.release.to_string(),
        uptime_s: app.started.elapsed().as_secs(),
    })
}

/// Si hay propiedades que mostrar.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EstadoDelCatalogo)]
enum Catalogue {
    Vacio,
    ConDatos,
}

/// The answer of `/api/ready`.
#[derive(Serialize, Default, ToSchema)]
#[schema(as = Disponibilidad)]
pub struct Ready {
    estado: &'static str,
    /// Por qué no está lista; sin motivos, lo está.
    motivos: Vec<String>,
    /// Lo que falta sin impedirle trabajar.
    avisos: Vec<String>,
    catalogo: Option<Catalogue>,
    release: String,
    postgis: Option<String>,
    propiedades: Option<i64>,
    servicios: Option<i64>,
    agentes: Option<i64>,
}

/// Si puede hacer su trabajo.
///
/// La base de datos responde, tiene `PostGIS` y el esquema de esta versión, y el catálogo está en memoria. Un catálogo vacío no le impide trabajar: la
/// primera versión llega antes que los datos. `catalogo` y `avisos` lo dicen.
#[utoipa::path(get, path = "/api/ready", tag = "operación",
    responses((status = 200, description = "Todo está listo.", body = Ready),
              (status = 429, description = "Demasiadas peticiones.", body = ErrorBody),
              (status = 503, description = "Falta algo; motivos lo dice.", body = Ready)))]
pub async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let mut ready = Ready {
        release: app.release.to_string(),
        ..Ready::default()
    };
    match tokio::time::timeout(PATIENCE, check(&app, &mut ready)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database is not ready");
            ready
                .motivos
                .push("La base de datos no responde.".to_owned());
        }
        Err(_) => ready
            .motivos
            .push("La base de datos no responde a tiempo.".to_owned()),
    }
    let fit = ready.motivos.is_empty();
    ready.estado = if fit { "listo" } else { "no_listo" };
    (
        if fit {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        Json(ready),
    )
}

async fn check(app: &App, ready: &mut Ready) -> anyhow::Result<()> {
    let mut connection = app.pool.acquire().await?;
    ready.postgis =
        sqlx::query_scalar("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
            .fetch_optional(&mut *connection)
            .await?;
    if ready.postgis.is_none() {
        ready
            .motivos
            .push("La base de datos no tiene PostGIS.".to_owned());
    }
    let schema = Schema::read(&mut connection).await?;
    if schema.is_past() {
        ready.motivos.push(format!(
            "El esquema ya no admite esta versión: exige la migración {:04}, y esta llega a la {:04}.",
            schema.floor,
            migrate::newest()
        ));
        return Ok(());
    }
    if !schema.pending.is_empty() {
        ready.motivos.push(format!(
            "Faltan migraciones: {}.",
            schema.pending_names().join(", ")
        ));
        return Ok(());
    }
    // It is read at the start; whoever asks before that is done waits for it.
    app.ranking_cache.look(|_, _| ()).await?;
    count(&mut connection, ready).await
}

async fn count(connection: &mut PgConnection, ready: &mut Ready) -> anyhow::Result<()> {
    let (propiedades, servicios, agentes): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM propiedades), (SELECT count(*) FROM servicios), (SELECT count(*) FROM agentes)",
    )
    .fetch_one(connection)
    .await?;
    for (table, rows) in [("propiedades", propiedades), ("servicios", servicios)] {
        if rows == 0 {
            ready.avisos.push(format!("La tabla {table} está vacía."));
        }
    }
    ready.catalogo = Some(match propiedades {
        0 => Catalogue::Vacio,
        _ => Catalogue::ConDatos,
    });
    (ready.propiedades, ready.servicios, ready.agentes) =
        (Some(propiedades), Some(servicios), Some(agentes));
    Ok(())
}

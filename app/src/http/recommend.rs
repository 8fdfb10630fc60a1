//! `POST /api/recomendar`.

mod answer;
mod needs;

use axum::Json;
use axum::extract::State;

use crate::catalog::recommend::{self, Family, Preferences};
use crate::catalog::search::Page;
use crate::catalog::services::RADII;
use crate::catalog::{KINDS, OPERATIONS};
use crate::http::App;
use crate::http::body::JsonObject;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::search::{page, unclear, zones};

use answer::{Answer, Item};

/// Ranks what fits and says why.
pub async fn recomendar(
    State(app): State<App>,
    JsonObject(fields): JsonObject,
) -> Result<Json<Answer>, ApiError> {
    let Request {
        perfil,
        zona,
        mut wanted,
        page,
    } = read(fields)?;
    let mut zone_name = None;
    if let Some(text) = zona {
        let mut found = zones(&app.pool, "zona_preferida", &text).await?;
        if found.len() > 1 {
            let suggestions = found.into_iter().map(|zone| zone.zona).collect();
            let message = format!("\"{text}\" puede ser más de una zona.");
            return Err(unclear("zona_preferida", message, suggestions));
        }
        let zone = found.remove(0);
        wanted.zona = Some(zone.zona_normalizada);
        zone_name = Some(zone.zona);
    }
    let (total, rows) = recommend::find(&app.pool, &wanted, page).await?;
    Ok(Json(Answer {
        success: true,
        perfil,
        zona: zone_name,
        operacion: wanted.operacion,
        radio_m: wanted.radio_m,
        categorias: needs::names(&wanted.categorias),
        total_recomendaciones: total,
        cantidad: rows.len(),
        limite: page.limite,
        offset: page.offset,
        recomendaciones: rows
            .into_iter()
            .map(|row| Item::new(row, &wanted))
            .collect(),
    }))
}

struct Request {
    perfil: Option<String>,
    zona: Option<String>,
    wanted: Preferences,
    page: Page,
}

/// What is wanted when a request says nothing: anything for sale, near schools, health and transport.
pub fn preferences() -> Preferences {
    Preferences {
        operacion: "venta",
        zona: None,
        tipo_propiedad: None,
        presupuesto_min: None,
        presupuesto_max: None,
        categorias: needs::DEFAULT.to_vec(),
        familia: None,
        radio_m: RADII[1],
        umbral: 0.0,
    }
}

fn read(mut fields: Fields) -> Result<Request, ApiError> {
    let perfil = fields.text("id");
    let zona = fields.text("zona_preferida");
    let default = preferences();
    let wanted = Preferences {
        operacion: fields
            .one_of("operacion", OPERATIONS)
            .unwrap_or(default.operacion),
        tipo_propiedad: fields.one_of("tipo_propiedad", KINDS),
        presupuesto_min: fields.number("presupuesto_min", 0.0),
        presupuesto_max: fields.number("presupuesto_max", 1.0),
        categorias: needs::read(&mut fields),
        familia: family(&mut fields),
        radio_m: radius(&mut fields).unwrap_or(default.radio_m),
        umbral: threshold(&mut fields),
        ..default
    };
    fields.ordered(
        ("presupuesto_min", wanted.presupuesto_min),
        ("presupuesto_max", wanted.presupuesto_max),
    );
    let page = page(&mut fields, 10);
    fields.finish()?;
    Ok(Request {
        perfil,
        zona,
        wanted,
        page,
    })
}

fn family(fields: &mut Fields) -> Option<Family> {
    let told = fields.has_any(&["adultos", "ninos", "adultos_mayores"]);
    let adults = fields.whole("adultos", 0, 50).unwrap_or(1);
    let children = fields.wholes("ninos", 0, 25);
    let seniors = fields.whole("adultos_mayores", 0, 50).unwrap_or(0);
    let heads = adults + seniors + i64::try_from(children.len()).unwrap_or(0);
    let personas = i32::try_from(heads).unwrap_or(1).max(1);
    told.then_some(Family {
        personas,
        ninos: !children.is_empty(),
    })
}

/// `radio_m`: one of the radii.
pub fn radius(fields: &mut Fields) -> Option<i64> {
    let wanted = fields.whole("radio_m", 0, i64::MAX)?;
    if RADII.contains(&wanted) {
        return Some(wanted);
    }
    fields.fault_with(
        "radio_m",
        format!("{wanted} no es un radio conocido, en metros."),
        &["500", "1000", "2000"],
    )
}

/// `umbral_minimo` from 0 to 1, as the original has it; scores run to 100.
fn threshold(fields: &mut Fields) -> f64 {
    match fields.number("umbral_minimo", 0.0) {
        Some(share) if share > 1.0 => {
            fields.fault_with::<()>("umbral_minimo", "Debe estar entre 0 y 1.".to_owned(), &[]);
            0.0
        }
        share => share.unwrap_or(0.0) * 100.0,
    }
}

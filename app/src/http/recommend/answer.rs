//! The answer of `/api/recomendar`, and how it explains a score.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::property::PropertyView;
use crate::catalog::recommend::{Found, Preferences, Recommended};
use crate::catalog::score::{FAMILY, PRICE, SERVICES, SURFACE};
use crate::catalog::search::Page;
use crate::catalog::services::Nearby;
use crate::chat::spell;
use crate::http::recommend::needs;

/// A page of the ranking.
#[derive(Serialize, ToSchema)]
#[schema(as = Recomendaciones)]
pub struct Answer {
    pub success: bool,
    pub perfil: Option<String>,
    pub zona: Option<String>,
    pub operacion: &'static str,
    pub radio_m: i64,
    /// The service categories that the score looks at.
    pub categorias: Vec<&'static str>,
    /// Filters that gave way because nothing passed all of them; only with `relajar`.
    pub relajado: Vec<&'static str>,
    /// Properties that fit in all.
    pub total_recomendaciones: i64,
    /// Properties in this answer.
    pub cantidad: usize,
    pub limite: i64,
    pub offset: i64,
    pub recomendaciones: Vec<Item>,
}

/// A property with its score.
#[derive(Serialize, ToSchema)]
#[schema(as = Recomendacion)]
pub struct Item {
    #[serde(flatten)]
    pub propiedad: PropertyView,
    /// 0 to 100; null when nothing could be judged.
    pub compatibilidad: Option<f64>,
    /// How much of what was asked for could be judged, 0 to 100.
    cobertura: f64,
    desglose: Vec<Part>,
    /// Parts that were asked for and could not be judged.
    sin_datos: Vec<&'static str>,
    justificacion: String,
    /// By category, within the radius; null without coordinates.
    servicios_cercanos: Option<BTreeMap<&'static str, Nearby>>,
}

/// A part of the score. The points of all parts add up to the score.
#[derive(Serialize, ToSchema)]
#[schema(as = Parte)]
struct Part {
    componente: &'static str,
    /// How well it fits, 0 to 1.
    valor: f64,
    /// Points that it could give, after the weights of missing parts were shared out.
    peso: f64,
    puntos: f64,
    detalle: String,
}

impl Answer {
    /// The answer that tells what was found.
    pub fn new(perfil: Option<String>, found: Found, page: Page) -> Self {
        let Found { wish, total, rows } = found;
        let wanted = &wish.wanted;
        Answer {
            success: true,
            perfil,
            operacion: wanted.operacion,
            radio_m: wanted.radio_m,
            categorias: needs::names(&wanted.categorias),
            total_recomendaciones: total,
            cantidad: rows.len(),
            limite: page.limite,
            offset: page.offset,
            recomendaciones: rows.into_iter().map(|row| Item::new(row, wanted)).collect(),
            zona: wish.zone,
            relajado: wish.relaxed,
        }
    }
}

impl Item {
    /// Explains a row.
    pub fn new(row: Recommended, wanted: &Preferences) -> Self {
        let parts = [
            (
                "precio",
                PRICE,
                row.parts.precio,
                wanted.presupuesto_max.is_some(),
            ),
            ("servicios", SERVICES, row.parts.servicios, true),
            ("superficie", SURFACE, row.parts.superficie, true),
            (
                "familia",
                FAMILY,
                row.parts.familia,
                wanted.familia.is_some(),
            ),
        ];
        let mut desglose = Vec::new();
        let mut sin_datos = Vec::new();
        let judged = row.parts.weight();
        let wished: f64 = parts.iter().filter(|part| part.3).map(|part| part.1).sum();
        for (componente, weight, part, asked) in parts {
            match part {
                Some(valor) => {
                    let peso = 100.0 * weight / judged;
                    let detalle = detail(componente, &row, wanted);
                    desglose.push(Part {
                        componente,
                        valor: hundredth(valor),
                        peso: hundredth(peso),
                        puntos: hundredth(valor * peso),
                        detalle,
                    });
                }
                None if asked => sin_datos.push(componente),
                None => {}
            }
        }
        let justificacion = desglose
            .iter()
            .map(|part| part.detalle.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let placed = row.propiedad.place().is_some();
        Item {
            compatibilidad: row.parts.score(),
            cobertura: hundredth(100.0 * judged / wished),
            desglose,
            sin_datos,
            justificacion,
            servicios_cercanos: placed.then(|| row.cerca.by_category()),
            propiedad: row.propiedad.into(),
        }
    }
}

fn detail(part: &str, row: &Recommended, wanted: &Preferences) -> String {
    let whole = |number: Option<f64>| number.map_or_else(|| "?".to_owned(), spell::whole);
    match part {
        "precio" => format!(
            "Cuesta {} USD de un máximo de {}.",
            whole(row.propiedad.precio_usd),
            whole(wanted.presupuesto_max)
        ),
        "servicios" => services(row, wanted),
        "superficie" => {
            format!(
                "Tiene {} m²; se buscan {}.",
                whole(row.propiedad.surface()),
                spell::whole(wanted.superficie_deseada())
            )
        }
        _ => format!(
            "Tiene {}; se necesitan {}.",
            spell::count(
                row.propiedad.num_dormitorios.unwrap_or(0).into(),
                "dormitorio",
                "dormitorios"
            ),
            whole(wanted.dormitorios_necesarios())
        ),
    }
}

fn services(row: &Recommended, wanted: &Preferences) -> String {
    let distances = row.distancias_m.as_deref().unwrap_or(&[]);
    let near = |place: &i32| {
        let index = usize::try_from(*place).ok()?.checked_sub(1)?;
        distances.get(index).copied().flatten()
    };
    let told: Vec<String> = needs::names(&wanted.categorias)
        .into_iter()
        .zip(wanted.categorias.iter().map(near))
        .map(|(name, metres)| match metres {
            Some(metres) => format!("{} a {} m", spell::category(name), spell::rounded(metres)),
            None => format!("{} a más de 1 km", spell::category(name)),
        })
        .collect();
    format!("Lo más cercano: {}.", told.join(", "))
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

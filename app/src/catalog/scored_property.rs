//! A property with its score, and the sentences that explain it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::preferences::Preferences;
use crate::catalog::property::PropertyView;
use crate::catalog::recommend::Recommended;
use crate::catalog::score::{FAMILY, PRICE, SERVICES, SURFACE};
use crate::catalog::services::{Nearby, category_names};
use crate::catalog::spell;

/// A property with its score.
#[derive(Serialize, ToSchema)]
#[schema(as = Recomendacion)]
pub struct ScoredProperty {
    #[serde(flatten)]
    pub propiedad: PropertyView,
    /// 0 to 100; null when nothing could be judged.
    pub compatibilidad: Option<f64>,
    /// How much of the request could be judged, 0 to 100.
    cobertura: f64,
    desglose: Vec<Part>,
    /// Parts that were requested and could not be judged.
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
    /// The most points it could give, after the weights of missing parts were shared out.
    peso: f64,
    puntos: f64,
    detalle: String,
}

impl ScoredProperty {
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
        ScoredProperty {
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
    let told: Vec<String> = category_names(&wanted.categorias)
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

//! A property with its score, and the sentences that explain it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::explanation::{self, Coherence};
use crate::catalog::preferences::Preferences;
use crate::catalog::property::PropertyView;
use crate::catalog::recommend::Recommended;
use crate::catalog::services::Nearby;

/// A property with its score.
#[derive(Serialize, ToSchema)]
#[schema(as = Recomendacion)]
pub struct ScoredProperty {
    #[serde(flatten)]
    pub propiedad: PropertyView,
    /// 0 to 100: the sum of all points.
    pub compatibilidad: f64,
    /// How much of the request could be judged, 0 to 100. What could not be judged gives no points.
    cobertura: f64,
    coherencia: Coherence,
    /// Why `coherencia` is not `comprobada`.
    dudas: Vec<String>,
    desglose: Vec<PartView>,
    /// Parts that were requested and could not be judged.
    sin_datos: Vec<&'static str>,
    justificacion: String,
    /// By category, within the radius; null without coordinates.
    servicios_cercanos: Option<BTreeMap<&'static str, Nearby>>,
}

/// A part of the score. The points of all parts add up to the score.
#[derive(Serialize, ToSchema)]
#[schema(as = Parte)]
struct PartView {
    componente: &'static str,
    /// How well it fits, 0 to 1; 0 if it is unknown.
    valor: f64,
    /// The most points it could give. They add up to 100.
    peso: f64,
    /// The points it gives: `valor` × `peso`, and of that 60 % unless `coherencia` is `comprobada`.
    puntos: f64,
    detalle: String,
}

impl ScoredProperty {
    /// Explains a row.
    pub fn new(row: Recommended, wanted: &Preferences) -> Self {
        let chosen = &row.chosen;
        let dudas = explanation::doubts(&row);
        let known = chosen.parts.iter().filter(|part| part.value.is_some());
        let judged: f64 = known.map(|part| part.share).sum();
        let desglose: Vec<PartView> = chosen
            .parts
            .iter()
            .map(|part| PartView {
                componente: explanation::name(part.component, wanted),
                valor: hundredth(part.value.unwrap_or(0.0)),
                peso: hundredth(part.share),
                puntos: hundredth(chosen.confidence * part.value.unwrap_or(0.0) * part.share),
                detalle: explanation::detail(part, &row, wanted),
            })
            .collect();
        let unknown = chosen.parts.iter().filter(|part| part.value.is_none());
        let placed = row.propiedad.place().is_some();
        ScoredProperty {
            compatibilidad: chosen.score,
            cobertura: hundredth(judged),
            coherencia: explanation::coherence(chosen),
            sin_datos: unknown
                .map(|part| explanation::name(part.component, wanted))
                .collect(),
            justificacion: sentences(&desglose, &dudas),
            desglose,
            dudas,
            servicios_cercanos: placed.then(|| row.cerca.by_category()),
            propiedad: row.propiedad.into(),
        }
    }
}

fn sentences(parts: &[PartView], doubts: &[String]) -> String {
    let details = parts.iter().map(|part| part.detalle.as_str());
    let all: Vec<&str> = details.chain(doubts.iter().map(String::as_str)).collect();
    all.join(" ")
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

//! A property with its score, and the sentences that explain it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::explanation::{self, Coherence};
use crate::catalog::fragments::Fragment;
use crate::catalog::preferences::Preferences;
use crate::catalog::property::PropertyView;
use crate::catalog::ranking::Chosen;
use crate::catalog::recommend::Recommended;
use crate::catalog::services::Nearby;

/// A property with its score.
#[derive(Serialize, ToSchema)]
#[schema(as = Recomendacion)]
pub struct ScoredProperty {
    #[serde(flatten)]
    pub propiedad: PropertyView,
    #[serde(flatten)]
    pub juicio: Judgement,
    /// By category, within the radius; null without coordinates.
    servicios_cercanos: Option<BTreeMap<&'static str, Nearby>>,
}

/// The score, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = Juicio)]
pub struct Judgement {
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
        let placed = row.propiedad.place().is_some();
        ScoredProperty {
            juicio: Judgement::new(&row.chosen, wanted),
            servicios_cercanos: placed.then(|| row.cerca.by_category()),
            propiedad: row.propiedad.into(),
        }
    }

    /// Writes the same as JSON, from a property that is written already.
    pub fn write(to: &mut Vec<u8>, property: &Fragment, judgement: &Judgement) {
        let own = serde_json::to_vec(judgement).unwrap_or_default();
        // Both are objects: `{…}` and `{…}` become `{…,…`.
        to.extend_from_slice(property.view.strip_suffix(b"}").unwrap_or_default());
        to.push(b',');
        to.extend_from_slice(own.strip_prefix(b"{").unwrap_or_default());
        to.pop();
        to.extend_from_slice(b",\"servicios_cercanos\":");
        to.extend_from_slice(&property.nearby);
        to.push(b'}');
    }
}

impl Judgement {
    /// Explains a score.
    pub fn new(chosen: &Chosen, wanted: &Preferences) -> Self {
        let dudas = explanation::doubts(chosen);
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
                detalle: explanation::detail(part, chosen, wanted),
            })
            .collect();
        let unknown = chosen.parts.iter().filter(|part| part.value.is_none());
        Judgement {
            compatibilidad: chosen.score,
            cobertura: hundredth(judged),
            coherencia: explanation::coherence(chosen),
            sin_datos: unknown
                .map(|part| explanation::name(part.component, wanted))
                .collect(),
            justificacion: sentences(&desglose, &dudas),
            desglose,
            dudas,
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

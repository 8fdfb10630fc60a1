//! The data of an answer, without its text.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::catalog::property::PropertyView;
use crate::catalog::services::NearService;
use crate::catalog::summary::{Summary, ZoneSummary};
use crate::chat::facts::{Card, Facts, Relaxation};
use crate::chat::provider::Miss;
use crate::chat::question::{Intent, Question};
use crate::chat::template;

/// The results from the database, under the original's names.
#[derive(Serialize, ToSchema)]
#[schema(as = Conocido)]
pub struct Known<'a> {
    tipo_respuesta: &'static str,
    tipo_consulta: Intent,
    consulta_original: &'a str,
    entendido: &'a Question,
    avisos: &'a [String],
    datos_encontrados: i64,
    /// What was asked for and could not be searched by, because no listing says it.
    sin_filtrar: &'a [String],
    /// Where nothing matches: which filters to drop, and how many properties match then.
    alternativas: &'a [Relaxation],
    #[schema(value_type = Vec<PropertyView>)]
    recomendaciones: &'a [Card],
    estadisticas: &'a [Summary],
    zonas: &'a [ZoneSummary],
    servicios: &'a [NearService],
    #[schema(value_type = Option<Object>)]
    perfil: Option<Value>,
    sugerencias: Vec<String>,
}

/// Who worded the text.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = Autoria)]
pub struct Origin {
    /// Whether a model did.
    pub llm_usado: bool,
    pub provider_usado: Option<String>,
    /// Whether the first provider could not.
    pub fallback_activado: bool,
    pub error_details: Vec<Miss>,
}

impl<'a> Known<'a> {
    /// The answer from these facts about this question.
    pub fn new(facts: &'a Facts, asked: &'a str) -> Self {
        Known {
            tipo_respuesta: match facts.intent {
                Intent::Recomendacion => "recomendaciones",
                Intent::Ayuda => "ayuda",
                _ => "analitica_directa",
            },
            tipo_consulta: facts.intent,
            consulta_original: asked,
            entendido: &facts.question,
            avisos: &facts.notes,
            datos_encontrados: facts.total,
            sin_filtrar: &facts.unfiltered,
            alternativas: &facts.relaxations,
            recomendaciones: &facts.cards,
            estadisticas: &facts.summaries,
            zonas: &facts.zones,
            servicios: &facts.services,
            perfil: (facts.intent == Intent::Recomendacion).then(|| profile(&facts.question)),
            sugerencias: template::suggestions(facts),
        }
    }
}

/// A request for `/api/recomendar` with the same filters, as far as it supports them.
fn profile(question: &Question) -> Value {
    let only_zone = match question.zonas.as_slice() {
        [zone] => Some(&zone.zona),
        _ => None,
    };
    let only_kind = match question.tipos.as_slice() {
        [kind] => Some(kind),
        _ => None,
    };
    json!({
        "operacion": question.operacion,
        "zona_preferida": only_zone,
        "tipo_propiedad": only_kind,
        "presupuesto_min": question.presupuesto_min,
        "presupuesto_max": question.presupuesto_max,
        "necesidades": question.necesidades,
        "adultos": question.personas,
    })
}

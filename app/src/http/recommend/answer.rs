//! The answer of `/api/recomendar`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::recommend::Found;
use crate::catalog::scored_property::ScoredProperty;
use crate::catalog::search::Page;
use crate::catalog::services::category_names;

/// A page of the ranking.
#[derive(Serialize, ToSchema)]
#[schema(as = Recomendaciones)]
pub struct Answer {
    pub success: bool,
    pub perfil: Option<String>,
    pub zona: Option<String>,
    pub operacion: &'static str,
    pub radio_m: i64,
    /// The kinds that were considered. Without a named one, a family is shown only what one can live in.
    pub tipos_considerados: Vec<&'static str>,
    /// The service categories that the score looks at.
    pub categorias: Vec<&'static str>,
    /// Filters that were dropped because nothing passed all of them; only with `relajar`.
    pub relajado: Vec<&'static str>,
    /// Matching properties in all.
    pub total_recomendaciones: i64,
    /// Properties in this answer.
    pub cantidad: usize,
    pub limite: i64,
    pub offset: i64,
    pub recomendaciones: Vec<ScoredProperty>,
}

impl Answer {
    /// The answer for a page of the ranking.
    pub fn new(perfil: Option<String>, found: Found, page: Page) -> Self {
        let Found {
            resolved,
            total,
            rows,
        } = found;
        let wanted = &resolved.wanted;
        Answer {
            success: true,
            perfil,
            operacion: wanted.operacion,
            radio_m: wanted.radio_m,
            tipos_considerados: wanted.kinds().to_vec(),
            categorias: category_names(&wanted.categorias),
            total_recomendaciones: total,
            cantidad: rows.len(),
            limite: page.limite,
            offset: page.offset,
            recomendaciones: rows
                .into_iter()
                .map(|row| ScoredProperty::new(row, wanted))
                .collect(),
            zona: resolved.zone,
            relajado: resolved.relaxed,
        }
    }
}

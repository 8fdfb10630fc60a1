//! The answer of `/api/recomendar`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::recommend::Resolved;
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
    /// The answer for a page of the ranking, still without its rows.
    pub fn new(perfil: Option<String>, resolved: &Resolved, total: i64, page: Page) -> Self {
        let wanted = &resolved.wanted;
        Answer {
            success: true,
            perfil,
            operacion: wanted.operacion,
            radio_m: wanted.radio_m,
            tipos_considerados: wanted.kinds().to_vec(),
            categorias: category_names(&wanted.categorias),
            total_recomendaciones: total,
            cantidad: 0,
            limite: page.limite,
            offset: page.offset,
            recomendaciones: Vec::new(),
            zona: resolved.zone.clone(),
            relajado: resolved.relaxed.clone(),
        }
    }
}

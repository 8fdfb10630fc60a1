//! What somebody looks for.

use crate::catalog::filters::Filters;
use crate::catalog::services::RADII;

/// Ids of educacion, salud and transporte in `categorias_servicios`: what is judged if a request names no need.
pub const DEFAULT_CATEGORIES: &[i32] = &[1, 2, 4];

/// What somebody looks for.
#[derive(Debug, Clone)]
pub struct Preferences {
    pub operacion: &'static str,
    /// The folded name of the zone.
    pub zona: Option<String>,
    pub tipo_propiedad: Option<&'static str>,
    pub presupuesto_min: Option<f64>,
    pub presupuesto_max: Option<f64>,
    /// Ids of the wanted service categories in `categorias_servicios`, from 1; never empty.
    pub categorias: Vec<i32>,
    pub familia: Option<Family>,
    /// Metres around a property in which services are counted.
    pub radio_m: i64,
    /// From 0 to 100; lower scores are left out.
    pub umbral: f64,
    /// Further filters, as hard as the rest.
    pub ademas: Filters,
}

/// Who will live there.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Persons.
    pub personas: i32,
    /// Whether children are among them.
    pub ninos: bool,
}

impl Default for Preferences {
    /// Anything for sale, near schools, health services and transport.
    fn default() -> Self {
        Preferences {
            operacion: "venta",
            zona: None,
            tipo_propiedad: None,
            presupuesto_min: None,
            presupuesto_max: None,
            categorias: DEFAULT_CATEGORIES.to_vec(),
            familia: None,
            radio_m: RADII[1],
            umbral: 0.0,
            ademas: Filters::default(),
        }
    }
}

impl Preferences {
    /// Square metres from which the surface counts in full: 25 for each person and at least 60, or 100 without a family.
    pub fn superficie_deseada(&self) -> f64 {
        self.familia.map_or(100.0, |family| {
            (25.0 * f64::from(family.personas)).max(60.0)
        })
    }

    /// Bedrooms from which they count in full: one for two persons, at least two with children.
    pub fn dormitorios_necesarios(&self) -> Option<f64> {
        let family = self.familia?;
        let least = if family.ninos { 2.0 } else { 1.0 };
        Some((f64::from(family.personas) / 2.0).ceil().max(least))
    }
}

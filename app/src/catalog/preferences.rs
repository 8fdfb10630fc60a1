//! What somebody looks for.

use crate::catalog::filters::Filters;
use crate::catalog::services::RADII;
use crate::catalog::{KINDS, LIVING};

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
    /// The kinds that are considered: the named ones; else, if people are to live there, those that people live in.
    pub fn kinds(&self) -> &[&'static str] {
        if self.tipo_propiedad.is_some() {
            self.tipo_propiedad.as_slice()
        } else if !self.ademas.tipos.is_empty() {
            &self.ademas.tipos
        } else if self.familia.is_some() {
            LIVING
        } else {
            KINDS
        }
    }

    /// Whether only kinds that people live in pass, apart from the one that is named. It holds also if the named one is dropped.
    pub fn houses_people(&self) -> bool {
        self.familia.is_some() && self.ademas.tipos.is_empty()
    }

    /// Square metres of living space from which they count in full: 25 for each person and at least 60. Without a family those that
    /// the named bedrooms usually have, or 100: otherwise the largest flats would come first for whoever wants one bedroom.
    pub fn superficie_deseada(&self) -> f64 {
        if let Some(family) = self.familia {
            return (25.0 * f64::from(family.personas)).max(60.0);
        }
        #[allow(clippy::cast_precision_loss)] // rooms are few
        self.dormitorios()
            .map_or(100.0, |(least, _)| 15.0 + 30.0 * least as f64)
    }

    /// The bedrooms that fit, from and to: those that were named, or what the family needs and one more. None if nobody asks, or
    /// if no considered kind has bedrooms.
    pub fn dormitorios(&self) -> Option<(i64, i64)> {
        if !self.kinds().iter().any(|kind| LIVING.contains(kind)) {
            return None;
        }
        // At least none is no wish.
        if let Some(least) = self.ademas.habitaciones_min.filter(|least| *least > 0) {
            let most = self.ademas.habitaciones_max.unwrap_or(least);
            return Some((least, most.max(least)));
        }
        let needed = self.familia?.dormitorios();
        Some((needed, needed + 1))
    }
}

impl Family {
    /// The bedrooms that it needs: one for two persons, at least two with children.
    fn dormitorios(self) -> i64 {
        let least = if self.ninos { 2 } else { 1 };
        i64::from((self.personas + 1) / 2).max(least)
    }
}

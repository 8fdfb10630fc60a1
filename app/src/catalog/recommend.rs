//! What `/api/recomendar` looks for, and what it finds.

use sqlx::PgConnection;

use crate::catalog::candidates::Candidates;
use crate::catalog::property::Property;
use crate::catalog::ranking::{self, Chosen, Ranking};
use crate::catalog::roll::{Roll, Told};
use crate::catalog::score::Parts;
use crate::catalog::search::{Filters, Page};
use crate::catalog::services::NearbyColumns;

/// What somebody looks for.
#[derive(Debug, Clone)]
pub struct Preferences {
    pub operacion: &'static str,
    /// The folded name of the zone.
    pub zona: Option<String>,
    pub tipo_propiedad: Option<&'static str>,
    pub presupuesto_min: Option<f64>,
    pub presupuesto_max: Option<f64>,
    /// Places of the wanted service categories in `categorias_servicios`, from 1; never empty.
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
    /// Heads.
    pub personas: i32,
    /// Whether children are among them.
    pub ninos: bool,
}

impl Preferences {
    /// Square metres from which the surface counts in full: 25 a head and at least 60, or 100 without a family.
    pub fn superficie_deseada(&self) -> f64 {
        self.familia.map_or(100.0, |family| {
            (25.0 * f64::from(family.personas)).max(60.0)
        })
    }

    /// Bedrooms from which they count in full: one for two heads, at least two with children.
    pub fn dormitorios_necesarios(&self) -> Option<f64> {
        let family = self.familia?;
        let least = if family.ninos { 2.0 } else { 1.0 };
        Some((f64::from(family.personas) / 2.0).ceil().max(least))
    }
}

/// A property that was found fitting.
#[derive(Debug)]
pub struct Recommended {
    pub propiedad: Property,
    pub parts: Parts,
    /// Metres to the nearest service, by place of its category.
    pub distancias_m: Option<Vec<Option<f64>>>,
    pub cerca: NearbyColumns,
}

/// A wish that has seen what there is.
#[derive(Debug)]
pub struct Wish {
    /// What is left of it after filters gave way.
    pub wanted: Preferences,
    /// Filters that gave way.
    pub relaxed: Vec<&'static str>,
    /// The name of the zone that was meant.
    pub zone: Option<String>,
}

/// A page of the ranking.
#[derive(Debug)]
pub struct Found {
    pub wish: Wish,
    /// Fitting properties in all.
    pub total: i64,
    pub rows: Vec<Recommended>,
}

/// A page of the ranking of the wish that `wish` makes when it sees what there is; or what it says instead.
pub async fn find<No>(
    roll: &Roll,
    connection: &mut PgConnection,
    radius_m: i64,
    page: Page,
    wish: impl Fn(&Candidates) -> Result<Wish, No>,
) -> sqlx::Result<Result<Found, No>> {
    let look = |known: &Candidates| match wish(known) {
        Ok(wish) => {
            let ranking = ranking::rank(known, &wish.wanted, page);
            let ids = ranking.chosen.iter().map(|chosen| chosen.id).collect();
            (Ok((wish, ranking)), ids)
        }
        Err(no) => (Err(no), Vec::new()),
    };
    let (looked, told) = roll.ask(connection, radius_m, look).await?;
    Ok(looked.map(|(wish, Ranking { total, chosen })| Found {
        wish,
        total,
        rows: told.into_iter().zip(chosen).map(Recommended::new).collect(),
    }))
}

impl Recommended {
    fn new((told, chosen): (Told, Chosen)) -> Self {
        Recommended {
            propiedad: told.propiedad,
            parts: chosen.parts,
            distancias_m: told.distancias_m,
            cerca: told.cerca,
        }
    }
}

//! Why a property has its score, in Spanish.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::preferences::Preferences;
use crate::catalog::ranking::{Chosen, Part};
use crate::catalog::score::{Component, GROUND_M2};
use crate::catalog::services::category_names;
use crate::catalog::{GROUND, LIVING, market, spell};

/// Whether the figures of a listing agree with each other and with the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Coherencia)]
#[serde(rename_all = "snake_case")]
pub enum Coherence {
    /// They agree.
    Comprobada,
    /// A figure that this needs is unknown.
    SinComprobar,
    /// They do not: the listing is not plausible.
    Dudosa,
}

/// Whether the figures of a listing agree.
pub fn coherence(chosen: &Chosen) -> Coherence {
    let plausible = share(chosen).map(market::is_plausible);
    match (plausible, chosen.has_plausible_rooms) {
        (Some(false), _) | (_, Some(false)) => Coherence::Dudosa,
        (Some(true), Some(true)) => Coherence::Comprobada,
        _ => Coherence::SinComprobar,
    }
}

/// The price per square metre as a share of the median.
fn share(chosen: &Chosen) -> Option<f64> {
    Some(chosen.usd_m2? / chosen.reference?.usd_m2)
}

/// What does not agree, and what is unknown that would be needed to say so.
pub fn doubts(chosen: &Chosen) -> Vec<String> {
    let price = match share(chosen) {
        Some(share) if market::is_plausible(share) => None,
        Some(share) => Some(format!(
            "Dato dudoso: su precio por m² es mucho {} que lo usual.",
            if share < 1.0 { "menor" } else { "mayor" }
        )),
        None => Some(incomparable(chosen)),
    };
    let has_bedrooms = LIVING.contains(&chosen.tipo);
    let rooms = match chosen.has_plausible_rooms {
        Some(false) => Some(format!(
            "Dato dudoso: {} en {} m² construidos.",
            bedrooms(chosen),
            whole(chosen.medida)
        )),
        // Without a surface the price cannot be compared either, which the first sentence says.
        None if has_bedrooms && chosen.dormitorios.is_none() => {
            Some("No informa los dormitorios.".to_owned())
        }
        _ => None,
    };
    price.into_iter().chain(rooms).collect()
}

fn incomparable(chosen: &Chosen) -> String {
    let missing = if chosen.precio.is_none() {
        "no informa el precio"
    } else if chosen.usd_m2.is_none() {
        "no informa la superficie"
    } else if chosen.zona.is_none() {
        "no informa la zona"
    } else {
        "hay muy pocas parecidas"
    };
    format!("Su precio por m² no se puede comparar: {missing}.")
}

/// The name of a part.
pub fn name(component: Component, wanted: &Preferences) -> &'static str {
    match component {
        Component::Price => "precio",
        Component::Market => "mercado",
        Component::Services => "servicios",
        Component::Surface => "superficie",
        Component::Rooms if wanted.familia.is_some() => "familia",
        Component::Rooms => "dormitorios",
    }
}

/// What a part is judged by.
pub fn detail(part: &Part, chosen: &Chosen, wanted: &Preferences) -> String {
    match (part.component, part.value) {
        (Component::Price, None) => "No informa el precio.".to_owned(),
        (Component::Price, _) => format!(
            "Cuesta {} USD de un máximo de {}.",
            whole(chosen.precio),
            whole(wanted.presupuesto_max)
        ),
        (Component::Market, None) => incomparable(chosen),
        (Component::Market, _) => compared(chosen),
        (Component::Services, None) => "No informa dónde está.".to_owned(),
        (Component::Services, _) => services(chosen, wanted),
        (Component::Surface, _) => surface(chosen, wanted),
        (Component::Rooms, None) => "No informa los dormitorios.".to_owned(),
        (Component::Rooms, _) => {
            format!("Tiene {}; {}.", bedrooms(chosen), needed_bedrooms(wanted))
        }
    }
}

fn compared(chosen: &Chosen) -> String {
    let place = match (chosen.reference, &chosen.zona) {
        (Some(reference), Some(zone)) if reference.of_zone => zone,
        _ => "la ciudad",
    };
    format!(
        "Pide {} USD por m²; la mediana de {} en {place} es {}.",
        figure(chosen.usd_m2),
        spell::kinds(&[chosen.tipo]),
        figure(chosen.reference.map(|reference| reference.usd_m2))
    )
}

fn surface(chosen: &Chosen, wanted: &Preferences) -> String {
    let (of, sought) = if chosen.tipo == GROUND {
        ("de terreno", GROUND_M2)
    } else {
        ("construidos", wanted.superficie_deseada())
    };
    match chosen.medida {
        Some(metres) => format!(
            "Tiene {} m² {of}; se buscan {}.",
            spell::whole(metres),
            spell::whole(sought)
        ),
        None => format!("No informa los m² {of}."),
    }
}

fn bedrooms(chosen: &Chosen) -> String {
    let rooms = chosen.dormitorios.unwrap_or(0);
    spell::count(rooms, "dormitorio", "dormitorios")
}

fn needed_bedrooms(wanted: &Preferences) -> String {
    match wanted.dormitorios() {
        Some((least, most)) if most > least => format!("se buscan {least} a {most}"),
        Some((least, _)) => format!("se buscan {least}"),
        None => "no se buscan".to_owned(),
    }
}

fn services(chosen: &Chosen, wanted: &Preferences) -> String {
    let told: Vec<String> = category_names(&wanted.categorias)
        .into_iter()
        .zip(&chosen.metros)
        .map(|(name, metres)| match metres {
            Some(metres) => format!("{} a {} m", spell::category(name), spell::rounded(*metres)),
            None => format!("{} a más de 1 km", spell::category(name)),
        })
        .collect();
    format!("Lo más cercano: {}.", told.join(", "))
}

fn whole(number: Option<f64>) -> String {
    number.map_or_else(|| "?".to_owned(), spell::whole)
}

/// A price per square metre: below 100, as for rents, with a decimal.
fn figure(number: Option<f64>) -> String {
    match number {
        Some(number) if number < 100.0 => spell::tenth(number),
        number => whole(number),
    }
}

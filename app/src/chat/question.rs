//! A question, as far as it was understood.

mod after;

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::zone::Zone;

/// What kind of answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Consulta)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Properties that fit, with a score.
    Recomendacion,
    /// Properties in an order.
    Ranking,
    /// Their number.
    Cantidad,
    /// What they cost.
    Precios,
    /// The zones, in an order.
    Zonas,
    /// Two or more zones beside each other.
    Comparacion,
    /// Whom to ask about a property.
    Contacto,
    /// One property and what is around it.
    Propiedad,
    /// Nothing about the catalogue.
    Ayuda,
}

/// Something that the texts of the listings may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// As it is told.
    pub nombre: String,
    /// A regular expression over the folded text of a listing.
    pub patron: String,
}

/// A named place that is not a zone: a mall, a university, a street.
#[derive(Debug, Clone, PartialEq)]
pub struct Landmark {
    pub nombre: String,
    /// Where the services of that name are, in degrees; without any, the texts of the listings are searched for the name.
    pub puntos: Vec<(f64, f64)>,
}

/// A question. What it does not name is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = Entendido)]
pub struct Question {
    #[serde(skip)]
    pub intent: Option<Intent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operacion: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tipos: Vec<&'static str>,
    /// Kinds that it must not be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tipos_excluidos: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "names")]
    #[schema(value_type = Vec<String>)]
    pub zonas: Vec<Zone>,
    /// Zones that it must not be in.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "names")]
    #[schema(value_type = Vec<String>)]
    pub zonas_excluidas: Vec<Zone>,
    /// A named place that is not a zone of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zona_desconocida: Option<String>,
    /// Named places that are not zones.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "places")]
    #[schema(value_type = Vec<String>)]
    pub lugares: Vec<Landmark>,
    /// The ring roads between which it must be; 4.5 is halfway from the fourth to the fifth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anillo_min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anillo_max: Option<f64>,
    /// `barata` or `cara`: the lowest or highest quarter of the prices of its zone and kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gama: Option<&'static str>,
    /// `chica` or `grande`: the lowest or highest quarter of the surfaces of its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tamano: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presupuesto_min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presupuesto_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dormitorios_min: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dormitorios_max: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banos_min: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banos_max: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superficie_min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superficie_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiene_garaje: Option<bool>,
    /// Places for cars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub garajes_min: Option<i64>,
    /// What the texts of the listings must say, and what they must not.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "features")]
    #[schema(value_type = Vec<String>)]
    pub caracteristicas: Vec<Feature>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "features")]
    #[schema(value_type = Vec<String>)]
    pub sin_caracteristicas: Vec<Feature>,
    /// Service categories that should be near.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub necesidades: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personas: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ninos: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orden: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limite: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propiedad: Option<i64>,
    /// Pages of the same search that were shown before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagina: Option<i64>,
    /// Words that were neither understood nor without meaning; nothing was searched by them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_entendido: Vec<String>,
    /// Notes for the reader about how the question was understood.
    #[serde(skip)]
    pub avisos: Vec<String>,
    /// Whether it asks to start over.
    #[serde(skip)]
    pub anew: bool,
    /// Whether it asks for more of the same.
    #[serde(skip)]
    pub more: bool,
}

fn places<S: serde::Serializer>(places: &[Landmark], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(places.iter().map(|place| &place.nombre))
}

fn features<S: serde::Serializer>(features: &[Feature], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(features.iter().map(|feature| &feature.nombre))
}

fn names<S: serde::Serializer>(zones: &[Zone], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(zones.iter().map(|zone| &zone.zona))
}

impl Question {
    /// What to answer: what was asked for, otherwise properties if anything was named.
    pub fn intent(&self) -> Intent {
        match self.intent {
            Some(intent) => intent,
            None if self.is_empty() => Intent::Ayuda,
            None => Intent::Recomendacion,
        }
    }

    /// Whether nothing was understood.
    pub fn is_empty(&self) -> bool {
        let silent = Question {
            avisos: self.avisos.clone(),
            no_entendido: self.no_entendido.clone(),
            anew: self.anew,
            ..Question::default()
        };
        *self == silent
    }

    /// Whether nothing is named that a property has: only places and words that the texts may or may not have.
    pub fn is_vague(&self) -> bool {
        let vague = Question {
            intent: self.intent,
            lugares: self.lugares.clone(),
            avisos: self.avisos.clone(),
            no_entendido: self.no_entendido.clone(),
            anew: self.anew,
            ..Question::default()
        };
        *self == vague
    }
}

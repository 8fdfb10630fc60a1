//! A question, as far as it was understood.

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
    /// The zones, compared.
    Zonas,
    /// One property and what is around it.
    Propiedad,
    /// Nothing about the catalogue.
    Ayuda,
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
    /// Notes for the reader about how the question was understood.
    #[serde(skip)]
    pub avisos: Vec<String>,
    /// Whether it asks to start over.
    #[serde(skip)]
    pub anew: bool,
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
            anew: self.anew,
            ..Question::default()
        };
        *self == silent
    }

    /// Completes the question from an earlier one: what it does not name is taken from there.
    pub fn after(self, earlier: &Question) -> Question {
        let stands_alone = matches!(self.intent, Some(Intent::Propiedad | Intent::Ayuda));
        if self.is_empty() || self.anew || stands_alone {
            return self;
        }
        let earlier = earlier.carried_into(&self);
        let (presupuesto_min, presupuesto_max) = range(
            (self.presupuesto_min, self.presupuesto_max),
            (earlier.presupuesto_min, earlier.presupuesto_max),
        );
        let (superficie_min, superficie_max) = range(
            (self.superficie_min, self.superficie_max),
            (earlier.superficie_min, earlier.superficie_max),
        );
        let (dormitorios_min, dormitorios_max) = range(
            (self.dormitorios_min, self.dormitorios_max),
            (earlier.dormitorios_min, earlier.dormitorios_max),
        );
        let (banos_min, banos_max) = range(
            (self.banos_min, self.banos_max),
            (earlier.banos_min, earlier.banos_max),
        );
        let intent = self.intent.or(earlier.intent);
        Question {
            intent,
            operacion: self.operacion.or(earlier.operacion),
            tipos: first(self.tipos, earlier.tipos),
            zonas: first(self.zonas, earlier.zonas),
            zonas_excluidas: first(self.zonas_excluidas, earlier.zonas_excluidas),
            zona_desconocida: self.zona_desconocida.or(earlier.zona_desconocida),
            presupuesto_min,
            presupuesto_max,
            dormitorios_min,
            dormitorios_max,
            banos_min,
            banos_max,
            superficie_min,
            superficie_max,
            tiene_garaje: self.tiene_garaje.or(earlier.tiene_garaje),
            necesidades: first(self.necesidades, earlier.necesidades),
            personas: self.personas.or(earlier.personas),
            ninos: self.ninos.or(earlier.ninos),
            orden: self
                .orden
                .or(earlier.orden.filter(|_| intent == Some(Intent::Ranking))),
            limite: self.limite.or(earlier.limite),
            propiedad: None,
            avisos: self.avisos,
            anew: false,
        }
    }

    /// This earlier question, without what contradicts a later one.
    fn carried_into(&self, later: &Question) -> Question {
        let mut earlier = self.clone();
        if !later.tipos.is_empty() && later.tipos != earlier.tipos {
            // The number of rooms of a house does not apply to a plot.
            (earlier.dormitorios_min, earlier.dormitorios_max) = (None, None);
            (earlier.banos_min, earlier.banos_max) = (None, None);
            (earlier.superficie_min, earlier.superficie_max) = (None, None);
            earlier.tiene_garaje = None;
        }
        if later.operacion.is_some() && later.operacion != earlier.operacion {
            // A sale price is not a rent.
            (earlier.presupuesto_min, earlier.presupuesto_max) = (None, None);
        }
        if !later.zonas.is_empty() || later.zona_desconocida.is_some() {
            (earlier.zonas, earlier.zona_desconocida) = (Vec::new(), None);
        }
        // The last word about a zone counts.
        let (named, excluded) = (&later.zonas, &later.zonas_excluidas);
        earlier.zonas_excluidas.retain(|zone| !named.contains(zone));
        earlier.zonas.retain(|zone| !excluded.contains(zone));
        if matches!(earlier.intent, Some(Intent::Propiedad | Intent::Ayuda)) {
            earlier.intent = None;
        }
        earlier
    }
}

/// The new ends, completed with the old ones unless that would turn the range around.
fn range<T: Copy + PartialOrd>(
    new: (Option<T>, Option<T>),
    old: (Option<T>, Option<T>),
) -> (Option<T>, Option<T>) {
    let joined = (new.0.or(old.0), new.1.or(old.1));
    match joined {
        (Some(low), Some(high)) if low > high => new,
        joined => joined,
    }
}

fn first<T>(new: Vec<T>, old: Vec<T>) -> Vec<T> {
    if new.is_empty() { old } else { new }
}

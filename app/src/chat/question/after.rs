//! A question after another: what it does not name is taken from the earlier one.

use crate::chat::question::{Intent, Question};

impl Question {
    /// Completes the question from an earlier one: what it does not name is taken from there.
    pub fn after(self, earlier: &Question) -> Question {
        let stands_alone = matches!(self.intent, Some(Intent::Propiedad | Intent::Ayuda));
        // "más casas" goes on with the houses, and begins where something else was searched.
        if self.more && (self.tipos.is_empty() || self.tipos == earlier.tipos) {
            return earlier.next_page(self.avisos);
        }
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
            tipos_excluidos: first(self.tipos_excluidos, earlier.tipos_excluidos),
            lugares: first(self.lugares, earlier.lugares),
            anillo_min: self.anillo_min.or(earlier.anillo_min),
            anillo_max: self.anillo_max.or(earlier.anillo_max),
            gama: self.gama.or(earlier.gama),
            tamano: self.tamano.or(earlier.tamano),
            garajes_min: self.garajes_min.or(earlier.garajes_min),
            caracteristicas: joined(self.caracteristicas, earlier.caracteristicas),
            sin_caracteristicas: joined(self.sin_caracteristicas, earlier.sin_caracteristicas),
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
            propiedad: self.propiedad,
            pagina: None,
            no_entendido: self.no_entendido,
            avisos: self.avisos,
            anew: false,
            more: false,
        }
    }

    /// The same search, one page on.
    fn next_page(&self, mut avisos: Vec<String>) -> Question {
        if self.is_empty() {
            avisos.push(
                "No hay una búsqueda anterior de la que mostrar más; diga qué busca.".to_owned(),
            );
            return Question {
                intent: Some(Intent::Ayuda),
                avisos,
                ..Question::default()
            };
        }
        // A list goes on; after figures it begins.
        let lists = matches!(self.intent(), Intent::Recomendacion | Intent::Ranking);
        Question {
            intent: self.intent.filter(|_| lists),
            pagina: lists.then(|| self.pagina.unwrap_or(0) + 1),
            avisos,
            no_entendido: Vec::new(),
            ..self.clone()
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
            (earlier.tiene_garaje, earlier.garajes_min) = (None, None);
            earlier.tamano = None;
        }
        if later.operacion.is_some() && later.operacion != earlier.operacion {
            // A sale price is not a rent.
            (earlier.presupuesto_min, earlier.presupuesto_max) = (None, None);
            earlier.gama = None;
        }
        if !later.zonas.is_empty() || later.zona_desconocida.is_some() {
            (earlier.zonas, earlier.zona_desconocida) = (Vec::new(), None);
            earlier.lugares = Vec::new();
            (earlier.anillo_min, earlier.anillo_max) = (None, None);
        }
        if later.anillo_min.is_some() || later.anillo_max.is_some() {
            (earlier.anillo_min, earlier.anillo_max) = (None, None);
        }
        if !later.tipos.is_empty() {
            earlier.tipos_excluidos = Vec::new();
        }
        // A list that was asked for before is not an order or a count of this one.
        if later.gama.is_some() && earlier.intent == Some(Intent::Ranking) {
            (earlier.intent, earlier.orden) = (None, None);
        }
        // The last word about a zone counts.
        let (named, excluded) = (&later.zonas, &later.zonas_excluidas);
        earlier.zonas_excluidas.retain(|zone| !named.contains(zone));
        earlier.zonas.retain(|zone| !excluded.contains(zone));
        let once = [
            Intent::Propiedad,
            Intent::Ayuda,
            Intent::Contacto,
            Intent::Comparacion,
        ];
        if earlier.intent.is_some_and(|intent| once.contains(&intent)) {
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

fn joined<T: PartialEq>(mut new: Vec<T>, old: Vec<T>) -> Vec<T> {
    for one in old {
        if !new.contains(&one) {
            new.push(one);
        }
    }
    new
}

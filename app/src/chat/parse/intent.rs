//! What kind of answer a text asks for.

use crate::chat::question::{Intent, Question};
use crate::chat::words::Token;

/// Phrases that ask for one kind of answer; the first that occurs decides.
const INTENTS: &[(Intent, &[&str])] = &[
    (
        Intent::Ayuda,
        &[
            "que es un",
            "que es una",
            "que es el",
            "que significa",
            "como funciona",
            "que puedes",
            "ayuda",
            "quien eres",
            "gracias",
        ],
    ),
    (
        Intent::Zonas,
        &[
            "que zonas",
            "que zona",
            "cuales zonas",
            "cuales son las zonas",
            "zonas mas",
            "zona mas",
            "por zona",
            "por zonas",
            "que barrios",
            "que barrio",
            "zonas hay",
            "zonas tienes",
            "zonas tienen",
            "lista de zonas",
        ],
    ),
    (
        Intent::Cantidad,
        &["cuantas", "cuantos", "cantidad de", "numero de", "total de"],
    ),
    (
        Intent::Precios,
        &[
            "promedio",
            "promedios",
            "precio medio",
            "mediana",
            "cuanto cuesta",
            "cuanto cuestan",
            "cuanto vale",
            "cuanto valen",
            "cuanto sale",
            "cuanto salen",
            "cuanto esta",
            "que precio",
            "que precios",
            "precios",
            "estadisticas",
            "mercado",
            "el metro cuadrado",
            "por metro",
            "precio de las",
            "precio de los",
            "tendencia",
            "analisis",
        ],
    ),
];
const WISHES: &[&str] = &[
    "busco",
    "buscar",
    "buscamos",
    "quiero",
    "queremos",
    "necesito",
    "necesitamos",
    "recomienda",
    "recomiendame",
    "recomendar",
    "recomiendas",
    "gustaria",
    "muestrame",
    "muestra",
    "mostrar",
    "dame",
    "presupuesto",
    "encuentra",
    "interesa",
    "interesan",
    "hay",
    "tienes",
    "tienen",
    "disponibles",
    "disponible",
];
const ANEW: &[&str] = &[
    "otra busqueda",
    "nueva busqueda",
    "de nuevo",
    "empezar de cero",
    "olvida lo",
    "olvidalo",
];

/// The kind of answer, if the text names one. `said` is the folded text with a blank before and after it.
pub fn intent(text: &[Token], said: &str, question: &Question) -> Option<Intent> {
    if question.propiedad.is_some() {
        return Some(Intent::Propiedad);
    }
    for (intent, phrases) in INTENTS {
        if phrases
            .iter()
            .any(|phrase| said.contains(&format!(" {phrase} ")))
        {
            return Some(*intent);
        }
    }
    if question.orden.is_some() {
        return Some(Intent::Ranking);
    }
    let wish = text.iter().any(|token| token.is_one_of(WISHES));
    (wish && !question.is_empty()).then_some(Intent::Recomendacion)
}

/// Whether the text asks to forget what was said before.
pub fn anew(said: &str) -> bool {
    ANEW.iter()
        .any(|phrase| said.contains(&format!(" {phrase} ")))
}

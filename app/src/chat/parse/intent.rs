//! What kind of answer a text asks for.

use crate::chat::lexicon;
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
        Intent::Contacto,
        &[
            "telefono",
            "telefonos",
            "celular",
            "whatsapp",
            "contacto",
            "contactar",
            "contacte",
            "contactarme",
            "vendedor",
            "dueno",
            "propietario",
            "agente",
            "corredor",
            "llamo",
            "hablar con",
            "hablo con",
            "comunicarme",
            "visitar",
            "visita",
            "agendar",
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
            "barrio mas",
            "barrios mas",
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
            "mercado inmobiliario",
            "precio de mercado",
            "esta el mercado",
            "el metro cuadrado",
            "por metro",
            "precio de las",
            "precio de los",
            "tendencia",
            "analisis",
        ],
    ),
];
/// Words that compare zones, where two are named.
const COMPARING: &[&str] = &[
    "comparar",
    "compara",
    "compare",
    "comparame",
    "comparacion",
    "comparando",
    "diferencia",
    "diferencias",
    "vs",
    "versus",
    "conviene",
    "convendria",
    "mejor",
];
/// Phrases that compare zones, where two are named.
const COMPARISONS: &[&str] = &[
    "que es mas",
    "cual es mas",
    "cual sale mas",
    "donde es mas",
    "donde sale mas",
    "cual esta mas",
];
const MORE: &[&str] = &[
    "muestrame mas",
    "muestreme mas",
    "mostrame mas",
    "muestra mas",
    "mostrar mas",
    "ver mas",
    "dame mas",
    "deme mas",
    "mas opciones",
    "mas resultados",
    "mas propiedades",
    "otras opciones",
    "otras mas",
    "otros mas",
    "otra mas",
    "otro mas",
    "algunas mas",
    "algunos mas",
    "unas mas",
    "dame otras",
    "deme otras",
    "ver otras",
    "las demas",
    "otros resultados",
    "hay mas",
    "tiene mas",
    "tienes mas",
    "que mas hay",
    "que mas tiene",
    "que otras",
    "los siguientes",
    "las siguientes",
    "siguiente pagina",
    "siguiente",
    "siguientes",
];
const WISHES: &[&str] = &[
    "busco",
    "buscar",
    "buscamos",
    "quiero",
    "queremos",
    "necesito",
    "necesitamos",
    "ando",
    "deseo",
    "quisiera",
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
        let contact = INTENTS
            .iter()
            .filter(|(intent, _)| *intent == Intent::Contacto);
        let asks = contact
            .flat_map(|(_, phrases)| phrases.iter())
            .any(|phrase| said.contains(&format!(" {phrase} ")));
        return Some(if asks {
            Intent::Contacto
        } else {
            Intent::Propiedad
        });
    }
    let says = |phrase: &&str| said.contains(&format!(" {phrase} "));
    let compares =
        text.iter().any(|token| token.is_one_of(COMPARING)) || COMPARISONS.iter().any(says);
    let invests = question.tipos.is_empty()
        && text
            .iter()
            .any(|token| token.is_one_of(&["invertir", "inversion"]));
    // "¿qué sale más barato, Equipetrol o el centro?"
    let asks = question.orden.is_some()
        && question.tipos.is_empty()
        && text
            .iter()
            .any(|token| token.is_one_of(&["que", "cual", "donde"]));
    if question.zonas.len() > 1 && (compares || invests || asks) {
        return Some(Intent::Comparacion);
    }
    // "casa, trato directo con el dueño" is a search.
    let searches = !question.tipos.is_empty() || !question.zonas.is_empty();
    let asked = INTENTS
        .iter()
        .filter(|(intent, _)| !(searches && *intent == Intent::Contacto))
        .find(|(_, phrases)| phrases.iter().any(says));
    if let Some((intent, _)) = asked {
        return Some(*intent);
    }
    if question.orden.is_some() {
        return Some(Intent::Ranking);
    }
    let wish = text.iter().any(|token| token.is_one_of(WISHES));
    (wish && !question.is_empty()).then_some(Intent::Recomendacion)
}

/// Whether the text asks for more of the same, and names nothing new.
pub fn more(said: &str) -> bool {
    let asked = said.trim();
    MORE.iter().any(|phrase| {
        let rest = said.replacen(&format!(" {phrase} "), " ", 1);
        rest.len() < said.len() && rest.split_whitespace().all(is_nothing)
    }) || matches!(asked, "mas" | "otras" | "otros")
}

fn is_nothing(word: &str) -> bool {
    lexicon::is_filler(word) || !word.contains(char::is_alphanumeric)
}

/// Whether the text asks to forget what was said before.
pub fn anew(said: &str) -> bool {
    ANEW.iter()
        .any(|phrase| said.contains(&format!(" {phrase} ")))
}

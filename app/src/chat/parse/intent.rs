//! What kind of answer a text asks for.

use crate::chat::question::{Intent, Question};
use crate::chat::words::{Sort, Token};
use crate::chat::{lexicon, refusal, vocabulary};

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
            "quien vende",
            "quien la vende",
            "quien lo vende",
            "quien esta vendiendo",
            "quienes venden",
            "correo",
            "email",
            "e mail",
            "mail",
            "asesor",
            "con quien hablo",
            "con quien me comunico",
            "a quien llamo",
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
    "contra",
    "elegir",
    "elijo",
    "decidir",
    "decidirme",
];
/// Phrases that compare zones, where two are named.
const COMPARISONS: &[&str] = &[
    "es mas",
    "sale mas",
    "esta mas",
    "son mas",
    "salen mas",
    "estan mas",
    "resulta mas",
    "cuesta mas",
    "cuestan mas",
    "vale mas",
    "valen mas",
];
/// Words that ask for more of the same.
const MORE: &[&str] = &[
    "mas",
    "otra",
    "otras",
    "otro",
    "otros",
    "siguiente",
    "siguientes",
    "demas",
    "resto",
    "continue",
    "continua",
    "siga",
    "sigue",
    "proximas",
    "proximos",
];
/// What may follow them: nothing, or a word for what is shown.
const SHOWN: &[&str] = &[
    "opcion",
    "opciones",
    "propiedad",
    "propiedades",
    "inmueble",
    "inmuebles",
    "resultado",
    "resultados",
    "anuncio",
    "anuncios",
    "oferta",
    "ofertas",
    "alternativa",
    "alternativas",
    "cosa",
    "cosas",
    "mas",
    "por",
    "porfa",
    "porfavor",
    "favor",
    "pagina",
    "de",
    "que",
    "hay",
    "tiene",
    "tienes",
    "tenes",
    "tienen",
    "disponibles",
    "parecidas",
    "parecidos",
    "similares",
    "similar",
];
/// With one of these it is not more of the same: "nada más", "más o menos".
const NOT_MORE: &[&str] = &["nada", "menos", "sin", "gracias", "vez"];
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

/// Whether the text asks for more of the same, and names nothing new but perhaps a kind.
pub fn more(text: &[Token]) -> bool {
    let asks = |at: usize| {
        let next = text.get(at + 1);
        text[at].is_one_of(MORE)
            && !refusal::is(text, at, at + 1)
            && next.is_none_or(|next| {
                next.sort != Sort::Word || next.is_one_of(SHOWN) || vocabulary::kind(next).is_some()
            })
    };
    let passes = |token: &Token| {
        token.sort != Sort::Word
            || token.is_one_of(MORE)
            || lexicon::is_filler(&token.text)
            || vocabulary::kind(token).is_some()
    };
    text.iter().all(passes)
        && !text.iter().any(|token| token.is_one_of(NOT_MORE))
        && (0..text.len()).any(asks)
}

/// Whether the text asks to forget what was said before.
pub fn anew(said: &str) -> bool {
    ANEW.iter()
        .any(|phrase| said.contains(&format!(" {phrase} ")))
}

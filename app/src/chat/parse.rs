//! Parses a question from a text. It never fails: what it does not understand is not in the question.

mod household;
mod intent;
mod money;
mod noun;

use crate::catalog::zone::Zone;
use crate::chat::question::{Intent, Question};
use crate::chat::rewrite::rewrite;
use crate::chat::spelling::{self, Correction};
use crate::chat::words::{Sort, Token, tokens};
use crate::chat::{amounts, leftovers, places, rings, vocabulary};

/// Words for any property.
const PROPERTY: &[&str] = &[
    "propiedad",
    "propiedades",
    "inmueble",
    "inmuebles",
    "vivienda",
    "viviendas",
    "hogar",
];

/// The question in a text, against the zones of the database; amounts in bolivianos become dollars at so many for one.
///
/// Every word is accounted for: a part of the parser takes it, it is a filler of the list, or the question says that it was not
/// understood.
pub fn question(text: &str, zones: &[Zone], bob_per_usd: f64) -> Question {
    let mut text = rewrite(&tokens(text));
    let corrections = spelling::correct(&mut text, zones);
    // A word that was misspelled may be one that stands for others: "luquitas", "bedrom".
    let text = rewrite(&text);
    let said = format!(
        " {} ",
        text.iter()
            .map(|token| token.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    );
    let mut question = Question::default();
    let mut taken = place(&text, zones, &mut question);
    if let Some((inner, outer)) = rings::find(&text, &mut taken) {
        (question.anillo_min, question.anillo_max) = (inner, outer);
    }
    question.propiedad = property(&text, &mut taken);
    let amounts = amounts::find(&text, &taken);
    let mut counted = taken.clone();
    for amount in &amounts {
        counted[amount.span.0..amount.span.1].fill(true);
    }
    noun::read(&text, &mut taken, &counted, &mut question);
    money::take(&amounts, bob_per_usd, &mut question, &mut taken);
    household::read(&text, &mut taken, &mut question);
    question.more = question.propiedad.is_none() && intent::more(&text);
    question.anew = intent::anew(&said);
    leftovers::take(&text, &taken, &mut question);
    question.intent = intent::intent(&text, &said, &question);
    settle(&text, corrections, &mut question);
    question
}

/// What only the whole question shows.
fn settle(text: &[Token], corrections: Vec<Correction>, question: &mut Question) {
    if question.superficie_min.is_some() || question.superficie_max.is_some() {
        // "chica, de unos 50 metros": the number says it.
        question.tamano = None;
    }
    if let (Some(low), Some(high)) = (question.presupuesto_min, question.presupuesto_max)
        && low > high
    {
        (question.presupuesto_min, question.presupuesto_max) = (Some(high), Some(low));
    }
    let property = text.iter().any(|token| token.is_one_of(PROPERTY));
    if question.intent.is_none() && !property && sells_something_else(text, question) {
        (question.operacion, question.intent) = (None, Some(Intent::Ayuda));
    }
    if question.is_vague() && !property && (question.intent.is_none() || is_off(question)) {
        let places = std::mem::take(&mut question.lugares);
        let places = places.into_iter().map(|place| place.nombre);
        question.no_entendido.extend(places);
        question.intent = question.intent.filter(|intent| *intent == Intent::Contacto);
    }
    for Correction { written, read } in corrections {
        question
            .avisos
            .push(format!("Leí «{written}» como «{read}»."));
    }
}

/// "vende drogas", "quiero comprar una moto": what a verb of trading is followed by, where nothing of a property is named.
fn sells_something_else(text: &[Token], question: &Question) -> bool {
    let bare = Question {
        operacion: None,
        ..question.clone()
    };
    let verb = |token: &Token| {
        let noun = token.is_one_of(&[
            "venta",
            "ventas",
            "alquiler",
            "alquileres",
            "anticretico",
            "anticreticos",
        ]);
        vocabulary::operation(token).is_some() && !noun
    };
    let small = |token: &Token| {
        token.is_one_of(&[
            "un", "una", "unos", "unas", "el", "la", "los", "las", "mi", "tu", "su",
        ])
    };
    let object = text
        .iter()
        .position(verb)
        .and_then(|at| text[at + 1..].iter().find(|token| !small(token)));
    let strange = |token: &Token| {
        question
            .no_entendido
            .iter()
            .any(|words| words.starts_with(&token.written))
    };
    question.operacion.is_some() && bare.is_vague() && object.is_some_and(strange)
}

/// Whether a question that names no property is about something else: it has words that were not understood.
fn is_off(question: &Question) -> bool {
    !question.no_entendido.is_empty() && question.intent != Some(Intent::Contacto)
}

fn place(text: &[Token], zones: &[Zone], question: &mut Question) -> Vec<bool> {
    let mut found = places::find(text, zones);
    question.zonas = found.zones;
    question.zonas_excluidas = found.unwanted;
    if let Some((name, start, end)) = found.unknown {
        question.zona_desconocida = Some(name);
        found.taken[start..end].fill(true);
    }
    found.taken
}

/// "#123", "id 123", "propiedad 123", "la propiedad número 123".
fn property(text: &[Token], taken: &mut [bool]) -> Option<i64> {
    for at in 1..text.len() {
        if text[at].sort != Sort::Digits || taken[at] {
            continue;
        }
        let mut before = at - 1;
        while before > 0
            && text[before].is_one_of(&["#", "n", "nro", "numero", "°", "º", ".", ":", "id"])
        {
            before -= 1;
        }
        let named = text[before].is_one_of(&["propiedad", "inmueble", "ficha", "id", "codigo"])
            || text[at - 1].is_one_of(&["#", "id"]);
        let named = named || is_asked_about(text, at);
        if let (true, Ok(id)) = (named, text[at].text.parse()) {
            taken[at] = true;
            return Some(id);
        }
    }
    None
}

/// "cuénteme de la 57", "el contacto de la 45", "¿la 150 sigue disponible?": a bare number of what somebody wants to be told.
fn is_asked_about(text: &[Token], at: usize) -> bool {
    const ASKING: &[&str] = &[
        "cuentame",
        "cuenteme",
        "contame",
        "detalle",
        "detalles",
        "informacion",
        "info",
        "contacto",
        "telefono",
        "celular",
        "whatsapp",
        "vendedor",
        "dueno",
        "numero",
        "inmobiliaria",
        "agente",
        "asesor",
        "correo",
        "ver",
        "visitar",
        "fotos",
    ];
    const BEING: &[&str] = &[
        "sigue", "esta", "todavia", "aun", "tiene", "vale", "cuesta", "queda", "acepta", "es",
    ];
    let next = text.get(at + 1);
    let ends = next.is_none_or(|token| token.sort == Sort::Mark);
    let is = next.is_some_and(|token| token.is_one_of(BEING));
    let asked = text.iter().any(|token| token.is_one_of(ASKING));
    // "por la 26" is a street.
    let street = at > 1 && text[at - 2].is_one_of(&["en", "por", "sobre", "hacia"]);
    text[at - 1].is("la") && !street && (is || (ends && asked))
}

#[cfg(test)]
mod tests;

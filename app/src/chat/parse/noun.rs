//! Kinds, operations, needs, orders, features and quarters, each by its words.

use crate::catalog::GROUND;
use crate::chat::question::{Feature, Question};
use crate::chat::vocabulary::{self, Measure, Quarter};
use crate::chat::words::{Sort, Token};
use crate::chat::{lexicon, numeral, refusal};

/// Reads every word that nothing has taken; tokens in `counted` belong to an amount.
pub fn read(text: &[Token], taken: &mut [bool], counted: &[bool], question: &mut Question) {
    let mut refused_at = None;
    for at in 0..text.len() {
        if taken[at] {
            continue;
        }
        // "excluya locales y oficinas".
        let joined = matches!(before(text, at, 1), "y" | "e" | "o" | "u");
        let refused = refusal::is(text, at, at + 1)
            || (joined && refused_at.is_some() && refused_at == at.checked_sub(2));
        let known = [
            kind(text, at, refused, question),
            operation(text, at, question),
            need(text, at, refused, question),
            order(text, at, question),
            garage(text, at, counted[at], question),
            !counted[at] && quarter(text, at, refused, question),
            feature(text, at, refused, question),
        ];
        taken[at] = known.contains(&true);
        if refused && taken[at] {
            refused_at = Some(at);
        }
        // The "centro" of a "centro comercial" is no zone.
        if known[2] && before(text, at, 1) == "centro" {
            taken[at - 1] = true;
        }
        // "2 perros", "60 cuotas": the texts say whether, not how many.
        if known[6] && at > 0 && numeral::read(text, at - 1).is_some() {
            taken[at - 1] = true;
        }
    }
    // What is asked for in one place and refused in another is asked for.
    let wanted = question.tipos.clone();
    question
        .tipos_excluidos
        .retain(|kind| !wanted.contains(kind));
}

fn before(text: &[Token], at: usize, distance: usize) -> &str {
    at.checked_sub(distance)
        .map_or("", |at| text[at].text.as_str())
}

fn kind(text: &[Token], at: usize, refused: bool, question: &mut Question) -> bool {
    let Some(kind) = vocabulary::kind(&text[at]) else {
        return false;
    };
    if is_part(text, at, kind, question) {
        return false;
    }
    if text[at].is_one_of(&["monoambiente", "monoambientes", "garzonier", "garzoniere"]) {
        question.dormitorios_max = Some(1);
    }
    let list = if refused {
        &mut question.tipos_excluidos
    } else {
        &mut question.tipos
    };
    if !part_of_another(before(text, at, 1), before(text, at, 2), kind) && !list.contains(&kind) {
        list.push(kind);
    }
    true
}

/// "casa con local", "terreno para galpón", "casa con mucho terreno", "300 m2 de terreno": a kind that only says what another one
/// has or is for.
fn is_part(text: &[Token], at: usize, kind: &str, question: &Question) -> bool {
    if question.tipos.is_empty() || question.tipos.contains(&kind) {
        return false;
    }
    let small =
        |token: &&Token| !token.is_one_of(&["un", "una", "unos", "unas", "el", "la", "su", "mi"]);
    let Some(word) = text[..at].iter().rposition(|token| small(&token)) else {
        return false;
    };
    let ground = kind == GROUND;
    let much = text[word].is_one_of(&[
        "mucho", "amplio", "gran", "buen", "harto", "bastante", "poco",
    ]);
    let counted = text[word].is("de")
        && word > 0
        && (text[word - 1].sort == Sort::Digits || vocabulary::measure(&text[word - 1]).is_some());
    text[word].is_one_of(&["para", "con"]) || (ground && (much || counted))
}

/// "casa en un edificio", "lote de oficina": a kind that only says where another one is.
fn part_of_another(before: &str, earlier: &str, kind: &str) -> bool {
    kind == "edificio" && (before == "en" || (matches!(before, "un" | "el") && earlier == "en"))
}

fn operation(text: &[Token], at: usize, question: &mut Question) -> bool {
    let operation = vocabulary::operation(&text[at]);
    // "cuotas mensuales" buy.
    if text[at].is_one_of(&["mensual", "mensuales"]) && before(text, at, 1).starts_with("cuota") {
        return true;
    }
    // "invertir para alquilar" buys.
    question.operacion = question.operacion.or(operation);
    // What is paid by the month is rented.
    let monthly = text[at].is("mes") && matches!(before(text, at, 1), "por" | "al");
    if monthly {
        question.operacion = question.operacion.or(Some("alquiler"));
    }
    operation.is_some() || monthly
}

fn need(text: &[Token], at: usize, refused: bool, question: &mut Question) -> bool {
    let Some(need) = vocabulary::need(&text[at]) else {
        return false;
    };
    // "lejos de un mercado" is told: nothing is searched by that. "500 verdes" are dollars.
    let green =
        text[at].is("verdes") && !matches!(before(text, at, 1), "areas" | "zonas" | "espacios");
    if refused || green {
        return false;
    }
    let shop =
        text[at].is("comercial") && matches!(before(text, at, 1), "local" | "locales" | "galpon");
    if !shop && !question.necesidades.contains(&need) {
        question.necesidades.push(need);
    }
    true
}

/// "más baratas", "menor precio": the two words together.
fn order(text: &[Token], at: usize, question: &mut Question) -> bool {
    let pair = |first: usize| vocabulary::order(text.get(first)?, text.get(first + 1)?);
    if let Some(order) = pair(at) {
        question.orden = Some(order);
        return true;
    }
    at.checked_sub(1).and_then(pair).is_some()
}

fn garage(text: &[Token], at: usize, counted: bool, question: &mut Question) -> bool {
    let is_garage = vocabulary::measure(&text[at]) == Some(Measure::Garages);
    // "comprar un auto" asks for no garage; "para 2 autos" does.
    let car = vocabulary::is_car(text.get(at));
    if car && !counted && !matches!(before(text, at, 1), "para" | "mi") {
        return false;
    }
    if is_garage {
        question.tiene_garaje = Some(before(text, at, 1) != "sin");
    }
    is_garage
}

fn quarter(text: &[Token], at: usize, refused: bool, question: &mut Question) -> bool {
    let Some(quarter) = vocabulary::quarter(&text[at]) else {
        return false;
    };
    if at
        .checked_sub(1)
        .is_some_and(|first| vocabulary::order(&text[first], &text[at]).is_some())
    {
        return true;
    }
    match (quarter, refused) {
        // "ni muy caro ni muy barato" is no quarter.
        (Quarter::Cheap | Quarter::Dear, true) if question.gama.is_some() => {
            question.gama = None;
            return false;
        }
        (Quarter::Cheap, false) | (Quarter::Dear, true) => question.gama = Some("barata"),
        (Quarter::Dear, false) | (Quarter::Cheap, true) => question.gama = Some("cara"),
        // "3 patios grandes" is not said of the property.
        (Quarter::Small | Quarter::Large, _) if !of_a_kind(text, at) => return false,
        (Quarter::Small, false) | (Quarter::Large, true) => question.tamano = Some("chica"),
        (Quarter::Large, false) | (Quarter::Small, true) => question.tamano = Some("grande"),
    }
    true
}

/// Whether a size is said of a kind of property, or of anything.
fn of_a_kind(text: &[Token], at: usize) -> bool {
    let is_kind = |token: &Token| {
        vocabulary::kind(token).is_some()
            || token.is_one_of(&[
                "algo",
                "propiedad",
                "propiedades",
                "inmueble",
                "vivienda",
                "lugar",
                "y",
            ])
    };
    let passes = |token: &&Token| {
        token.is_one_of(&[
            "muy",
            "mas",
            "bien",
            "comercial",
            "sea",
            "que",
            "no",
            "tan",
            "bastante",
        ]) || vocabulary::quarter(token).is_some()
    };
    let earlier = text[..at].iter().rev().find(|token| !passes(token));
    earlier.is_some_and(is_kind)
        || text
            .get(at + 1)
            .is_some_and(|next| vocabulary::kind(next).is_some())
}

fn feature(text: &[Token], at: usize, refused: bool, question: &mut Question) -> bool {
    let Some(known) = lexicon::feature(&text[at]) else {
        return false;
    };
    // "nueva búsqueda" and "de nuevo" are about the conversation.
    let search = text.get(at + 1).is_some_and(|next| next.is("busqueda"));
    let again = text[at].is("nuevo") && before(text, at, 1) == "de";
    if search || again || order(text, at, question) {
        return true;
    }
    let feature = Feature {
        nombre: known.name.to_owned(),
        patron: known.pattern.to_owned(),
    };
    let list = if refused {
        &mut question.sin_caracteristicas
    } else {
        &mut question.caracteristicas
    };
    if !list.contains(&feature) {
        list.push(feature);
    }
    true
}

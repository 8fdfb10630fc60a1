//! Finds zones of the database, and unknown places, in a text.

use crate::catalog::zone::Zone;
use crate::chat::vocabulary;
use crate::chat::words::{Sort, Token, tokens};

/// The zones in a text.
#[derive(Debug, Default)]
pub struct Places {
    /// The zones that are wanted, in order, each once.
    pub zones: Vec<Zone>,
    /// The zones that are excluded.
    pub unwanted: Vec<Zone>,
    /// A place that is certainly named and is not a zone.
    pub unknown: Option<String>,
    /// A place that is perhaps named and is not a zone.
    pub doubtful: Option<String>,
    /// Which tokens belong to names of zones.
    pub taken: Vec<bool>,
}

/// Names of something else that begin like one of a zone: "centro comercial".
const NOT_THE_ZONE: &[&str] = &["comercial", "medico", "educativo", "deportivo", "de salud"];

/// Words that follow "en" without naming a place.
const NO_PLACE: &[&str] = &[
    "el",
    "la",
    "los",
    "las",
    "un",
    "una",
    "este",
    "esta",
    "ese",
    "esa",
    "mi",
    "mente",
    "total",
    "promedio",
    "general",
    "dolares",
    "bolivianos",
    "usd",
    "bs",
    "efectivo",
    "cuotas",
    "oferta",
    "lista",
    "santa",
    "bolivia",
    "toda",
    "todo",
    "todas",
    "que",
    "cual",
    "cualquier",
    "cualquiera",
    "ninguna",
    "donde",
    "zona",
    "zonas",
    "barrio",
    "barrios",
    "torno",
    "preventa",
    "planos",
    "condominio",
    "buen",
    "buena",
    "esquina",
    "base",
    "caso",
    "cuanto",
    "algun",
    "alguna",
    "otra",
    "otro",
    "planta",
    "esa",
    "cada",
    "avenida",
    "av",
    "calle",
    "plano",
    "citrino",
    "esta",
    "estos",
    "estas",
    "anillo",
    "radial",
];

/// Looks for zones: the longest name first at each place.
pub fn find(text: &[Token], zones: &[Zone]) -> Places {
    let names = names(zones);
    let mut found = Places {
        taken: vec![false; text.len()],
        ..Places::default()
    };
    let mut at = 0;
    let mut refused_until = None;
    while at < text.len() {
        let Some((zone, end)) = longest(text, at, &names) else {
            at += 1;
            continue;
        };
        found.taken[at..end].fill(true);
        let list = if refused(text, at, refused_until) {
            refused_until = Some(end);
            &mut found.unwanted
        } else {
            refused_until = None;
            &mut found.zones
        };
        if !list.contains(zone) {
            list.push(zone.clone());
        }
        at = end;
    }
    if found.zones.is_empty() {
        strange(text, zones, &mut found);
    }
    found
}

/// A zone and a way to write its name.
type Name<'a> = (&'a Zone, Vec<String>);

fn names(zones: &[Zone]) -> Vec<Name<'_>> {
    let mut names: Vec<Name<'_>> = zones
        .iter()
        .flat_map(|zone| {
            spellings(&zone.zona_normalizada)
                .into_iter()
                .map(move |name| (zone, name))
        })
        .collect();
    names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
    names
}

/// "la guardia / doble via" is also either half; "av. beni" also "avenida beni" and "beni"; "zona sur" also "el sur";
/// "el palmar" also "del palmar".
fn spellings(name: &str) -> Vec<Vec<String>> {
    let mut all = vec![name.to_owned()];
    all.extend(name.split('/').map(|half| half.trim().to_owned()));
    let mut more = Vec::new();
    for name in &all {
        if let Some(rest) = name.strip_prefix("av. ") {
            more.extend([format!("avenida {rest}"), rest.to_owned()]);
        }
        if let Some(rest) = name.strip_prefix("zona ") {
            more.extend([
                format!("el {rest}"),
                format!("al {rest}"),
                format!("del {rest}"),
            ]);
        }
        if let Some(rest) = name.strip_prefix("el ") {
            more.extend([format!("al {rest}"), format!("del {rest}")]);
        }
    }
    all.extend(more);
    let words = |name: String| -> Vec<String> {
        let words = tokens(&name)
            .into_iter()
            .filter(|token| token.sort != Sort::Mark);
        words.map(|token| token.text).collect()
    };
    let mut spelled: Vec<Vec<String>> = all.into_iter().map(words).collect();
    spelled.retain(|words| !words.is_empty());
    spelled.dedup();
    spelled
}

fn longest<'a>(text: &[Token], at: usize, names: &[Name<'a>]) -> Option<(&'a Zone, usize)> {
    names.iter().find_map(|(zone, name)| {
        let end = matches(text, at, name)?;
        let next = |offset: usize| {
            text.get(end + offset)
                .map_or("", |token| token.text.as_str())
        };
        let pair = format!("{} {}", next(0), next(1));
        let other = name.len() == 1
            && NOT_THE_ZONE
                .iter()
                .any(|more| *more == next(0) || *more == pair);
        // "los lotes más baratos" are plots, "en Los Lotes" is a zone.
        let common =
            (at..end).any(|at| vocabulary::kind(&text[at]).is_some()) && !locative(text, at);
        (!other && !common).then_some((*zone, end))
    })
}

/// The end of the name, if it stands here; dots within it do not matter.
fn matches(text: &[Token], start: usize, name: &[String]) -> Option<usize> {
    let mut at = start;
    for (index, word) in name.iter().enumerate() {
        if index > 0
            && text
                .get(at)
                .is_some_and(|token| token.is(".") || token.is("/"))
        {
            at += 1;
        }
        if !text.get(at)?.is(word) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

fn before(text: &[Token], at: usize, distance: usize) -> &str {
    at.checked_sub(distance)
        .map_or("", |at| text[at].text.as_str())
}

fn locative(text: &[Token], at: usize) -> bool {
    matches!(
        before(text, at, 1),
        "en" | "zona" | "barrio" | "por" | "de" | "sector"
    )
}

/// "menos en", "no en la", "excepto", "que no sea en", "fuera de", "ni en"; and what is joined to a zone that ends at `earlier` and
/// is refused: "menos Equipetrol y Urubó".
fn refused(text: &[Token], at: usize, earlier: Option<usize>) -> bool {
    const FILLERS: &[&str] = &["en", "de", "del", "por", "la", "el", "los", "las"];
    const REFUSING: &[&str] = &[
        "no", "ni", "menos", "excepto", "salvo", "fuera", "evitar", "sin",
    ];
    const BEING: &[&str] = &[
        "sea", "sean", "este", "esten", "quede", "queden", "quiero", "queremos",
    ];
    let joins = |from: usize| {
        let between = &text[from..at];
        let (joined, rest): (Vec<&Token>, Vec<&Token>) = between
            .iter()
            .partition(|token| token.is_one_of(&["y", "o", "ni", ","]));
        let again = rest.iter().any(|token| token.is("en"));
        rest.iter().all(|token| token.is_one_of(FILLERS))
            && joined.iter().any(|token| !(again && token.is(",")))
    };
    let last = text[..at]
        .iter()
        .rposition(|token| !token.is_one_of(FILLERS));
    last.is_some_and(|last| {
        text[last].is_one_of(REFUSING)
            || (text[last].is_one_of(BEING) && before(text, last, 1) == "no")
    }) || earlier.is_some_and(joins)
}

/// A place that no zone has: surely after "zona", "barrio" or with a capital after "en", perhaps after a plain "en".
fn strange(text: &[Token], zones: &[Zone], found: &mut Places) {
    for at in 1..text.len() {
        let word = &text[at];
        let known = vocabulary::kind(word).is_some()
            || vocabulary::operation(word).is_some()
            || vocabulary::need(word).is_some()
            || vocabulary::measure(word).is_some();
        if word.sort != Sort::Word
            || word.text.len() < 3
            || found.taken[at]
            || known
            || word.is_one_of(NO_PLACE)
        {
            continue;
        }
        let named = matches!(
            before(text, at, 1),
            "zona" | "barrio" | "urbanizacion" | "sector"
        );
        let inside = before(text, at, 1) == "en" && !found.taken[at - 1];
        let misspelled = inside
            && zones
                .iter()
                .any(|zone| strsim::jaro_winkler(&zone.zona_normalizada, &word.text) > 0.85);
        if (named && (word.capital || matches!(before(text, at, 2), "en" | "la" | "el")))
            || (inside && word.capital)
            || misspelled
        {
            found.unknown = Some(phrase(text, at));
            return;
        }
        if inside && found.doubtful.is_none() {
            found.doubtful = Some(word.text.clone());
        }
    }
}

/// The word and those with a capital after it.
fn phrase(text: &[Token], at: usize) -> String {
    let mut words = vec![text[at].text.clone()];
    let more = text[at + 1..]
        .iter()
        .take_while(|token| token.sort == Sort::Word && token.capital && text[at].capital);
    words.extend(more.map(|token| token.text.clone()));
    words.join(" ")
}

#[cfg(test)]
mod tests;

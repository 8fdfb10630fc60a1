//! Finds zones of the database, and unknown places, in a text.

use crate::catalog::zone::Zone;
use crate::chat::words::{Sort, Token, tokens};
use crate::chat::{lexicon, refusal, vocabulary};

mod elsewhere;

use elsewhere::{elsewhere, left};

/// The zones in a text.
#[derive(Debug, Default)]
pub struct Places {
    /// The zones that are wanted, in order, each once.
    pub zones: Vec<Zone>,
    /// The zones that are excluded.
    pub unwanted: Vec<Zone>,
    /// A place that is certainly named and is not a zone, with its tokens.
    pub unknown: Option<(String, usize, usize)>,
    /// Which tokens belong to names of zones.
    pub taken: Vec<bool>,
}

/// Letters of a part of a name that stands for all of it.
const SHORTEST: usize = 4;
/// Words of names that say too little: of the city's own name, and for places of any kind.
const COMMON: &[&str] = &["santa", "cruz", "norte", "este", "oeste", "zona", "barrio"];
/// Names of something else that begin like one of a zone: "centro comercial".
const NOT_THE_ZONE: &[&str] = &[
    "comercial",
    "medico",
    "educativo",
    "deportivo",
    "de salud",
    "de pago",
    "de pagos",
];

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
        let Some((zone, end)) = longest(text, at, &names, &found.taken) else {
            at += 1;
            continue;
        };
        found.taken[at..end].fill(true);
        let refusal = refusal::of(text, at, end);
        if let Some(refusal) = refusal {
            found.taken[refusal.at] = true;
        }
        let joined = refused_until.is_some_and(|earlier| joins(text, earlier, at));
        let list = if refusal.map_or(joined, |refusal| refusal.holds) {
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
    left(text, &names, &mut found);
    if found.zones.is_empty() {
        elsewhere(text, &mut found);
    }
    if found.zones.is_empty() && found.unknown.is_none() {
        strange(text, zones, &mut found);
    }
    found
}

/// A zone and a way to write its name.
struct Name<'a> {
    zone: &'a Zone,
    words: Vec<String>,
    /// Whether it is only a part of the name, which needs a word like "en" before it.
    part: bool,
}

/// Other names that people use, where the zone exists.
const ALIASES: &[(&str, &str)] = &[
    ("casco viejo", "centro"),
    ("villa primero de mayo", "villa 1ro de mayo"),
    ("villa primer de mayo", "villa 1ro de mayo"),
    ("villa 1 de mayo", "villa 1ro de mayo"),
    ("villa 1ero de mayo", "villa 1ro de mayo"),
    ("plan tres mil", "plan 3000"),
    ("villa 1ro", "villa 1ro de mayo"),
    ("villa primero", "villa 1ro de mayo"),
    ("centro historico", "centro"),
    ("cristo", "av. banzer"),
    ("equi", "equipetrol"),
    ("cristo redentor", "av. banzer"),
    ("las hamacas", "hamacas"),
    ("norte de la ciudad", "zona norte"),
    ("sur de la ciudad", "zona sur"),
];

fn names(zones: &[Zone]) -> Vec<Name<'_>> {
    let mut names: Vec<Name<'_>> = zones
        .iter()
        .flat_map(|zone| {
            let aliases = ALIASES
                .iter()
                .filter(|(_, of)| *of == zone.zona_normalizada);
            let aliases = aliases.map(|(alias, _)| words(alias));
            let whole = spellings(&zone.zona_normalizada).into_iter().chain(aliases);
            whole.map(move |words| Name {
                zone,
                words,
                part: false,
            })
        })
        .collect();
    names.extend(parts(zones));
    names.sort_by_key(|name| std::cmp::Reverse(name.words.len()));
    names
}

/// "la pampa" for "Pampa de la Isla": a word that only one zone has and that means nothing else.
fn parts(zones: &[Zone]) -> Vec<Name<'_>> {
    let mut all: Vec<(String, &Zone)> = Vec::new();
    for zone in zones {
        let words = tokens(&zone.zona_normalizada).into_iter();
        let own = words.filter(|token| {
            token.sort == Sort::Word
                && token.text.len() >= SHORTEST
                && !vocabulary::is_known(token)
                && lexicon::feature(token).is_none()
                && !lexicon::is_filler(&token.text)
                && !token.is_one_of(COMMON)
        });
        all.extend(own.map(|token| (token.text, zone)));
    }
    let only = |word: &str| all.iter().filter(|(other, _)| other == word).count() == 1;
    let parts = all.iter().filter(|(word, _)| only(word));
    parts
        .map(|(word, zone)| Name {
            zone,
            words: vec![word.clone()],
            part: true,
        })
        .collect()
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
    let mut spelled: Vec<Vec<String>> = all.iter().map(|name| words(name)).collect();
    spelled.retain(|words| !words.is_empty());
    spelled.dedup();
    spelled
}

fn words(name: &str) -> Vec<String> {
    let words = tokens(name)
        .into_iter()
        .filter(|token| token.sort != Sort::Mark);
    words.map(|token| token.text).collect()
}

fn longest<'a>(
    text: &[Token],
    at: usize,
    names: &[Name<'a>],
    taken: &[bool],
) -> Option<(&'a Zone, usize)> {
    // "menos la pampa y los lotes": what is joined to a zone is one.
    let joined = matches!(before(text, at, 1), "y" | "o" | "ni" | ",")
        && at.checked_sub(2).is_some_and(|zone| taken[zone]);
    names.iter().find_map(|name| {
        let end = matches(text, at, &name.words)?;
        let next = |offset: usize| {
            text.get(end + offset)
                .map_or("", |token| token.text.as_str())
        };
        let pair = format!("{} {}", next(0), next(1));
        let other = name.words.len() == 1
            && NOT_THE_ZONE
                .iter()
                .any(|more| *more == next(0) || *more == pair);
        // "los lotes más baratos" are plots, "en Los Lotes" is a zone.
        let common = (at..end).any(|at| vocabulary::kind(&text[at]).is_some())
            && !locative(text, at)
            && !joined;
        let lonely = name.part && !after_place(text, at);
        (!other && !common && !lonely).then_some((name.zone, end))
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

/// Whether a word before says that a place follows: "en la pampa", "el plan", "ni en el plan".
fn after_place(text: &[Token], at: usize) -> bool {
    let article = matches!(
        before(text, at, 1),
        "el" | "la" | "los" | "las" | "del" | "al"
    );
    let place = |word: &str| {
        matches!(
            word,
            "en" | "por"
                | "de"
                | "del"
                | "zona"
                | "barrio"
                | "sector"
                | "ni"
                | "o"
                | "y"
                | "menos"
                | "cerca"
                | "hacia"
                | "al"
                | "vs"
                | ","
        )
    };
    place(before(text, at, if article { 2 } else { 1 })) || (article && place(before(text, at, 1)))
}

/// Whether a zone is joined to one that ends at `earlier` and is refused: "menos Equipetrol y Urubó".
fn joins(text: &[Token], earlier: usize, at: usize) -> bool {
    const SMALL: &[&str] = &["en", "de", "del", "por", "la", "el", "los", "las"];
    let (joined, rest): (Vec<&Token>, Vec<&Token>) = text[earlier..at]
        .iter()
        .partition(|token| token.is_one_of(&["y", "o", "ni", ","]));
    let again = rest.iter().any(|token| token.is("en"));
    rest.iter().all(|token| token.is_one_of(SMALL))
        && joined.iter().any(|token| !(again && token.is(",")))
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
    }
}

/// The word and those with a capital after it, with where they start and end.
fn phrase(text: &[Token], at: usize) -> (String, usize, usize) {
    let more = text[at + 1..]
        .iter()
        .take_while(|token| token.sort == Sort::Word && token.capital && text[at].capital);
    let end = at + 1 + more.count();
    let words: Vec<&str> = text[at..end]
        .iter()
        .map(|token| token.text.as_str())
        .collect();
    (words.join(" "), at, end)
}

#[cfg(test)]
mod tests;

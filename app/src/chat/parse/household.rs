//! Who is to live there.

use crate::chat::numeral;
use crate::chat::question::Question;
use crate::chat::vocabulary::{self, Measure};
use crate::chat::words::{Sort, Token};

/// Words for a household of so many.
const ALONE: &[(&str, i64)] = &[
    ("pareja", 2),
    ("casados", 2),
    ("soltero", 1),
    ("soltera", 1),
    ("estudiante", 1),
];

/// "somos 4", "familia de 4", "mi pareja", "hijos de 4 y 9 años".
pub fn read(text: &[Token], taken: &mut [bool], question: &mut Question) {
    for at in 0..text.len() {
        let number = match text[at].text.as_str() {
            "somos" | "vivimos" | "seremos" | "seriamos" | "vivirian" | "viviremos" => at + 1,
            "familia" if text.get(at + 1).is_some_and(|next| next.is("de")) => at + 2,
            _ => continue,
        };
        if let Some(numeral) = numeral::read(text, number)
            && (1.0..=20.0).contains(&numeral.value)
            && !text[number].is_one_of(&["un", "una"])
        {
            question.personas = Some(super::money::whole(numeral.value));
            taken[number..numeral.end].fill(true);
        }
    }
    if question.personas.is_none() && question.ninos.is_none() {
        let mut alone = ALONE.iter();
        question.personas = alone
            .find(|(word, _)| text.iter().any(|token| token.is(word)))
            .map(|(_, heads)| *heads);
    }
    ages(text, taken);
    sizes(text, taken);
}

/// "dos hijos chicos" says nothing of the property.
fn sizes(text: &[Token], taken: &mut [bool]) {
    let person = |token: &Token| vocabulary::measure(token) == Some(Measure::Children);
    let size = |token: &Token| {
        vocabulary::quarter(token).is_some()
            || token.is_one_of(&["adolescentes", "menores", "mayores"])
    };
    for at in 1..text.len() {
        taken[at] |= person(&text[at - 1]) && size(&text[at]);
    }
}

/// Ages say nothing that a property is searched by, if it is children who have them.
fn ages(text: &[Token], taken: &mut [bool]) {
    let years = |token: &Token| token.is_one_of(&["ano", "anos", "mes", "meses"]);
    let children = |token: &Token| {
        token.is_one_of(&[
            "hijo", "hijos", "hija", "hijas", "nino", "ninos", "nina", "ninas", "bebe",
        ])
    };
    for end in (0..text.len()).filter(|at| years(&text[*at])) {
        let start = end.saturating_sub(8);
        if !text[start..end].iter().any(children) {
            continue;
        }
        let of = |at: &usize| text[*at].sort == Sort::Digits;
        let digits: Vec<usize> = (start..end).filter(of).collect();
        for at in digits {
            taken[at] = true;
        }
        taken[end] = true;
    }
}

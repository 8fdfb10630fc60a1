//! Numbers as Spanish writes them: 200.000, 200,000, 200 000, 200 mil, 200k, 1.5 millones, ciento veinte mil.

use crate::chat::words::{Sort, Token};

/// A number in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numeral {
    /// Its value.
    pub value: f64,
    /// The token after it.
    pub end: usize,
    /// Whether it was said with "mil", "k" or "millones".
    pub scaled: bool,
    /// The value of its last digit: 1000 for "145 mil", 10,000 for "1,25 millones".
    pub step: f64,
    /// What the number before the "mil" or "millones" was multiplied by.
    pub scale: f64,
}

const WORDS: &[(&str, f64)] = &[
    ("un", 1.0),
    ("uno", 1.0),
    ("una", 1.0),
    ("dos", 2.0),
    ("tres", 3.0),
    ("cuatro", 4.0),
    ("cinco", 5.0),
    ("seis", 6.0),
    ("siete", 7.0),
    ("ocho", 8.0),
    ("nueve", 9.0),
    ("diez", 10.0),
    ("once", 11.0),
    ("doce", 12.0),
    ("trece", 13.0),
    ("catorce", 14.0),
    ("quince", 15.0),
    ("dieciseis", 16.0),
    ("diecisiete", 17.0),
    ("dieciocho", 18.0),
    ("diecinueve", 19.0),
    ("veinte", 20.0),
    ("veintiun", 21.0),
    ("veintiuno", 21.0),
    ("veintidos", 22.0),
    ("veintitres", 23.0),
    ("veinticuatro", 24.0),
    ("veinticinco", 25.0),
    ("veintiseis", 26.0),
    ("veintisiete", 27.0),
    ("veintiocho", 28.0),
    ("veintinueve", 29.0),
    ("treinta", 30.0),
    ("cuarenta", 40.0),
    ("cincuenta", 50.0),
    ("sesenta", 60.0),
    ("setenta", 70.0),
    ("ochenta", 80.0),
    ("noventa", 90.0),
    ("cien", 100.0),
    ("ciento", 100.0),
    ("doscientos", 200.0),
    ("trescientos", 300.0),
    ("cuatrocientos", 400.0),
    ("quinientos", 500.0),
    ("seiscientos", 600.0),
    ("setecientos", 700.0),
    ("ochocientos", 800.0),
    ("novecientos", 900.0),
];

/// Whether a word is a number or a part of one.
pub fn is_word(word: &str) -> bool {
    WORDS.iter().any(|(known, _)| *known == word)
        || matches!(word, "mil" | "miles" | "millon" | "millones" | "medio")
}

/// The number that begins at this token, if one does.
pub fn read(tokens: &[Token], at: usize) -> Option<Numeral> {
    if let Some(half) = half_a_hectare(tokens, at) {
        return Some(half);
    }
    let first = group(tokens, at);
    let mut numeral = match first {
        Some(first) => scaled(tokens, first),
        None if tokens.get(at)?.is("mil") => thousands(tokens, at, 1.0, 1.0),
        None if half_a_million(tokens, at) => millions(tokens, at + 1, 0.5, 1.0),
        None => return None,
    };
    and_a_half(tokens, &mut numeral);
    // "4+ bedrooms".
    if tokens.get(numeral.end).is_some_and(|next| next.is("+")) {
        numeral.end += 1;
    }
    Some(numeral)
}

/// A number below the first "mil" or "millones": digits, or words up to 999.
fn group(tokens: &[Token], at: usize) -> Option<Numeral> {
    match tokens.get(at)?.sort {
        Sort::Digits => digits(tokens, at),
        Sort::Word => words(tokens, at),
        Sort::Mark => None,
    }
}

fn scaled(tokens: &[Token], group: Numeral) -> Numeral {
    let Some(next) = tokens.get(group.end) else {
        return group;
    };
    match next.text.as_str() {
        "mil" | "miles" => thousands(tokens, group.end, group.value, group.step),
        "k" if tokens[group.end - 1].sort == Sort::Digits => {
            multiplied(group.value, group.end + 1, 1e3, group.step)
        }
        // "1.5M" are millions, "80m" are metres.
        "m" if next.capital && next.attached && group.value < 20.0 => {
            multiplied(group.value, group.end + 1, 1e6, group.step)
        }
        "millon" | "millones" | "mm" => millions(tokens, group.end, group.value, group.step),
        _ => group,
    }
}

fn multiplied(value: f64, end: usize, scale: f64, step: f64) -> Numeral {
    Numeral {
        value: value * scale,
        end,
        scaled: true,
        step: step * scale,
        scale,
    }
}

/// "mil" at this token; "dos mil quinientos" goes on, "200 mil 3 dormitorios" does not.
fn thousands(tokens: &[Token], at: usize, value: f64, step: f64) -> Numeral {
    let mut numeral = multiplied(value, at + 1, 1e3, step);
    // "mil millones".
    if tokens.get(at + 1).is_some_and(|next| next.is("millones")) {
        return multiplied(value * 1e3, at + 2, 1e6, step * 1e3);
    }
    if let Some(rest) = words(tokens, at + 1)
        && rest.value >= 100.0
    {
        numeral.value += rest.value;
        numeral.end = rest.end;
        numeral.step = 1.0;
    }
    numeral
}

/// "millones" at this token; "un millón doscientos mil" goes on.
fn millions(tokens: &[Token], at: usize, value: f64, step: f64) -> Numeral {
    let mut numeral = multiplied(value, at + 1, 1e6, step);
    if let Some(rest) = group(tokens, at + 1)
        && rest.value < 1e3
        && tokens.get(rest.end).is_some_and(|next| next.is("mil"))
    {
        let rest = thousands(tokens, rest.end, rest.value, rest.step);
        numeral.value += rest.value;
        numeral.end = rest.end;
        numeral.step = rest.step;
    }
    numeral
}

fn half_a_million(tokens: &[Token], at: usize) -> bool {
    tokens[at].is("medio") && tokens.get(at + 1).is_some_and(|next| next.is("millon"))
}

fn half_a_hectare(tokens: &[Token], at: usize) -> Option<Numeral> {
    let half = tokens.get(at)?.is("media") && tokens.get(at + 1)?.is_one_of(&["hectarea", "ha"]);
    half.then_some(Numeral {
        value: 0.5,
        end: at + 1,
        scaled: false,
        step: 0.1,
        scale: 1.0,
    })
}

/// "millón y medio".
fn and_a_half(tokens: &[Token], numeral: &mut Numeral) {
    let half = |at: usize| tokens.get(at).is_some_and(|next| next.is("medio"));
    if numeral.scaled
        && tokens.get(numeral.end).is_some_and(|next| next.is("y"))
        && half(numeral.end + 1)
    {
        numeral.value += numeral.scale / 2.0;
        numeral.step = numeral.scale / 10.0;
        numeral.end += 2;
    }
}

/// Hundreds, tens and units in words, falling.
fn words(tokens: &[Token], at: usize) -> Option<Numeral> {
    let word = |at: usize| {
        let token = tokens.get(at)?;
        let name = token
            .text
            .replace("cientas", "cientos")
            .replace("quinientas", "quinientos");
        WORDS
            .iter()
            .find(|(word, _)| *word == name)
            .map(|(_, value)| *value)
    };
    let mut value = word(at)?;
    let mut last = value;
    let mut end = at + 1;
    loop {
        let joined = tokens.get(end).is_some_and(|next| next.is("y"));
        let next = word(if joined { end + 1 } else { end });
        match next {
            Some(next)
                if joined && (30.0..100.0).contains(&last) && last % 10.0 == 0.0 && next < 10.0 =>
            {
                end += 2;
                value += next;
                last = next;
            }
            Some(next) if !joined && last >= 100.0 && next < 100.0 => {
                end += 1;
                value += next;
                last = next;
            }
            _ => break,
        }
    }
    Some(Numeral {
        value,
        end,
        scaled: false,
        step: 1.0,
        scale: 1.0,
    })
}

fn digits(tokens: &[Token], at: usize) -> Option<Numeral> {
    let (value, decimals) = separated(&tokens[at].text)?;
    let mut numeral = Numeral {
        value,
        end: at + 1,
        scaled: false,
        step: 0.1_f64.powi(decimals),
        scale: 1.0,
    };
    spaced(tokens, at, &mut numeral);
    Some(numeral)
}

/// "200 000": groups of three that end in "00", and no "mil" after them, for "2 200 mil" is two numbers.
fn spaced(tokens: &[Token], at: usize, numeral: &mut Numeral) {
    let plain = |token: &Token| {
        token.sort == Sort::Digits && token.text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !plain(&tokens[at]) || tokens[at].text.len() > 3 || tokens[at].text.starts_with('0') {
        return;
    }
    let follows = |token: &&Token| plain(token) && token.text.len() == 3 && !token.attached;
    let groups: Vec<&str> = tokens[at + 1..]
        .iter()
        .take(3)
        .take_while(follows)
        .map(|token| token.text.as_str())
        .collect();
    let end = at + 1 + groups.len();
    let scale = ["mil", "k", "millon", "millones"];
    if !groups.last().is_some_and(|last| last.ends_with("00"))
        || tokens.get(end).is_some_and(|next| next.is_one_of(&scale))
    {
        return;
    }
    let whole = format!("{}{}", tokens[at].text, groups.concat());
    if let Ok(value) = whole.parse() {
        numeral.value = value;
        numeral.end = end;
    }
}

/// A number with its separators, and how many decimals it has. A lone separator before three digits marks thousands.
fn separated(text: &str) -> Option<(f64, i32)> {
    let marks: Vec<char> = text
        .chars()
        .filter(|letter| !letter.is_ascii_digit())
        .collect();
    let decimal = match marks.as_slice() {
        [] => None,
        [only] => (!grouped(text, *only)).then_some(*only),
        [first, .., last] if first != last => Some(*last),
        [first, ..] => {
            if !grouped(text, *first) {
                return None;
            }
            None
        }
    };
    let (whole, fraction) = match decimal {
        Some(mark) => text.rsplit_once(mark)?,
        None => (text, ""),
    };
    let thousands = whole.chars().find(|letter| !letter.is_ascii_digit());
    if thousands.is_some_and(|mark| !grouped(whole, mark)) {
        return None;
    }
    let plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    let value: f64 = format!("{plain}.{fraction}0").parse().ok()?;
    Some((value, i32::try_from(fraction.len()).ok()?))
}

/// Whether a mark cuts the digits into thousands.
fn grouped(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or("");
    (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests;

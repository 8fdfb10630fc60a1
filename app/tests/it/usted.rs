//! Whoever reads the page, the chat or an error is addressed as usted, everywhere.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that only tú and vos have, folded. "Has" is left out: the program's English has it.
const FAMILIAR: &[&str] = &[
    "tu",
    "tus",
    "ti",
    "te",
    "contigo",
    "tuyo",
    "tuya",
    "tuyos",
    "tuyas",
    "vos",
    "vosotros",
    "os",
    "vuestro",
    "vuestra",
    "eres",
    "sos",
    "haz",
    "dime",
    "decime",
    "dinos",
    "hazlo",
    "ponte",
    "fijate",
    "acordate",
    "encontraste",
    "vuelve",
    "vete",
];
/// Stems of verbs in -ar and of the others, and the endings that only tú and vos have: "cuéntame" is tú, "cuénteme" usted; "escríbeme" is tú,
/// "escríbame" usted.
const VERBS: [(&[&str], &[&str]); 2] = [
    (
        &[
            "busc",
            "necesit",
            "dese",
            "pregunt",
            "mir",
            "prob",
            "prueb",
            "us",
            "toc",
            "puls",
            "cambi",
            "compar",
            "guard",
            "agreg",
            "indic",
            "seleccion",
            "compr",
            "alquil",
            "cuent",
            "cont",
            "muestr",
            "mostr",
            "llam",
            "confirm",
            "revis",
            "intent",
            "esper",
        ],
        &["as", "aste", "ame", "anos", "ate", "alo", "ala"],
    ),
    (
        &[
            "pued", "pod", "quier", "quer", "tien", "ten", "prefier", "prefer", "escrib", "elig",
            "eleg", "sab", "deb", "abr", "vend", "viv", "vuelv", "sig", "pid",
        ],
        &["es", "iste", "eme", "enos", "ete", "elo", "ela"],
    ),
];
/// What is neither, though it looks so: nouns, and forms that usted has as well.
const OTHERS: &[&str] = &["compras", "cuentas", "muestras", "preguntas"];

#[test]
fn every_text_says_usted() {
    let mut wrong = Vec::new();
    for (file, text) in texts() {
        for word in familiar(&text) {
            wrong.push(format!("{}: «{word}» in «{text}»", file.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn familiar_words_are_noticed() {
    for (text, word) in [
        ("¿Qué buscas hoy?", "buscas"),
        ("Escríbeme qué necesitas.", "escribeme"),
        ("Cuéntame de tu familia", "cuentame"),
        ("Podés cambiar los filtros", "podes"),
        ("Te muestro seis casas", "te"),
        ("No encontraste nada; prueba otro filtro", "encontraste"),
    ] {
        assert!(
            familiar(text).iter().any(|found| found == word),
            "{text}: {:?}",
            familiar(text)
        );
    }
    for text in [
        "Escriba qué busca…",
        "Estas son las primeras 6.",
        "¿Qué busca usted?",
        "Cuénteme de la propiedad #3",
        "Compras y ventas",
    ] {
        assert_eq!(familiar(text), Vec::<String>::new(), "{text}");
    }
}

/// The words of a text that address somebody as tú or vos, folded.
pub fn familiar(text: &str) -> Vec<String> {
    let folded: String = text.to_lowercase().chars().map(plain).collect();
    let words = folded.split(|letter: char| !letter.is_alphabetic());
    words
        .filter(|word| is_familiar(word))
        .map(str::to_owned)
        .collect()
}

fn plain(letter: char) -> char {
    match letter {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' => 'u',
        other => other,
    }
}

fn is_familiar(word: &str) -> bool {
    let verb = |(stems, endings): &(&[&str], &[&str])| {
        let rests = stems.iter().filter_map(|stem| word.strip_prefix(stem));
        rests.into_iter().any(|rest| endings.contains(&rest))
    };
    (FAMILIAR.contains(&word) || VERBS.iter().any(verb)) && !OTHERS.contains(&word)
}

/// Every text of the page, and of the program's files that word answers and errors.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["ui", "src"] {
        walk(&root.join(folder), &mut files);
    }
    let mut texts = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let found = if file.extension().is_some_and(|end| end == "html") {
            vec![
                text.split('<')
                    .filter_map(|piece| Some(piece.split_once('>')?.1))
                    .collect::<Vec<_>>()
                    .join(" "),
            ]
        } else {
            literals(text)
        };
        texts.extend(found.into_iter().map(|text| (file.clone(), text)));
    }
    assert!(texts.len() > 300, "{}", texts.len());
    texts
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if is_read(&path) {
            files.push(path);
        }
    }
}

/// Code and markup; not what the parser reads, which is what others write.
fn is_read(path: &Path) -> bool {
    let parser = [
        "parse/",
        "parse.rs",
        "cues.rs",
        "amounts",
        "places",
        "vocabulary.rs",
        "rings.rs",
        "verbs.rs",
        "refusal.rs",
        "leftovers.rs",
        "numeral",
        "spelling.rs",
        "rewrite.rs",
        "words.rs",
    ];
    let told = path.to_string_lossy();
    let reads = told.contains("/src/chat/")
        && parser
            .iter()
            .any(|name| told.contains(&format!("/chat/{name}")));
    let tests = told.ends_with("tests.rs");
    !reads
        && !tests
        && path
            .extension()
            .is_some_and(|end| end == "rs" || end == "js" || end == "html")
}

/// What stands between quotation marks and holds a blank, outside of comments.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let mut letters = code.flat_map(|line| line.chars().chain(['\n'])).peekable();
    while let Some(mark) = letters.next() {
        if mark == '\'' {
            // A character of Rust, such as '"'.
            if letters.next_if_eq(&'"').is_some() {
                letters.next_if_eq(&'\'');
            }
            continue;
        }
        if mark != '"' && mark != '`' {
            continue;
        }
        let mut text = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => {
                    letters.next();
                }
                letter if letter == mark => break,
                letter => text.push(letter),
            }
        }
        if text.contains(' ') {
            found.push(text);
        }
    }
    found
}

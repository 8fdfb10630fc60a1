//! What a dump says of an extension that it wants.

use serde::Deserialize;

/// An extension that a dump asks for, or that a database has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Extension {
    pub name: String,
    /// Where its parts are to be.
    pub schema: Option<String>,
    /// The line that asks; 0 where none does.
    pub line: u64,
}

impl Extension {
    /// From `CREATE EXTENSION [IF NOT EXISTS] name [WITH] [SCHEMA schema]`, as `pg_dump` writes it; the version is the
    /// host's, whatever stands there. None when it is written in another way.
    pub fn read(statement: &str, line: u64) -> Option<Self> {
        let words = words(statement.trim().trim_end_matches(';'))?;
        let mut rest = words.as_slice();
        let mut skip = |wished: &[&str]| {
            let is_there = rest.len() >= wished.len()
                && rest.iter().zip(wished).all(|(word, wish)| word == wish);
            if is_there {
                rest = &rest[wished.len()..];
            }
            is_there
        };
        if !skip(&["create", "extension"]) {
            return None;
        }
        skip(&["if", "not", "exists"]);
        let (name, mut rest) = rest.split_first()?;
        let mut schema = None;
        if let [with, more @ ..] = rest
            && with == "with"
        {
            rest = more;
        }
        while let [key, value, more @ ..] = rest {
            match key.as_str() {
                "schema" => schema = Some(value.clone()),
                "version" => {}
                _ => return None,
            }
            rest = more;
        }
        rest.is_empty().then(|| Self {
            name: name.clone(),
            schema,
            line,
        })
    }
}

/// Names and words as `PostgreSQL` takes them: without quotes, and in small letters where there were none.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mark = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        if let Some(mark) = mark {
            let (name, after) = rest[1..].split_once(mark)?;
            // A name with its own quotes in it is none of an extension's.
            if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                return None;
            }
            words.push(name.to_owned());
            rest = after.trim_start();
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let word = &rest[..end];
            if !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return None;
            }
            words.push(word.to_lowercase());
            rest = rest[end..].trim_start();
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_written() {
        let read = |statement| {
            Extension::read(statement, 7)
                .map(|read| (read.name, read.schema.unwrap_or_default(), read.line))
        };
        let found = |name: &str, schema: &str| Some((name.to_owned(), schema.to_owned(), 7));
        for (statement, wished) in [
            (
                "\n\nCREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;",
                found("postgis", "public"),
            ),
            ("create extension Hstore;", found("hstore", "")),
            (
                "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA \"Mi Casa\";",
                found("uuid-ossp", "Mi Casa"),
            ),
            (
                "CREATE EXTENSION a SCHEMA b VERSION '1.0';",
                found("a", "b"),
            ),
            ("CREATE EXTENSION;", None),
            ("CREATE EXTENSION a CASCADE;", None),
            ("CREATE EXTENSION a/**/;", None),
            ("/* a */ CREATE EXTENSION a;", None),
            ("CREATE EXTENSION \"a\"\"b\";", None),
            ("CREATE EXTENSION \"a", None),
        ] {
            assert_eq!(read(statement), wished, "{statement}");
        }
    }
}

//! What PostgreSQL runs with. `pg_settings` says it, and `pg_file_settings` which line of which file counts: the last one, and
//! `ALTER SYSTEM` writes the file that is read last. A command line goes before all of them.

mod quantity;

use std::fmt::Write as _;

use anyhow::Result;
use serde::Deserialize;

use super::config_text::short;
use super::{Deviation, InForce};
use crate::host::system::System;
use crate::task::postgres::{SqlAnswer, ask, literal};
use quantity::is_same;

/// A row of `pg_settings`.
#[derive(Debug, Deserialize)]
struct Setting {
    name: String,
    value: String,
    unit: Option<String>,
    is_bool: bool,
    source: String,
    /// The line that counts, of all files.
    line: Option<Place>,
}

#[derive(Debug, Deserialize)]
struct Place {
    file: String,
    number: u32,
    value: String,
}

/// What PostgreSQL could not read of its files.
#[derive(Debug, Deserialize)]
struct Unread {
    file: String,
    number: u32,
    error: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    settings: Vec<Setting>,
    unread: Vec<Unread>,
}

pub async fn deviations(asked: &InForce, system: &System) -> Result<Vec<Deviation>> {
    let wished = settings(&asked.content);
    let rows = match ask(system, &question(&wished)?).await? {
        SqlAnswer::Rows(rows) => rows,
        SqlAnswer::Away(reason) => return Ok(vec![Deviation::unread(reason)]),
    };
    let answer: Answer = serde_json::from_str(rows.trim())?;
    let mut found: Vec<Deviation> = answer.unread.iter().map(Unread::told).collect();
    for (name, value) in &wished {
        let setting = answer
            .settings
            .iter()
            .find(|it| it.name == name.to_lowercase());
        found.extend(match setting {
            None => Some(Deviation::in_the_way(format!(
                "PostgreSQL knows no setting {name}"
            ))),
            Some(setting) => setting.deviation(value, &asked.path),
        });
    }
    Ok(found)
}

/// A change that waits for a restart is told by its setting, and so is none of what could not be read.
fn question(wished: &[(String, String)]) -> Result<String> {
    let mut names = String::new();
    for (name, _) in wished {
        let comma = if names.is_empty() { "" } else { ", " };
        write!(names, "{comma}{}", literal(&name.to_lowercase())?)?;
    }
    Ok(format!(
        "SELECT json_build_object('settings', (SELECT coalesce(json_agg(x), '[]') FROM (\
            SELECT s.name, current_setting(s.name) AS value, s.unit, s.vartype = 'bool' AS is_bool, s.source, \
                (SELECT json_build_object('file', f.sourcefile, 'number', f.sourceline, 'value', f.setting) FROM pg_file_settings f \
                    WHERE lower(f.name) = s.name ORDER BY f.seqno DESC LIMIT 1) AS line \
            FROM pg_settings s WHERE s.name IN ({names})) x), \
        'unread', (SELECT coalesce(json_agg(x), '[]') FROM (\
            SELECT f.sourcefile AS file, f.sourceline AS number, f.error FROM pg_file_settings f WHERE f.error IS NOT NULL \
                AND NOT EXISTS (SELECT FROM pg_settings s WHERE s.name = lower(f.name) AND s.context = 'postmaster') \
            UNION ALL SELECT current_setting('hba_file'), h.line_number, h.error FROM pg_hba_file_rules h WHERE h.error IS NOT NULL \
            UNION ALL SELECT current_setting('ident_file'), i.line_number, i.error FROM pg_ident_file_mappings i WHERE i.error IS NOT NULL\
            ) x));\n"
    ))
}

impl Unread {
    fn told(&self) -> Deviation {
        let Self {
            file,
            number,
            error,
        } = self;
        Deviation::in_the_way(format!(
            "PostgreSQL does not read {file} line {number}: {error}"
        ))
    }
}

impl Setting {
    fn deviation(&self, wished: &str, ours: &str) -> Option<Deviation> {
        let same = |value: &str| is_same(value, wished, self.unit.as_deref(), self.is_bool);
        let theirs = self
            .line
            .as_ref()
            .filter(|line| line.file != ours && !same(&line.value));
        let (name, value) = (&self.name, short(&self.value));
        let is_now = same(&self.value);
        Some(match (theirs, self.source.as_str()) {
            // What the session itself has set says nothing of the server.
            (None, "client" | "session") => return None,
            (None, _) if is_now => return None,
            (Some(line), _) if is_now => Deviation::in_the_way(format!(
                "{name} becomes {} when PostgreSQL starts next, expected {wished}: {}",
                short(&line.value),
                line.told()
            )),
            (_, "command line" | "environment variable") => Deviation::in_the_way(format!(
                "{name} is {value}, expected {wished}: PostgreSQL is started with it, which goes before every file (pg_ctl.conf, or a drop-in of its unit)"
            )),
            (Some(line), _) => Deviation::in_the_way(format!(
                "{name} is {value}, expected {wished}: {}",
                line.told()
            )),
            (None, source @ ("database" | "user" | "database user")) => {
                Deviation::in_the_way(format!(
                    "{name} is {value}, expected {wished}: it is set for the {source} (`\\drds` in psql)"
                ))
            }
            (None, _) => Deviation::unread(format!(
                "{name} is {value}, expected {wished}: PostgreSQL has not read it from {ours}"
            )),
        })
    }
}

impl Place {
    /// `ALTER SYSTEM` is what people remember of that file.
    fn told(&self) -> String {
        let Self { file, number, .. } = self;
        let by = if file.ends_with("/postgresql.auto.conf") {
            " (`ALTER SYSTEM RESET` removes it)"
        } else {
            ""
        };
        format!("{file} line {number} is read last{by}")
    }
}

/// The settings of a text: `name = value`, with or without the `=`, the value in quotes or not.
fn settings(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let end = line.find(|c: char| c.is_whitespace() || c == '=');
        let Some((name, rest)) = end.map(|end| line.split_at(end)) else {
            continue;
        };
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        found.push((name.to_owned(), value(rest)));
    }
    found
}

/// In quotes, two of them stand for one; without, a comment may follow.
fn value(text: &str) -> String {
    let Some(quoted) = text.strip_prefix('\'') else {
        return text.split('#').next().unwrap_or_default().trim().to_owned();
    };
    let mut value = String::new();
    let mut rest = quoted.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\'' && rest.next_if_eq(&'\'').is_none() {
            break;
        }
        value.push(c);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "/etc/postgresql/15/main/conf.d/citrino.conf";

    fn setting(value: &str, source: &str, line: Option<(&str, &str)>) -> Setting {
        Setting {
            name: "shared_buffers".into(),
            value: value.into(),
            unit: Some("8kB".into()),
            is_bool: false,
            source: source.into(),
            line: line.map(|(file, value)| Place {
                file: file.into(),
                number: 3,
                value: value.into(),
            }),
        }
    }

    fn told(setting: &Setting) -> Option<(String, bool)> {
        let deviation = setting.deviation("256MB", OURS)?;
        Some((deviation.what, deviation.by_us))
    }

    const AUTO: &str = "/var/lib/postgresql/15/main/postgresql.auto.conf";
    const FILE: &str = "configuration file";

    #[test]
    fn reads_what_a_file_sets() {
        let text =
            "# a = 1\nshared_buffers = 256MB # as planned\n\nlisten_addresses 'it''s, b'\nssl=on\n";
        let wished = [
            ("shared_buffers", "256MB"),
            ("listen_addresses", "it's, b"),
            ("ssl", "on"),
        ];
        let wished = wished.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(settings(text), wished);
    }

    #[test]
    fn what_counts_in_the_end_is_no_difference() {
        assert_eq!(told(&setting("256MB", FILE, Some((OURS, "256MB")))), None);
        // Somebody else says the same in other words.
        assert_eq!(
            told(&setting("256MB", FILE, Some((AUTO, "262144kB")))),
            None
        );
    }

    #[test]
    fn names_the_file_that_is_read_last() {
        let told_of = told(&setting("16MB", FILE, Some((AUTO, "16MB")))).unwrap();
        assert_eq!(
            told_of,
            (
                format!(
                    "shared_buffers is 16MB, expected 256MB: {AUTO} line 3 is read last (`ALTER SYSTEM RESET` removes it)"
                ),
                false
            )
        );
        let waits = told(&setting("256MB", FILE, Some((AUTO, "16MB")))).unwrap();
        assert!(
            waits
                .0
                .starts_with("shared_buffers becomes 16MB when PostgreSQL starts next"),
            "{}",
            waits.0
        );
    }

    #[test]
    fn a_command_line_goes_before_every_file() {
        let told_of = told(&setting("16MB", "command line", Some((OURS, "256MB")))).unwrap();
        assert!(
            told_of.0.contains("is started with it") && !told_of.1,
            "{told_of:?}"
        );
    }

    #[test]
    fn what_only_has_to_be_read_is_ours_to_mend() {
        let told_of = told(&setting("128MB", FILE, Some((OURS, "256MB")))).unwrap();
        assert!(told_of.1, "{told_of:?}");
        assert!(told(&setting("128MB", "default", None)).unwrap().1);
    }
}

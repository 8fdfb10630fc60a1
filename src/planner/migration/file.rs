//! The rules for one file, and for the pair of a way forward and the way back.

use std::collections::BTreeSet;

use super::change::{self, Effect, FLOORS, KnownSchema};
use super::statement::{Statement, head, statements};
use super::{Finding, LintRule, MigrationText};

/// As sqlx reads it: then the file is not one transaction.
const NO_TRANSACTION: &str = "-- no-transaction";
/// How long a lock may be waited for, in milliseconds: all who come later wait behind.
const LONGEST_WAIT: u64 = 10_000;
/// How long a statement may take, in milliseconds.
const LONGEST: u64 = 15 * 60_000;
/// How long writers of a table may be kept out, in milliseconds.
const LONGEST_BLOCK: u64 = 60_000;

/// A file that is called as a migration is.
pub struct MigrationFile {
    name: String,
    text: String,
    pub version: u64,
    slug: String,
    pub is_up: bool,
    statements: Result<Vec<Statement>, (u64, String)>,
}

impl MigrationFile {
    pub fn of(source: &MigrationText) -> Option<Self> {
        let stem = source.name.strip_suffix(".sql")?;
        let (stem, side) = stem.rsplit_once('.')?;
        let (number, slug) = stem.split_once('_')?;
        let is_named = number.len() == 4 && !slug.is_empty() && matches!(side, "up" | "down");
        let version = number.parse().ok().filter(|_| is_named)?;
        Some(Self {
            name: source.name.clone(),
            text: source.text.clone(),
            version,
            slug: slug.to_owned(),
            is_up: side == "up",
            statements: statements(&source.text),
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn finding(&self, line: u64, rule: LintRule, what: String) -> Finding {
        Finding {
            file: self.name.clone(),
            line,
            rule,
            what,
        }
    }

    pub fn unique_indices(&self) -> impl Iterator<Item = String> {
        self.said().iter().filter_map(change::unique_index)
    }

    fn said(&self) -> &[Statement] {
        self.statements.as_deref().unwrap_or_default()
    }

    fn is_no_transaction(&self) -> bool {
        self.text.starts_with(NO_TRANSACTION)
    }

    /// What is wrong with a way forward.
    pub fn forward(&self, unique: &BTreeSet<String>) -> Vec<Finding> {
        let mut findings = self.bounds();
        findings.extend(self.marks());
        let is_marked = self.said().iter().any(change::sets_floor);
        let mut made = BTreeSet::new();
        for statement in self.said() {
            let effect = change::effect(
                statement,
                &KnownSchema {
                    made: &made,
                    unique,
                },
            );
            findings.extend(self.judged(statement, effect, is_marked));
            made.extend(change::made(statement));
        }
        findings
    }

    fn judged(&self, statement: &Statement, effect: Effect, is_marked: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mark = format!(
            "INSERT INTO {FLOORS} (version, floor) VALUES ({}, F);",
            self.version
        );
        let mut find = |rule, what| findings.push(self.finding(statement.line, rule, what));
        if !is_marked {
            for taken in effect.takes {
                find(
                    LintRule::Contraction,
                    format!(
                        "it {taken}; add `{mark}` where F is the newest migration of the first release that works without it"
                    ),
                );
            }
        }
        match effect.fault {
            Some((LintRule::NotUnderstood, what)) if !is_marked => find(
                LintRule::NotUnderstood,
                format!(
                    "{what}; write it in plain statements, or add `{mark}` with F = 1 if it removes nothing"
                ),
            ),
            Some((LintRule::NotUnderstood, _)) | None => {}
            Some((rule, what)) => find(rule, what),
        }
        let bound = self.limit("statement_timeout").unwrap_or(LONGEST);
        if effect.blocks && !self.is_no_transaction() && bound > LONGEST_BLOCK {
            find(
                LintRule::Index,
                "it scans an existing table and blocks writers meanwhile; set statement_timeout to at most 60s, or create the index CONCURRENTLY in a file with -- no-transaction".to_owned(),
            );
        }
        findings
    }

    /// What is wrong with the way back from `up`.
    pub fn back(&self, up: &Self) -> Vec<Finding> {
        let mut findings = self.bounds();
        if self.slug != up.slug {
            findings.push(self.finding(
                1,
                LintRule::Numbering,
                format!("it reverts {}; give both the same name", up.name),
            ));
        }
        let version = self.version.to_string();
        let wished = ["delete", "from", FLOORS, "where", "version", "="];
        let frees = |statement: &&Statement| statement.begins(&wished);
        let freed = self.said().iter().find(frees);
        match freed {
            Some(found) if found.words.get(wished.len()..) != Some(std::slice::from_ref(&version)) => {
                findings.push(self.finding(found.line, LintRule::Mark, format!("it removes another mark than {version}, its own")));
            }
            None if up.said().iter().any(change::sets_floor) => findings.push(self.finding(
                1,
                LintRule::Down,
                format!("the floor would stay; begin with `DELETE FROM {FLOORS} WHERE version = {version};`"),
            )),
            _ => {}
        }
        if head(&self.text).any(|line| {
            line.trim_start_matches(['-', ' '])
                .starts_with("loses nothing")
        }) {
            let lossy = self
                .said()
                .iter()
                .filter(|statement| !change::loses_nothing(statement));
            findings.extend(lossy.map(|statement| {
                let what = "its comment says that it loses nothing, but this may lose rows or values; remove the comment";
                self.finding(statement.line, LintRule::LosesNothing, what.to_owned())
            }));
        }
        findings
    }

    /// Nothing waits without an end; and a file is one transaction, or one statement that cannot be in one.
    fn bounds(&self) -> Vec<Finding> {
        let statements = match &self.statements {
            Ok(statements) => statements,
            Err((line, reason)) => {
                return vec![self.finding(
                    *line,
                    LintRule::NotUnderstood,
                    format!("it cannot be parsed from here on ({reason})"),
                )];
            }
        };
        let beside = |statement: &Statement| statement.has("concurrently");
        if self.is_no_transaction() {
            let alone = matches!(statements.as_slice(), [only] if beside(only));
            let what = "a file without a transaction must have one statement, which works CONCURRENTLY; otherwise a failure half way could not be detected";
            return Vec::from_iter(
                (!alone).then(|| self.finding(1, LintRule::Transaction, what.to_owned())),
            );
        }
        let mut findings: Vec<Finding> = [
            ("lock_timeout", LONGEST_WAIT),
            ("statement_timeout", LONGEST),
        ]
        .into_iter()
        .filter_map(|(name, most)| self.unbounded(name, most))
        .collect();
        findings.extend(statements.iter().filter(|one| beside(one)).map(|statement| {
            let what = format!("CONCURRENTLY does not work in a transaction; put it alone into a file that begins with `{NO_TRANSACTION}`");
            self.finding(statement.line, LintRule::Transaction, what)
        }));
        findings
    }

    fn unbounded(&self, name: &str, most: u64) -> Option<Finding> {
        let what = match self.limit(name) {
            Some(limit) if (1..=most).contains(&limit) => return None,
            Some(_) => format!("{name} is 0 or above {} s; set a lower one", most / 1000),
            None => format!(
                "it may wait for ever: {name} is missing; begin with SET LOCAL lock_timeout and SET LOCAL statement_timeout"
            ),
        };
        let line = self.said().first().map_or(1, |statement| statement.line);
        Some(self.finding(line, LintRule::Timeouts, what))
    }

    /// What one of the first two statements sets a limit to, in milliseconds.
    fn limit(&self, name: &str) -> Option<u64> {
        let found = self
            .said()
            .iter()
            .take(2)
            .find(|statement| statement.begins(&["set", "local", name]))?;
        match found.words.get(3..) {
            Some([equals, value]) if equals == "=" || equals == "to" => {
                milliseconds(value.trim_matches('\''))
            }
            _ => None,
        }
    }

    fn marks(&self) -> Vec<Finding> {
        let marks: Vec<&Statement> = self
            .said()
            .iter()
            .filter(|statement| change::sets_floor(statement))
            .collect();
        let mut findings = Vec::new();
        for (index, mark) in marks.iter().enumerate() {
            if let Some(what) = self.wrong_mark(mark, index) {
                findings.push(self.finding(mark.line, LintRule::Mark, what));
            }
        }
        findings
    }

    /// The app reads the mark too, by its line.
    fn wrong_mark(&self, mark: &Statement, index: usize) -> Option<String> {
        let version = self.version;
        if index > 0 {
            return Some("it sets the floor twice; keep one".to_owned());
        }
        let place = usize::try_from(mark.line).unwrap_or(1).saturating_sub(1);
        let line = self.text.lines().nth(place).unwrap_or_default().trim();
        let pair = line
            .strip_prefix(&format!("INSERT INTO {FLOORS} (version, floor) VALUES ("))
            .and_then(|rest| rest.strip_suffix(");"))
            .and_then(|pair| pair.split_once(", "));
        let Some((Ok(own), Ok(floor))) =
            pair.map(|(own, floor)| (own.parse::<u64>(), floor.parse::<u64>()))
        else {
            return Some(format!(
                "write it as `INSERT INTO {FLOORS} (version, floor) VALUES ({version}, F);` on a line of its own"
            ));
        };
        if own != version {
            return Some(format!("it marks {own}, but this is {version}"));
        }
        (!(1..=version).contains(&floor)).then(|| {
            format!("its floor is {floor}, so only a release with newer migrations could run on it; set 1 to {version}")
        })
    }
}

/// A time as `PostgreSQL` writes it; a bare number is of milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

//! The rules for the app's migrations, checked on their text without a database (migrations/README.md has them).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

mod change;
mod file;
mod statement;

use file::MigrationFile;

/// A file of the folder, by its name there.
#[derive(Clone, Debug)]
pub struct MigrationText {
    pub name: String,
    pub text: String,
}

/// A rule that a file breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub file: String,
    /// From 1.
    pub line: u64,
    pub rule: LintRule,
    /// What is wrong and what to do, as one sentence.
    pub what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintRule {
    /// It removes something that older releases use, and does not set the floor.
    Contraction,
    /// It sets the floor in a wrong way.
    Mark,
    /// It may wait without a time limit.
    Timeouts,
    /// It blocks writers for too long.
    Index,
    /// It is not one transaction, or must not be.
    Transaction,
    /// Its number or name does not fit the others.
    Numbering,
    /// Its down migration is missing or wrong.
    Down,
    /// The down migration claims that it loses nothing, but does.
    LosesNothing,
    /// It cannot be parsed.
    NotUnderstood,
}

impl fmt::Display for LintRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contraction => "contraction",
            Self::Mark => "mark",
            Self::Timeouts => "timeouts",
            Self::Index => "index",
            Self::Transaction => "transaction",
            Self::Numbering => "numbering",
            Self::Down => "down",
            Self::LosesNothing => "loses nothing",
            Self::NotUnderstood => "not understood",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}: {}",
            self.file, self.line, self.rule, self.what
        )
    }
}

/// All that is wrong with these files, by file and line.
pub fn lint(sources: &[MigrationText]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut ups: BTreeMap<u64, MigrationFile> = BTreeMap::new();
    let mut downs: BTreeMap<u64, MigrationFile> = BTreeMap::new();
    for source in sources {
        let Some(migration) = MigrationFile::of(source) else {
            let what = "a migration must be named NNNN_name.up.sql or NNNN_name.down.sql; sqlx would misread this name";
            findings.push(numbering(&source.name, what.to_owned()));
            continue;
        };
        let side = if migration.is_up {
            &mut ups
        } else {
            &mut downs
        };
        let (version, name) = (migration.version, source.name.clone());
        if let Some(other) = side.insert(version, migration) {
            let what = format!(
                "{version:04} is also the number of {}; give one of them the next free number",
                other.name()
            );
            findings.push(numbering(&name, what));
        }
    }
    findings.extend(gaps(&ups));
    // An ON CONFLICT of a release may stand on it.
    let unique: BTreeSet<String> = ups
        .values()
        .flat_map(MigrationFile::unique_indices)
        .collect();
    for (version, up) in &ups {
        findings.extend(up.forward(&unique));
        match downs.get(version) {
            Some(down) => findings.extend(down.back(up)),
            None => findings.push(up.finding(
                1,
                LintRule::Down,
                "it has no down migration; write one that reverts it".to_owned(),
            )),
        }
    }
    for (version, down) in &downs {
        if !ups.contains_key(version) {
            findings.push(numbering(
                down.name(),
                "it reverts a migration that does not exist".to_owned(),
            ));
        }
    }
    findings.sort();
    findings
}

fn gaps(ups: &BTreeMap<u64, MigrationFile>) -> Vec<Finding> {
    let wished = 1_u64..;
    let odd = ups
        .iter()
        .zip(wished)
        .find(|((version, _), wished)| **version != *wished);
    let what = odd.map(|((_, up), wished)| {
        numbering(
            up.name(),
            format!("{wished:04} is missing before it; numbers must have no gaps"),
        )
    });
    Vec::from_iter(what)
}

fn numbering(file: &str, what: String) -> Finding {
    Finding {
        file: file.to_owned(),
        line: 1,
        rule: LintRule::Numbering,
        what,
    }
}

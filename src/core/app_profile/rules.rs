//! What no single key of a profile shows: words that a command must have, and names that must not meet.

use super::{AppProfile, Argv};
use crate::core::value::SystemName;

/// The names of values: those that a command must have, and those that it may have.
#[derive(Clone, Copy)]
struct Placeholders {
    must: &'static [&'static str],
    may: &'static [&'static str],
}

const NOTHING: Placeholders = Placeholders {
    must: &[],
    may: &[],
};
const SERVE: Placeholders = Placeholders {
    must: &["bind"],
    may: &["settings"],
};
const DOWN: Placeholders = Placeholders {
    must: &["version"],
    may: &[],
};
const LOAD: Placeholders = Placeholders {
    must: &["file"],
    may: &["table", "source"],
};

/// What is wrong with a key.
pub struct Wrong {
    /// The keys that lead to it.
    pub path: Vec<String>,
    pub why: String,
}

impl AppProfile {
    /// All that is wrong with a profile whose values are right one by one.
    pub fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.wrong_commands();
        wrongs.extend(self.wrong_names());
        wrongs.extend(self.wrong_import());
        wrongs.extend(self.wrong_checks());
        wrongs
    }

    fn wrong_commands(&self) -> Vec<Wrong> {
        let commands = &self.commands;
        let mut all: Vec<(&[&str], &Argv, Placeholders)> = vec![
            (&["commands", "serve"], &commands.serve, SERVE),
            (
                &["commands", "migrate", "run"],
                &commands.migrate.run,
                NOTHING,
            ),
            (
                &["commands", "migrate", "check"],
                &commands.migrate.check,
                NOTHING,
            ),
            (&["commands", "down"], &commands.down, DOWN),
            (&["commands", "describe"], &commands.describe, NOTHING),
            (&["commands", "status"], &commands.status, NOTHING),
        ];
        if let Some(demo) = &commands.demo {
            all.push((&["commands", "demo", "run"], &demo.run, NOTHING));
            all.push((&["commands", "demo", "check"], &demo.check, NOTHING));
        }
        if let Some(import) = &self.import {
            all.push((&["import", "load", "run"], &import.load.run, LOAD));
            all.push((&["import", "load", "check"], &import.load.check, LOAD));
        }
        let wrongs = all.into_iter().flat_map(|(path, argv, known)| {
            let whys = wrong_argv(argv, known);
            whys.into_iter().map(|why| wrong(path, why))
        });
        wrongs.collect()
    }

    fn wrong_names(&self) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        if self.name.is_of_the_tool() {
            let why = format!(
                "is `{}`: names that begin with `citrino-` are citrino-ops's own",
                self.name
            );
            wrongs.push(wrong(&["name"], why));
        }
        for (key, path) in [("folder", &self.folder), ("data", &self.data)] {
            if *path == self.home {
                let why =
                    "is the home itself, which the app's user owns; name a folder that root owns";
                wrongs.push(wrong(&[key], why.to_owned()));
            }
        }
        wrongs.extend(self.wrong_trial_user());
        wrongs.extend(self.wrong_too_large());
        if self.folder == self.data {
            let why = "is the same folder as `folder`; each needs its own".to_owned();
            wrongs.push(wrong(&["data"], why));
        }
        wrongs
    }

    fn wrong_too_large(&self) -> Option<Wrong> {
        let answer = &self.too_large.as_ref()?.answer;
        let why = "stands between quotes in nginx's configuration: it cannot have `'`, `\\` or `$`";
        let path = ["too_large", "answer"];
        answer
            .contains(['\'', '\\', '$'])
            .then(|| wrong(&path, why.to_owned()))
    }

    fn wrong_trial_user(&self) -> Option<Wrong> {
        if self.trial_user.as_ref() == Some(&self.user) {
            let why =
                "is `user`: a release that is checked must not run as the user of the live one";
            return Some(wrong(&["trial_user"], why.to_owned()));
        }
        let name = self.trial_user();
        SystemName::try_from(name.clone()).err().map(|_| {
            let why = format!("is too long for `{name}`; give `trial_user` a name");
            wrong(&["user"], why)
        })
    }

    fn wrong_import(&self) -> Vec<Wrong> {
        let tables = self.import.iter().flat_map(|import| &import.tables);
        let wrongs = tables.enumerate().filter_map(|(index, table)| {
            let why = if table.columns.is_empty() {
                "is empty: every file would be taken for this table".to_owned()
            } else {
                let upper = |column: &&String| **column != column.to_lowercase();
                let column = table.columns.iter().find(upper)?;
                format!("must be in lower case, not `{column}`: files are compared so")
            };
            let index = index.to_string();
            Some(wrong(&["import", "tables", &index, "columns"], why))
        });
        wrongs.collect()
    }

    fn wrong_checks(&self) -> Vec<Wrong> {
        let checks = self.data_checks.iter().enumerate();
        let empty = checks.filter(|(_, check)| check.file.is_none() && check.sql.trim().is_empty());
        empty
            .map(|(index, _)| {
                let why = "has neither `file` nor `sql`: nothing would be asked".to_owned();
                wrong(&["data_checks", &index.to_string()], why)
            })
            .collect()
    }
}

fn wrong(path: &[&str], why: String) -> Wrong {
    let path = path.iter().map(|part| (*part).to_owned()).collect();
    Wrong { path, why }
}

/// A command has all that is known when it is run, and names nothing else.
fn wrong_argv(argv: &Argv, known: Placeholders) -> Vec<String> {
    let lacks = known.must.iter().filter(|name| !argv.names(name));
    let mut whys: Vec<String> = lacks
        .map(|name| format!("does not say where `{{{name}}}` goes"))
        .collect();
    let names = known.must.iter().chain(known.may);
    let values: Vec<(&str, &str)> = names.map(|name| (*name, "")).collect();
    let filled = argv.with(&values);
    if let Some(word) = filled.iter().find(|word| word.contains(['{', '}'])) {
        whys.push(format!("has `{word}`, but nothing is put in its place"));
    }
    whys
}

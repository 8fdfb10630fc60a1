//! Whether what was imported is fit to serve: all that the live database has, indexes that are used, and what else the app's
//! profile asks of its data.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::core::app_profile::DataObject;
use crate::core::error::{Code, Fault};
use crate::host::system::System;
use crate::task::postgres::app_role::AppRole;
use crate::task::postgres::{SqlAnswer, reader};

/// How many of a kind are told.
const SHOWN: usize = 8;

/// Looks at a database that is to take the live one's place, and gives what is worth a line and no fault.
///
/// # Errors
/// E0453 with all that is not as it should be.
pub async fn look(system: &System, live: &str, fresh: &str, role: &AppRole) -> Result<Vec<String>> {
    let shape = include_str!("shape.sql");
    let wished: BTreeSet<String> = read(reader::ask(system, live, shape).await?)?;
    let there: BTreeSet<String> = read(reader::ask(system, fresh, shape).await?)?;
    let unusable: Vec<String> =
        read(reader::ask(system, fresh, include_str!("unusable.sql")).await?)?;
    let mut faults = faults(&wished, &there, &unusable);
    let mut notes = Vec::new();
    for check in &system.app().data_checks {
        let found: Vec<DataObject> = read(role.ask_as_app(system, fresh, &check.sql).await?)?;
        faults.extend(check.faults(&found));
        notes.extend(check.notes(&found));
    }
    let code = include_str!("code.sql");
    faults.extend(foreign(
        &read(reader::ask(system, live, code).await?)?,
        &read(reader::ask(system, fresh, code).await?)?,
    ));
    if faults.is_empty() {
        return Ok(notes);
    }
    Err(failed(&faults.join("; ")).into())
}

/// Why what was imported does not take the live database's place.
pub fn failed(why: &str) -> Fault {
    Fault::new(
        Code::E0453,
        format!("the imported data cannot go live: {why}"),
    )
    .hint("the live database is unchanged; correct the data at its source, and import it again")
}

fn read<T: for<'de> Deserialize<'de>>(answer: SqlAnswer) -> Result<T> {
    match answer {
        SqlAnswer::Away(reason) => Err(Fault::new(Code::E0421, reason).into()),
        SqlAnswer::Rows(rows) => {
            serde_json::from_str(rows.trim()).context("the report on the import cannot be parsed")
        }
    }
}

fn faults(wished: &BTreeSet<String>, there: &BTreeSet<String>, unusable: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let missing: Vec<&String> = wished.difference(there).collect();
    if !missing.is_empty() {
        faults.push(format!(
            "it lacks what the live database has: {}",
            some(&missing)
        ));
    }
    if !unusable.is_empty() {
        faults.push(format!(
            "PostgreSQL does not use these indexes: {}",
            some(unusable)
        ));
    }
    faults
}

/// What would be in production and is not the app's: it may wait for somebody who may do more than the app.
fn foreign(live: &BTreeMap<String, String>, fresh: &BTreeMap<String, String>) -> Option<String> {
    let foreign: Vec<&String> = fresh
        .iter()
        .filter(|(what, text)| live.get(*what) != Some(text))
        .map(|(what, _)| what)
        .collect();
    (!foreign.is_empty()).then(|| {
        format!(
            "it has code that the live database does not have: {}",
            some(&foreign)
        )
    })
}

fn some(all: &[impl AsRef<str>]) -> String {
    let mut shown: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = format!("and {} more", all.len().saturating_sub(SHOWN));
    if all.len() > SHOWN {
        shown.push(&more);
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn what_is_more_than_the_live_one_has_is_no_fault() {
        let live = set(&["the table a", "the index b"]);
        assert!(
            faults(
                &live,
                &set(&["the table a", "the index b", "the table c"]),
                &[]
            )
            .is_empty()
        );
        assert_eq!(
            faults(&live, &set(&["the table a"]), &[]),
            ["it lacks what the live database has: the index b"]
        );
    }

    #[test]
    fn code_that_is_more_or_other_than_the_live_ones_is_a_fault() {
        let map = |all: &[(&str, &str)]| {
            all.iter()
                .map(|(what, text)| ((*what).to_owned(), (*text).to_owned()))
                .collect()
        };
        let live = map(&[("the function a()", "1"), ("the function b()", "2")]);
        assert_eq!(foreign(&live, &map(&[("the function a()", "1")])), None);
        let fresh = map(&[
            ("the function a()", "1"),
            ("the function b()", "3"),
            ("the operator public.+(a,b)", "x"),
        ]);
        assert_eq!(
            foreign(&live, &fresh).unwrap(),
            "it has code that the live database does not have: the function b(), the operator public.+(a,b)"
        );
    }

    #[test]
    fn a_long_list_is_cut_short() {
        let all: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(some(&all), "0, 1, 2, 3, 4, 5, 6, 7, and 2 more");
    }
}

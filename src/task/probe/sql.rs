//! Does `PostgreSQL` answer a query, with this, how fast, and by which index?

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::super::postgres::SqlAnswer;
use super::super::postgres::app_role::ask_for_operator;
use super::measured::measured;
use crate::core::engine::CheckResult;
use crate::core::error::{Code, Fault};
use crate::host::system::System;

/// A query that reads; one that writes is refused by `PostgreSQL`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    pub database: String,
    pub query: String,
    /// The rows as `psql -A -t` prints them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<f64>,
}

/// The planner can use this index for the query. In a table of few rows it rightly reads all of them, so that way is made
/// dear to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexUsed {
    pub database: String,
    pub query: String,
    pub index: String,
}

impl Sql {
    /// The query runs twice on one connection and the second is timed: a new connection first
    /// loads `PostGIS` and fills its caches, which those of the app's pool did long ago.
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let query = statement(&self.query);
        let script = format!("{READ_ONLY}{query}\\echo {MARK}\n\\timing on\n{query}");
        let printed = match rows(system, &self.database, &script).await? {
            Ok(printed) => printed,
            Err(reason) => return Ok(CheckResult::differs(reason)),
        };
        let Some((rows, took_ms)) = timed(&printed) else {
            return Ok(CheckResult::differs(
                "psql did not report how long the query took",
            ));
        };
        let look = measured("the query took", took_ms, "ms", self.max_ms);
        let mut what = Vec::new();
        if let Some(wished) = &self.expect
            && wished.trim() != rows
        {
            what.push(format!("the query returned `{rows}`, expected `{wished}`"));
        }
        what.extend(look.change.into_iter().flat_map(|change| change.what));
        Ok(CheckResult {
            figure: look.figure,
            ..CheckResult::from(what)
        })
    }
}

impl IndexUsed {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let query = statement(&self.query);
        let script = format!("{READ_ONLY}SET enable_seqscan = off;\nEXPLAIN (FORMAT TEXT) {query}");
        Ok(match rows(system, &self.database, &script).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(plan) if names(&plan, &self.index) => CheckResult::same(),
            Ok(plan) => CheckResult::differs(format!(
                "the query does not use {}: {}",
                self.index,
                plan.lines().next().unwrap_or_default().trim()
            )),
        })
    }
}

const READ_ONLY: &str = "SET default_transaction_read_only = on;\n";
/// Between the output of the two runs.
const MARK: &str = "-- second --";

fn statement(query: &str) -> String {
    format!("{};\n", query.trim().trim_end_matches(';'))
}

/// The rows, or why there are none: a query that `PostgreSQL` refuses is a bad answer, and in a
/// deploy the table may come in a moment.
async fn rows(system: &System, database: &str, script: &str) -> Result<Result<String, String>> {
    match ask_for_operator(system, database, script).await {
        Ok(SqlAnswer::Rows(rows)) => Ok(Ok(rows)),
        Ok(SqlAnswer::Away(reason)) => Ok(Err(reason)),
        Err(error) => match error.downcast_ref::<Fault>() {
            Some(fault) if fault.code == Code::E0402 => Ok(Err(fault.message.clone())),
            _ => Err(error),
        },
    }
}

/// The rows of the second run, and what `\timing` says of it: `Time: 1234.5 ms (00:01.235)`.
fn timed(printed: &str) -> Option<(&str, f64)> {
    let (_, second) = printed.split_once(&format!("{MARK}\n"))?;
    let (rows, time) = match second.rfind("\nTime: ") {
        Some(at) => (&second[..at], &second[at + 1..]),
        None => ("", second),
    };
    let took = time.strip_prefix("Time: ")?.split_once(" ms")?.0;
    Some((rows.trim(), took.parse().ok()?))
}

/// Whether a plan has this index as a whole word, as in `Index Scan using NAME on` and `Bitmap
/// Index Scan on NAME`.
fn names(plan: &str, index: &str) -> bool {
    plan.lines()
        .filter(|line| line.contains("Index"))
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || c == '"'))
        .any(|word| word == index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rows_and_time_of_the_second_run() {
        let printed = "10\n-- second --\n10\nTime: 3.250 ms\n";
        assert_eq!(timed(printed), Some(("10", 3.25)));
        let slow = "-- second --\na|b\nc|d\nTime: 1234.500 ms (00:01.235)\n";
        assert_eq!(timed(slow), Some(("a|b\nc|d", 1234.5)));
        assert_eq!(timed("-- second --\nTime: 0.100 ms\n"), Some(("", 0.1)));
        assert_eq!(timed("10\n"), None);
    }

    #[test]
    fn finds_an_index_in_a_plan_by_its_whole_name() {
        let plan = "Bitmap Heap Scan on servicios  (cost=4.17 rows=3)\n  ->  Bitmap Index Scan on idx_servicios_coordenadas  (cost=0.00)\n";
        assert!(names(plan, "idx_servicios_coordenadas"));
        assert!(!names(plan, "idx_servicios"));
        assert!(!names(plan, "servicios"));
        assert!(names(
            "Index Scan using propiedades_pkey on propiedades  (cost=0.28)\n",
            "propiedades_pkey"
        ));
        assert!(!names("Seq Scan on servicios  (cost=0.00)\n", "servicios"));
    }
}

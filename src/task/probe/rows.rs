//! Does a table have the rows that it should have?

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::super::postgres::{LOCK_WITHIN, SqlAnswer, literal, reader};
use crate::core::engine::CheckResult;
use crate::host::system::System;

/// A table that had rows in a backup has some still. One that never had any may be empty: its data is to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    pub database: String,
    /// Of the schema `public`.
    pub table: String,
    /// How many rows it had in the newest backup in which it had any.
    #[serde(default)]
    pub had: u64,
    /// The name of that backup.
    #[serde(default)]
    pub backup: String,
}

impl Rows {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        match reader::ask(system, &self.database, &self.count()?).await? {
            SqlAnswer::Away(reason) => Ok(CheckResult::differs(reason)),
            SqlAnswer::Rows(rows) => Ok(self.judge(rows.trim())),
        }
    }

    /// Counts where there is such a table, and else gives no row.
    fn count(&self) -> Result<String> {
        let table = literal(&self.table)?;
        Ok(format!(
            "SET lock_timeout = {LOCK_WITHIN};\n\
             SELECT format('SELECT count(*) FROM %I.%I', n.nspname, c.relname) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname = {table}\n\\gexec\n"
        ))
    }

    fn judge(&self, count: &str) -> CheckResult {
        let Ok(rows) = count.parse::<u32>() else {
            return CheckResult::differs(format!("there is no table {}", self.table));
        };
        if rows > 0 || self.had == 0 {
            return CheckResult::same().with_figure(rows.into(), "rows", None);
        }
        CheckResult::differs(format!(
            "{} is empty; it had {} rows in backup {}",
            self.table, self.had, self.backup
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(had: u64) -> Rows {
        Rows {
            database: "shop".into(),
            table: "it's".into(),
            had,
            backup: "shop_1".into(),
        }
    }

    #[test]
    fn an_empty_table_is_a_fault_only_where_it_had_rows() {
        let faults = |had, count| {
            let change = rows(had).judge(count).change;
            change.map_or(Vec::new(), |change| change.what)
        };
        for (had, count) in [(0, "0"), (0, "7"), (1588, "1")] {
            assert_eq!(faults(had, count), [""; 0]);
        }
        assert_eq!(
            faults(1588, "0"),
            ["it's is empty; it had 1588 rows in backup shop_1"]
        );
        assert_eq!(faults(0, ""), ["there is no table it's"]);
    }

    #[test]
    fn the_name_of_the_table_is_a_text() {
        let sql = rows(0).count().unwrap();
        assert!(sql.contains("c.relname = 'it''s'"), "{sql}");
    }
}

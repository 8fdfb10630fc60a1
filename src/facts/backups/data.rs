//! What backups say of the app's data: which of its tables had rows.

use serde::Serialize;

use super::{BackupManifest, Backups};
use crate::core::app_profile::AppProfile;

/// A table that `db import` fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataTable {
    pub table: String,
    /// How many rows it had in the newest backup in which it had any; 0 where it never had.
    pub had: u64,
    /// The name of that backup; empty where there is none.
    pub backup: String,
}

impl Backups {
    /// The tables of the profile's import that the newest backup knows, in their order.
    pub fn data_tables(&self, app: &AppProfile) -> Vec<DataTable> {
        let newest = self.newest().map(|backup| &backup.rows);
        let tables = app.import.iter().flat_map(|import| &import.tables);
        tables
            .map(|table| table.name.to_string())
            .filter(|table| newest.is_some_and(|rows| rows.contains_key(table)))
            .map(|table| self.data_table(table))
            .collect()
    }

    fn data_table(&self, table: String) -> DataTable {
        let had = |backup: &BackupManifest| backup.rows.get(&table).copied().unwrap_or(0);
        let last = self.whole.iter().find(|backup| had(backup) > 0);
        DataTable {
            had: last.map_or(0, had),
            backup: last.map_or(String::new(), |backup| backup.name.clone()),
            table,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn backup(name: &str, rows: &[(&str, u64)]) -> BackupManifest {
        let rows = rows
            .iter()
            .map(|(table, rows)| ((*table).to_owned(), *rows));
        BackupManifest {
            name: name.into(),
            rows: rows.collect::<BTreeMap<_, _>>(),
            ..BackupManifest::default()
        }
    }

    /// A backup of the empty database is the newest soon after the rows are gone: it must not hide that there were some.
    #[test]
    fn rows_of_an_older_backup_are_not_forgotten_for_a_newer_empty_one() {
        let backups = Backups {
            whole: vec![
                backup(
                    "b3",
                    &[("propiedades", 0), ("servicios", 0), ("sesiones", 0)],
                ),
                backup("b2", &[("propiedades", 1588), ("servicios", 0)]),
                backup("b1", &[("propiedades", 794), ("servicios", 0)]),
            ],
            ..Backups::default()
        };
        let table = |table: &str, had, backup: &str| DataTable {
            table: table.into(),
            had,
            backup: backup.into(),
        };
        assert_eq!(
            backups.data_tables(&AppProfile::default()),
            [table("servicios", 0, ""), table("propiedades", 1588, "b2")]
        );
        assert_eq!(Backups::default().data_tables(&AppProfile::default()), []);
    }
}

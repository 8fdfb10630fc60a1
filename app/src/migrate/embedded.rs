//! The migrations that this release embeds.

use std::fmt::Write;

use anyhow::bail;
use sqlx::migrate::{Migration, Migrator};

/// The migrations of `migrations/`, in order. Applied versions that only a newer release knows are ignored.
pub static MIGRATOR: Migrator = {
    let mut migrator = sqlx::migrate!("../migrations");
    migrator.ignore_missing = true;
    migrator
};

/// sqlx's own table of applied migrations.
pub const APPLIED: &str = "_sqlx_migrations";

/// The up migrations, oldest first.
pub fn ups() -> impl DoubleEndedIterator<Item = &'static Migration> {
    MIGRATOR
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration())
}

/// The down migration of a version.
pub fn down_of(version: i64) -> Option<&'static Migration> {
    MIGRATOR.iter().find(|migration| {
        migration.version == version && migration.migration_type.is_down_migration()
    })
}

/// The newest version that this release knows; 0 without any.
pub fn newest() -> i64 {
    ups().last().map_or(0, |migration| migration.version)
}

/// The name of the newest migration, for people.
pub fn newest_name() -> String {
    ups().last().map_or_else(|| "no migration".to_owned(), name)
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The name of its file: `0004_piso_del_esquema`.
pub fn name(migration: &Migration) -> String {
    let description = migration.description.replace(' ', "_");
    format!("{:04}_{description}", migration.version)
}

/// Whether a down migration says in its first comment lines that it loses nothing. The lint of citrino-ops checks that.
pub fn loses_nothing(down: &Migration) -> bool {
    let head = down.sql.as_str().lines().map(str::trim);
    head.take_while(|line| line.starts_with("--")).any(|line| {
        line.trim_start_matches(['-', ' '])
            .starts_with("loses nothing")
    })
}

/// The floor that a migration sets in the database, read from the line with its statement.
///
/// # Errors
/// If the statement has a form that is not read here.
pub fn floor_of(migration: &Migration) -> anyhow::Result<Option<i64>> {
    const MARK: &str = "INSERT INTO schema_floor (version, floor) VALUES (";
    let mut lines = migration.sql.as_str().lines().map(str::trim);
    let Some(mark) = lines.find_map(|line| line.strip_prefix(MARK)) else {
        return Ok(None);
    };
    let pair = mark
        .split_once(')')
        .and_then(|(pair, _)| pair.split_once(", "));
    match pair.map(|(version, floor)| (version.parse::<i64>(), floor.parse::<i64>())) {
        Some((Ok(version), Ok(floor))) if version == migration.version => Ok(Some(floor)),
        _ => bail!(
            "{} sets the floor in a way that cannot be read",
            name(migration)
        ),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::SqlSafeStr;
    use sqlx::migrate::MigrationType;

    use super::*;

    fn seventh(sql: &'static str) -> Migration {
        let sql = sql.into_sql_str();
        Migration::new(7, "x".into(), MigrationType::ReversibleUp, sql, false)
    }

    #[test]
    fn a_contraction_tells_its_floor() {
        let mark = "SET LOCAL lock_timeout = '5s';\n  INSERT INTO schema_floor (version, floor) VALUES (7, 6);\n";
        assert_eq!(floor_of(&seventh(mark)).unwrap(), Some(6));
        assert_eq!(
            floor_of(&seventh("-- schema_floor\nSELECT 1;")).unwrap(),
            None
        );
        for wrong in [
            "INSERT INTO schema_floor (version, floor) VALUES (6, 6);",
            "INSERT INTO schema_floor (version, floor) VALUES (7, all);",
        ] {
            assert!(floor_of(&seventh(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_its_first_lines_say_that_a_down_loses_nothing() {
        assert!(loses_nothing(&seventh(
            "-- Back.\n-- loses nothing: an index\nDROP INDEX a;"
        )));
        assert!(!loses_nothing(&seventh("DROP TABLE a;\n-- loses nothing")));
    }

    #[test]
    fn every_migration_has_a_way_back() {
        assert!(ups().all(|migration| down_of(migration.version).is_some()));
    }
}

//! Explains the errors of migrations.

use anyhow::anyhow;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use super::embedded::APPLIED;

/// `PostgreSQL`'s code for a lock timeout.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Explains an error of `who`. For a lock timeout it names the session that held the lock.
pub fn explain_wait(error: MigrateError, who: &str, holder: Option<String>) -> anyhow::Error {
    let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = &error else {
        return explain(error);
    };
    let code = cause.as_database_error().and_then(DatabaseError::code);
    if code.is_none_or(|code| code != LOCK_NOT_AVAILABLE) {
        return explain(error);
    }
    let holder =
        holder.unwrap_or_else(|| "a session that was gone before it could be seen".to_owned());
    anyhow!("{who} waited for a lock and gave up; the lock is held by {holder}")
}

/// Explains an error of sqlx's migrator.
pub fn explain(error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::VersionMismatch(version) => anyhow!(
            "migration {version:04} differs from the text that was applied; released migrations must not be edited"
        ),
        MigrateError::Dirty(version) => anyhow!(
            "migration {version:04} stopped halfway; repair the schema by hand, then delete its row in {APPLIED}"
        ),
        other => anyhow::Error::new(other),
    }
}

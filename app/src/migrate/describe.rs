//! `migrate --describe`: what this release embeds, for who decides whether it can run on a schema.

use anyhow::Result;
use serde_json::json;

/// One line of JSON; no database is asked.
///
/// # Errors
/// When a migration sets its floor in a way that cannot be read.
pub fn describe() -> Result<String> {
    let migrations = super::ups()
        .map(|migration| {
            let down = super::down_of(migration.version).map(|down| {
                if super::loses_nothing(down) {
                    "lossless"
                } else {
                    "loses"
                }
            });
            Ok(json!({
                "version": migration.version,
                "name": migration.description.replace(' ', "_"),
                "sha": super::hex(&migration.checksum),
                "floor": super::floor_of(migration)?,
                "down": down,
            }))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(json!({ "newest": super::newest(), "migrations": migrations }).to_string())
}

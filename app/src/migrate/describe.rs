//! `migrate --describe`: the migrations of this release, from which a deployer sees whether it can run on a schema.

use anyhow::Result;
use serde_json::json;

use super::embedded::{down_of, floor_of, hex, loses_nothing, newest, ups};

/// One line of JSON; needs no database.
///
/// # Errors
/// If a migration sets its floor in an unreadable form.
pub fn describe() -> Result<String> {
    let migrations = ups()
        .map(|migration| {
            let down = down_of(migration.version).map(|down| {
                if loses_nothing(down) {
                    "lossless"
                } else {
                    "loses"
                }
            });
            Ok(json!({
                "version": migration.version,
                "name": migration.description.replace(' ', "_"),
                "sha": hex(&migration.checksum),
                "floor": floor_of(migration)?,
                "down": down,
            }))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(json!({ "newest": newest(), "migrations": migrations }).to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_this_release_embeds_can_be_described() {
        super::describe().unwrap();
    }
}

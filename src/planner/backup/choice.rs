//! Which backup is meant.

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::facts::backups::{self, Backups};
use crate::task::backup_downloaded::LATEST;

/// The backup of the host that is meant: by its name or the begin or end of it, or the newest.
///
/// # Errors
/// E0422 when there is none.
pub fn wished<'a>(backups: &'a Backups, name: Option<&str>) -> Result<&'a backups::BackupManifest> {
    let name = name.filter(|name| *name != LATEST);
    if name.is_none() && backups.newest().is_none() {
        return Err(none_of_its_own(backups).into());
    }
    find(backups, name).map_err(|why| {
        Fault::new(Code::E0422, why)
            .hint("nothing was changed; `citrino-ops backup list` shows the names")
            .into()
    })
}

fn none_of_its_own(backups: &Backups) -> Fault {
    if let Some(foreign) = backups.foreign.first() {
        let message = format!(
            "the host has no backup of this stack; {} is from stack {}",
            foreign.name, foreign.stack
        );
        let hint =
            "nothing was changed; to use it, name it and add --from-other-stack to `restore`";
        return Fault::new(Code::E0422, message).hint(hint);
    }
    if let Some((name, why)) = backups.broken.last_key_value() {
        return Fault::new(Code::E0422, format!("backup {name} cannot be used: {why}"))
            .hint("nothing was changed; there is no other backup: `citrino-ops backup` takes one");
    }
    Fault::new(Code::E0422, "there is no backup on the host").hint("`citrino-ops backup` takes one")
}

/// The same wherever they are.
///
/// # Errors
/// Why there is none, as a sentence.
pub fn find<'a>(
    backups: &'a Backups,
    name: Option<&str>,
) -> Result<&'a backups::BackupManifest, String> {
    let cannot = |name: &str, why: &str| format!("backup {name} cannot be used: {why}");
    let Some(name) = name.filter(|name| *name != LATEST) else {
        let why = || match backups.broken.last_key_value() {
            Some((name, why)) => cannot(name, why),
            None => "there is no backup".to_owned(),
        };
        return backups.newest().ok_or_else(why);
    };
    if let Some(why) = backups.broken.get(name) {
        return Err(cannot(name, why));
    }
    let fits =
        |one: &&backups::BackupManifest| one.name.starts_with(name) || one.name.ends_with(name);
    let found: Vec<_> = backups.all().filter(fits).collect();
    match found.as_slice() {
        [backup] => Ok(backup),
        [] => Err(format!("there is no backup {name}")),
        several => Err(format!("{} backups match {name}", several.len())),
    }
}

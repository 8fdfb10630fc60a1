//! Which backup is meant.

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::facts::backups::{Accepts, BackupManifest, Backups, not_believed};
use crate::task::backup_downloaded::LATEST;

/// The backup of the host that is meant: by its name or the begin or end of it, or the newest.
///
/// # Errors
/// E0429 when there is none, E0422 when it cannot be used, E0436 when it is not believed and that is not accepted.
pub fn wished<'a>(
    backups: &'a Backups,
    name: Option<&str>,
    accepts: Accepts,
) -> Result<&'a BackupManifest> {
    let name = name.filter(|name| *name != LATEST);
    if name.is_none() && backups.latest().is_none() {
        return Err(none_of_its_own(backups).into());
    }
    find(backups, name, accepts).map_err(|fault| {
        if fault.hint.is_some() {
            return fault.into();
        }
        fault
            .hint("nothing was changed; `citrino-ops backup list` shows the names")
            .into()
    })
}

fn none_of_its_own(backups: &Backups) -> Fault {
    if let Some(safety) = backups.newest() {
        return only_safety(safety);
    }
    if let Some(one) = backups.doubtful.first() {
        return not_believed(&one.backup.name, &one.why);
    }
    if let Some(foreign) = backups.foreign.first() {
        let message = format!(
            "the host has no backup of this stack; {} is from stack {}",
            foreign.name, foreign.stack
        );
        let hint =
            "nothing was changed; to use it, name it and add --from-other-stack to `restore`";
        return Fault::new(Code::E0429, message).hint(hint);
    }
    if let Some((name, why)) = backups.broken.last_key_value() {
        return Fault::new(Code::E0422, format!("backup {name} cannot be used: {why}"))
            .hint("nothing was changed; there is no other backup: `citrino-ops backup` takes one");
    }
    Fault::new(Code::E0429, "there is no backup on the host").hint("`citrino-ops backup` takes one")
}

/// That somebody must say which of those is meant that were taken before a restore or an import.
fn only_safety(newest: &BackupManifest) -> Fault {
    let message = format!(
        "the only backups are safety backups, such as {}; name one to use it",
        newest.name
    );
    Fault::new(Code::E0429, message)
        .hint("nothing was changed; `citrino-ops backup list` lists their names")
}

/// The same wherever they are. The newest is always one of the stack's own; who accepts another names it.
///
/// # Errors
/// E0429 when there is none, E0422 when it cannot be used, E0436 when it is not believed and that is not accepted.
pub fn find<'a>(
    backups: &'a Backups,
    name: Option<&str>,
    accepts: Accepts,
) -> Result<&'a BackupManifest, Fault> {
    let cannot = |name: &str, why: &str| {
        Fault::new(Code::E0422, format!("backup {name} cannot be used: {why}"))
    };
    let no_such = |why: String| Fault::new(Code::E0429, why);
    let Some(name) = name.filter(|name| *name != LATEST) else {
        let doubtful = backups.doubtful.first();
        let broken = backups.broken.last_key_value();
        let why = || match (backups.newest(), doubtful, broken) {
            (Some(safety), _, _) => only_safety(safety),
            (None, Some(one), _) => not_believed(&one.backup.name, &one.why),
            (None, None, Some((name, why))) => cannot(name, why),
            (None, None, None) => no_such("there is no backup".to_owned()),
        };
        return backups.latest().ok_or_else(why);
    };
    if let Some(why) = backups.broken.get(name) {
        return Err(cannot(name, why));
    }
    let fits = |one: &BackupManifest| one.name.starts_with(name) || one.name.ends_with(name);
    let sure: Vec<_> = backups.all().filter(|one| fits(one)).collect();
    let mut doubtful = backups.doubtful.iter().filter(|one| fits(&one.backup));
    match (sure.as_slice(), doubtful.next(), doubtful.count()) {
        ([backup], None, _) => Ok(backup),
        ([], Some(one), 0) if accepts == Accepts::Doubtful => Ok(&one.backup),
        ([], Some(one), 0) => Err(not_believed(&one.backup.name, &one.why)),
        ([], None, _) => Err(no_such(format!("there is no backup {name}"))),
        (sure, first, rest) => {
            let many = sure.len() + usize::from(first.is_some()) + rest;
            Err(no_such(format!("{many} backups match {name}")))
        }
    }
}

//! What a host will be like once the steps before have been applied. A run that only looks changes nothing, so a service that
//! must be restarted for a file would say nothing while the file is still as it was; here the file's step leaves a note.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::System;

/// What a path will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FutureFile {
    /// A file with content of this SHA-256.
    Content(String),
    Link(PathBuf),
    Absent,
    /// Something else than now.
    Unknown,
}

/// What an instance of a unit will have read: digests of the files for which it is restarted, and reloaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FutureUnit {
    pub restart: String,
    pub reload: String,
}

#[derive(Debug, Default)]
struct Future {
    files: BTreeMap<String, FutureFile>,
    units: BTreeMap<String, FutureUnit>,
    /// Files of units that systemd will not have read.
    unread: BTreeSet<String>,
    /// Whether systemd will have read all others anew.
    reloaded: bool,
}

/// Notes of what is to come; none where a run applies it.
#[derive(Clone, Debug, Default)]
pub struct Foresight(Option<Arc<Mutex<Future>>>);

/// Where an administrator's units are.
const UNITS: &str = "/etc/systemd/system";

impl Foresight {
    fn future(&self) -> Option<MutexGuard<'_, Future>> {
        let future = self.0.as_ref()?;
        Some(future.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl System {
    /// The same host for a run that looks, which has seen nothing yet.
    #[must_use]
    pub fn foreseeing(&self) -> Self {
        Self {
            foresight: Foresight(Some(Arc::default())),
            ..self.clone()
        }
    }

    /// Notes what a path will be.
    pub fn foresee(&self, path: &str, file: FutureFile) {
        if let Some(mut future) = self.foresight.future() {
            if Path::new(path).starts_with(UNITS) {
                future.unread.insert(path.to_owned());
            }
            future.files.insert(path.to_owned(), file);
        }
    }

    /// What a path will be, when that is not what it is.
    pub fn future_file(&self, path: &str) -> Option<FutureFile> {
        self.foresight.future()?.files.get(path).cloned()
    }

    /// Notes that a unit will run.
    pub fn foresee_unit(&self, unit: &str, read: FutureUnit) {
        if let Some(mut future) = self.foresight.future() {
            future.units.insert(unit.to_owned(), read);
        }
    }

    /// What a unit will have read, when it will have been started or told to read.
    pub fn future_unit(&self, unit: &str) -> Option<FutureUnit> {
        self.foresight.future()?.units.get(unit).cloned()
    }

    /// Notes that systemd will read all units anew.
    pub fn foresee_daemon_reload(&self) {
        if let Some(mut future) = self.foresight.future() {
            future.unread.clear();
            future.reloaded = true;
        }
    }

    /// Whether systemd will have an older text of a unit than its files; `is_stale` says whether it has one now.
    pub fn will_be_stale(&self, unit: &str, is_stale: bool) -> bool {
        let Some(future) = self.foresight.future() else {
            return is_stale;
        };
        let of_unit = |path: &String| is_of_unit(Path::new(path), unit);
        future.unread.iter().any(of_unit) || (is_stale && !future.reloaded)
    }
}

/// Whether a file says what a unit is: its own, that of its template, or a drop-in of one of the two.
fn is_of_unit(path: &Path, unit: &str) -> bool {
    let template = unit.split_once('@').and_then(|(name, rest)| {
        let (_, kind) = rest.rsplit_once('.')?;
        Some(format!("{name}@.{kind}"))
    });
    let names = [Some(unit.to_owned()), template];
    names.into_iter().flatten().any(|name| {
        let file = Path::new(UNITS).join(&name);
        path == file || path.starts_with(Path::new(UNITS).join(format!("{name}.d")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_unit_is_read_once_for_all_units() {
        let system = System::at("/nowhere").foreseeing();
        system.foresee("/etc/systemd/system/shop@.service", FutureFile::Unknown);
        system.foresee(
            "/etc/systemd/system/nginx.service.d/x.conf",
            FutureFile::Absent,
        );
        system.foresee("/etc/nginx/nginx.conf", FutureFile::Unknown);
        for (unit, is_stale, wished) in [
            ("shop@blue.service", false, true),
            ("nginx.service", false, true),
            ("shop@blue.timer", false, false),
            ("nginx.service.d", false, false),
            ("other.service", true, true),
            ("other.service", false, false),
        ] {
            assert_eq!(system.will_be_stale(unit, is_stale), wished, "{unit}");
        }
        system.foresee_daemon_reload();
        assert!(!system.will_be_stale("shop@blue.service", false));
        assert!(!system.will_be_stale("other.service", true));
    }

    #[test]
    fn a_run_that_applies_foresees_nothing() {
        let system = System::at("/nowhere");
        system.foresee("/etc/a", FutureFile::Absent);
        system.foresee_unit("a.service", FutureUnit::default());
        system.foresee_daemon_reload();
        assert_eq!(system.future_file("/etc/a"), None);
        assert_eq!(system.future_unit("a.service"), None);
        assert!(system.will_be_stale("a.service", true));
    }
}

//! The host has the key that the stack signs its backups with.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::stack_key::StackKey;
use crate::facts::backups::{self, BackupManifest, Judge, Proof};
use crate::host::own::STACK_KEY;
use crate::host::stack_key::{self, MODE};
use crate::host::system::{Ids, System};

/// A host that has none gets the operator's, or makes one. When it is the stack's first one, what earlier versions left there without
/// a signature is signed as it stands, once, and told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// The stack whose backups are signed.
    pub stack: String,
    /// The key that the operator has; none where he has none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<StackKey>,
    /// Whether what stands there without a signature is signed: not where the operator has seen a key of the stack before, since then
    /// no earlier version left it.
    #[serde(default)]
    pub signs: bool,
}

impl Wish<System> for SigningKey {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let Some(found) = stack_key::read(system)? else {
            let mut what = vec![format!("{STACK_KEY} does not exist")];
            let unsigned = self.unsigned(system)?;
            if !unsigned.is_empty() {
                what.push(told(&unsigned));
            }
            return Ok(CheckResult::from(what));
        };
        if self.key.as_ref().is_some_and(|key| *key != found) {
            return Err(another_key(self.key.as_ref(), &found).into());
        }
        let mode = system.stat(STACK_KEY)?.map_or(MODE, |found| found.mode);
        let differs = (mode != MODE)
            .then(|| format!("mode of {STACK_KEY} is {mode:04o}, expected {MODE:04o}"));
        Ok(CheckResult::from(Vec::from_iter(differs)))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let key = match (stack_key::read(system)?, &self.key) {
            (Some(found), _) => found,
            (None, given) => {
                let key = given.clone().map_or_else(stack_key::made, Ok)?;
                // Signed first: with the key there, what has no signature is nobody's. Who is cut off here signs once more.
                for backup in self.unsigned(system)? {
                    sign(system, &backup, &key).await?;
                }
                key
            }
        };
        let line = key.line();
        system
            .write_atomic(STACK_KEY, line.as_bytes(), MODE, Some(Ids::own()), &[])
            .await
    }
}

impl SigningKey {
    /// The whole backups of this stack that stand on a host without a key. What is dated in the future is not one of them.
    fn unsigned(&self, system: &System) -> Result<Vec<BackupManifest>> {
        if !self.signs {
            return Ok(Vec::new());
        }
        let (files, judge) = (backups::files(system)?, Judge::new(None, None));
        let mut unsigned = Vec::new();
        for name in backups::manifests(&files) {
            if let Some(Ok(found)) = backups::read_unjudged(system, name)? {
                let claims = found.claims();
                if claims.stack == self.stack && !judge.is_ahead(&claims.at) {
                    unsigned.push(claims.clone());
                }
            }
        }
        Ok(unsigned)
    }
}

/// `2 backups of an earlier version have no signature, and are signed as they stand: a, b`
fn told(unsigned: &[BackupManifest]) -> String {
    let names: Vec<&str> = unsigned.iter().map(|one| one.name.as_str()).collect();
    let verb = if names.len() == 1 {
        "backup of an earlier version has no signature, and is signed as it stands"
    } else {
        "backups of an earlier version have no signature, and are signed as they stand"
    };
    format!("{} {verb}: {}", names.len(), names.join(", "))
}

/// Signs what stands there, and its proof when that is one of it.
async fn sign(system: &System, backup: &BackupManifest, key: &StackKey) -> Result<()> {
    let app = system.app();
    let path = backups::proof(app, &backup.name);
    let proof = system.read_text(&path)?;
    let proof = proof.and_then(|text| Proof::unsigned(backup, text.as_bytes()));
    if let Some(proof) = proof.filter(|proof| !Judge::new(None, None).is_ahead(&proof.at)) {
        let text = proof.text(backup, key)?;
        system
            .write_atomic(path, text.as_bytes(), 0o600, None, &[])
            .await?;
    }
    let (path, text) = (backups::manifest(app, &backup.name), backup.text(key)?);
    system
        .write_atomic(path, text.as_bytes(), 0o600, None, &[])
        .await
}

/// Which of the two is right is for a person to say: backups that were signed with the other are not believed afterwards.
fn another_key(given: Option<&StackKey>, found: &StackKey) -> Fault {
    let given = given.map_or_else(String::new, |key| key.id().to_string());
    let message = format!(
        "the host signs backups with key {}, but this machine knows key {given} for the stack",
        found.id()
    );
    Fault::new(Code::E0437, message).hint(
        "nothing was changed; `citrino-ops explain E0437` says where each of them is, and how to keep the right one",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::facts::backups::Standing;
    use crate::storage::archive::ArchiveContent;

    /// A host of an earlier version: backups without a signature, each with a proof.
    struct Earlier {
        root: tempfile::TempDir,
    }

    impl Earlier {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let system = System::at(root.path());
            fs::create_dir_all(system.path("/etc/citrino")).unwrap();
            fs::create_dir_all(system.path(system.app().backups())).unwrap();
            Self { root }
        }

        fn system(&self) -> System {
            System::at(self.root.path())
        }

        /// One of this day and stack, as an earlier version wrote it.
        fn left(&self, stack: &str, at: &str) -> BackupManifest {
            let system = self.system();
            let name = format!("citrino_{}_030000", at[..10].replace('-', ""));
            let content = |ending: &str| ArchiveContent {
                file: format!("{name}.{ending}"),
                sha256: "0".repeat(64),
                bytes: 0,
            };
            let backup = BackupManifest {
                at: at.to_owned(),
                stack: stack.to_owned(),
                dump: content("dump.zst"),
                globals: content("globals.sql.zst"),
                name: name.clone(),
                ..BackupManifest::default()
            };
            let mut value = serde_json::to_value(&backup).unwrap();
            value["seal"] = crate::core::digest::sha256(value.to_string().as_bytes()).into();
            let proof = serde_json::json!({ "sha256": "0".repeat(64), "at": at, "took_ms": 1 });
            for (file, text) in [
                (backup.dump.file.clone(), String::new()),
                (backup.globals.file.clone(), String::new()),
                (format!("{name}.json"), value.to_string()),
                (format!("{name}.proof.json"), proof.to_string()),
            ] {
                let path = system.path(system.app().backup_file(&file));
                fs::write(path, text).unwrap();
            }
            backup
        }
    }

    fn wish(key: Option<StackKey>, signs: bool) -> SigningKey {
        SigningKey {
            stack: "prod".to_owned(),
            key,
            signs,
        }
    }

    #[tokio::test]
    async fn what_an_earlier_version_left_is_signed_once_and_told() {
        let host = Earlier::new();
        let (old, new) = (
            host.left("prod", "2026-11-24T03:00:00Z"),
            host.left("prod", "2026-11-25T03:00:00Z"),
        );
        let foreign = host.left("other", "2026-11-23T03:00:00Z");
        let ahead = host.left("prod", "2099-01-01T03:00:00Z");
        let system = host.system();
        assert!(backups::gather(&system).unwrap().whole.is_empty());
        let wish = wish(None, true);
        let told = wish.check(&system).await.unwrap().change.unwrap().what;
        assert!(
            told[1].starts_with("2 backups of an earlier version"),
            "{told:?}"
        );
        assert!(
            told[1].contains(&old.name) && told[1].contains(&new.name),
            "{told:?}"
        );
        wish.apply(&system).await.unwrap();
        let settings = system.path(crate::host::own::BACKUP_SETTINGS);
        fs::write(settings, r#"{ "stack": "prod" }"#).unwrap();
        let found = backups::gather(&system).unwrap();
        assert_eq!(found.whole, [new, old]);
        assert_eq!((found.proofs.len(), &found.foreign), (2, &vec![foreign]));
        assert_eq!(found.doubtful[0].backup, ahead);
        // One that comes later is nobody's, whatever is converged.
        let late = host.left("prod", "2026-11-26T03:00:00Z");
        assert!(wish.check(&system).await.unwrap().change.is_none());
        wish.apply(&system).await.unwrap();
        let judge = Judge::on(&system).unwrap();
        let found = backups::read(&system, &late.name, &judge).unwrap();
        let standing = found.unwrap().unwrap().standing;
        assert!(matches!(standing, Standing::Doubtful(_)));
    }

    #[tokio::test]
    async fn where_the_operator_has_seen_a_key_nothing_is_signed_that_has_none() {
        let host = Earlier::new();
        host.left("prod", "2026-11-25T03:00:00Z");
        let system = host.system();
        let key = StackKey::of([7; 32]);
        wish(Some(key.clone()), false).apply(&system).await.unwrap();
        assert_eq!(stack_key::read(&system).unwrap(), Some(key));
        let found = backups::gather(&system).unwrap();
        assert!(found.whole.is_empty() && found.proofs.is_empty());
        assert_eq!(found.doubtful.len(), 1);
    }
}

//! The operator's own age key, which opens secrets.age.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use anyhow::{Context, Result};

use crate::config::variable::variable;
use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;
use crate::storage::archive;

/// Holds the key itself: for a runner of CI, which has no home.
pub const KEY_VARIABLE: &str = "CITRINO_AGE_KEY";
/// Names the file of the key.
const KEY_FILE: &str = "CITRINO_AGE_KEY_FILE";
/// Where it is when nothing is said, below the folder of settings.
const PLACE: &str = "citrino-ops/age.key";
/// What a file of keys has at most.
const MOST: u64 = 64 << 10;

/// One key, or all those of a file.
pub struct OwnKey {
    pub identities: Vec<Identity>,
}

impl OwnKey {
    /// The key of the environment, of the file that the environment names, or of this user's settings.
    ///
    /// # Errors
    /// E0104 when a file is named that is not there, or that others can read; E0425 when it is no key.
    pub fn find() -> Result<Option<Self>> {
        if let Some(key) = variable(KEY_VARIABLE) {
            return Self::of(key).map(Some);
        }
        if let Some(path) = variable(KEY_FILE) {
            let path = PathBuf::from(path);
            let text = text_of(&path)?.ok_or_else(|| {
                Fault::new(
                    Code::E0104,
                    format!("{KEY_FILE} names {}, which is not there", path.display()),
                )
            })?;
            return Self::of(text).map(Some);
        }
        let Some(path) = place() else { return Ok(None) };
        text_of(&path)?.map(Self::of).transpose()
    }

    /// Makes one in this user's settings. Gives where it is.
    ///
    /// # Errors
    /// When it cannot be written, or one is there.
    pub fn make() -> Result<(Self, PathBuf)> {
        let path = place().context("HOME is not set, so there is no place for a key")?;
        let identity = Identity::generate();
        let text = format!(
            "# public key: {}\n{}\n",
            identity.to_public(),
            identity.to_string().expose_secret()
        );
        let write = || -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let mut options = File::options();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| format!("could not write {}", path.display()))?;
        let identities = vec![identity];
        Ok((Self { identities }, path))
    }

    /// As others encrypt to it.
    pub fn public(&self) -> Vec<String> {
        let all = self.identities.iter();
        all.map(|key| key.to_public().to_string()).collect()
    }

    fn of(text: String) -> Result<Self> {
        let identities = archive::identities(&[Secret::new(text)])?;
        if identities.is_empty() {
            return Err(Fault::new(Code::E0425, "the age key has no key in it")
                .hint("`age-keygen` prints one; it begins with AGE-SECRET-KEY-1")
                .into());
        }
        Ok(Self { identities })
    }
}

fn place() -> Option<PathBuf> {
    let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
    let settings = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(home)?;
    Some(settings.join(PLACE))
}

/// The text of a key's file that nobody else can read; none where there is no file.
fn text_of(path: &Path) -> Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.with_context(|| format!("could not read {}", path.display()))?,
    };
    // Of the file that is open: a name can be given to another one meanwhile.
    let found = file.metadata()?;
    let shown = path.display();
    let refused = |why: &str, hint: String| {
        Err(Fault::new(Code::E0104, format!("{shown} {why}"))
            .hint(hint)
            .into())
    };
    if found.mode() & 0o077 != 0 {
        return refused(
            "can be read by others, and it opens all secrets",
            format!("chmod 600 {shown}"),
        );
    }
    let is_ours = [nix::unistd::geteuid().as_raw(), 0].contains(&found.uid());
    if !is_ours {
        return refused(
            "belongs to another user",
            format!("copy your key to a file of your own, and name it in {KEY_FILE}"),
        );
    }
    let mut text = String::new();
    file.take(MOST)
        .read_to_string(&mut text)
        .with_context(|| format!("could not read {shown}"))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("age.key");
        assert!(text_of(&path).unwrap().is_none());
        fs::write(&path, "AGE-SECRET-KEY-1SENTINEL").unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let refused = text_of(&path).unwrap_err().to_string();
            assert!(
                refused.contains("by others") && !refused.contains("SENTINEL"),
                "{mode:o}: {refused}"
            );
        }
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(text_of(&path).unwrap().is_some());
    }

    #[test]
    fn what_is_no_key_is_refused_without_what_it_says() {
        for text in [
            "hunter2",
            "AGE-SECRET-KEY-1HUNTER2",
            "",
            "# only a comment\n",
        ] {
            let refused = OwnKey::of(text.to_owned()).err().unwrap();
            assert!(
                !refused.to_string().to_lowercase().contains("hunter2"),
                "{refused}"
            );
        }
    }
}

//! `secrets.age`: a file of secrets beside citrino.yml, encrypted with age. It may be in a repository: who has no key reads nothing.
//!
//! It says nothing of who wrote it. Whoever can change it, or the list of recipients beside it, is trusted as with citrino.yml itself.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::x25519::{Identity, Recipient};
use age::{Decryptor, Encryptor};
use anyhow::{Context, Result};

mod key;
mod lines;

pub use key::{KEY_VARIABLE, OwnKey};
pub use lines::SecretLines;

use crate::core::error::{Code, Fault};
use crate::storage::archive;

/// The file's name.
pub const FILE: &str = "secrets.age";
/// Who can read it: an age public key a line.
const RECIPIENTS: &str = "secrets.age.pub";
/// What a file of secrets has at most.
const MOST: u64 = 256 << 10;

/// The file of a stack.
#[derive(Clone, Debug)]
pub struct SealedFile {
    path: PathBuf,
    recipients: PathBuf,
}

/// Nobody else writes it meanwhile.
pub struct SealedLock {
    _folder: File,
}

impl SealedFile {
    /// The one of this folder.
    pub fn of(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE),
            recipients: folder.join(RECIPIENTS),
        }
    }

    pub fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// What is in it; nothing where it is not there yet.
    ///
    /// # Errors
    /// E0104 when this machine has no key that opens it, or it is damaged.
    pub fn read(&self) -> Result<SecretLines> {
        let Some(bytes) = bytes_of(&self.path)? else {
            return Ok(SecretLines::default());
        };
        let key = OwnKey::find()?.ok_or_else(no_key)?;
        let text = opened(&bytes, &key.identities)?;
        SecretLines::parse(&text)
    }

    /// Writes it anew, for everybody who is to read it.
    ///
    /// # Errors
    /// E0104 when this machine could not read it again, or it cannot be written.
    pub fn write(&self, secrets: &SecretLines) -> Result<()> {
        let key = OwnKey::find()?.ok_or_else(no_key)?;
        let all = self.recipients(&key)?;
        let sealed = sealed(secrets.text().as_bytes(), &all)?;
        put(&self.path, &sealed).with_context(|| unwritten(&self.path))
    }

    /// Keeps others from writing it until it is dropped: what they set in between would be lost.
    ///
    /// # Errors
    /// When its folder cannot be locked.
    pub fn lock(&self) -> Result<SealedLock> {
        let folder = self.path.parent().filter(|path| *path != Path::new(""));
        let folder = File::open(folder.unwrap_or(Path::new(".")))?;
        folder
            .lock()
            .context("could not lock the folder of secrets.age")?;
        Ok(SealedLock { _folder: folder })
    }

    /// Makes sure that there is a key and a list of recipients. Gives what was made, as sentences.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(&self, who: &str) -> Result<Vec<String>> {
        let mut made = Vec::new();
        let key = match OwnKey::find()? {
            Some(key) => key,
            None if self.is_there() => return Err(no_key().into()),
            None => {
                let (key, path) = OwnKey::make()?;
                made.push(format!(
                    "made your key, {}; keep a copy elsewhere: without it nobody can read {FILE}",
                    path.display()
                ));
                key
            }
        };
        if !self.recipients.exists() {
            let lines = key
                .public()
                .into_iter()
                .map(|key| format!("# {who}\n{key}\n"));
            put(&self.recipients, lines.collect::<String>().as_bytes())
                .with_context(|| unwritten(&self.recipients))?;
            made.push(format!(
                "made {RECIPIENTS}: each line is a public key that can read {FILE}"
            ));
        }
        Ok(made)
    }

    /// Those that are listed; without a list the own key alone.
    fn recipients(&self, key: &OwnKey) -> Result<Vec<Recipient>> {
        let Some(bytes) = bytes_of(&self.recipients)? else {
            return Ok(key.identities.iter().map(Identity::to_public).collect());
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let all: Vec<Recipient> = keys.map(archive::recipient).collect::<Result<_, _>>()?;
        let own = key.public();
        if all.iter().any(|one| own.contains(&one.to_string())) {
            return Ok(all);
        }
        Err(Fault::new(
            Code::E0104,
            format!("{RECIPIENTS} does not list your key, so you could not read {FILE} again"),
        )
        .hint(format!("add the line {} to it", own.join(" or ")))
        .into())
    }
}

fn no_key() -> Fault {
    Fault::new(Code::E0104, format!("{FILE} is there, and this machine has no key that opens it")).hint(
        "put your age private key into ~/.config/citrino-ops/age.key, or its file's name into CITRINO_AGE_KEY_FILE, or the key itself into CITRINO_AGE_KEY",
    )
}

fn unwritten(path: &Path) -> String {
    format!("could not write {}", path.display())
}

fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file,
    };
    let mut bytes = Vec::new();
    let read = file.and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("could not read {}", path.display()))?;
    if bytes.len() as u64 > MOST {
        let message = format!("{} is larger than 256 KB", path.display());
        return Err(Fault::new(Code::E0104, message).into());
    }
    Ok(Some(bytes))
}

fn opened(bytes: &[u8], identities: &[Identity]) -> Result<String> {
    let wrong = |why: &str, hint: &str| Fault::new(Code::E0104, format!("{FILE} {why}")).hint(hint);
    let damaged = || {
        wrong(
            "is no longer a valid age file",
            "take it from your repository's history or a backup",
        )
    };
    let keys = identities.iter().map(|key| key as &dyn age::Identity);
    let opened = Decryptor::new(ArmoredReader::new(bytes)).and_then(|sealed| sealed.decrypt(keys));
    let read = opened.map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => wrong(
            "is encrypted to other keys than yours",
            "ask who can read it to add your public key to secrets.age.pub, and to run `citrino-ops secrets edit` once",
        ),
        _ => damaged(),
    })?;
    let mut text = String::new();
    let read = read.take(MOST).read_to_string(&mut text);
    read.map_err(|_| damaged())?;
    Ok(text)
}

fn sealed(text: &[u8], to: &[Recipient]) -> Result<Vec<u8>> {
    let none = |_| {
        Fault::new(
            Code::E0104,
            format!("{RECIPIENTS} lists nobody who could read {FILE}"),
        )
    };
    let all = to.iter().map(|key| key as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(all).map_err(none)?;
    let armoured = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armoured)?;
    writer.write_all(text)?;
    Ok(writer.finish()?.finish()?)
}

/// Whole or not at all; through a link, so that the file that it leads to changes.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|path| *path != Path::new(""));
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // It is encrypted, and a repository keeps no other mode.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_text_and_opens_with_a_key_of_its_list_alone() {
        let (own, other) = (Identity::generate(), Identity::generate());
        let bytes = sealed(b"KEY=hunter2\n", &[own.to_public()]).unwrap();
        assert!(bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----"));
        assert_eq!(
            opened(&bytes, &[other.clone(), own]).unwrap(),
            "KEY=hunter2\n"
        );
        let refused = opened(&bytes, &[other]).unwrap_err();
        assert!(refused.to_string().contains("other keys"), "{refused}");
        for cut in [bytes.len() / 2, bytes.len() - 40, 3] {
            assert!(
                opened(&bytes[..cut], &[Identity::generate()]).is_err(),
                "{cut}"
            );
        }
    }
}

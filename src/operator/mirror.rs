//! What this machine has seen of a host's audit: the same bytes, so that a chain that was cut or written
//! anew is noticed. It is no cache: nobody can give it back.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::core::audit::Head;
use crate::core::error::{Code, Fault};
use crate::core::value::HostName;
use crate::host::audit::{self, other_chain};
use crate::protocol::AuditDelta;

/// A host chooses how fast this grows: it is a disk of the operator's, and read as a whole. Of honest hosts it is many years.
const MOST: u64 = 64 << 20;

/// Where this machine keeps what it knows of a host and nobody can give back.
pub fn state_folder(host: &HostName) -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state")));
    let folder = state.unwrap_or_else(std::env::temp_dir);
    folder.join("citrino-ops").join(&**host)
}

/// A host's mirror, in the user's state: who did what is nobody else's to read.
#[derive(Clone, Debug)]
pub struct Mirror {
    path: PathBuf,
}

impl Mirror {
    pub fn of(host: &HostName) -> Self {
        Self {
            path: state_folder(host).join("audit.ndjson"),
        }
    }

    /// The whole lines that it holds; none when it is not there. What a crash left of one comes again.
    ///
    /// # Errors
    /// E0524 when it cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match fs::read(&self.path) {
            Ok(mut bytes) => {
                let end = bytes.iter().rposition(|byte| *byte == b'\n');
                bytes.truncate(end.map_or(0, |at| at + 1));
                Ok(bytes)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    /// How far it goes. Lines before the last are not looked at: `audit verify` does that.
    ///
    /// # Errors
    /// E0520 when its last line is none, E0524 when it cannot be read.
    pub fn head(&self) -> Result<Head> {
        let head = match File::open(&self.path) {
            // An earlier version made both for all to read.
            Ok(mut file) => closed(&self.path, 0o600)
                .and_then(|()| {
                    self.path
                        .parent()
                        .map_or(Ok(()), |folder| closed(folder, 0o700))
                })
                .and_then(|()| audit::head(&mut file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(Head::default())),
            Err(error) => Err(error),
        };
        if let Some(head) = head.map_err(|error| self.unusable(&error))? {
            return Ok(head);
        }
        let checked = audit::check(&self.bytes()?, &Head::default());
        checked.unbroken(&self.whose())?;
        Ok(checked.head)
    }

    /// What it is called in sentences.
    pub fn whose(&self) -> String {
        format!(
            "this machine's copy of the audit log ({})",
            self.path.display()
        )
    }

    /// Takes in what came after this head of it. What is not sound is not taken in.
    ///
    /// # Errors
    /// E0520 when it is not whole, E0522 when it goes on from something else, E0524 when it cannot be kept.
    pub fn take(&self, from: &Head, news: &AuditDelta) -> Result<()> {
        self.take_news(from, news.bytes()?.as_deref())
    }

    /// The same of what was unpacked already; none where the host does not know that head.
    ///
    /// # Errors
    /// As of `take`.
    pub fn take_news(&self, from: &Head, news: Option<&[u8]>) -> Result<()> {
        let bytes = news.ok_or_else(|| {
            other_chain(format!(
                "the host's audit log does not continue from line {}, the last that this machine has seen",
                from.n
            ))
        })?;
        self.take_bytes(from, bytes)
    }

    /// The same of bytes that are at hand.
    ///
    /// # Errors
    /// E0520 when they are not whole, E0524 when they cannot be kept.
    pub fn take_bytes(&self, from: &Head, bytes: &[u8]) -> Result<()> {
        let checked = audit::check(bytes, from);
        checked.unbroken("the host's audit log")?;
        let whole = usize::try_from(checked.head.bytes - from.bytes)?;
        if checked.head.bytes > MOST {
            let full = format!("it would have more than {} MB", MOST >> 20);
            return Err(self.unusable(&std::io::Error::other(full)));
        }
        self.add(from, &bytes[..whole])
            .map_err(|error| self.unusable(&error))
    }

    /// Two commands of one operator may bring the same.
    fn add(&self, from: &Head, bytes: &[u8]) -> std::io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            closed(folder, 0o700)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        closed(&self.path, 0o600)?;
        file.lock()?;
        let length = file.metadata()?.len();
        if length < from.bytes || length > from.bytes && ends_with_a_line(&mut file)? {
            return Ok(());
        }
        // What a crash left of a line goes: it comes again.
        file.set_len(from.bytes)?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    /// Another host begins another chain; what was seen of the one before is kept under another name, which this gives.
    ///
    /// # Errors
    /// E0524 when it cannot be moved.
    pub fn set_aside(&self, run: &str) -> Result<PathBuf> {
        let aside = self
            .path
            .with_file_name(format!("audit.until-{run}.ndjson"));
        match fs::rename(&self.path, &aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.unusable(&error)),
            _ => Ok(aside),
        }
    }

    fn unusable(&self, error: &std::io::Error) -> anyhow::Error {
        Fault::new(
            Code::E0524,
            format!("{} could not be saved: {error}", self.whose()),
        )
        .hint("act on the message; the next run, or `citrino-ops audit`, fetches the missing lines")
        .into()
    }
}

/// Takes it from others; not at all when it is so already, since it may be another user's.
fn closed(path: &Path, mode: u32) -> std::io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o777 == mode {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn ends_with_a_line(file: &mut File) -> std::io::Result<bool> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes.ends_with(b"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::audit::{AuditAction, AuditEntry};
    use crate::core::error::{Code, code};
    use crate::core::plan::Claim;
    use crate::host::system::System;

    struct Two {
        folder: tempfile::TempDir,
        host: System,
        mirror: Mirror,
    }

    impl Two {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("host")).unwrap();
            let host = System::at(folder.path().join("host"));
            let path = folder.path().join("state/audit.ndjson");
            Self {
                folder,
                host,
                mirror: Mirror { path },
            }
        }

        fn write(&self, did: AuditAction) {
            let claim = Claim::new("r", "deploy", "ana@here");
            let deed = AuditEntry {
                did,
                ..AuditEntry::default()
            };
            audit::write(&self.host, "prod", &claim, deed).unwrap();
        }

        /// As over the wire. The code of what is wrong; none when nothing is.
        fn sync(&self) -> Option<Code> {
            let head = self.mirror.head().unwrap();
            let news = audit::since(&self.host, &head).unwrap();
            let news = AuditDelta::of(news.as_deref()).unwrap();
            let taken = self.mirror.take(&head, &news);
            taken.err().map(|error| code(&error))
        }

        fn on_host(&self) -> Vec<u8> {
            self.host.read(audit::PATH).unwrap().unwrap_or_default()
        }

        fn put_on_host(&self, bytes: &[u8]) {
            fs::write(self.host.path(audit::PATH), bytes).unwrap();
        }

        fn is_same(&self) -> bool {
            self.mirror.bytes().unwrap() == self.on_host()
        }
    }

    #[test]
    fn what_is_new_comes_after_what_was_seen() {
        let two = Two::new();
        assert_eq!(two.sync(), None);
        assert!(!two.mirror.path.exists());
        for did in [
            AuditAction::Begun,
            AuditAction::Ended,
            AuditAction::Begun,
            AuditAction::Failed,
        ] {
            two.write(did);
            assert_eq!(two.sync(), None);
            assert!(two.is_same());
        }
        assert_eq!(two.mirror.head().unwrap().n, 4);
    }

    #[test]
    fn nobody_else_reads_it_also_when_an_earlier_version_made_it() {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let two = Two::new();
        let folder = two.mirror.path.parent().unwrap().to_owned();
        two.write(AuditAction::Begun);
        assert_eq!(two.sync(), None);
        assert_eq!((mode(&folder), mode(&two.mirror.path)), (0o700, 0o600));
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&two.mirror.path, Permissions::from_mode(0o644)).unwrap();
        two.write(AuditAction::Ended);
        assert_eq!(two.sync(), None);
        assert_eq!((mode(&folder), mode(&two.mirror.path)), (0o700, 0o600));
    }

    #[test]
    fn a_host_cannot_fill_the_disk_with_it() {
        let two = Two::new();
        two.write(AuditAction::Begun);
        let bytes = two.on_host();
        // As if so much had been seen before.
        let long = Head {
            bytes: MOST - 1,
            ..Head::default()
        };
        let refused = two.mirror.take_bytes(&long, &bytes).unwrap_err();
        assert_eq!(code(&refused), Code::E0524);
        assert!(!two.mirror.path.exists());
    }

    #[test]
    fn a_torn_end_is_taken_only_when_a_line_has_closed_it() {
        let two = Two::new();
        two.write(AuditAction::Begun);
        let whole = two.on_host();
        two.put_on_host(&[&whole[..], b"{\"n\":2"].concat());
        assert_eq!(two.sync(), None);
        assert_eq!(two.mirror.bytes().unwrap(), whole);
        two.write(AuditAction::Ended);
        assert_eq!(two.sync(), None);
        assert!(two.is_same());
        // The same on this side.
        let bytes = two.on_host();
        fs::write(&two.mirror.path, &bytes[..bytes.len() - 9]).unwrap();
        assert_eq!(two.sync(), None);
        assert!(two.is_same());
    }

    #[test]
    fn what_was_seen_is_kept_when_the_host_tells_of_something_else() {
        let two = Two::new();
        two.write(AuditAction::Begun);
        two.write(AuditAction::Ended);
        two.sync();
        let seen = two.on_host();
        let first = seen.iter().position(|byte| *byte == b'\n').unwrap() + 1;

        two.put_on_host(&seen[..first]);
        assert_eq!(two.sync(), Some(Code::E0522));
        two.host.remove(audit::PATH).unwrap();
        assert_eq!(two.sync(), Some(Code::E0522));
        for did in [AuditAction::Begun, AuditAction::Failed, AuditAction::Begun] {
            two.write(did);
        }
        assert_eq!(two.sync(), Some(Code::E0522));

        let edited = String::from_utf8(seen.clone()).unwrap();
        two.put_on_host(seen.as_slice());
        two.write(AuditAction::Begun);
        let new = String::from_utf8(two.on_host()).unwrap();
        let new = new[edited.len()..].replace("ana", "eva");
        two.put_on_host(&[edited.as_bytes(), new.as_bytes()].concat());
        assert_eq!(two.sync(), Some(Code::E0520));
        assert_eq!(two.mirror.bytes().unwrap(), seen);
    }

    #[test]
    fn two_commands_bring_the_same_once_and_one_set_aside_begins_anew() {
        let two = Two::new();
        two.write(AuditAction::Begun);
        let head = two.mirror.head().unwrap();
        let news = AuditDelta::of(Some(&two.on_host())).unwrap();
        two.mirror.take(&head, &news).unwrap();
        two.mirror.take(&head, &news).unwrap();
        assert!(two.is_same());
        two.mirror.set_aside("r1").unwrap();
        two.mirror.set_aside("r2").unwrap();
        let aside = two.folder.path().join("state/audit.until-r1.ndjson");
        assert_eq!(fs::read(aside).unwrap(), two.on_host());
        assert_eq!(two.mirror.head().unwrap(), Head::default());
    }
}

//! What this machine has seen of a host's audit: the same bytes, so that a chain that was cut or written
//! anew is noticed. It is no cache: nobody can give it back.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::audit::{self, Head, other_chain};
use crate::error::Fault;
use crate::pack;
use crate::wire::News;

/// A stack's mirror, in the user's state.
#[derive(Clone, Debug)]
pub struct Mirror {
    path: PathBuf,
}

impl Mirror {
    pub fn of(stack: &str) -> Self {
        let state = std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state")));
        let folder = state.unwrap_or_else(std::env::temp_dir);
        Self {
            path: folder.join("citrino-ops").join(stack).join("audit.ndjson"),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
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

    /// How far it goes.
    ///
    /// # Errors
    /// E0524 when it cannot be read.
    pub fn head(&self) -> Result<Head> {
        Ok(audit::check(&self.bytes()?, &Head::default()).head)
    }

    /// Takes in what came after this head of it. What is not sound is not taken in.
    ///
    /// # Errors
    /// E0520 when it is not whole, E0522 when it goes on from something else, E0524 when it cannot be kept.
    pub fn take(&self, from: &Head, news: &News) -> Result<()> {
        let bytes = open(news)?.ok_or_else(|| {
            other_chain(format!(
                "the audit of the host does not go on from line {}, the last that this machine has seen",
                from.n
            ))
        })?;
        self.take_bytes(from, &bytes)
    }

    /// The same of bytes that are at hand.
    ///
    /// # Errors
    /// E0520 when they are not whole, E0524 when they cannot be kept.
    pub fn take_bytes(&self, from: &Head, bytes: &[u8]) -> Result<()> {
        let checked = audit::check(bytes, from);
        checked.unbroken("the audit of the host")?;
        let whole = usize::try_from(checked.head.bytes - from.bytes)?;
        self.add(from, &bytes[..whole])
            .map_err(|error| self.unusable(&error))
    }

    /// Two commands of one operator may bring the same.
    fn add(&self, from: &Head, bytes: &[u8]) -> std::io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&self.path)?;
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

    /// Another chain begins with a host that was just born; what was seen of the one before is kept.
    ///
    /// # Errors
    /// E0524 when it cannot be moved.
    pub fn set_aside(&self, run: &str) -> Result<()> {
        let aside = self.path.with_file_name(format!("audit.until-{run}.ndjson"));
        match fs::rename(&self.path, aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.unusable(&error)),
            _ => Ok(()),
        }
    }

    fn unusable(&self, error: &std::io::Error) -> anyhow::Error {
        Fault::new(
            "E0524",
            format!(
                "the mirror of the audit, {}, could not be kept: {error}",
                self.path.display()
            ),
        )
        .hint("act on the message; what is missing in it comes with the next run, or with `citrino-ops audit`")
        .into()
    }
}

/// The bytes that came; `None` when the head is not in the host's chain.
///
/// # Errors
/// When they are not whole.
pub fn open(news: &News) -> Result<Option<Vec<u8>>> {
    let News::Bytes { packed, bytes } = news else {
        return Ok(None);
    };
    let packed = STANDARD
        .decode(packed)
        .context("the audit that came is not whole")?;
    pack::unpack(&packed, &[], *bytes).map(Some)
}

fn ends_with_a_line(file: &mut File) -> std::io::Result<bool> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes.ends_with(b"\n"))
}

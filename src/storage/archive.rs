//! Files of backups: packed while they are written, encrypted to whom it may concern, hashed as they lie there.
//!
//! What is encrypted can be read back by the process that wrote it and by nobody else on the host: beside the
//! operators' keys it is encrypted to one that this process keeps in its memory alone.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::str::FromStr;

use age::x25519::{Identity, Recipient};
use anyhow::Result;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zstd::stream::{read::Decoder, write::Encoder};

use crate::core::digest::hex;
use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;
use crate::core::value::{self, FileName, checked};
use crate::storage::disk_reserve::DiskReserve;

/// zstd's own middle: beyond it a dump takes much longer for little.
const LEVEL: i32 = 3;

/// How a file is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchivePacking {
    #[default]
    Zstd,
    Gzip,
}

/// What a file holds, as it lies there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveContent {
    /// Its name, without a folder: it becomes a path on hosts and on the operator's machine.
    #[serde(deserialize_with = "checked::<_, FileName>")]
    pub file: String,
    #[serde(deserialize_with = "checked::<_, value::Sha256>")]
    pub sha256: String,
    pub bytes: u64,
}

impl ArchiveContent {
    /// Whether a file of so many bytes, or none, can be this one.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub fn has_length(&self, found: Option<u64>) -> Result<(), String> {
        match found {
            Some(bytes) if bytes == self.bytes => Ok(()),
            Some(bytes) => Err(format!(
                "{} has {bytes} bytes, but {} were written",
                self.file, self.bytes
            )),
            None => Err(format!("{} is missing", self.file)),
        }
    }
}

/// The public keys that a file is encrypted to; none for a file that everybody can read who may open it.
#[derive(Default)]
pub struct Recipients {
    keys: Vec<Recipient>,
    /// Of this process alone.
    own: Option<Identity>,
}

impl Recipients {
    /// Reads age recipients (`age1…`).
    ///
    /// # Errors
    /// E0425 for one that is none.
    pub fn of(texts: &[String]) -> Result<Self> {
        let keys = texts.iter().map(|text| recipient(text));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let own = (!keys.is_empty()).then(Identity::generate);
        Ok(Self { keys, own })
    }

    /// What reads back what was encrypted to them, as long as this process lives.
    pub fn identities(&self) -> Vec<Identity> {
        self.own.iter().cloned().collect()
    }
}

/// An age recipient.
///
/// # Errors
/// E0425 when it is none.
pub fn recipient(text: &str) -> Result<Recipient, Fault> {
    Recipient::from_str(text).map_err(|_| {
        Fault::new(Code::E0425, format!("`{text}` is not an age recipient"))
            .hint("`age-keygen` prints one; it begins with age1")
    })
}

/// The identities in an age key file, which has one a line and comments.
///
/// # Errors
/// E0425 when a line is none, without what it says, or when there is none at all.
pub fn identities(texts: &[Secret]) -> Result<Vec<Identity>> {
    let lines = texts.iter().flat_map(|text| text.reveal().lines());
    let keys = lines
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    keys.map(|key| {
        Identity::from_str(key).map_err(|why| {
            Fault::new(
                Code::E0425,
                format!("the age identity cannot be read: {why}"),
            )
            .hint("name the file that `age-keygen` wrote")
            .into()
        })
    })
    .collect()
}

/// A file that is packed while it is written.
pub struct Packer {
    press: Press,
    unpacked: u64,
}

enum Press {
    Zstd(Encoder<'static, Cover>),
    Gzip(GzEncoder<Cover>),
}

enum Cover {
    Bare(Hashed),
    Sealed(age::stream::StreamWriter<Hashed>),
}

impl Packer {
    /// # Errors
    /// When the head of the file cannot be written, or its disk is all but full.
    pub fn new(file: File, packing: ArchivePacking, to: &Recipients) -> Result<Self> {
        let hashed = Hashed::new(DiskReserve::new(file)?);
        let cover = if let Some(own) = &to.own {
            let own = own.to_public();
            let all = to.keys.iter().chain([&own]);
            let sealed = age::Encryptor::with_recipients(all.map(|key| key as &dyn age::Recipient))
                .map_err(|_| Fault::new(Code::E0425, "the age recipients cannot be combined"))?;
            Cover::Sealed(sealed.wrap_output(hashed)?)
        } else {
            Cover::Bare(hashed)
        };
        let press = match packing {
            ArchivePacking::Zstd => {
                let mut press = Encoder::new(cover, LEVEL)?;
                press.include_checksum(true)?;
                Press::Zstd(press)
            }
            ArchivePacking::Gzip => {
                Press::Gzip(GzEncoder::new(cover, flate2::Compression::default()))
            }
        };
        Ok(Self { press, unpacked: 0 })
    }

    /// Brings all of it to the disk: its hash, its length, and the length before it was packed.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(self) -> io::Result<(String, u64, u64)> {
        let cover = match self.press {
            Press::Zstd(press) => press.finish()?,
            Press::Gzip(press) => press.finish()?,
        };
        let hashed = match cover {
            Cover::Bare(hashed) => hashed,
            Cover::Sealed(sealed) => sealed.finish()?,
        };
        hashed.to.sync()?;
        Ok((hex(&hashed.digest.finalize()), hashed.bytes, self.unpacked))
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = match &mut self.press {
            Press::Zstd(press) => press.write(bytes)?,
            Press::Gzip(press) => press.write(bytes)?,
        };
        self.unpacked += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.press {
            Press::Zstd(press) => press.flush(),
            Press::Gzip(press) => press.flush(),
        }
    }
}

impl Write for Cover {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Bare(hashed) => hashed.write(bytes),
            Self::Sealed(sealed) => sealed.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Bare(hashed) => hashed.flush(),
            Self::Sealed(sealed) => sealed.flush(),
        }
    }
}

/// Gives what was packed into a file.
///
/// # Errors
/// E0425 when it is encrypted, and not to one of these identities.
pub fn unpack(
    file: File,
    packing: ArchivePacking,
    sealed: bool,
    identities: &[Identity],
) -> Result<Box<dyn Read>> {
    let file = BufReader::new(file);
    if !sealed {
        return unpacked(file, packing);
    }
    let keys = identities.iter().map(|key| key as &dyn age::Identity);
    let opened = age::Decryptor::new(file).and_then(|sealed| sealed.decrypt(keys));
    match opened {
        Ok(read) => unpacked(read, packing),
        Err(age::DecryptError::Io(error)) => Err(error.into()),
        // In words of our own: age's come out of files that a build for development has not in it.
        Err(age::DecryptError::NoMatchingKeys) if identities.is_empty() => Err(Fault::new(
            Code::E0425,
            "it is encrypted, and no age identity was given to decrypt it",
        )
        .hint("name the private key's file in `backup.identity` of citrino.yml, or with --identity")
        .into()),
        Err(age::DecryptError::NoMatchingKeys) => Err(Fault::new(
            Code::E0425,
            "it is encrypted to keys other than the age identity",
        )
        .hint("name a key that it was encrypted to; the manifest lists the public keys")
        .into()),
        Err(_) => Err(Fault::new(Code::E0422, "it is no longer a valid age file")
            .hint(
                "the live database is unchanged; `citrino-ops backup list` shows the other backups",
            )
            .into()),
    }
}

fn unpacked(read: impl Read + 'static, packing: ArchivePacking) -> Result<Box<dyn Read>> {
    Ok(match packing {
        ArchivePacking::Zstd => Box::new(Decoder::new(read)?),
        ArchivePacking::Gzip => Box::new(GzDecoder::new(read)),
    })
}

/// Counts and hashes what goes to a file.
struct Hashed {
    to: DiskReserve,
    digest: Sha256,
    bytes: u64,
}

impl Hashed {
    fn new(to: DiskReserve) -> Self {
        Self {
            to,
            digest: Sha256::new(),
            bytes: 0,
        }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.to.write(bytes)?;
        self.digest.update(&bytes[..length]);
        self.bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests;

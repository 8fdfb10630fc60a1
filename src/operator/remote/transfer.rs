//! Files of any size over the open connection: as a stream, gone on with where it was cut off, and compared at its end.
//!
//! What is not whole yet lies beside its place as `NAME.SHA256.part`: the name says what it is a part of, so a source
//! that has changed meanwhile begins anew.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use openssh::Stdio;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

mod local;

use local::{forget_others, free_beside, here, only_ours, take_place};

use super::wire::{SILENCE, heard, say_all};
use super::{Remote, SHOWN};
use crate::core::error::{Code, Fault};
use crate::core::plain;
use crate::core::value::Sha256;
use crate::storage::disk_reserve::FREE_PERCENT;

/// What a manifest or a proof has at most.
const SMALL: u64 = 1 << 20;
/// What is passed on at a time.
const PIECE: usize = 64 * 1024;
/// How the name of a part ends.
const PART: &str = ".part";
/// How much of a sha256 stands in the name of a part.
const SHORT: usize = 16;

/// A file that is where it was wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub sha256: Sha256,
    /// Of the whole.
    pub bytes: u64,
    /// How many of them were on the way this time.
    pub sent: u64,
}

/// What a file of a host holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferSource {
    pub sha256: Sha256,
    pub bytes: u64,
}

impl Remote {
    /// Brings a small file of the host to this machine, mode 0600. What is there and equal is not sent again.
    ///
    /// # Errors
    /// E0402 when the host cannot read it or it is not small, E0435 when the connection ends (the next time goes on there), E0434 when
    /// it arrived as something else.
    pub async fn download(&self, from: &str, to: &Path) -> Result<Moved> {
        let source = self.source(from).await?;
        if source.bytes > SMALL {
            let message = format!(
                "{from} on the host has {} bytes, too many for a file of that name",
                source.bytes
            );
            return Err(Fault::new(Code::E0402, message).into());
        }
        self.fetch(from, &source, to).await
    }

    /// The same of a file of any size that is known already.
    ///
    /// # Errors
    /// As of `download`; and E0442 when this machine's disk has no room for it.
    pub async fn fetch(&self, from: &str, source: &TransferSource, to: &Path) -> Result<Moved> {
        if here(to)?.is_some_and(|(sha256, _)| source.sha256 == *sha256) {
            only_ours(to)?;
            return Ok(source.moved(0));
        }
        let part = source.part(to);
        forget_others(to, &part)?;
        let free = free_beside(to)?;
        if source.bytes > free {
            return Err(no_room(from, source.bytes, free).into());
        }
        for _ in 0..2 {
            let (begun, sent) = self.receive(from, source, &part).await?;
            if here(&part)?
                .is_some_and(|(sha256, bytes)| source.sha256 == *sha256 && source.bytes == bytes)
            {
                take_place(&part, to)?;
                return Ok(source.moved(sent));
            }
            // A crash may have damaged the part that was already here, so the file is sent again as a whole.
            fs::remove_file(&part)?;
            if begun == 0 {
                break;
            }
        }
        Err(spoiled(from).into())
    }

    /// Brings a file of this machine to the host, mode 0600. What is there and equal is not sent again.
    ///
    /// # Errors
    /// As of `download`; and E0442 when the disk there would have less free than is left to the database.
    pub async fn upload(&self, file: &Path, to: &str) -> Result<Moved> {
        let context = || format!("could not read {}", file.display());
        let (sha256, bytes) = here(file)?.with_context(context)?;
        let sha256 = sha256.parse().map_err(anyhow::Error::msg)?;
        let source = TransferSource { sha256, bytes };
        let part = source.part(Path::new(to)).display().to_string();
        for _ in 0..2 {
            let Some(begun) = self.part_there(to, &part, &source).await? else {
                return Ok(source.moved(0));
            };
            let mut from = File::open(file).with_context(context)?;
            from.seek(SeekFrom::Start(begun)).with_context(context)?;
            let sent = self.send(&mut from, &part, begun).await?;
            if self.takes_place_there(&part, to, &source).await? {
                return Ok(source.moved(sent));
            }
            if begun == 0 {
                break;
            }
        }
        Err(spoiled(&file.display().to_string()).into())
    }

    fn tell(&self, what: &str, there: u64, of: u64) {
        if let Some(progress) = &self.progress {
            let percent = u128::from(there) * 100 / u128::from(of.max(1));
            let percent = i64::try_from(percent).unwrap_or(100);
            progress(what, percent);
        }
    }

    /// What a file of the host holds, read there from its first byte to its last.
    ///
    /// # Errors
    /// E0402 when the host cannot read it.
    pub async fn source(&self, path: &str) -> Result<TransferSource> {
        let said = self.output(&["sh", "-c", SOURCE, "sh", path]).await?;
        let mut words = said.split_whitespace();
        let (bytes, sha256) = (words.next(), words.next());
        let bytes = bytes.and_then(|bytes| bytes.parse().ok());
        let sha256 = sha256.and_then(|sha256| sha256.parse().ok());
        match (bytes, sha256) {
            (Some(bytes), Some(sha256)) => Ok(TransferSource { sha256, bytes }),
            _ => Err(Fault::new(
                Code::E0402,
                format!(
                    "the host could not read {path}: {}",
                    plain::at_most(&said, SHOWN)
                ),
            )
            .into()),
        }
    }

    /// Goes on with a part from its end; gives where it began, and how many bytes came.
    async fn receive(
        &self,
        from: &str,
        source: &TransferSource,
        part: &Path,
    ) -> Result<(u64, u64)> {
        let context = || format!("could not write {}", part.display());
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(part)
            .with_context(context)?;
        let mut begun = file.metadata().with_context(context)?.len();
        if begun > source.bytes {
            file.set_len(0).with_context(context)?;
            begun = 0;
        }
        let skip = format!("+{}", begun + 1);
        let mut child = self
            .command(&["tail", "-c", &skip, "--", from])
            .stdout(Stdio::piped())
            // Whatever it says there, what came is compared.
            .stderr(Stdio::null())
            .spawn()
            .await
            .map_err(|error| super::reason::no_session(&error))?;
        let said = child.stdout().take().context("ssh opened no pipe")?;
        // No byte more than was announced.
        let mut said = said.take(source.bytes - begun);
        let (mut piece, mut sent) = (vec![0; PIECE], 0);
        while begun + sent < source.bytes {
            let length = match timeout(SILENCE, said.read(&mut piece)).await {
                Ok(Ok(length)) if length > 0 => length,
                _ => return Err(cut(from, begun + sent, source.bytes).into()),
            };
            file.write_all(&piece[..length]).with_context(context)?;
            sent += length as u64;
            self.tell(from, begun + sent, source.bytes);
        }
        file.sync_all().with_context(context)?;
        Ok((begun, sent))
    }

    /// How much of it the host has already; none when the whole is there.
    async fn part_there(
        &self,
        to: &str,
        part: &str,
        source: &TransferSource,
    ) -> Result<Option<u64>> {
        let (bytes, free) = (source.bytes.to_string(), FREE_PERCENT.to_string());
        let argv = [
            "sh",
            "-c",
            BEGUN,
            "sh",
            to,
            part,
            &source.sha256,
            &bytes,
            &free,
        ];
        let said = self.output(&argv).await?;
        match said.trim() {
            "whole" => Ok(None),
            "full" => Err(full(to, source.bytes).into()),
            begun => {
                let at = begun.parse().ok().filter(|at| *at <= source.bytes);
                at.map(Some).with_context(|| {
                    format!(
                        "the host could not prepare {part}: {}",
                        plain::at_most(begun, SHOWN)
                    )
                })
            }
        }
    }

    async fn send(&self, from: &mut File, part: &str, begun: u64) -> Result<u64> {
        let whole = from.metadata()?.len();
        // By its place: what an earlier connection may still have to say goes to the same places.
        let (of, seek) = (format!("of={part}"), format!("seek={begun}"));
        let argv = [
            "dd",
            &of,
            &seek,
            "bs=64K",
            "iflag=fullblock",
            "oflag=seek_bytes",
            "conv=notrunc,fsync",
            "status=none",
        ];
        let mut child = self
            .command(&argv)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|error| super::reason::no_session(&error))?;
        let mut ear = child.stdin().take().context("ssh opened no pipe")?;
        let (mut piece, mut sent) = (vec![0; PIECE], 0);
        loop {
            let length = from.read(&mut piece)?;
            // A program that stops early says why on stderr and by its code.
            if length == 0 || say_all(&mut ear, &piece[..length]).await.is_err() {
                break;
            }
            sent += length as u64;
            self.tell(part, begun + sent, whole);
        }
        drop(ear);
        let said = heard(child)
            .await
            .map_err(|_| cut(part, begun + sent, whole))?;
        if said.is_ok {
            return Ok(sent);
        }
        let why = said.stderr.trim();
        let message = format!("the host could not write {part}: {why}");
        Err(Fault::new(Code::E0402, message).into())
    }

    /// Whether what the host has is the whole; then it has its name, else it is gone.
    async fn takes_place_there(
        &self,
        part: &str,
        to: &str,
        source: &TransferSource,
    ) -> Result<bool> {
        let argv = ["sh", "-c", PLACE, "sh", part, to, &source.sha256];
        Ok(self.output(&argv).await?.trim() == "whole")
    }
}

/// $1 the file: its length and sha256.
const SOURCE: &str = r#"set -e; stat -L -c %s -- "$1"; sha256sum <"$1""#;

/// $1 the place, $2 the part, $3 the sha256, $4 the length, $5 how many per cent of the disk stay free: what is there of it. Parts of
/// what it was before go.
const BEGUN: &str = r#"set -eu; umask 077
if [ -f "$1" ] && [ "$(stat -c %s -- "$1")" = "$4" ] && [ "$(sha256sum <"$1")" = "$3  -" ]; then chmod 600 -- "$1"; echo whole; exit; fi
for old in "$1".*.part; do [ "$old" = "$2" ] || rm -f -- "$old"; done
[ -f "$2" ] || : >"$2"
[ "$(stat -c %s -- "$2")" -le "$4" ] || : >"$2"
begun=$(stat -c %s -- "$2") part=$2 wanted=$(($4 - begun)) percent=$5
set -- $(stat -f -c '%S %a %b' -- "$part")
if [ $((($1 * $2 - wanted) * 100)) -lt $(($1 * $3 * percent)) ]; then rm -f -- "$part"; echo full; exit; fi
echo "$begun""#;

/// $1 the part, $2 the place, $3 the sha256.
const PLACE: &str = r#"set -eu
if [ "$(sha256sum <"$1")" = "$3  -" ]; then chmod 600 -- "$1"; mv -f -- "$1" "$2"; echo whole; else rm -f -- "$1"; echo spoiled; fi"#;

fn full(to: &str, bytes: u64) -> Fault {
    let message = format!(
        "{to} needs {} MB, but then less than {FREE_PERCENT} % of its disk would be free, which is reserved for the database",
        bytes.div_ceil(1024 * 1024)
    );
    Fault::new(Code::E0442, message)
        .hint("nothing was sent; free space on the host (`citrino-ops backup prune --previous-databases`), or use a larger disk")
}

fn no_room(what: &str, bytes: u64, free: u64) -> Fault {
    let message = format!(
        "{what} has {} MB, and this machine's disk has {} MB free",
        bytes.div_ceil(1 << 20),
        free >> 20
    );
    Fault::new(Code::E0442, message)
        .hint("nothing was copied; free space here, or name a folder on another disk")
}

impl TransferSource {
    fn part(&self, to: &Path) -> PathBuf {
        let mut name = to.as_os_str().to_owned();
        let short: String = self.sha256.chars().take(SHORT).collect();
        name.push(format!(".{short}{PART}"));
        name.into()
    }

    fn moved(&self, sent: u64) -> Moved {
        Moved {
            sha256: self.sha256.clone(),
            bytes: self.bytes,
            sent,
        }
    }
}

fn cut(what: &str, there: u64, of: u64) -> Fault {
    Fault::new(
        Code::E0435,
        format!("the connection was lost at byte {there} of {of} of {what}"),
    )
    .hint("run the command again: it continues there")
}

fn spoiled(what: &str) -> Fault {
    Fault::new(
        Code::E0434,
        format!("{what} was damaged on the way, and the damaged copy was deleted"),
    )
    .hint("run the command again; if the error stays, check the disks of both machines")
}

//! Large content by its address: stored once under its sha256, sent only when it is not there.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};

use crate::error::Fault;
use crate::system::System;

/// Where a host keeps blobs.
pub const FOLDER: &str = "/var/lib/citrino/blobs";

/// The address of content: sha256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn path(address: &str) -> String {
    format!("{FOLDER}/{address}")
}

pub fn present(system: &System, address: &str) -> Result<bool> {
    Ok(system.stat(path(address))?.is_some())
}

/// The content behind an address, compared with it before use.
pub fn read(system: &System, address: &str) -> Result<Vec<u8>> {
    let bytes = system.read(path(address))?.ok_or_else(|| {
        Fault::new("E0408", format!("blob {address} is not on the host"))
            .hint("run the verb again: it sends what is missing")
    })?;
    if sha256(&bytes) != address {
        return Err(
            Fault::new("E0408", format!("blob {address} on the host is damaged"))
                .hint(format!(
                    "remove {} on the host and run the verb again",
                    path(address)
                ))
                .into(),
        );
    }
    Ok(bytes)
}

/// Stores what came over the wire, when it is what its address says.
pub async fn store(system: &System, address: &str, packed: &[u8]) -> Result<()> {
    let bytes = unpack(packed)?;
    if sha256(&bytes) != address {
        return Err(Fault::new(
            "E0408",
            format!("what arrived as blob {address} is something else"),
        )
        .hint("run the verb again")
        .into());
    }
    std::fs::create_dir_all(system.path(FOLDER)).context("could not make the folder for blobs")?;
    system
        .write_atomic(path(address), &bytes, 0o600, None, &[])
        .await
}

/// Removes a blob, when it is there.
pub fn forget(system: &System, address: &str) -> Result<()> {
    system.remove(path(address))
}

/// gzip, because every host can unpack it before anything of ours is there.
pub fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .context("what arrived is not whole")?;
    Ok(bytes)
}

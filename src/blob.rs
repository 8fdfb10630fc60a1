//! Large content by its address: stored once under its sha256, sent only when it is not there.

use std::io::Read;
use std::time::SystemTime;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::error::Fault;
use crate::facts::app;
use crate::pack;
use crate::system::System;

/// Where a host keeps blobs.
pub const FOLDER: &str = "/var/lib/citrino/blobs";

/// The address of content: sha256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The address of what comes from a reader, and its length; read in pieces, since a host's memory is small.
///
/// # Errors
/// When it cannot be read to its end.
pub fn sha256_of(from: &mut impl Read) -> std::io::Result<(String, u64)> {
    let mut digest = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match from.read(&mut piece)? {
            0 => return Ok((hex(&digest.finalize()), bytes)),
            length => {
                digest.update(&piece[..length]);
                bytes += length as u64;
            }
        }
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
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

/// Content that both sides have, for new content to be sent as a patch against it.
pub struct Base {
    pub sha256: String,
    pub bytes: Vec<u8>,
}

/// The first of these that is the binary of a release here, and whole.
///
/// # Errors
/// When the releases cannot be read.
pub fn base(system: &System, addresses: &[String]) -> Result<Option<Base>> {
    if addresses.is_empty() {
        return Ok(None);
    }
    let releases = app::releases(system)?;
    for address in addresses {
        let held = releases.iter().find(|release| release.sha256 == *address);
        let Some(release) = held else { continue };
        let bytes = system.read(app::binary(&release.id))?.unwrap_or_default();
        if sha256(&bytes) == *address {
            return Ok(Some(Base {
                sha256: address.clone(),
                bytes,
            }));
        }
    }
    Ok(None)
}

/// Stores what came over the wire, packed over a base or over nothing, when it is what its address
/// says.
pub async fn store(
    system: &System,
    address: &str,
    packed: &[u8],
    base: &[u8],
    length: usize,
) -> Result<()> {
    let bytes = pack::unpack(packed, base, length).map_err(|error| {
        Fault::new("E0408", format!("blob {address}: {error:#}")).hint("run the verb again")
    })?;
    if sha256(&bytes) != address {
        return Err(Fault::new(
            "E0408",
            format!("what arrived as blob {address} is something else"),
        )
        .hint("run the verb again")
        .into());
    }
    write(system, address, &bytes).await
}

/// Stores content that is here already, and gives its address.
pub async fn keep(system: &System, bytes: &[u8]) -> Result<String> {
    let address = sha256(bytes);
    write(system, &address, bytes).await?;
    Ok(address)
}

async fn write(system: &System, address: &str, bytes: &[u8]) -> Result<()> {
    std::fs::create_dir_all(system.path(FOLDER)).context("could not make the folder for blobs")?;
    system
        .write_atomic(path(address), bytes, 0o600, None, &[])
        .await
}

/// Removes a blob, when it is there.
pub fn forget(system: &System, address: &str) -> Result<()> {
    system.remove(path(address))
}

/// Removes the blobs that were stored before this time, by the clock of files.
pub fn forget_until(system: &System, time: SystemTime) -> Result<()> {
    let folder = system.path(FOLDER);
    let context = || format!("could not clear {}", folder.display());
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        let entry = entry.with_context(context)?;
        // Somebody else may be storing one.
        let stored = entry.metadata().and_then(|found| found.modified());
        if stored.is_ok_and(|stored| stored < time) {
            system.remove(format!("{FOLDER}/{}", entry.file_name().to_string_lossy()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::app::APP_FOLDER;

    /// A host with releases of this content, each with a manifest that names its hash.
    fn host(root: &std::path::Path, contents: &[&[u8]]) -> System {
        use std::os::unix::fs::PermissionsExt;
        let system = System::at(root);
        for (n, content) in contents.iter().enumerate() {
            let folder = system.path(format!("{APP_FOLDER}/releases/r{n}"));
            std::fs::create_dir_all(&folder).unwrap();
            let binary = folder.join("citrino-app");
            std::fs::write(&binary, content).unwrap();
            std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
            let manifest = serde_json::json!({
                "id": format!("r{n}"), "sha256": sha256(content), "commit": "", "built_at": "",
                "size_bytes": content.len(),
            });
            std::fs::write(folder.join("release.json"), manifest.to_string()).unwrap();
        }
        system
    }

    #[test]
    fn a_base_is_one_that_is_here_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let system = host(folder.path(), &[b"the one", b"another"]);
        let [absent, one, other] = [b"absent" as &[u8], b"the one", b"another"].map(sha256);
        let found = |offered: &[&String]| {
            let offered: Vec<String> = offered.iter().map(|&address| address.clone()).collect();
            base(&system, &offered).unwrap().map(|base| base.sha256)
        };
        assert_eq!(found(&[&absent, &one, &other]).as_ref(), Some(&one));
        assert_eq!(found(&[&absent]), None);
        assert_eq!(found(&[]), None);
        // Of the same length: only the hash can tell.
        let damaged = system.path(app::binary("r0"));
        std::fs::write(damaged, b"the 0ne").unwrap();
        assert_eq!(found(&[&one, &other]).as_ref(), Some(&other));
        assert_eq!(found(&[&one]), None);
    }

    #[tokio::test]
    async fn what_was_stored_before_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let now = SystemTime::now();
        forget_until(&system, now).unwrap();
        let old = keep(&system, b"old").await.unwrap();
        let new = keep(&system, b"new").await.unwrap();
        let file = std::fs::File::open(system.path(path(&old))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        forget_until(&system, now - std::time::Duration::from_mins(1)).unwrap();
        assert!(!present(&system, &old).unwrap() && present(&system, &new).unwrap());
    }

    #[tokio::test]
    async fn only_what_its_address_says_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let old: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        let new = [&old[..], b"and a word"].concat();
        let patch = pack::pack(&new, &old).unwrap();
        let address = sha256(&new);
        // A base of the same length that is another in one place that the patch leads to.
        let mut wrong = old.clone();
        wrong[40_001] ^= 1;
        for (packed, base) in [(&patch[..], &wrong[..]), (&patch, &[]), (&patch[..9], &old)] {
            let refused = store(&system, &address, packed, base, new.len()).await;
            assert_eq!(crate::error::trouble(&refused.unwrap_err()).code, "E0408");
            assert!(!present(&system, &address).unwrap());
        }
        store(&system, &address, &patch, &old, new.len())
            .await
            .unwrap();
        assert_eq!(read(&system, &address).unwrap(), new);
    }
}

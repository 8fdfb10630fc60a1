//! Large content by its address: stored once under its sha256, sent only when it is not there.

use std::time::SystemTime;

use crate::core::digest::sha256;
use crate::host::own;
use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::host::system::{PROGRAM, System};
use crate::storage::pack;

/// Where a host keeps blobs.
pub const FOLDER: &str = own::BLOBS;

fn path(address: &str) -> String {
    format!("{FOLDER}/{address}")
}

pub fn present(system: &System, address: &str) -> Result<bool> {
    Ok(system.stat(path(address))?.is_some())
}

/// The content behind an address, compared with it before use.
pub fn read(system: &System, address: &str) -> Result<Vec<u8>> {
    let bytes = system.read_up_to(path(address), PROGRAM)?.ok_or_else(|| {
        Fault::new(Code::E0408, format!("blob {address} is not on the host"))
            .hint("run the command again: it sends what is missing")
    })?;
    if sha256(&bytes) != address {
        return Err(Fault::new(
            Code::E0408,
            format!("blob {address} on the host is damaged"),
        )
        .hint(format!(
            "remove {} on the host and run the command again",
            path(address)
        ))
        .into());
    }
    Ok(bytes)
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
        Fault::new(Code::E0408, format!("blob {address}: {error:#}")).hint("run the command again")
    })?;
    if sha256(&bytes) != address {
        return Err(Fault::new(
            Code::E0408,
            format!("blob {address} was damaged on the way"),
        )
        .hint("run the command again")
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
    system.make_folders(FOLDER)?;
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
    for name in system.names(FOLDER)? {
        // Somebody else may be storing one.
        let stored = system.stat(path(&name))?;
        if stored.is_some_and(|stored| stored.modified < time) {
            system.remove(path(&name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(
                crate::core::error::error_info(&refused.unwrap_err()).code,
                Code::E0408
            );
            assert!(!present(&system, &address).unwrap());
        }
        store(&system, &address, &patch, &old, new.len())
            .await
            .unwrap();
        assert_eq!(read(&system, &address).unwrap(), new);
    }
}

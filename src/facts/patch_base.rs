//! Content that both sides have, for new content to be sent as a patch against it.

use anyhow::Result;

use super::app;
use crate::core::value::Sha256;
use crate::host::system::{PROGRAM, System};

/// Content that both sides have, for new content to be sent as a patch against it.
pub struct PatchBase {
    pub sha256: Sha256,
    pub bytes: Vec<u8>,
}

/// The first of these that is the binary of a release here, and whole.
///
/// # Errors
/// When the releases cannot be read.
pub fn base(system: &System, addresses: &[Sha256]) -> Result<Option<PatchBase>> {
    if addresses.is_empty() {
        return Ok(None);
    }
    let releases = app::releases(system)?;
    for address in addresses {
        let held = releases.iter().find(|release| release.sha256 == *address);
        let Some(release) = held else { continue };
        let bytes = system
            .read_up_to(system.app().binary_of(&release.id), PROGRAM)?
            .unwrap_or_default();
        if Sha256::of(&bytes) == *address {
            return Ok(Some(PatchBase {
                sha256: address.clone(),
                bytes,
            }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host with releases of this content, each with a manifest that names its hash.
    fn host(root: &std::path::Path, contents: &[&[u8]]) -> System {
        use std::os::unix::fs::PermissionsExt;
        let system = System::at(root);
        for (n, content) in contents.iter().enumerate() {
            let binary = system.path(system.app().binary_of(&format!("r{n}")));
            let folder = binary.parent().unwrap();
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&binary, content).unwrap();
            std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
            let manifest = serde_json::json!({
                "id": format!("r{n}"), "sha256": Sha256::of(content), "commit": "", "built_at": "",
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
        let [absent, one, other] = [b"absent" as &[u8], b"the one", b"another"].map(Sha256::of);
        let found = |offered: &[&Sha256]| {
            let offered: Vec<Sha256> = offered.iter().map(|&address| address.clone()).collect();
            base(&system, &offered).unwrap().map(|base| base.sha256)
        };
        assert_eq!(found(&[&absent, &one, &other]).as_ref(), Some(&one));
        assert_eq!(found(&[&absent]), None);
        assert_eq!(found(&[]), None);
        // Of the same length: only the hash can tell.
        let damaged = system.path(system.app().binary_of("r0"));
        std::fs::write(damaged, b"the 0ne").unwrap();
        assert_eq!(found(&[&one, &other]).as_ref(), Some(&other));
        assert_eq!(found(&[&one]), None);
    }
}

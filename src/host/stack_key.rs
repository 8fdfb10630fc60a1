//! The key of the stack as its host has it, for root alone.

use anyhow::Result;

use super::own::STACK_KEY;
use super::system::{Ids, System, random};
use crate::core::error::{Code, Fault};
use crate::core::stack_key::StackKey;

/// For root alone to read and write.
pub const MODE: u32 = 0o600;

/// The key; none before the first `converge`.
///
/// # Errors
/// E0437 when the file has none, or is not root's.
pub fn read(system: &System) -> Result<Option<StackKey>> {
    let Some(text) = system.read_text(STACK_KEY)? else {
        return Ok(None);
    };
    let found = system.stat(STACK_KEY)?;
    if found.is_some_and(|found| found.ids.uid != Ids::own().uid) {
        return Err(unusable("belongs to somebody else").into());
    }
    let key = StackKey::parse(&text).map_err(|why| unusable(&why))?;
    Ok(Some(key))
}

/// The key, for what cannot be done without it.
///
/// # Errors
/// E0437 when there is none. So of `read`.
pub fn need(system: &System) -> Result<StackKey> {
    let key = read(system)?;
    Ok(key.ok_or_else(|| {
        Fault::new(
            Code::E0437,
            "the host has no key to sign backups with",
        )
        .hint("run `citrino-ops converge`: it makes the key, and signs the backups that earlier versions left")
    })?)
}

/// A new key, of the kernel's random numbers.
///
/// # Errors
/// When the kernel has none.
pub fn made() -> Result<StackKey> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(StackKey::of(bytes))
}

fn unusable(why: &str) -> Fault {
    Fault::new(Code::E0437, format!("{STACK_KEY} on the host {why}"))
        .hint("put the key back from a machine that knows it; `citrino-ops explain E0437` says where it is there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::code;

    #[test]
    fn a_host_has_no_key_one_key_or_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        assert!(read(&system).unwrap().is_none());
        assert_eq!(code(&need(&system).unwrap_err()), Code::E0437);
        let path = system.path(STACK_KEY);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let key = made().unwrap();
        std::fs::write(&path, key.line()).unwrap();
        assert_eq!(need(&system).unwrap(), key);
        assert_ne!(made().unwrap(), key);
        for wrong in ["", "hunter2", "\0"] {
            std::fs::write(&path, wrong).unwrap();
            let error = read(&system).unwrap_err();
            assert_eq!(code(&error), Code::E0437);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}

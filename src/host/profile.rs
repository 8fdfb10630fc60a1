//! The application profile as a host has it, for jobs that start there with no operator.

use anyhow::{Context, Result};

use super::own::PROFILE;
use super::system::System;
use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};

/// The host, with the app that `converge` wrote down there. A host of an earlier version has no such file, and Citrino.
///
/// # Errors
/// E0426 when the file is there and cannot be read.
pub fn on(system: System) -> Result<System> {
    let Some(text) = system.read(PROFILE)? else {
        return Ok(system);
    };
    let profile: AppProfile = serde_json::from_slice(&text).with_context(|| {
        Fault::new(Code::E0426, format!("{PROFILE} cannot be read"))
            .hint("`citrino-ops converge` writes it again")
    })?;
    Ok(system.with_app(profile))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_the_file_has_the_app_of_the_earlier_versions() {
        let folder = tempfile::tempdir().unwrap();
        let host = || System::at(folder.path());
        assert_eq!(on(host()).unwrap().app(), &AppProfile::default());
        let other = AppProfile {
            name: "shop".parse().unwrap(),
            ..AppProfile::default()
        };
        let path = host().path(PROFILE);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_vec(&other).unwrap()).unwrap();
        assert_eq!(on(host()).unwrap().app(), &other);
        // It is for root alone to write; what is no profile must not be taken for Citrino's.
        std::fs::write(&path, "{}").unwrap();
        assert!(on(host()).is_err());
    }
}

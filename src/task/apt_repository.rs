//! A repository that apt knows, with the key that signs it.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{Package, apt};
use crate::core::digest::sha256;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::own;
use crate::host::system::System;

/// Written in apt's deb822 format (sources.list(5)). The key is armored text, or a file that a
/// package of the distribution brings; it signs this repository only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AptRepository {
    pub name: String,
    pub uris: Vec<String>,
    pub suites: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// The public key itself, as armored PGP text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A key that is on the host already, or comes with `key_package`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
}

impl AptRepository {
    fn sources_path(&self) -> String {
        format!("/etc/apt/sources.list.d/{}.sources", self.name)
    }

    /// Where the key lies; without one the keys of the distribution sign.
    fn key_path(&self) -> Option<String> {
        match (&self.key, &self.key_file) {
            (Some(_), _) => Some(format!("/etc/apt/keyrings/{}.asc", self.name)),
            (None, file) => file.clone(),
        }
    }

    fn stamp_path(&self) -> String {
        format!("{}/apt-{}.sha256", own::STAMPS, self.name)
    }

    fn sources(&self) -> String {
        let fields = [
            ("Types", "deb".to_owned()),
            ("URIs", self.uris.join(" ")),
            ("Suites", self.suites.join(" ")),
            ("Components", self.components.join(" ")),
            ("Architectures", self.arch.clone().unwrap_or_default()),
            ("Signed-By", self.key_path().unwrap_or_default()),
        ];
        let said = fields.iter().filter(|(_, words)| !words.is_empty());
        let lines: Vec<String> = said.map(|(key, words)| format!("{key}: {words}")).collect();
        format!("# Made by citrino-ops.\n{}\n", lines.join("\n"))
    }

    /// What the lists were fetched with. A run that was killed between writing the files and
    /// fetching leaves no stamp, so the next one fetches.
    fn digest(&self, system: &System) -> Result<String> {
        let mut all = self.sources().into_bytes();
        if let Some(path) = self.key_path() {
            all.extend(system.read(path)?.unwrap_or_default());
        }
        Ok(sha256(&all))
    }

    async fn write(&self, system: &System) -> Result<()> {
        for folder in ["/etc/apt/keyrings", "/etc/apt/sources.list.d"] {
            system.make_folders(folder)?;
        }
        if let (Some(key), Some(path)) = (&self.key, self.key_path()) {
            system
                .write_atomic(path, key.as_bytes(), 0o644, None, &[])
                .await?;
        }
        self.bring_key(system).await?;
        system
            .write_atomic(
                self.sources_path(),
                self.sources().as_bytes(),
                0o644,
                None,
                &[],
            )
            .await
    }

    /// Installs the package of the key, unless the key is there.
    async fn bring_key(&self, system: &System) -> Result<()> {
        let Some(path) = self.key_path() else {
            return Ok(());
        };
        if let (None, Some(name)) = (system.stat(&path)?, &self.key_package) {
            let package = Package {
                install: vec![name.clone()],
                remove: Vec::new(),
                hold: Vec::new(),
            };
            package.apply(system).await?;
        }
        if system.stat(&path)?.is_some() {
            return Ok(());
        }
        let fault = Fault::new(
            Code::E0408,
            format!("key file {path} does not exist on the host"),
        );
        Err(fault
            .hint(
                "put the key itself into `key`, or the package that installs it into `key_package`",
            )
            .into())
    }

    /// Fetches the lists of this repository only, and fails when one of them cannot be had:
    /// apt-get would only warn, and the packages would be missed by a later step.
    async fn fetch(&self, system: &System) -> Result<()> {
        let list = format!("Dir::Etc::sourcelist={}", self.sources_path());
        let args = [
            "update",
            "-o",
            &list,
            "-o",
            "Dir::Etc::sourceparts=-",
            "-o",
            "APT::Get::List-Cleanup=0",
            "-o",
            "APT::Update::Error-Mode=any",
        ];
        apt::run(system, &args).await?.success()?;
        Ok(())
    }
}

impl Wish<System> for AptRepository {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let mut what = Vec::new();
        let sources = self.sources_path();
        match system.read_text(&sources)? {
            None => what.push(format!("{sources} does not exist")),
            Some(text) if text != self.sources() => {
                what.push(format!("content of {sources} differs"));
            }
            Some(_) => {}
        }
        if let Some(path) = self.key_path() {
            match (system.read_text(&path)?, &self.key) {
                (None, _) => what.push(format!("key file {path} does not exist")),
                (Some(found), Some(key)) if found != *key => {
                    what.push(format!("content of key file {path} differs"));
                }
                _ => {}
            }
        }
        let stamp = system.read_text(self.stamp_path())?;
        if stamp.as_deref() != Some(&self.digest(system)?) {
            what.push(format!(
                "package lists of {} were not fetched yet",
                self.name
            ));
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        self.write(system).await?;
        self.fetch(system).await?;
        system.make_folders(own::STAMPS)?;
        let digest = self.digest(system)?;
        system
            .write_atomic(self.stamp_path(), digest.as_bytes(), 0o644, None, &[])
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_deb822_with_the_key_beside_it() {
        let repository = AptRepository {
            name: "pgdg".to_owned(),
            uris: vec!["https://apt.example.org/pub".to_owned()],
            suites: vec!["jammy-pgdg".to_owned()],
            components: vec!["main".to_owned()],
            key: Some("-----BEGIN PGP PUBLIC KEY BLOCK-----\n".to_owned()),
            key_file: None,
            key_package: None,
            arch: Some("amd64".to_owned()),
        };
        assert_eq!(
            repository.sources(),
            "# Made by citrino-ops.\nTypes: deb\nURIs: https://apt.example.org/pub\n\
             Suites: jammy-pgdg\nComponents: main\nArchitectures: amd64\n\
             Signed-By: /etc/apt/keyrings/pgdg.asc\n"
        );
    }
}

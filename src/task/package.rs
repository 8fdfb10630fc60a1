//! Packages that are installed, absent, or kept at their version.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Deserializer, Serialize};

use super::apt;
use super::program::run_if_there;
use crate::core::engine::{CheckResult, Wish};
use crate::host::system::{Cmd, Output, System};

/// One question to dpkg and one run of apt-get for all of them. The lists are fetched only when
/// what is there does not do: fetching takes longer than all the rest of a run that changes nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "named"
    )]
    pub install: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Not upgraded by anybody. They must be installed, here or by an earlier step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold: Vec<String>,
}

/// What a template leaves empty is no name: so one list holds for hosts that differ.
fn named<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<String>, D::Error> {
    let mut names = Vec::<String>::deserialize(from)?;
    names.retain(|name| !name.is_empty());
    Ok(names)
}

/// What dpkg knows of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackageStatus {
    installed: bool,
    held: bool,
    /// Unpacked, and its configuration did not end.
    half: bool,
}

type KnownVersions = BTreeMap<String, PackageStatus>;

/// Reads lines of status and name as `dpkg-query` prints them; dpkg-query(1) explains the letters
/// of the status: wish, state, error.
fn parse(stdout: &str) -> KnownVersions {
    let lines = stdout.lines().filter_map(|line| line.split_once('\t'));
    lines
        .map(|(status, name)| {
            let wish = status.chars().next();
            let state = status.chars().nth(1);
            let status = PackageStatus {
                installed: state == Some('i'),
                held: wish == Some('h'),
                half: matches!(state, Some('U' | 'F' | 'H' | 'W' | 't')),
            };
            (name.to_owned(), status)
        })
        .collect()
}

impl Package {
    async fn known(&self, system: &System) -> Result<KnownVersions> {
        let format = "--showformat=${db:Status-Abbrev}\t${Package}\n";
        let names = self.install.iter().chain(&self.remove).chain(&self.hold);
        let argv = ["dpkg-query", "--show", format, "--"].map(str::to_owned);
        // Exits with 1 when it does not know one of the names, and prints the others.
        let output =
            run_if_there(system, &Cmd::new(argv.into_iter().chain(names.cloned()))).await?;
        Ok(match output {
            Some(output) if output.code <= 1 => parse(&output.stdout),
            Some(output) => parse(&output.success()?.stdout),
            None => KnownVersions::new(),
        })
    }

    fn missing<'a>(&'a self, known: &KnownVersions) -> Vec<&'a String> {
        let is_missing = |name: &&String| !status(known, name).installed;
        self.install.iter().filter(is_missing).collect()
    }

    fn unwanted<'a>(&'a self, known: &KnownVersions) -> Vec<&'a String> {
        let is_there = |name: &&String| {
            let status = status(known, name);
            status.installed || status.half
        };
        self.remove.iter().filter(is_there).collect()
    }

    fn loose<'a>(&'a self, known: &KnownVersions) -> Vec<&'a String> {
        let is_loose = |name: &&String| !status(known, name).held;
        self.hold.iter().filter(is_loose).collect()
    }

    /// One run of apt-get for what comes and what goes, so that it weighs both.
    async fn install(&self, system: &System, known: &KnownVersions) -> Result<()> {
        let (missing, unwanted) = (self.missing(known), self.unwanted(known));
        if missing.is_empty() && unwanted.is_empty() {
            return Ok(());
        }
        let leaving: Vec<String> = unwanted.iter().map(|name| format!("{name}-")).collect();
        let mut args = vec!["install", "--no-install-recommends", "--"];
        args.extend(missing.iter().map(|name| name.as_str()));
        args.extend(leaving.iter().map(String::as_str));
        let output = apt::run(system, &args).await?;
        self.mend(system, &args, output).await?.success()?;
        Ok(())
    }

    /// Tries again when the failure has a cause that can be taken away.
    async fn mend(&self, system: &System, args: &[&str], failed: Output) -> Result<Output> {
        if failed.ok() {
            return Ok(failed);
        }
        if apt::was_interrupted(&failed.stderr) {
            apt::configure_all(system).await?;
            let output = apt::run(system, args).await?;
            if output.ok() || !apt::lists_are_stale(&output.stderr) {
                return Ok(output);
            }
        } else if !apt::lists_are_stale(&failed.stderr) {
            return Ok(failed);
        }
        // One repository that is gone keeps nobody from what the others have.
        let updated = apt::update(system).await;
        let output = apt::run(system, args).await?;
        if !output.ok() {
            updated?;
        }
        Ok(output)
    }
}

fn status(known: &KnownVersions, name: &str) -> PackageStatus {
    let bare = name.split(':').next().unwrap_or(name);
    known.get(bare).copied().unwrap_or(PackageStatus {
        installed: false,
        held: false,
        half: false,
    })
}

fn sentence(names: &[&String], what: &str) -> Option<String> {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
}

fn differences(wish: &Package, known: &KnownVersions) -> Vec<String> {
    let (half, absent): (Vec<_>, Vec<_>) = wish
        .missing(known)
        .into_iter()
        .partition(|name| status(known, name).half);
    [
        sentence(&absent, "not installed"),
        sentence(&half, "half installed"),
        sentence(&wish.unwanted(known), "installed, expected not installed"),
        sentence(&wish.loose(known), "not held at its version"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Wish<System> for Package {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        Ok(CheckResult::from(differences(
            self,
            &self.known(system).await?,
        )))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let known = self.known(system).await?;
        self.install(system, &known).await?;
        let loose = self.loose(&known);
        if !loose.is_empty() {
            let argv = ["apt-mark", "hold", "--"].map(str::to_owned);
            let cmd = Cmd::new(argv.into_iter().chain(loose.into_iter().cloned()));
            system.run(&cmd).await?.success()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by dpkg-query 1.21.22 of Debian 12.
    const PRINTED: &str =
        "ii \tcurl\nhi \tpostgresql-15\nrc \tapache2\niU \tnginx\nun \tsendmail\n";

    fn wish(install: &[&str], remove: &[&str], hold: &[&str]) -> Package {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Package {
            install: own(install),
            remove: own(remove),
            hold: own(hold),
        }
    }

    #[test]
    fn names_what_is_absent_half_there_too_much_and_not_held() {
        let known = parse(PRINTED);
        let all = wish(
            &["curl", "ufw", "nginx", "postgresql-15", "sendmail"],
            &["apache2", "curl"],
            &["postgresql-15", "curl"],
        );
        assert_eq!(
            differences(&all, &known),
            [
                "not installed: ufw, sendmail",
                "half installed: nginx",
                "installed, expected not installed: curl",
                "not held at its version: curl",
            ]
        );
    }

    #[test]
    fn what_a_template_leaves_empty_is_no_name() {
        let list: Package = serde_yaml::from_str("install: [curl, '', ufw]").unwrap();
        assert_eq!(list.install, ["curl", "ufw"]);
    }

    #[test]
    fn is_content_with_what_is_so() {
        let known = parse(PRINTED);
        let so = wish(
            &["curl", "curl:amd64"],
            &["apache2", "exim4"],
            &["postgresql-15"],
        );
        assert!(differences(&so, &known).is_empty());
        let fresh = wish(&["curl"], &[], &[]);
        assert_eq!(differences(&fresh, &parse("")), ["not installed: curl"]);
    }
}

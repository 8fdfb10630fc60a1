//! The host key. A new host gets one that the operator made, so that it is known before the first
//! packet. Everybody on the host can read that key in the user data, so the host replaces it with one
//! that it makes itself.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::config::playbook::Playbooks;
use crate::config::template::Values;
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::core::secret::Secret;
use crate::facts::{HOST_KEY, HostKeys, NEXT_HOST_KEY};
use crate::hetzner::labels::{self, Labels};
use crate::planner::cloud::Bootstrap;
use crate::task::{Command as CommandTask, Task};

/// The part of a plan that these steps stand in.
const PART: &str = "host key";
const USER_DATA: &str = "cloud-init/user-data.yml.tera";

/// A key pair for the first minutes of a host.
#[derive(Serialize)]
struct Pair {
    private: String,
    public: String,
}

impl Pair {
    /// Made by `ssh-keygen` in a folder that only this user can read and that is gone afterwards.
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir().context("could not create a folder for a key")?;
        let path = folder.path().join("key");
        let output = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
            .arg(&path)
            .output()
            .map_err(|error| {
                Fault::new(
                    Code::E0404,
                    format!("`ssh-keygen` could not be started: {error}"),
                )
                .hint("install the OpenSSH client on this machine")
            })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(
                Fault::new(Code::E0402, format!("`ssh-keygen` created no key: {said}")).into(),
            );
        }
        let read =
            |path: &Path| std::fs::read_to_string(path).context("could not read the new key");
        Ok(Self {
            private: read(&path)?.trim_end().to_owned(),
            public: read(&path.with_extension("pub"))?.trim().to_owned(),
        })
    }
}

/// What a new server is given: a key, and its pin in a label.
pub fn birth(playbooks: &Playbooks, values: Values) -> Result<Bootstrap> {
    let pair = Pair::make()?;
    Ok(Bootstrap {
        user_data: user_data(playbooks, values, &pair)?,
        pin: labels::pin_label(&pair.public)?,
    })
}

/// Renders what `birth` would, with no real key: for `validate`.
pub fn rehearse(playbooks: &Playbooks, values: Values) -> Result<()> {
    let pair = Pair {
        private: "-----BEGIN".to_owned(),
        public: "ssh-ed25519 AAAA".to_owned(),
    };
    user_data(playbooks, values, &pair).map(|_| ())
}

fn user_data(playbooks: &Playbooks, values: Values, pair: &Pair) -> Result<Secret> {
    let content = playbooks
        .templates()
        .render(USER_DATA, &values.with("host_key", pair))?;
    Ok(content.into_secret())
}

/// What is left to do until the host has a key of its own that is pinned.
#[derive(Debug, PartialEq, Eq)]
pub enum Rotation {
    /// A rebuild gave the host this pin's key: it takes the place of all earlier ones.
    Reborn(String),
    /// A rebuild was begun and did not come to be: its pin goes.
    NotReborn,
    /// The host makes its next key.
    Make,
    /// The next key is pinned beside the first, and takes its place.
    TakeOver(String),
    /// The next key serves: the first one's pin goes.
    Forget,
    Done,
}

impl Rotation {
    /// The server's labels as this step of the rotation has them.
    pub fn labels(&self, mut labels: Labels) -> Result<Labels> {
        match self {
            Self::Reborn(pin) => {
                labels.remove(labels::REBIRTH_KEY);
                labels.remove(labels::HOST_KEY);
                labels.insert(labels::BOOTSTRAP_KEY.to_owned(), pin.clone());
            }
            Self::NotReborn => drop(labels.remove(labels::REBIRTH_KEY)),
            Self::TakeOver(next) => {
                let pin = labels::pin_label(next)?;
                labels.insert(labels::HOST_KEY.to_owned(), pin);
            }
            Self::Forget => drop(labels.remove(labels::BOOTSTRAP_KEY)),
            Self::Make | Self::Done => {}
        }
        Ok(labels)
    }

    /// What it does on the host, once the labels are set.
    pub fn steps(&self) -> Vec<Step<Task>> {
        match self {
            Self::Make => make(),
            Self::TakeOver(_) => take_over(),
            _ => Vec::new(),
        }
    }
}

/// Where the rotation stands, by the labels and what the host says. It goes on from wherever it
/// was cut off.
pub fn rotation(labels: &Labels, keys: &HostKeys) -> Result<Rotation> {
    let current = keys.current.as_deref().map(labels::pin_label).transpose()?;
    if let Some(pin) = labels.get(labels::REBIRTH_KEY) {
        return Ok(if current.as_ref() == Some(pin) {
            Rotation::Reborn(pin.clone())
        } else {
            Rotation::NotReborn
        });
    }
    if !labels.contains_key(labels::BOOTSTRAP_KEY) {
        return Ok(Rotation::Done);
    }
    if let Some(next) = &keys.next {
        return Ok(Rotation::TakeOver(next.clone()));
    }
    Ok(match labels.get(labels::HOST_KEY) {
        Some(pin) if current.as_ref() == Some(pin) => Rotation::Forget,
        _ => Rotation::Make,
    })
}

/// The wish that the next key is there. A half-made one is made anew.
fn make() -> Vec<Step<Task>> {
    let make = format!(
        "umask 077; rm -f {NEXT_HOST_KEY} {NEXT_HOST_KEY}.pub; ssh-keygen -q -t ed25519 -N '' -C '' -f {NEXT_HOST_KEY}"
    );
    vec![step(
        "create a host key",
        &make,
        &format!("test -s {NEXT_HOST_KEY}.pub"),
    )]
}

/// The wish that sshd serves the next key and knows no other. The public half moves last: it tells
/// that this is not done.
fn take_over() -> Vec<Step<Task>> {
    let take = format!(
        "set -e; test ! -e {NEXT_HOST_KEY} || mv -f {NEXT_HOST_KEY} {HOST_KEY}; systemctl reload ssh.service; mv -f {NEXT_HOST_KEY}.pub {HOST_KEY}.pub; chmod 0644 {HOST_KEY}.pub"
    );
    vec![step(
        "switch sshd to the new host key",
        &take,
        &format!("test ! -e {NEXT_HOST_KEY}.pub"),
    )]
}

fn step(name: &str, run: &str, check: &str) -> Step<Task> {
    let shell = |line: &str| vec!["sh".to_owned(), "-c".to_owned(), line.to_owned()];
    Step::new(
        PART,
        name,
        CommandTask {
            run: shell(run),
            check: shell(check),
            user: None,
            env_file: None,
            sandbox: false,
            writes: Vec::new(),
            deadline_s: None,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";

    #[test]
    fn goes_on_from_wherever_it_was_cut_off() {
        let pin = labels::pin_label(KEY).unwrap();
        let label = |names: &[&str]| -> Labels {
            names
                .iter()
                .map(|name| ((*name).to_owned(), pin.clone()))
                .collect()
        };
        let keys = |current: Option<&str>, next: Option<&str>| HostKeys {
            current: current.map(str::to_owned),
            next: next.map(str::to_owned),
        };
        let born = label(&[labels::BOOTSTRAP_KEY]);
        let both = label(&[labels::BOOTSTRAP_KEY, labels::HOST_KEY]);
        let next = "ssh-ed25519 AAAA";
        let rebuilt = label(&[labels::HOST_KEY, labels::REBIRTH_KEY]);
        let mut not_rebuilt = rebuilt.clone();
        not_rebuilt.insert(labels::REBIRTH_KEY.to_owned(), "another".to_owned());
        for (labels, keys, wished) in [
            (
                &rebuilt,
                keys(Some(KEY), None),
                Rotation::Reborn(pin.clone()),
            ),
            (&not_rebuilt, keys(Some(KEY), None), Rotation::NotReborn),
            (&born, keys(Some(KEY), None), Rotation::Make),
            (
                &born,
                keys(Some(KEY), Some(next)),
                Rotation::TakeOver(next.to_owned()),
            ),
            (
                &both,
                keys(Some(KEY), Some(next)),
                Rotation::TakeOver(next.to_owned()),
            ),
            (&both, keys(Some(KEY), None), Rotation::Forget),
            (
                &label(&[labels::HOST_KEY]),
                keys(Some(KEY), None),
                Rotation::Done,
            ),
        ] {
            assert_eq!(rotation(labels, &keys).unwrap(), wished);
        }
    }

    #[test]
    fn a_birth_has_a_fresh_key_each_time_and_its_pin() {
        let playbooks = Playbooks::load(Path::new("/nonexistent")).unwrap();
        let one = birth(&playbooks, Values::new(&[])).unwrap();
        let two = birth(&playbooks, Values::new(&[])).unwrap();
        assert_ne!(one.pin, two.pin);
        let text = one.user_data.reveal();
        assert!(text.starts_with("#cloud-config\n"), "{text}");
        assert!(
            text.contains("    -----BEGIN OPENSSH PRIVATE KEY-----\n"),
            "{text}"
        );
    }
}

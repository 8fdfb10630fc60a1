//! A public key that new servers are given.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ours::{foreign, is_ours};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::hetzner::{Hetzner, KeyView, labels};

/// A public key of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub name: String,
    /// `ssh-ed25519 AAAA…`, with or without a comment.
    pub line: String,
}

impl PublicKey {
    /// Reads the content of a `.pub` file.
    ///
    /// # Errors
    /// E0102 when it is no public key; a private one is refused without being shown.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Fault::new(Code::E0102, format!("cloud.ssh_keys: {name} {why}"))
                .hint("name the file with the public key: it ends in .pub and starts with `ssh-`")
        };
        if text.contains("PRIVATE KEY") {
            return Err(wrong("is a private key, which must not leave this machine").into());
        }
        let line = text.trim();
        let mut words = line.split_whitespace();
        let (kind, body) = (words.next().unwrap_or_default(), words.next());
        let is_key = body
            .and_then(|body| STANDARD.decode(body).ok())
            .is_some_and(|wire| wire.get(4..4 + kind.len()) == Some(kind.as_bytes()));
        if line.lines().count() != 1 || kind.is_empty() || !is_key {
            return Err(wrong("is not a public key in one line").into());
        }
        Ok(Self {
            name: name.to_owned(),
            line: line.to_owned(),
        })
    }
}

#[derive(Clone, Debug)]
pub struct SshKey {
    pub stack: String,
    /// In the project; the stack's name is in it, so that those of two stacks do not meet.
    pub name: String,
    pub line: String,
}

/// What the project has of a key.
enum FoundKey {
    /// The public key is there. The API takes each public key only once in a project, so another
    /// stack, or a person, may have brought it under another name: it serves as it is, and is left
    /// alone.
    Key,
    /// Our name holds another key: the operator's key was changed.
    OtherKey(KeyView),
    /// Nothing, and this name is free for it.
    Nothing(String),
}

impl SshKey {
    pub fn new(stack: &str, key: &PublicKey) -> Self {
        Self {
            stack: stack.to_owned(),
            name: format!("{stack}-{}", key.name),
            line: key.line.clone(),
        }
    }

    /// Both names that the key may have. Names of two stacks meet where one stack's name begins the
    /// other's: `pre` with `two-k.pub` and `pre-two` with `k.pub`.
    pub fn names(&self) -> [String; 2] {
        [
            self.name.clone(),
            format!("{}-of-{}", self.name, self.stack),
        ]
    }

    async fn find(&self, api: &Hetzner) -> Result<FoundKey> {
        let keys = api.ssh_keys().await?;
        if keys.iter().any(|key| key.is_key(&self.line)) {
            return Ok(FoundKey::Key);
        }
        for name in self.names() {
            match keys.iter().find(|key| key.name == name) {
                None => return Ok(FoundKey::Nothing(name)),
                Some(key) if is_ours(&key.labels, &self.stack) => {
                    return Ok(FoundKey::OtherKey(key.clone()));
                }
                Some(key) if key.labels.contains_key(labels::STACK) => {}
                Some(_) => break,
            }
        }
        Err(foreign("ssh key", &self.name, &self.stack))
    }
}

impl Wish<Hetzner> for SshKey {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        Ok(match self.find(api).await? {
            FoundKey::Key => CheckResult::same(),
            FoundKey::OtherKey(_) => {
                CheckResult::differs(format!("ssh key {} has another public key", self.name))
            }
            FoundKey::Nothing(_) => CheckResult::absent("does not exist"),
        })
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        let name = match self.find(api).await? {
            FoundKey::Key => return Ok(()),
            FoundKey::OtherKey(old) => {
                api.delete(&old).await?;
                old.name
            }
            FoundKey::Nothing(name) => name,
        };
        api.create_ssh_key(&name, &self.line, &labels::of_stack(&self.stack))
            .await
    }
}

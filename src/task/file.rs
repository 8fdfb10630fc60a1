//! A file with this content, mode and owner.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use similar::TextDiff;

use super::originals;
use super::permissions::Perm;
use super::program::run_if_there;
use crate::core::digest;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;
use crate::core::value::{Sha256, checked};
use crate::host::system::{Cmd, Found, FutureFile, Ids, Kind, Output, PROGRAM, System, TEXT};
use crate::storage::blob;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub path: String,
    pub content: FileContent,
    #[serde(default = "default_mode")]
    pub mode: Perm,
    /// `user` or `user:group`.
    #[serde(default = "root")]
    pub owner: String,
    /// A program that must accept the new file, as `{file}`, before it takes its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validate: Vec<String>,
}

/// Where the content comes from. A playbook may also say `template: NAME`, which the operator's
/// side renders to text, or to a secret when a secret went into it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be text, `{ secret: NAME }`, or `{ output: [PROGRAM, …] }`"
)]
pub enum FileContent {
    Text(String),
    Secret(Secret),
    Blob {
        #[serde(deserialize_with = "checked::<_, Sha256>")]
        blob: String,
    },
    /// What a program on the host prints: the same each time it is asked.
    Output {
        output: Vec<String>,
        /// Runs as this user instead of root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Runs in the sandbox of the app.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        sandbox: bool,
    },
}

impl FileContent {
    /// What will be in the file.
    pub fn to_come(&self) -> FutureFile {
        match self {
            Self::Text(text) => FutureFile::Content(digest::sha256(text.as_bytes())),
            Self::Secret(secret) => FutureFile::Content(digest::sha256(secret.reveal().as_bytes())),
            Self::Blob { blob } => FutureFile::Content(blob.clone()),
            Self::Output { .. } => FutureFile::Unknown,
        }
    }

    /// The text as a secret, whether one went into it or not.
    pub fn into_secret(self) -> Secret {
        match self {
            FileContent::Text(text) => Secret::new(text),
            FileContent::Secret(secret) => secret,
            FileContent::Blob { blob } => Secret::new(blob),
            FileContent::Output { output, .. } => Secret::new(output.join(" ")),
        }
    }
}

fn default_mode() -> Perm {
    Perm(0o644)
}

fn root() -> String {
    "root".to_owned()
}

impl File {
    async fn wished(&self, system: &System) -> Result<Vec<u8>> {
        match &self.content {
            FileContent::Text(text) => Ok(text.clone().into_bytes()),
            FileContent::Secret(secret) => Ok(secret.reveal().as_bytes().to_vec()),
            FileContent::Blob { blob } => blob::read(system, blob),
            FileContent::Output { .. } => {
                let printed = system.run(&self.printer(system)).await?;
                Ok(printed.success()?.stdout.into_bytes())
            }
        }
    }

    async fn same_content(&self, system: &System, found: &[u8]) -> Result<bool> {
        match &self.content {
            FileContent::Blob { blob } => Ok(digest::sha256(found) == *blob),
            // A program that cannot say it yet makes a difference; `apply` tells what is wrong with it.
            FileContent::Output { .. } => {
                let printed = run_if_there(system, &self.printer(system)).await?;
                let same = |said: Output| said.ok() && said.stdout.as_bytes() == found;
                Ok(printed.is_some_and(same))
            }
            _ => Ok(self.wished(system).await? == found),
        }
    }

    /// What is in the file; none of what is no file, or larger than anything that it could be.
    fn content_there(&self, system: &System, found: &Found) -> Result<Option<Vec<u8>>> {
        let most = match &self.content {
            FileContent::Blob { .. } => PROGRAM,
            _ => TEXT,
        };
        if found.kind != Kind::File || found.bytes > most {
            return Ok(None);
        }
        system.read_up_to(&self.path, most)
    }

    /// A diff only of what everybody on the host may read, before and after: no secret, no binary.
    fn diff(&self, found: &[u8], mode: u32) -> Option<String> {
        let FileContent::Text(wished) = &self.content else {
            return None;
        };
        if mode & self.mode.0 & 0o004 == 0 {
            return None;
        }
        let found = std::str::from_utf8(found).ok()?;
        let diff = TextDiff::from_lines(found, wished);
        let diff = diff
            .unified_diff()
            .context_radius(2)
            .header(
                &format!("{} on the host", self.path),
                &format!("{} expected", self.path),
            )
            .to_string();
        Some(diff)
    }

    /// The program that prints the content.
    fn printer(&self, system: &System) -> Cmd {
        let FileContent::Output {
            output,
            user,
            sandbox,
        } = &self.content
        else {
            return Cmd::default();
        };
        let mut cmd = Cmd::new(output);
        if let Some(user) = user {
            cmd = cmd.user(user);
        }
        if *sandbox {
            cmd = cmd.in_sandbox(system, &[]);
        }
        cmd
    }

    /// An owner that is not there yet is a difference, not an error: an earlier step will make it.
    fn owner_ids(&self, system: &System) -> Option<Ids> {
        system.ids(&self.owner).ok()
    }
}

impl Wish<System> for File {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let system = &system.of(self.owner_ids(system));
        let Some(found) = system.stat(&self.path)? else {
            return Ok(CheckResult::differs(format!(
                "{} does not exist",
                self.path
            )));
        };
        if found.kind == Kind::Folder {
            return Err(Fault::new(
                Code::E0408,
                format!("{} is a directory, expected a file", self.path),
            )
            .hint("move the directory away by hand if it is not needed")
            .into());
        }
        let is_file = found.kind == Kind::File;
        let content = self.content_there(system, &found)?;
        let same = match &content {
            Some(content) => self.same_content(system, content).await?,
            None => false,
        };
        let mut what = Vec::new();
        if !is_file {
            let kind = found.kind.named();
            what.push(format!("{} is {kind}, expected a file", self.path));
        } else if !same {
            what.push(format!("content of {} differs", self.path));
        }
        let others = content.as_ref().filter(|_| !same);
        let kept = others.map(|content| originals::place(system, &self.path, content));
        if is_file && found.mode != self.mode.0 {
            what.push(format!(
                "mode is {:04o}, expected {:04o}",
                found.mode, self.mode.0
            ));
        }
        if self.owner_ids(system) != Some(found.ids) {
            what.push(format!(
                "owner is {}:{}, expected {}",
                found.ids.uid, found.ids.gid, self.owner
            ));
        }
        if let Some(place) = kept.transpose()?.flatten() {
            what.push(format!("what is there is kept as {place}"));
        }
        let content = content.filter(|_| !same);
        let diff = content.and_then(|content| self.diff(&content, found.mode));
        Ok(CheckResult::from(what).with_diff(diff))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let content = self.wished(system).await?;
        let ids = system.ids(&self.owner)?;
        originals::keep(system, &self.path, &content).await?;
        system
            .write_atomic(&self.path, &content, self.mode.0, Some(ids), &self.validate)
            .await
    }
}

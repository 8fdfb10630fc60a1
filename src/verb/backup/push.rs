//! A backup that is on this machine comes to the host: the way back of `pull`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pull::FOLDER;
use crate::core::digest;
use crate::core::error::{Code, Fault};
use crate::core::plan::{Mode, Step};
use crate::facts::backups::{Accepts, BackupManifest, Judge, JudgedBackup, MANIFEST, PROOF};
use crate::operator::remote::Remote;
use crate::task::BackupUploaded;
use crate::verb::job::Job;
use crate::verb::on_host;

/// A backup on this machine.
pub struct Here {
    pub found: JudgedBackup,
    folder: PathBuf,
}

/// The backup that a path means: by its manifest, or by any other of its files.
///
/// # Errors
/// E0422 when there is no manifest beside it, or one that cannot be believed.
pub fn at(path: &Path, judge: &Judge) -> Result<Here> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = file.split('.').next().unwrap_or_default().to_owned();
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let manifest = folder.join(format!("{name}{MANIFEST}"));
    let text = fs::read_to_string(&manifest).map_err(|error| {
        wrong(
            &name,
            &format!("{} could not be read: {error}", manifest.display()),
        )
    })?;
    let found = BackupManifest::parse(&name, &text).map_err(|why| wrong(&name, &why))?;
    let found = judge.judged(found);
    Ok(Here { found, folder })
}

/// What `backup pull` has brought; of other stacks too, when they are kept in one folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn pulled(job: &Job) -> Result<Vec<Here>> {
    let (folder, judge) = (job.stack.folder.join(FOLDER), job.judge()?);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("could not read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(MANIFEST) && !name.ends_with(PROOF) {
            found.extend(at(&path, &judge));
        }
    }
    Ok(found)
}

impl Here {
    /// Each file is what the manifest says.
    ///
    /// # Errors
    /// E0422 when one is not.
    pub fn verify(&self) -> Result<()> {
        let name = &self.found.backup.name;
        for content in self.found.backup.contents() {
            let path = self.folder.join(&content.file);
            let found = File::open(&path).and_then(|mut file| digest::sha256_of(&mut file));
            let found = found.map_err(|error| {
                wrong(
                    name,
                    &format!("{} could not be read: {error}", path.display()),
                )
            })?;
            if found != (content.sha256.clone(), content.bytes) {
                let why = format!(
                    "{} was changed after it was written: its hash differs",
                    content.file
                );
                return Err(wrong(name, &why).into());
            }
        }
        Ok(())
    }

    /// Brings it to the host, where it is one of its own then.
    ///
    /// # Errors
    /// As of `verify`, and of an upload.
    pub async fn push(&self, job: &mut Job<'_>, remote: &Remote, accepts: Accepts) -> Result<()> {
        self.verify()?;
        on_host::refuse_exposed(remote.agent().await?.facts())?;
        let backup = &self.found.backup;
        let name = &backup.name;
        let incoming = job.stack.profile.incoming();
        remote
            .output(&["install", "-d", "-m", "0700", &incoming])
            .await?;
        let files = backup.contents().map(|content| content.file.clone());
        let manifest = format!("{name}{MANIFEST}");
        let proof = format!("{name}{PROOF}");
        let proof = self.folder.join(&proof).exists().then_some(proof);
        for file in files.into_iter().chain([manifest]).chain(proof) {
            let to = format!("{incoming}/{file}");
            remote.upload(&self.folder.join(&file), &to).await?;
        }
        let agent = on_host::agent(job, remote).await?;
        let arrived = BackupUploaded {
            backup: name.clone(),
            accepts,
        };
        let step = Step::new("backup", format!("upload {name} to the host"), arrived);
        let plan = job.plan(Mode::Apply, vec![step], Vec::new());
        on_host::run(job, agent, &plan, &[]).await.map(drop)
    }
}

fn wrong(name: &str, why: &str) -> Fault {
    Fault::new(Code::E0422, format!("backup {name} cannot be used: {why}"))
        .hint("nothing was changed; name another backup")
}

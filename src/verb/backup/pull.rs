//! `backup pull`: a backup on this machine too, compared byte for byte with what was written.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::Job;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, exit};
use crate::core::plain;
use crate::core::report::size;
use crate::facts::backups::{Accepts, BackupManifest, Judge, MANIFEST, PROOF, Proof};
use crate::operator::remote::Remote;
use crate::planner::backup::wished;
use crate::storage::archive::ArchiveContent;
use crate::verb::on_host;

/// Where they go when it is not said, beside citrino.yml.
pub const FOLDER: &str = "backups";

pub async fn run(job: &mut Job<'_>, name: Option<&str>, to: Option<&Path>) -> Result<u8> {
    let remote = on_host::connect(job).await?.telling(job.report.progress());
    let agent = on_host::agent(job, &remote).await?;
    on_host::refuse_exposed(agent.facts())?;
    let there = agent.facts().backups.clone();
    drop(agent);
    let backup = wished(&there, name, Accepts::Doubtful)?;
    let judge = job.judge()?;
    let folder = folder(to.map_or_else(|| job.stack.folder.join(FOLDER), Path::to_owned))?;
    for content in backup.contents() {
        pull(job, &remote, content, &folder).await?;
    }
    let proof = Proven {
        backup,
        proof: there.proofs.get(&backup.name),
        judge: &judge,
        from: job
            .stack
            .profile
            .backup_file(&format!("{}{PROOF}", backup.name)),
    };
    proof.bring(&remote, &folder).await?;
    // What has a manifest is whole, here too: it comes last.
    let app = &job.stack.profile;
    let manifest = format!("{}{MANIFEST}", backup.name);
    remote
        .download(&app.backup_file(&manifest), &folder.join(&manifest))
        .await?;
    is_it(
        backup,
        there.whole.contains(backup).then_some(&judge),
        &folder,
    )?;
    remote.close().await;
    job.report
        .note(format!("{} is in {}", backup.name, folder.display()));
    Ok(exit::OK)
}

/// Brings a file that is on the host what its manifest says.
async fn pull(
    job: &mut Job<'_>,
    remote: &Remote,
    content: &ArchiveContent,
    folder: &Path,
) -> Result<()> {
    let from = job.stack.profile.backup_file(&content.file);
    let source = remote.source(&from).await?;
    if source.sha256 != *content.sha256 || source.bytes != content.bytes {
        let message = format!(
            "{} on the host was changed after it was written: its hash differs",
            content.file
        );
        return Err(Fault::new(Code::E0422, message)
            .hint("nothing was copied; name another backup, or take a new one with `citrino-ops backup`")
            .into());
    }
    let moved = remote
        .fetch(&from, &source, &folder.join(&content.file))
        .await?;
    let data = json!({"file": content.file, "folder": folder, "bytes": content.bytes, "sent_bytes": moved.sent});
    let line = format!("copied {}  {}", content.file, size(moved.sent));
    job.report
        .datum(Datum::new(DatumKind::Copied, data), &plain::line(&line));
    Ok(())
}

/// What the host says of a backup's proof, and where it has it.
struct Proven<'a> {
    backup: &'a BackupManifest,
    proof: Option<&'a Proof>,
    judge: &'a Judge,
    from: String,
}

impl Proven<'_> {
    /// What is said here of the proof is what the host says: one that is newer than what is here comes, and one that holds
    /// there no more goes.
    async fn bring(&self, remote: &Remote, folder: &Path) -> Result<()> {
        let path = folder.join(format!("{}{PROOF}", self.backup.name));
        let Some(proof) = self.proof else {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("could not remove {}", path.display()))
                }
                _ => Ok(()),
            };
        };
        let here = fs::read(&path).ok();
        let here = here.and_then(|text| Proof::of(self.backup, &text, self.judge).ok());
        if !proof.is_newer_than(here.as_ref()) {
            return Ok(());
        }
        remote.download(&self.from, &path).await.map(drop)
    }
}

/// The manifest that came is that of the backup. One that the host believes is believed here too: with the host lost it is too late to
/// find that out.
fn is_it(backup: &BackupManifest, judge: Option<&Judge>, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{}{MANIFEST}", backup.name));
    let text =
        fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    let found = BackupManifest::parse(&backup.name, &text);
    if let Some(found) = found.ok().filter(|found| found.claims() == backup) {
        return match judge.map(|judge| judge.judged(found)) {
            Some(found) => Ok(found.accepted(Accepts::Own).map(drop)?),
            None => Ok(()),
        };
    }
    let message = format!("{} changed on the host while it was copied", backup.name);
    Err(Fault::new(Code::E0434, message)
        .hint("run the command again")
        .into())
}

/// A folder that only its owner may look into.
fn folder(path: PathBuf) -> Result<PathBuf> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.with_context(|| format!("could not create folder {}", path.display()))?;
    Ok(path)
}

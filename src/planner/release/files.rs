//! The files of a release.

use serde_json::json;

use super::step::step;
use crate::core::app_profile::AppProfile;
use crate::core::plan::Step;
use crate::facts::app::{AppFacts, Release, ReleaseState};
use crate::task::file::FileContent;
use crate::task::{Absent, Directory, File, Perm, Task};

/// Releases that went well and can be gone back to.
const KEPT_GOOD: usize = 5;
/// Releases that did not, for a look.
const KEPT_FAILED: usize = 2;

/// The release's files. The manifest comes last: a release that has one is complete.
pub fn brought(app: &AppProfile, release: &Release) -> Vec<Step<Task>> {
    let folder = app.release(&release.id);
    let file = |name: &str, mode, content| file(&folder, name, mode, content);
    let content = FileContent::Blob {
        blob: release.sha256.clone(),
    };
    // Its first words: a binary that does not run here is found out before it touches anything.
    let migrations = FileContent::Output {
        output: [
            vec![app.binary_of(&release.id)],
            app.commands.describe.words(),
        ]
        .concat(),
        user: Some(app.trial_user()),
        sandbox: true,
    };
    let environment = format!("{}={}\n", app.environment.release, release.id);
    let mut manifest = json!({
        "id": release.id,
        "sha256": release.sha256,
        "commit": release.commit,
        "built_at": release.built_at,
        "size_bytes": release.size_bytes,
    });
    if let Some(note) = &release.note {
        manifest["note"] = json!(note);
    }
    vec![
        step(
            format!("folder of release {}", release.id),
            Directory {
                path: folder.clone(),
                mode: Perm(0o755),
                owner: "root".to_owned(),
            },
        ),
        step("binary of the release", file(&app.binary, 0o755, content)),
        step(
            "migrations of the release",
            file("migrations.json", 0o644, migrations),
        ),
        step(
            "name of the release",
            file("release.env", 0o644, FileContent::Text(environment)),
        ),
        step(
            "manifest of the release",
            file(
                "release.json",
                0o644,
                FileContent::Text(format!("{manifest:#}\n")),
            ),
        ),
    ]
}

/// The wish that this is what is known of it.
pub fn known_as(app: &AppProfile, release: &str, state: ReleaseState) -> Step<Task> {
    let content = FileContent::Text(format!("{}\n", state.word()));
    let file = file(&app.release(release), "state", 0o644, content);
    step(format!("mark {release} as {}", state.word()), file)
}

/// The wish that old releases are gone: of those that went well the newest stay, of the others the newest
/// for a look, of those that never arrived whole none; the one that serves then and those that are
/// spared stay in any case.
pub fn pruned(
    profile: &AppProfile,
    app: &AppFacts,
    serves: &str,
    spared: &[Option<&str>],
) -> Vec<Step<Task>> {
    let is_spared = |id: &str| id == serves || spared.contains(&Some(id));
    let is_good = |release: &&Release| release.state == ReleaseState::Good;
    let others = app.releases.iter().filter(|release| release.id != serves);
    let (good, failed): (Vec<_>, Vec<_>) = others.partition(is_good);
    // Newest first; the one that serves then counts too.
    let old = good.into_iter().skip(KEPT_GOOD - 1);
    let useless = failed.into_iter().skip(KEPT_FAILED);
    let ids = old.chain(useless).map(|release| &release.id);
    ids.chain(&app.torn)
        .filter(|id| !is_spared(id))
        .map(|id| {
            step(
                format!("delete release {id}"),
                Absent {
                    path: profile.release(id),
                },
            )
        })
        .collect()
}

fn file(folder: &str, name: &str, mode: u32, content: FileContent) -> File {
    File {
        path: format!("{folder}/{name}"),
        content,
        mode: Perm(mode),
        owner: "root".to_owned(),
        validate: Vec::new(),
    }
}

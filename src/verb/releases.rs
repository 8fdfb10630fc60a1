//! `releases`: what is on the host.

use anyhow::Result;

use super::job::Job;
use crate::error::exit;
use crate::facts::{AppFacts, Release};

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let remote = job.connect().await?;
    let agent = job.agent(&remote).await?;
    let app = agent.facts().app.clone();
    drop(agent);
    remote.close().await;
    for release in &app.releases {
        job.report.text(&line(&app, release));
    }
    if app.releases.is_empty() {
        job.report
            .note("there is no release on the host yet; `citrino-ops deploy` brings one");
    }
    Ok(exit::OK)
}

fn line(app: &AppFacts, release: &Release) -> String {
    let live = app.live.as_ref().and_then(|slot| app.slots.get(slot));
    let state = match (live == Some(&release.id), release.good) {
        (true, true) => "serves",
        (false, true) => "good",
        (_, false) => "failed",
    };
    let commit = if release.commit.is_empty() {
        "-"
    } else {
        &release.commit
    };
    let mb = release.size_bytes / 1_000_000;
    format!(
        "{}  {state:<7}  commit {commit:<14}  built {}  {mb} MB",
        release.id, release.built_at
    )
}

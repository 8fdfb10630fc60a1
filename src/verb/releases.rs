//! `releases`: what is on the host, and what can be gone back to.

use anyhow::Result;

use super::job::Job;
use crate::core::error::exit;
use crate::facts::app::{AppFacts, Release, ReleaseState};
use crate::planner::release;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let app = agent.facts().app.clone();
    drop(agent);
    remote.close().await;
    for release in &app.releases {
        job.report.text(&line(&app, release));
    }
    for name in &app.torn {
        // A host may call a folder anything.
        let name = name.replace(char::is_control, "\u{fffd}");
        job.report.text(&format!(
            "{name}  {:<11}  not stored completely; the next deploy deletes it",
            ReleaseState::Failed.word()
        ));
    }
    if app.releases.is_empty() {
        job.report
            .note("there is no release on the host yet; run `citrino-ops deploy`");
    }
    Ok(exit::OK)
}

fn line(app: &AppFacts, release: &Release) -> String {
    let serves = app.live_release() == Some(&release.id) && release.state.has_served();
    let state = if serves {
        "serves"
    } else {
        release.state.word()
    };
    let commit = match release.commit.as_str() {
        "" => "-",
        commit => commit,
    };
    let schema = match &release.migrations {
        Some(known) => format!("{:04}", known.newest),
        None => "-".to_owned(),
    };
    let mb = release.size_bytes / 1_000_000;
    let back = if serves {
        String::new()
    } else {
        way_back(app, release)
    };
    format!(
        "{}  {state:<11}  commit {commit:<14}  built {}  schema {schema}  {mb} MB  {back}",
        release.id, release.built_at
    )
    .trim_end()
    .to_owned()
}

/// Whether it can be gone back to, and in how long, or why not.
fn way_back(app: &AppFacts, release: &Release) -> String {
    // Without a name no rollback takes one that was rolled back from.
    let by_name = match release.state {
        ReleaseState::Quarantined => " (by name)",
        _ => "",
    };
    match (release::reach(app, release), app.switched_ms) {
        (Err(obstacle), _) => format!("cannot be used: {obstacle}"),
        (Ok(()), None) => format!("rollback{by_name} possible"),
        (Ok(()), Some(ms)) => {
            // As the last change took on this host, to the second above.
            let seconds = ms.div_ceil(1000);
            format!("rollback{by_name} takes about {seconds} s")
        }
    }
}

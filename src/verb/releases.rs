//! `releases`: what is on the host, and what can be gone back to.

use anyhow::Result;
use serde_json::{Value, json};

use super::job::Job;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::report::{ListTable, TableHead, TableRow};
use crate::facts::app::{AppFacts, Release, ReleaseState};
use crate::planner::release;
use crate::verb::on_host;

const HEADS: &[TableHead] = &[
    TableHead::Left("RELEASE"),
    TableHead::Left("STATE"),
    TableHead::Left("COMMIT"),
    TableHead::Right("SCHEMA"),
    TableHead::Right("SIZE"),
];
/// So many letters of a commit are enough to find it by.
const COMMIT: usize = 10;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let app = agent.facts().app.clone();
    drop(agent);
    remote.close().await;
    job.report.table(&table(&app));
    if app.releases.is_empty() {
        job.report
            .note("there is no release on the host yet; run `citrino-ops deploy`");
    }
    Ok(exit::OK)
}

fn table(app: &AppFacts) -> ListTable {
    let mut table = ListTable::new(HEADS);
    for release in &app.releases {
        table.push(row(app, release));
    }
    for name in &app.torn {
        table.push(TableRow {
            datum: Datum::new(DatumKind::TornRelease, json!({ "name": name })),
            cells: vec![name.clone(), ReleaseState::Failed.word().to_owned()],
            remark: "not stored completely; the next deploy deletes it".to_owned(),
        });
    }
    table
}

fn row(app: &AppFacts, release: &Release) -> TableRow {
    let serves = app.live_release() == Some(&release.id) && release.state.has_served();
    let back = (!serves).then(|| WayBack::of(app, release));
    let state = if serves { "live" } else { release.state.word() };
    let schema = release.migrations.as_ref().map(|known| known.newest);
    let data = json!({
        "id": release.id,
        "sha256": release.sha256,
        "state": release.state.word(),
        "serves": serves,
        "commit": (!release.commit.is_empty()).then_some(&release.commit),
        "built_at": release.built_at,
        "schema": schema,
        "size_bytes": release.size_bytes,
        "note": release.note,
        "rollback": back.as_ref().map(WayBack::data),
    });
    let note = release.note.as_ref().map(ToString::to_string);
    let remark = note.into_iter().chain(back.map(|back| back.told()));
    let remark: Vec<String> = remark.collect();
    TableRow {
        datum: Datum::new(DatumKind::Release, data),
        cells: vec![
            release.id.clone(),
            state.to_owned(),
            commit(&release.commit),
            schema.map_or("-".to_owned(), |newest| format!("{newest:04}")),
            format!("{} MB", release.size_bytes / 1_000_000),
        ],
        remark: remark.join("; "),
    }
}

/// The first letters of a commit; with `+` where the tree had changes.
fn commit(commit: &str) -> String {
    let (id, changed) = match commit.strip_suffix("-dirty") {
        Some(id) => (id, "+"),
        None => (commit, ""),
    };
    match id {
        "" => "-".to_owned(),
        id => id.chars().take(COMMIT).chain(changed.chars()).collect(),
    }
}

/// Whether a release can be gone back to.
struct WayBack {
    obstacle: Option<String>,
    /// Without a name no rollback takes one that was rolled back from.
    by_name: bool,
    /// As the last change took on this host.
    took_ms: Option<u64>,
}

impl WayBack {
    fn of(app: &AppFacts, release: &Release) -> Self {
        let obstacle = release::reach(app, release).err();
        Self {
            obstacle: obstacle.map(|obstacle| obstacle.to_string()),
            by_name: release.state == ReleaseState::Quarantined,
            took_ms: app.switched_ms,
        }
    }

    fn data(&self) -> Value {
        let possible = self.obstacle.is_none();
        json!({
            "possible": possible,
            "obstacle": self.obstacle,
            "only_by_name": self.by_name,
            "about_ms": self.took_ms.filter(|_| possible),
        })
    }

    /// In how long, or why not.
    fn told(&self) -> String {
        let by_name = if self.by_name { " (by name)" } else { "" };
        match (&self.obstacle, self.took_ms) {
            (Some(obstacle), _) => format!("cannot be used: {obstacle}"),
            (None, None) => format!("rollback{by_name} possible"),
            // To the second above.
            (None, Some(ms)) => {
                format!("rollback{by_name} takes about {} s", ms.div_ceil(1000))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_as_short_with_changes_as_without() {
        assert_eq!(commit("0123456789abcdef"), "0123456789");
        assert_eq!(commit("0123456789ab-dirty"), "0123456789+");
        assert_eq!(commit(""), "-");
    }
}

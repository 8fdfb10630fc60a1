//! What there is, led by what a restore of it has shown.

use anyhow::Result;
use time::OffsetDateTime;

use super::Job;
use crate::core::error::exit;
use crate::facts::backups::{self, Backups};
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let backups = agent.facts().backups.clone();
    drop(agent);
    remote.close().await;
    let now = OffsetDateTime::now_utc();
    job.report.text(&headline(&backups, now));
    for line in lines(&backups, now) {
        job.report.text(&line);
    }
    Ok(exit::OK)
}

/// `last proven restore 14 h ago, RPO 11 h, RTO 38 s measured`
pub fn headline(backups: &Backups, now: OffsetDateTime) -> String {
    let proven = match backups.proven() {
        Some((_, proof)) => format!("last proven restore {} ago", since(&proof.at, now)),
        None => "no proven restore yet".to_owned(),
    };
    let lost = match backups.newest() {
        Some(newest) => format!("RPO {}", since(&newest.at, now)),
        None => "no backup: all data would be lost".to_owned(),
    };
    let off = backups
        .sent
        .as_ref()
        .map(|sent| format!(" ({} without the host)", since(&sent.at, now)));
    let restored = backups.proven().map(|(_, proof)| {
        #[allow(clippy::cast_precision_loss)] // milliseconds of hours
        let seconds = proof.took_ms as f64 / 1e3;
        format!(", RTO {seconds:.1} s measured")
    });
    let (off, restored) = (off.unwrap_or_default(), restored.unwrap_or_default());
    format!("{proven}, {lost}{off}{restored}")
}

fn lines(backups: &Backups, now: OffsetDateTime) -> Vec<String> {
    let line = |one: &backups::BackupManifest| {
        #[allow(clippy::cast_precision_loss)] // of a figure with one digit
        let mb = one.dump.bytes as f64 / 1e6;
        let rows: u64 = one.rows.values().sum();
        let sealed = if one.is_sealed() { ", encrypted" } else { "" };
        let safety = if one.safety {
            ", of what a restore or import set aside"
        } else {
            ""
        };
        let proof = match backups.proofs.get(&one.name) {
            Some(proof) => format!("proven {} ago", since(&proof.at, now)),
            None => match backups.no_proofs.get(&one.name) {
                Some(why) => format!("not proven, its proof does not count: {why}"),
                None => "not proven".to_owned(),
            },
        };
        let schema = match &one.schema {
            Some(schema) => format!("{:04}", schema.applied.last().unwrap_or(&0)),
            None => "unknown".to_owned(),
        };
        format!(
            "{}  {mb:>8.1} MB  {rows:>9} rows  schema {schema}  {proof}{sealed}{safety}",
            one.name
        )
    };
    let foreign =
        |one: &backups::BackupManifest| format!("{}, from stack {}", line(one), one.stack);
    let broken = backups
        .broken
        .iter()
        .map(|(name, why)| format!("{name}  BROKEN: {why}"));
    let doubtful = backups.doubtful.iter();
    let doubtful = doubtful.map(|one| format!("{}  NOT VERIFIED: {}", one.backup.name, one.why));
    let own = backups.whole.iter().map(line);
    let foreign = backups.foreign.iter().map(foreign);
    own.chain(foreign).chain(doubtful).chain(broken).collect()
}

/// Whole minutes, hours or days, whichever is read best.
fn since(at: &str, now: OffsetDateTime) -> String {
    let minutes = (now - backups::at(at)).whole_minutes().max(0);
    match minutes {
        0..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::datetime;

    use super::*;
    use crate::facts::backups::{BackupManifest, Proof, SentBackups};

    #[test]
    fn the_headline_is_what_a_restore_has_shown() {
        let now = datetime!(2026-11-25 14:00 UTC);
        let name = "citrino_20261125_030000";
        let newest = BackupManifest {
            name: name.to_owned(),
            at: "2026-11-25T03:00:00Z".to_owned(),
            ..BackupManifest::default()
        };
        let mut backups = Backups {
            whole: vec![newest],
            ..Backups::default()
        };
        assert_eq!(headline(&backups, now), "no proven restore yet, RPO 11 h");
        let proof = Proof {
            sha256: String::new(),
            at: "2026-11-25T00:00:00Z".to_owned(),
            took_ms: 38_040,
            release: None,
        };
        backups.proofs = BTreeMap::from([(name.to_owned(), proof)]);
        assert_eq!(
            headline(&backups, now),
            "last proven restore 14 h ago, RPO 11 h, RTO 38.0 s measured"
        );
        backups.sent = Some(SentBackups {
            backup: name.to_owned(),
            at: "2026-11-24T03:00:00Z".to_owned(),
            place: "s3://citrino/prod".to_owned(),
        });
        assert!(headline(&backups, now).contains("RPO 11 h (35 h without the host), RTO"));
        assert_eq!(
            headline(&Backups::default(), now),
            "no proven restore yet, no backup: all data would be lost"
        );
    }
}

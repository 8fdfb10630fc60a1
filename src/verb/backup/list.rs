//! What there is, led by what a restore of it has shown.

use anyhow::Result;
use serde_json::json;
use time::OffsetDateTime;

use super::Job;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::plain;
use crate::core::report::{ListTable, TableHead, TableRow, size};
use crate::facts::backups::{self, Backups, JudgedBackup, Standing};
use crate::verb::on_host;

const HEADS: &[TableHead] = &[
    TableHead::Left("BACKUP"),
    TableHead::Right("SIZE"),
    TableHead::Right("ROWS"),
    TableHead::Left("SCHEMA"),
    TableHead::Left("PROVEN"),
];

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let backups = agent.facts().backups.clone();
    drop(agent);
    remote.close().await;
    let now = OffsetDateTime::now_utc();
    job.report
        .datum(kept(&backups), &plain::line(&headline(&backups, now)));
    job.report.table(&table(&backups, now));
    Ok(exit::OK)
}

/// How well the data is kept, as data.
pub fn kept(backups: &Backups) -> Datum {
    let (newest, proven) = (backups.newest(), backups.proven());
    let data = json!({
        "newest_at": newest.map(|one| &one.at),
        "off_host_at": backups.sent.as_ref().map(|sent| &sent.at),
        "proven_at": proven.map(|(_, proof)| &proof.at),
        "proven_backup": proven.map(|(one, _)| &one.name),
        "restored_in_ms": proven.map(|(_, proof)| proof.took_ms),
    });
    Datum::new(DatumKind::Backups, data)
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
        .map(|sent| format!(" ({} if the host is lost)", since(&sent.at, now)));
    let restored = backups.proven().map(|(_, proof)| {
        #[allow(clippy::cast_precision_loss)] // milliseconds of hours
        let seconds = proof.took_ms as f64 / 1e3;
        format!(", RTO {seconds:.1} s measured")
    });
    let (off, restored) = (off.unwrap_or_default(), restored.unwrap_or_default());
    format!("{proven}, {lost}{off}{restored}")
}

fn table(backups: &Backups, now: OffsetDateTime) -> ListTable {
    let mut table = ListTable::new(HEADS);
    for judged in backups.judged() {
        table.push(row(backups, &judged, now));
    }
    for (name, why) in &backups.broken {
        let data = json!({"name": name, "standing": "broken", "why": why});
        table.push(TableRow {
            datum: Datum::new(DatumKind::Backup, data),
            cells: vec![name.clone()],
            remark: format!("BROKEN: {why}"),
        });
    }
    table
}

fn row(backups: &Backups, judged: &JudgedBackup, now: OffsetDateTime) -> TableRow {
    let one = &judged.backup;
    let proof = backups.proofs.get(&one.name);
    let no_proof = backups.no_proofs.get(&one.name);
    let (standing, why) = match &judged.standing {
        Standing::Own => ("own", None),
        Standing::Foreign => ("foreign", None),
        Standing::Doubtful(why) => ("not_verified", Some(why)),
    };
    let rows: u64 = one.rows.values().sum();
    let schema = one.schema.as_ref();
    let schema = schema.map(|schema| *schema.applied.last().unwrap_or(&0));
    let data = json!({
        "name": one.name,
        "at": one.at,
        "stack": one.stack,
        "standing": standing,
        "why": why,
        "size_bytes": one.dump.bytes,
        "rows": rows,
        "schema": schema,
        "release": one.release,
        "encrypted": one.is_sealed(),
        "safety": one.safety,
        "proven_at": proof.map(|proof| &proof.at),
        "restored_in_ms": proof.map(|proof| proof.took_ms),
        "no_proof": no_proof,
    });
    TableRow {
        datum: Datum::new(DatumKind::Backup, data),
        cells: vec![
            one.name.clone(),
            size(one.dump.bytes),
            rows.to_string(),
            schema.map_or("unknown".to_owned(), |newest| format!("{newest:04}")),
            proof.map_or("no".to_owned(), |proof| {
                format!("{} ago", since(&proof.at, now))
            }),
        ],
        remark: remark(judged, no_proof.map(String::as_str)),
    }
}

/// What has no column of its own.
fn remark(judged: &JudgedBackup, no_proof: Option<&str>) -> String {
    let one = &judged.backup;
    let standing = match &judged.standing {
        Standing::Own => None,
        Standing::Foreign => Some(format!("from stack {}", one.stack)),
        Standing::Doubtful(why) => Some(format!("NOT VERIFIED: {why}")),
    };
    let parts = [
        standing,
        no_proof.map(|why| format!("its proof does not count: {why}")),
        one.is_sealed().then(|| "encrypted".to_owned()),
        one.safety.then(|| "safety backup".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
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
        assert!(headline(&backups, now).contains("RPO 11 h (35 h if the host is lost), RTO"));
        assert_eq!(
            headline(&Backups::default(), now),
            "no proven restore yet, no backup: all data would be lost"
        );
    }
}

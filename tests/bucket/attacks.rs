//! Whoever owns the bucket, or the key for it, has the bytes of every backup, and writes and deletes what he likes. He has not the
//! key of the stack.

use std::fs::{self, File};

use citrino_ops::core::digest::sha256;
use citrino_ops::core::engine::Wish;
use citrino_ops::core::stack_key::StackKey;
use citrino_ops::facts::backups::{Accepts, BackupManifest, Proof};
use citrino_ops::facts::bucket_backups::{There, gather};
use citrino_ops::storage::bucket::Bucket;
use citrino_ops::storage::retention::Retention;
use citrino_ops::task::BackupDownloaded;
use serde_json::Value;

use crate::refused;
use crate::s3::Storage;
use crate::tasks::{Host, comes_true, fetched, judge, key, names, offsite};

/// What he puts there, under a name that he chooses.
struct Forged {
    name: &'static str,
    /// The text of a manifest, made from a genuine one.
    manifest: String,
}

/// A seal that fits: anybody can make it.
fn sealed(mut value: Value) -> String {
    value.as_object_mut().unwrap().remove("seal");
    value["seal"] = sha256(value.to_string().as_bytes()).into();
    value.to_string()
}

fn unsigned(text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    value.as_object_mut().unwrap().remove("signature");
    sealed(value)
}

/// The same backup under another name and of another time, its files too.
fn renamed(backup: &BackupManifest, name: &str, at: &str) -> BackupManifest {
    let mut copy = BackupManifest {
        name: name.to_owned(),
        at: at.to_owned(),
        ..backup.clone()
    };
    for content in [&mut copy.dump, &mut copy.globals] {
        content.file = content.file.replace(&backup.name, name);
    }
    copy
}

/// Of a genuine one: a dump of his own in it, an old one under a newer name, one of tomorrow, one of another stack under this name.
fn forgeries(own: &BackupManifest) -> Vec<Forged> {
    let signed = own.text(&key()).unwrap();
    let his = StackKey::of([8; 32]);
    let newer = |name, at| renamed(own, name, at);
    let with_signature = |backup: &BackupManifest| {
        let mut value = serde_json::to_value(backup).unwrap();
        let genuine: Value = serde_json::from_str(&signed).unwrap();
        value["signature"] = genuine["signature"].clone();
        sealed(value)
    };
    let (a, b, c, d) = (
        newer("citrino_20261126_030000", "2026-11-26T03:00:00Z"),
        newer("citrino_20261127_030000", "2026-11-27T03:00:00Z"),
        newer("citrino_20261128_030000", "2026-11-28T03:00:00Z"),
        newer("citrino_20990101_030000", "2099-01-01T03:00:00Z"),
    );
    vec![
        Forged {
            name: "citrino_20261126_030000",
            manifest: unsigned(&a.text(&his).unwrap()),
        },
        Forged {
            name: "citrino_20261127_030000",
            manifest: b.text(&his).unwrap(),
        },
        Forged {
            name: "citrino_20261128_030000",
            manifest: with_signature(&c),
        },
        Forged {
            name: "citrino_20990101_030000",
            // Signed by a host of ours whose clock was wrong.
            manifest: d.text(&key()).unwrap(),
        },
    ]
}

/// Puts bytes there as anybody does.
async fn put(bucket: &Bucket, host: &Host, name: &str, bytes: &[u8]) {
    let path = host.root.path().join("put");
    fs::write(&path, bytes).unwrap();
    let store = bucket.open().unwrap();
    let file = File::open(&path).unwrap();
    store.put(name, file, &sha256(bytes)).await.unwrap();
}

/// All that he can put beside the genuine backups, with a proof for each.
async fn forge(bucket: &Bucket, host: &Host, own: &BackupManifest) -> Vec<Forged> {
    let forged = forgeries(own);
    for one in &forged {
        for content in own.contents() {
            let bytes = fs::read(host.folder().join(&content.file)).unwrap();
            let file = content.file.replace(&own.name, one.name);
            put(bucket, host, &file, &bytes).await;
        }
        put(
            bucket,
            host,
            &format!("{}.json", one.name),
            one.manifest.as_bytes(),
        )
        .await;
        let proof = serde_json::json!({ "sha256": own.dump.sha256, "at": "2026-11-29T03:00:00Z", "took_ms": 1 });
        let name = format!("{}.proof.json", one.name);
        put(bucket, host, &name, proof.to_string().as_bytes()).await;
    }
    forged
}

async fn there(bucket: &Bucket) -> There {
    gather(&bucket.open().unwrap(), &judge()).await.unwrap()
}

#[tokio::test]
async fn who_owns_the_bucket_has_no_backup_of_his_own_taken_for_ours() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let own = host.backed_up(25, 1000);
    host.proven(&own);
    comes_true(&offsite(&bucket), &host).await;
    let forged = forge(&bucket, &host, &own).await;

    let found = there(&bucket).await.backups;
    assert_eq!(found.whole, std::slice::from_ref(&own));
    assert_eq!(found.proven().map(|(backup, _)| backup), Some(&own));
    assert_eq!(found.doubtful.len(), forged.len(), "{:?}", found.broken);
    let tomorrow = &found.newer_in_doubt().unwrap().backup;
    assert_eq!(tomorrow.name, "citrino_20990101_030000");

    // A new host: the newest is the genuine one, and none of his comes by its name.
    host.wiped();
    for one in &forged {
        let wish = fetched(&bucket, one.name);
        for refusal in [
            wish.check(&host.system).await.map(drop),
            wish.apply(&host.system).await,
        ] {
            let (code, said) = refused(&bucket, refusal);
            assert_eq!(code, "E0436", "{said}");
        }
        assert_eq!(host.files(), [], "{}", one.name);
    }
    comes_true(&fetched(&bucket, "latest"), &host).await;
    assert!(
        host.files()
            .iter()
            .all(|(name, _)| name.starts_with(&own.name))
    );

    // Whoever names one and answers for it gets it, and it is not one of ours then either.
    let meant = BackupDownloaded {
        accepts: Accepts::Doubtful,
        ..fetched(&bucket, forged[0].name)
    };
    comes_true(&meant, &host).await;
    let on_host = citrino_ops::facts::backups::gather(&host.system).unwrap();
    assert_eq!(on_host.whole, [own]);
    assert_eq!(on_host.doubtful.len(), 1);
}

#[tokio::test]
async fn his_backups_and_proofs_let_none_of_ours_go() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let all: Vec<BackupManifest> = (20..=25).map(|day| host.backed_up(day, 1000)).collect();
    host.proven(&all[1]);
    comes_true(&offsite(&bucket), &host).await;
    forge(&bucket, &host, &all[5]).await;
    // A proof for one that was never proven, as earlier versions wrote it, and one of another backup.
    let plain = serde_json::json!({ "sha256": all[4].dump.sha256, "at": "2026-11-25T09:00:00Z", "took_ms": 1 });
    put(
        &bucket,
        &host,
        &format!("{}.proof.json", all[4].name),
        plain.to_string().as_bytes(),
    )
    .await;
    let proof = Proof {
        sha256: all[3].dump.sha256.clone(),
        at: "2026-11-25T09:00:00Z".to_owned(),
        took_ms: 1,
        release: None,
    };
    let borrowed = proof.text(&all[1], &key()).unwrap();
    put(
        &bucket,
        &host,
        &format!("{}.proof.json", all[3].name),
        borrowed.as_bytes(),
    )
    .await;

    let keep = Retention {
        days: 0,
        at_least: 2,
        weeks: 0,
        months: 0,
    };
    let wish = citrino_ops::task::Offsite {
        keep: Some(keep),
        ..offsite(&bucket)
    };
    let said = comes_true(&wish, &host).await;
    let gone = [4, 3, 2, 0].map(|n: usize| &all[n].name);
    let left = there(&bucket).await.backups;
    let left: Vec<&String> = left.whole.iter().map(|one| &one.name).collect();
    // The two newest of ours, and the one that we have proven.
    assert!(
        left.contains(&&all[5].name) && left.contains(&&all[1].name),
        "{left:?} {said:?}"
    );
    assert_eq!(left.len(), 3, "{left:?} {gone:?}");
    // What is his stays for a person to look at.
    assert!(
        names(&bucket)
            .await
            .contains("citrino_20261127_030000.json")
    );
}

#[tokio::test]
async fn what_he_puts_in_the_place_of_ours_is_sent_again_and_keeps_nothing_from_coming_back() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let own = host.backed_up(25, 1000);
    host.proven(&own);
    comes_true(&offsite(&bucket), &host).await;
    let manifest = format!("{}.json", own.name);
    let genuine = own.text(&key()).unwrap();
    // The very manifest without its signature, as an earlier version has sent it, and one of another dump.
    let other = BackupManifest {
        database: "elsewhere".to_owned(),
        ..own.clone()
    };
    for text in [unsigned(&genuine), unsigned(&other.text(&key()).unwrap())] {
        put(&bucket, &host, &manifest, text.as_bytes()).await;
        assert!(there(&bucket).await.backups.whole.is_empty());
        comes_true(&offsite(&bucket), &host).await;
        assert_eq!(
            there(&bucket).await.backups.whole,
            std::slice::from_ref(&own)
        );
    }
    // One of his on the host, under the name of ours, gives way to ours.
    fs::write(
        host.folder().join(&manifest),
        unsigned(&other.text(&key()).unwrap()),
    )
    .unwrap();
    comes_true(&fetched(&bucket, &own.name), &host).await;
    let found = citrino_ops::facts::backups::gather(&host.system).unwrap();
    assert_eq!(found.whole, [own]);
}

#[tokio::test]
async fn a_proof_of_before_does_not_come_back_after_a_drill_has_failed() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let own = host.backed_up(25, 1000);
    host.proven(&own);
    comes_true(&offsite(&bucket), &host).await;
    let name = format!("{}.proof.json", own.name);
    let kept = bucket.open().unwrap().read(&name).await.unwrap().unwrap();
    host.disproved(&own);
    comes_true(&offsite(&bucket), &host).await;
    assert!(!names(&bucket).await.contains(&name));
    put(&bucket, &host, &name, &kept).await;
    comes_true(&offsite(&bucket), &host).await;
    assert!(!names(&bucket).await.contains(&name), "it goes again");
    put(&bucket, &host, &name, &kept).await;
    // The files of ours are spoiled on the host, so that it has to be fetched.
    fs::write(host.folder().join(&own.globals.file), "rules").unwrap();
    comes_true(&fetched(&bucket, &own.name), &host).await;
    assert_eq!(host.proof_of(&own), None);
}

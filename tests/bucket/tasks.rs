//! The wishes about a bucket: what a host has is there, and what is there comes back.

use std::collections::BTreeSet;
use std::fs::{self, File};

use citrino_ops::core::digest::sha256;
use citrino_ops::core::engine::Wish;
use citrino_ops::core::stack_key::StackKey;
use citrino_ops::facts::backups::{self, Accepts, BackupManifest, Judge, Proof};
use citrino_ops::host::own;
use citrino_ops::host::system::System;
use citrino_ops::storage::archive::ArchiveContent;
use citrino_ops::storage::bucket::Bucket;
use citrino_ops::storage::retention::Retention;
use citrino_ops::task::{BackupDownloaded, BackupUploaded, Offsite};

use crate::proxy::Bad;
use crate::s3::Storage;
use crate::{noise, over, refused};

const NOW: &str = "2026-11-25T12:00:00Z";
/// Of a dump: one part and a half, so that its object is made in parts.
const DUMP: usize = 12 << 20;
/// Past the head of an answer, and past what a manifest has: in the middle of a file.
const IN_A_FILE: usize = 50_000;

/// A host with nothing but the place for backups, and the key of its stack.
pub struct Host {
    pub root: tempfile::TempDir,
    pub system: System,
}

pub fn key() -> StackKey {
    StackKey::of([7; 32])
}

pub fn judge() -> Judge {
    Judge::new(Some(key()), None)
}

impl Host {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let system = System::at(root.path());
        fs::create_dir_all(system.path(system.app().backups())).unwrap();
        for folder in ["/etc/citrino", "/var/lib/citrino"] {
            fs::create_dir_all(system.path(folder)).unwrap();
        }
        fs::write(system.path(own::STACK_KEY), key().line()).unwrap();
        let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
        fs::write(
            system.path("/etc/passwd"),
            format!("postgres:x:{uid}:{gid}:::\n"),
        )
        .unwrap();
        Self { root, system }
    }

    pub fn folder(&self) -> std::path::PathBuf {
        self.system.path(self.system.app().backups())
    }

    /// What `converge` tells it of itself.
    fn is_of(&self, stack: &str) {
        let settings = self.system.path(own::BACKUP_SETTINGS);
        fs::create_dir_all(settings.parent().unwrap()).unwrap();
        fs::write(settings, format!("{{ \"stack\": \"{stack}\" }}")).unwrap();
    }

    /// A backup of a day of November, with a dump of that many bytes.
    pub fn backed_up(&self, day: u8, bytes: usize) -> BackupManifest {
        let name = format!("citrino_202611{day:02}_030000");
        let content = |ending: &str, bytes: &[u8]| {
            let file = format!("{name}{ending}");
            fs::write(self.folder().join(&file), bytes).unwrap();
            ArchiveContent {
                file,
                sha256: sha256(bytes),
                bytes: bytes.len() as u64,
            }
        };
        let backup = BackupManifest {
            at: format!("2026-11-{day:02}T03:00:00Z"),
            dump: content(".dump.zst", &noise(bytes + usize::from(day))),
            globals: content(".globals.sql.zst", b"roles"),
            name: name.clone(),
            ..BackupManifest::default()
        };
        fs::write(
            self.folder().join(format!("{name}.json")),
            backup.text(&key()).unwrap(),
        )
        .unwrap();
        backup
    }

    pub fn proven(&self, backup: &BackupManifest) {
        self.proven_at(backup, NOW);
    }

    fn proven_at(&self, backup: &BackupManifest, at: &str) {
        let path = self
            .system
            .path(backups::proof(self.system.app(), &backup.name));
        fs::write(path, proof(backup, at)).unwrap();
    }

    /// What a drill that fails does.
    pub fn disproved(&self, backup: &BackupManifest) {
        fs::remove_file(
            self.system
                .path(backups::proof(self.system.app(), &backup.name)),
        )
        .unwrap();
    }

    /// When the backup was proven, as the host knows it.
    pub fn proof_of(&self, backup: &BackupManifest) -> Option<String> {
        let proof = backups::valid_proof(&self.system, backup, &judge()).unwrap();
        proof.map(|proof| proof.at)
    }

    /// Every file with its content.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(self.folder())
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, sha256(&fs::read(path).unwrap()))
            })
            .collect();
        files.sort();
        files
    }

    pub fn wiped(&self) {
        fs::remove_dir_all(self.folder()).unwrap();
        fs::create_dir_all(self.folder()).unwrap();
    }
}

fn proof(backup: &BackupManifest, at: &str) -> Vec<u8> {
    let proof = Proof {
        sha256: backup.dump.sha256.clone(),
        at: at.to_owned(),
        took_ms: 1,
        release: None,
    };
    proof.text(backup, &key()).unwrap().into_bytes()
}

pub fn offsite(bucket: &Bucket) -> Offsite {
    Offsite {
        bucket: bucket.clone(),
        keep: None,
        now: NOW.to_owned(),
        only_less: false,
    }
}

pub fn fetched(bucket: &Bucket, backup: &str) -> BackupDownloaded {
    BackupDownloaded {
        bucket: bucket.clone(),
        backup: backup.to_owned(),
        accepts: Accepts::Own,
    }
}

/// What differs is said, made so, and then nothing differs.
pub async fn comes_true(wish: &impl Wish<System>, host: &Host) -> Vec<String> {
    let what = wish.check(&host.system).await.unwrap().change.unwrap().what;
    wish.apply(&host.system).await.unwrap();
    let left = wish.check(&host.system).await.unwrap().change;
    assert!(left.is_none(), "{left:?}");
    what
}

pub async fn names(bucket: &Bucket) -> BTreeSet<String> {
    let objects = bucket.open().unwrap().list().await.unwrap();
    objects.into_iter().map(|object| object.name).collect()
}

/// The names of backups that have a manifest there; what each says is so, byte for byte.
async fn whole(bucket: &Bucket) -> Vec<String> {
    let store = bucket.open().unwrap();
    let there = citrino_ops::facts::bucket_backups::gather(&store, &judge())
        .await
        .unwrap();
    assert!(
        there.backups.broken.is_empty(),
        "{:?}",
        there.backups.broken
    );
    for backup in &there.backups.whole {
        for content in backup.contents() {
            let found = store.digest(&content.file).await.unwrap();
            assert_eq!(found, (content.sha256.clone(), content.bytes));
        }
    }
    there
        .backups
        .whole
        .into_iter()
        .map(|one| one.name)
        .collect()
}

#[tokio::test]
async fn what_is_whole_on_a_host_is_sent_and_comes_back_to_a_wiped_one() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "stack");
    let host = Host::new();
    let (old, new) = (host.backed_up(24, 1000), host.backed_up(25, DUMP));
    host.proven(&old);
    let kept = host.files();
    // A dump without a manifest, and a manifest that cannot be believed, are no backups.
    fs::write(
        host.folder().join("citrino_20261123_030000.dump.zst"),
        "half",
    )
    .unwrap();
    fs::write(host.folder().join("citrino_20261122_030000.json"), "{}").unwrap();
    let said = comes_true(&offsite(&bucket), &host).await;
    let place = "s3://citrino/stack";
    assert_eq!(
        said,
        [
            format!("{} is not in {place}", new.name),
            format!("{} is not in {place}", old.name),
            format!("the proof of {} is not in {place}", old.name),
        ]
    );
    assert_eq!(whole(&bucket).await, [new.name.clone(), old.name.clone()]);
    let sent = backups::gather(&host.system).unwrap().sent.unwrap();
    assert_eq!(
        (sent.backup, sent.at, sent.place.as_str()),
        (new.name.clone(), new.at.clone(), place)
    );
    // A proof that comes later follows.
    host.proven(&new);
    assert_eq!(
        comes_true(&offsite(&bucket), &host).await,
        [format!("the proof of {} is not in {place}", new.name)]
    );

    host.wiped();
    let said = comes_true(&fetched(&bucket, "latest"), &host).await;
    assert_eq!(
        said,
        [format!("{} is in {place}, but not on the host", new.name)]
    );
    comes_true(&fetched(&bucket, &old.name), &host).await;
    fs::remove_file(
        host.system
            .path(backups::proof(host.system.app(), &new.name)),
    )
    .unwrap();
    assert_eq!(host.files(), kept);
    let found = backups::gather(&host.system).unwrap();
    assert_eq!(found.whole, [new, old]);
}

#[tokio::test]
async fn wherever_the_way_to_it_is_cut_what_has_a_manifest_there_is_whole() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let host = Host::new();
    let (old, new) = (host.backed_up(24, 300_000), host.backed_up(25, DUMP));
    // Before anything is sent, in the first part, in the second, after the dump, in the older backup's dump.
    for (n, cut) in [200, 4_000_000, 10_000_000, DUMP + 20_000, DUMP + 200_000]
        .into_iter()
        .enumerate()
    {
        let bucket = storage.bucket("owner", &format!("cut{n}"));
        let wish = offsite(&over(&storage, &bucket, Bad::CutAfter(cut)));
        let (code, said) = refused(&bucket, wish.apply(&host.system).await);
        assert_eq!(code, "E0430", "{said}");
        assert!(whole(&bucket).await.len() < 2);
        comes_true(&offsite(&bucket), &host).await;
        assert_eq!(whole(&bucket).await, [new.name.clone(), old.name.clone()]);
    }
}

#[tokio::test]
async fn what_reads_back_as_something_else_has_no_manifest() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let backup = host.backed_up(25, 300_000);
    let wish = offsite(&over(&storage, &bucket, Bad::FlipsAt(IN_A_FILE)));
    let (code, said) = refused(&bucket, wish.apply(&host.system).await);
    assert_eq!(code, "E0432", "{said}");
    assert!(said.contains(&format!(
        "{} was sent to s3://citrino, but reads back with other content",
        backup.dump.file
    )));
    assert_eq!(whole(&bucket).await, [""; 0]);
}

#[tokio::test]
async fn a_backup_that_is_broken_on_the_host_is_not_sent_and_keeps_no_other_back() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let sound = [host.backed_up(23, 1000), host.backed_up(25, 1000)];
    let broken = host.backed_up(24, 1000);
    let path = host.folder().join(&broken.dump.file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[500] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (code, said) = refused(&bucket, offsite(&bucket).apply(&host.system).await);
    assert!(
        code == "E0422" && said.contains(&broken.dump.file),
        "{said}"
    );
    assert_eq!(
        whole(&bucket).await,
        [sound[1].name.clone(), sound[0].name.clone()]
    );
}

#[tokio::test]
async fn the_same_is_kept_there_and_never_the_last_proven_one_is_deleted() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let all: Vec<BackupManifest> = (20..=25).map(|day| host.backed_up(day, 1000)).collect();
    host.proven(&all[1]);
    comes_true(&offsite(&bucket), &host).await;
    // What another run has left half way, and what is somebody else's.
    let word = host.root.path().join("word");
    fs::write(&word, "word").unwrap();
    let store = bucket.open().unwrap();
    let ours = "citrino_20261101_030000.dump.zst";
    store
        .put(ours, File::open(&word).unwrap(), &sha256(b"word"))
        .await
        .unwrap();
    let foreign = [
        "citrino_20250101_030000.sql.gz",
        "citrino_before_fix.sql.gz",
        "notes.txt",
    ];
    for name in foreign {
        store
            .put(name, File::open(&word).unwrap(), "")
            .await
            .unwrap();
    }
    // The host keeps two, and has them all still: what need not be there is not sent again.
    host.wiped();
    let kept = [host.backed_up(20, 1000), host.backed_up(25, 1000)];
    let keep = Retention {
        days: 2,
        at_least: 2,
        weeks: 0,
        months: 0,
    };
    let wish = Offsite {
        keep: Some(keep),
        ..offsite(&bucket)
    };
    let said = comes_true(&wish, &host).await;
    let gone: Vec<String> = [3, 2, 0]
        .map(|n| format!("{} need not be kept in s3://citrino", all[n].name))
        .to_vec();
    assert_eq!(said[..3], gone);
    assert_eq!(
        said[3],
        "citrino_20261101_030000.dump.zst in s3://citrino belongs to no backup"
    );
    assert_eq!(whole(&bucket).await, [5, 4, 1].map(|n| all[n].name.clone()));
    let left = names(&bucket).await;
    assert!(foreign.iter().all(|name| left.contains(*name)), "{left:?}");
    assert_eq!(left.len(), 3 * 3 + 1 + foreign.len());
    assert_eq!(
        backups::gather(&host.system).unwrap().whole.len(),
        kept.len()
    );
}

#[tokio::test]
async fn what_another_stack_has_at_the_same_place_is_left_to_it() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let (host, other) = (Host::new(), Host::new());
    // Its newest is what ours would be measured by, were it one of ours.
    let theirs = [other.backed_up(1, 1000), other.backed_up(24, 1000)];
    other.proven(&theirs[1]);
    comes_true(&offsite(&bucket), &other).await;
    host.is_of("prod");
    let own = [20, 21].map(|day| {
        let backup = host.backed_up(day, 1000);
        let named = BackupManifest {
            stack: "prod".to_owned(),
            ..backup
        };
        fs::write(
            host.folder().join(format!("{}.json", named.name)),
            named.text(&key()).unwrap(),
        )
        .unwrap();
        named
    });
    let keep = Retention {
        days: 1,
        at_least: 2,
        weeks: 0,
        months: 0,
    };
    let wish = Offsite {
        keep: Some(keep),
        ..offsite(&bucket)
    };
    comes_true(&wish, &host).await;
    let all = [&theirs[1], &own[1], &own[0], &theirs[0]];
    assert_eq!(whole(&bucket).await, all.map(|one| one.name.clone()));
}

#[tokio::test]
async fn a_key_that_only_appends_is_enough_where_nothing_is_to_be_deleted() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("appender", "");
    let host = Host::new();
    let all: Vec<BackupManifest> = (23..=25).map(|day| host.backed_up(day, DUMP)).collect();
    let keep = Some(Retention {
        days: 0,
        at_least: 1,
        weeks: 0,
        months: 0,
    });
    let append_only = Bucket {
        append_only: true,
        ..bucket.clone()
    };
    comes_true(
        &Offsite {
            keep: keep.clone(),
            ..offsite(&append_only)
        },
        &host,
    )
    .await;
    assert_eq!(whole(&bucket).await.len(), 3);
    let wish = Offsite {
        keep,
        ..offsite(&bucket)
    };
    let (code, said) = refused(&bucket, wish.apply(&host.system).await);
    assert_eq!(code, "E0431");
    assert!(
        said.contains(&format!(
            "could not delete {}.json: the key has no permission for that (AccessDenied)",
            all[1].name
        )),
        "{said}"
    );
    assert_eq!(whole(&bucket).await.len(), 3);
}

#[tokio::test]
async fn nothing_that_is_not_what_its_manifest_says_gets_a_name_on_the_host() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let backup = host.backed_up(25, 300_000);
    comes_true(&offsite(&bucket), &host).await;
    let dump = fs::read(host.folder().join(&backup.dump.file)).unwrap();
    host.wiped();
    // A run that was killed has left its own behind.
    let part = host.folder().join(format!("{}.part", backup.dump.file));
    fs::write(&part, "half").unwrap();
    let fails = async |bucket: &Bucket, backup: &str, code: &str, sentence: &str| {
        let (found, said) = refused(bucket, fetched(bucket, backup).apply(&host.system).await);
        assert!(found == code && said.contains(sentence), "{found}: {said}");
        let named = host
            .files()
            .into_iter()
            .filter(|(name, _)| !name.contains("globals"));
        assert_eq!(named.collect::<Vec<_>>(), []);
    };
    let hash = "does not match its manifest";
    fails(
        &over(&storage, &bucket, Bad::FlipsAt(IN_A_FILE)),
        "latest",
        "E0432",
        hash,
    )
    .await;
    fails(
        &bucket,
        "citrino_20261124_030000",
        "E0433",
        "the newest backup there is citrino_20261125_030000",
    )
    .await;
    fails(
        &storage.bucket("owner", "empty"),
        "latest",
        "E0433",
        "there is no backup in s3://citrino/empty",
    )
    .await;

    let store = bucket.open().unwrap();
    let put = async |name: &str, bytes: &[u8]| {
        let path = host.root.path().join("changed");
        fs::write(&path, bytes).unwrap();
        store
            .put(name, File::open(&path).unwrap(), &sha256(bytes))
            .await
            .unwrap();
    };
    let mut flipped = dump.clone();
    flipped[150_000] ^= 4;
    put(&backup.dump.file, &flipped).await;
    fails(&bucket, &backup.name, "E0432", hash).await;
    put(&backup.dump.file, &dump[..200_000]).await;
    fails(&bucket, &backup.name, "E0433", "is missing or incomplete").await;
    put(&backup.dump.file, &dump).await;
    let manifest = backup.text(&key()).unwrap().replace("300025", "300026");
    put(&format!("{}.json", backup.name), manifest.as_bytes()).await;
    fails(
        &bucket,
        &backup.name,
        "E0433",
        "its manifest was cut or changed",
    )
    .await;
    put(
        &format!("{}.json", backup.name),
        backup.text(&key()).unwrap().as_bytes(),
    )
    .await;
    comes_true(&fetched(&bucket, &backup.name), &host).await;
    assert_eq!(
        fs::read(host.folder().join(&backup.dump.file)).unwrap(),
        dump
    );
}

#[tokio::test]
async fn a_backup_disproved_on_the_host_is_not_the_proven_one_in_the_bucket() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let all: Vec<BackupManifest> = (20..=25).map(|day| host.backed_up(day, 1000)).collect();
    host.proven(&all[1]);
    host.proven(&all[4]);
    comes_true(&offsite(&bucket), &host).await;
    host.disproved(&all[4]);
    // Where nothing may be deleted it stays, and leads to nothing.
    let append_only = Bucket {
        append_only: true,
        ..bucket.clone()
    };
    let look = offsite(&append_only).check(&host.system).await.unwrap();
    assert!(look.change.is_none(), "{:?}", look.change);

    let keep = Retention {
        days: 0,
        at_least: 2,
        weeks: 0,
        months: 0,
    };
    let wish = Offsite {
        keep: Some(keep),
        ..offsite(&bucket)
    };
    let said = comes_true(&wish, &host).await;
    let place = "s3://citrino";
    assert_eq!(
        said[0],
        format!("the proof of {} in {place} is no longer valid", all[4].name)
    );
    assert_eq!(said.len(), 1 + 3, "{said:?}");
    assert_eq!(whole(&bucket).await, [5, 4, 1].map(|n| all[n].name.clone()));
    let proofs: Vec<String> = names(&bucket)
        .await
        .into_iter()
        .filter(|name| name.ends_with(backups::PROOF))
        .collect();
    assert_eq!(proofs, [format!("{}.proof.json", all[1].name)]);
}

#[tokio::test]
async fn of_two_proofs_the_newer_one_stays_in_the_bucket() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let backup = host.backed_up(25, 1000);
    host.proven(&backup);
    comes_true(&offsite(&bucket), &host).await;
    host.proven_at(&backup, "2026-11-25T11:00:00Z");
    let look = offsite(&bucket).check(&host.system).await.unwrap();
    assert!(look.change.is_none(), "{:?}", look.change);
    host.proven_at(&backup, "2026-11-25T13:00:00Z");
    comes_true(&offsite(&bucket), &host).await;
    host.wiped();
    comes_true(&fetched(&bucket, &backup.name), &host).await;
    assert_eq!(
        host.proof_of(&backup).as_deref(),
        Some("2026-11-25T13:00:00Z")
    );
}

#[tokio::test]
async fn another_backup_of_the_same_name_is_not_fetched_over_the_hosts_own() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let host = Host::new();
    let backup = host.backed_up(25, 1000);
    host.proven(&backup);
    comes_true(&offsite(&bucket), &host).await;
    let own = host.backed_up(25, 2000);
    let files = host.files();
    for name in [own.name.as_str(), "latest"] {
        let wish = fetched(&bucket, name);
        for refusal in [
            wish.check(&host.system).await.map(drop),
            wish.apply(&host.system).await,
        ] {
            let (code, said) = refused(&bucket, refusal);
            assert!(
                code == "E0422" && said.contains("the host has another backup with this name"),
                "{code}: {said}"
            );
        }
    }
    assert_eq!(host.files(), files);
}

#[tokio::test]
async fn a_copy_brings_its_proof_along_where_the_host_knows_nothing_better() {
    let (old, new) = ("2026-11-25T04:00:00Z", "2026-11-25T05:00:00Z");
    // What the copy says, whether the host has the backup, what it says of it; and what holds then.
    for (came, known, own, holds) in [
        (Some(old), false, None, Some(old)),
        (None, false, None, None),
        (Some(old), true, Some(new), Some(new)),
        (Some(new), true, Some(old), Some(new)),
        (None, true, Some(old), Some(old)),
        // A drill has failed since.
        (Some(old), true, None, None),
    ] {
        let host = Host::new();
        let backup = host.backed_up(25, 1000);
        let incoming = host.system.path(host.system.app().incoming());
        fs::create_dir_all(&incoming).unwrap();
        for (name, _) in host.files() {
            fs::copy(host.folder().join(&name), incoming.join(&name)).unwrap();
        }
        if let Some(at) = came {
            let path = incoming.join(format!("{}.proof.json", backup.name));
            fs::write(path, proof(&backup, at)).unwrap();
        }
        if !known {
            host.wiped();
        }
        if let Some(at) = own {
            host.proven_at(&backup, at);
        }
        let arrived = BackupUploaded {
            backup: backup.name.clone(),
            accepts: Accepts::Own,
        };
        comes_true(&arrived, &host).await;
        assert_eq!(
            host.proof_of(&backup).as_deref(),
            holds,
            "{came:?} {known} {own:?}"
        );
    }
}

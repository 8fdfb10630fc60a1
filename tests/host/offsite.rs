//! Backups leave the host: for a bucket, and for the operator's machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use citrino_ops::facts::backups::{BackupManifest, Judge};
use citrino_ops::facts::bucket_backups::There;
use citrino_ops::storage::bucket::Bucket;

use crate::backups::{folder, grow_old, key};
use crate::lab::until;
use crate::s3::Storage;
use crate::stack::{GO_ON, Said, Stack, serving};

/// Where the host keeps its backups.
const FOLDER: &str = "/home/citrino/database/backups";

/// Every row of a table with its geometry, and of the others that hold the catalogue.
const CONTENT: &str = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM propiedades t";

/// Where a machine of the lab reaches the machine that tests.
pub fn gateway(stack: &Stack) -> String {
    let address = stack.address();
    let (network, _) = address.rsplit_once('.').unwrap();
    format!("{network}.1")
}

/// Names the bucket in citrino.yml; gives what stood there before.
pub fn wish_for(stack: &Stack, bucket: &Bucket) -> String {
    let kept = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    stack.write("s3-key", bucket.key_id.reveal());
    stack.write("s3-secret", bucket.secret.reveal());
    let s3 = format!(
        "backup: {{ s3: {{ bucket: {}, endpoint: \"{}\", key_id: {{ file: s3-key }}, secret: {{ file: s3-secret }} }} }}\n",
        bucket.bucket,
        bucket.endpoint.as_deref().unwrap(),
    );
    stack.write("citrino.yml", &format!("{kept}{s3}"));
    kept
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future).unwrap()
}

pub fn there(stack: &Stack, bucket: &Bucket) -> There {
    let store = bucket.open().unwrap();
    let judge = Judge::new(Some(key(stack)), None);
    block_on(citrino_ops::facts::bucket_backups::gather(&store, &judge))
}

/// Puts the files of the host's backups into the bucket whose names begin so.
fn put(stack: &Stack, bucket: &Bucket, beginning: &str) {
    let store = bucket.open().unwrap();
    for entry in fs::read_dir(folder(stack)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with(beginning) {
            let sha256 = citrino_ops::core::digest::sha256(&fs::read(entry.path()).unwrap());
            block_on(store.put(&name, std::fs::File::open(entry.path()).unwrap(), &sha256));
        }
    }
}

fn does(stack: &Stack, arguments: &[&str]) -> Said {
    let said = stack.citrino(arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}", said.text);
    said
}

/// The newest backup of the host.
fn newest(stack: &Stack) -> BackupManifest {
    let list = stack.on_host(&format!("ls {FOLDER}/*.json | grep -v proof | tail -n 1"));
    let path = list.trim();
    let name = path.rsplit_once('/').unwrap().1.trim_end_matches(".json");
    let found = BackupManifest::parse(name, &stack.on_host(&format!("cat {path}"))).unwrap();
    found.claims().clone()
}

#[test]
fn a_backup_goes_to_the_bucket_and_comes_back_to_a_host_without_any() {
    let Some(stack) = serving() else { return };
    let Some(storage) = Storage::start(&gateway(&stack)) else {
        return;
    };
    let bucket = storage.bucket("owner", "rehearsal");
    let kept = wish_for(&stack, &bucket);
    let mut said = does(&stack, &["converge"]).text;
    said += &does(&stack, &["backup"]).text;
    let backup = newest(&stack);
    assert!(there(&stack, &bucket).has(&backup), "{said}");
    stack.is_as_wished();

    // The timer's way: another one is taken, and follows.
    stack.on_host("systemctl start citrino-backup.service");
    let second = newest(&stack);
    assert_ne!(second.name, backup.name);
    until("the timer's backup is in the bucket", || {
        there(&stack, &bucket).has(&second)
    });
    stack.until_idle();

    said += &comes_back(&stack, &second);
    what_is_old_goes(&stack, &bucket, &second);
    said += &a_wrong_secret_is_told(&stack, &bucket, &second);
    tells_no_secret(&stack, &bucket, &said);

    stack.write("citrino.yml", &kept);
    does(&stack, &["converge"]);
    stack.on_host("test ! -e /etc/systemd/system/citrino-offsite.service");
    stack.is_as_wished();
}

/// To a host that has none any more; what it said.
fn comes_back(stack: &Stack, newest: &BackupManifest) -> String {
    let content = stack.sql(CONTENT);
    stack.sql("DELETE FROM propiedades WHERE id % 2 = 0");
    assert_ne!(stack.sql(CONTENT), content);
    stack.on_host(&format!("rm {FOLDER}/*"));
    let said = does(stack, &["restore", "--from", "s3://", "--yes"]).text;
    assert_eq!(stack.sql(CONTENT), content);
    assert_eq!(stack.http("/api/health", None).0, 200);
    stack.on_host(&format!("test -e {FOLDER}/{}.json", newest.name));

    // A name that is not there is answered with those that are there.
    let absent = stack.citrino(&["restore", "citrino_1999", "--from", "s3://", "--yes"]);
    assert!(
        absent.code == 1
            && absent.text.contains("error[E0433]")
            && absent.text.contains("in the bucket are ")
            && absent.text.contains(&newest.name),
        "{}",
        absent.text
    );
    said
}

/// From here and from there.
fn what_is_old_goes(stack: &Stack, bucket: &Bucket, newest: &BackupManifest) {
    grow_old(stack);
    put(stack, bucket, "citrino_2025");
    let is_old = |name: &str| name.starts_with("citrino_2025");
    let old = || {
        there(stack, bucket)
            .backups
            .whole
            .iter()
            .filter(|one| is_old(&one.name))
            .count()
    };
    assert_eq!(old(), 3);
    let check = stack.citrino(&["backup", "prune", "--check"]);
    let told = format!(
        "citrino_20250101_030000 need not be kept in {}",
        bucket.url()
    );
    assert!(
        check.code == 3 && check.text.contains(&told),
        "{}",
        check.text
    );
    does(stack, &["backup", "prune", "--aside", "--yes"]);
    assert!(old() == 0 && there(stack, bucket).has(newest));
}

/// A secret that does not fit.
const WRONG: &str = "sentinel-of-the-bucket-55aa";

/// The backup is there; that it is not in the bucket is told, and nothing of the secret.
fn a_wrong_secret_is_told(stack: &Stack, bucket: &Bucket, before: &BackupManifest) -> String {
    stack.write("s3-secret", WRONG);
    let refused = stack.citrino(&["backup"]);
    assert_eq!(refused.code, 1, "{}", refused.text);
    assert!(
        refused.text.contains("error[E0431]")
            && refused.text.contains("the secret does not fit the key"),
        "{}",
        refused.text
    );
    let taken = newest(stack);
    assert!(taken.name > before.name && !there(stack, bucket).has(&taken));
    stack.write("s3-secret", bucket.secret.reveal());
    does(stack, &["backup"]);
    assert!(there(stack, bucket).has(&taken));
    refused.text
}

/// Neither in what was said nor in a file of the host but the one that is root's.
fn tells_no_secret(stack: &Stack, bucket: &Bucket, said: &str) {
    for secret in [bucket.key_id.reveal(), bucket.secret.reveal(), WRONG] {
        assert!(!said.contains(secret), "{said}");
        let found = stack.on_host(&format!("grep -rlF '{secret}' /etc /home /opt /root /var/log /var/lib/citrino /run/systemd || true"));
        let only = ["", "/etc/citrino/backup.json\n"];
        assert!(only.contains(&found.as_str()), "{found}");
    }
    assert_eq!(
        stack.on_host("stat -c '%a %U' /etc/citrino/backup.json"),
        "600 root\n"
    );
}

/// A pull: how many bytes of the file were sent.
fn pulled(stack: &Stack, file: &str) -> u64 {
    let (code, events) = stack.start(&["backup", "pull"]).events();
    assert_eq!(code, 0, "{events:?}");
    let fact = events
        .iter()
        .find(|event| event["kind"] == "copied" && event["data"]["file"] == file);
    fact.unwrap_or_else(|| panic!("{events:?}"))["data"]["sent_bytes"]
        .as_u64()
        .unwrap()
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// A backup of the host, and where it comes to on this machine.
struct Pull<'s> {
    stack: &'s Stack,
    backup: BackupManifest,
    folder: PathBuf,
    here: PathBuf,
    part: PathBuf,
}

impl<'s> Pull<'s> {
    fn of_a_new_one(stack: &'s Stack) -> Self {
        does(stack, &["backup"]);
        let backup = newest(stack);
        let folder = stack.home.join("backups");
        let (dump, sum) = (&backup.dump.file, &backup.dump.sha256[..16]);
        Self {
            here: folder.join(dump),
            part: folder.join(format!("{dump}.{sum}.part")),
            stack,
            backup,
            folder,
        }
    }

    /// How many bytes of the dump were sent.
    fn again(&self) -> u64 {
        pulled(self.stack, &self.backup.dump.file)
    }

    /// The host says the half of it and waits; then the operator's machine is gone.
    fn is_killed_at(&self, half: u64) {
        let stack = self.stack;
        stack.on_host(&format!(
        "rm -f {GO_ON}; printf '#!/bin/sh\n/usr/bin/tail \"$@\" | {{ head -c {half}; until test -e {GO_ON}; do sleep 0.02; done; }}\n' >/usr/local/bin/tail && chmod 755 /usr/local/bin/tail"
    ));
        let run = stack.start(&["backup", "pull"]);
        until("the half of it is here", || length(&self.part) == half);
        run.kill();
        stack.on_host(&format!("rm /usr/local/bin/tail; touch {GO_ON}"));
        assert!(!self.here.exists());
    }

    /// All of it is here, and its owner's alone; the dump.
    fn is_whole(&self) -> Vec<u8> {
        let (backup, folder) = (&self.backup, &self.folder);
        let bytes = fs::read(&self.here).unwrap();
        assert_eq!(
            citrino_ops::core::digest::sha256(&bytes),
            backup.dump.sha256
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder), mode(&self.here)), (0o700, 0o600));
        let manifest = fs::read_to_string(folder.join(format!("{}.json", backup.name))).unwrap();
        let found = BackupManifest::parse(&backup.name, &manifest).unwrap();
        assert_eq!(found.claims(), backup);
        assert_eq!(
            length(&folder.join(&backup.globals.file)),
            backup.globals.bytes
        );
        bytes
    }

    /// A part that a crash has spoiled is found at the end, and all of it is sent again; one of another source goes.
    fn finds_a_spoiled_part(&self, bytes: &[u8]) {
        fs::remove_file(&self.here).unwrap();
        fs::write(&self.part, &bytes[..bytes.len() / 2]).unwrap();
        flip(&self.part, 100);
        let dump = &self.backup.dump;
        let other = self
            .folder
            .join(format!("{}.0123456789abcdef.part", dump.file));
        fs::write(&other, "of before").unwrap();
        assert_eq!(self.again(), dump.bytes);
        assert_eq!(fs::read(&self.here).unwrap(), bytes);
        assert!(!other.exists() && !self.part.exists());
    }

    /// Of its proof the copy says what the host says: it comes, and when a drill has failed it goes.
    fn follows_the_proof(&self) {
        let name = format!("{}.proof.json", self.backup.name);
        let proof = self.folder.join(&name);
        does(self.stack, &["backup", "drill"]);
        assert_eq!(self.again(), 0);
        assert!(proof.exists());
        self.stack.on_host(&format!("rm {FOLDER}/{name}"));
        assert_eq!(self.again(), 0);
        assert!(!proof.exists());
    }

    /// What is broken on the host does not come here.
    fn takes_nothing_broken(&self) {
        let (stack, dump) = (self.stack, &self.backup.dump.file);
        stack.on_host(&format!("cp -p {FOLDER}/{dump} /root/kept; printf '\\377\\376' | dd of={FOLDER}/{dump} bs=1 seek=5000 conv=notrunc status=none"));
        fs::remove_file(&self.here).unwrap();
        let refused = stack.citrino(&["backup", "pull"]);
        stack.on_host(&format!("mv /root/kept {FOLDER}/{dump}"));
        assert!(
            refused.code == 1 && refused.text.contains("E0422"),
            "{}",
            refused.text
        );
        assert!(!self.here.exists() && !self.part.exists());
    }
}

#[test]
fn a_pull_goes_on_where_it_was_killed_and_finds_every_flipped_bit() {
    let Some(stack) = serving() else { return };
    let pull = Pull::of_a_new_one(&stack);
    let (backup, total) = (&pull.backup, pull.backup.dump.bytes);
    let half = total / 2;
    pull.is_killed_at(half);
    assert_eq!(pull.again(), total - half);
    let bytes = pull.is_whole();
    assert_eq!(pull.again(), 0);
    flip(&pull.here, 1000);
    assert_eq!(pull.again(), total);
    pull.finds_a_spoiled_part(&bytes);
    pull.follows_the_proof();
    pull.takes_nothing_broken();

    let elsewhere = does(
        &stack,
        &["backup", "pull", &backup.name, "--to", "else/where"],
    );
    assert!(
        elsewhere
            .text
            .contains(&format!("{} is in else/where", backup.name)),
        "{}",
        elsewhere.text
    );
    assert_eq!(
        fs::read(stack.home.join("else/where").join(&backup.dump.file)).unwrap(),
        bytes
    );
    stack.remove("backups");
    stack.remove("else");
}

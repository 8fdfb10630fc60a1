//! The client of object storage against a server that speaks S3, checks signatures and knows rights.

use std::fs::File;
use std::path::Path;

use citrino_ops::core::digest::sha256;
use citrino_ops::core::secret::Secret;
use citrino_ops::storage::bucket::{Bucket, Object};

use crate::proxy::Bad;
use crate::s3::Storage;
use crate::{noise, over, refused};

/// More than two parts.
const LARGE: usize = 18 << 20;

fn file(folder: &Path, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join("file");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn what_is_put_is_there_whole_under_its_prefix_alone() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let store = storage.bucket("owner", "prod/citrino").open().unwrap();
    let other = storage.bucket("owner", "prod").open().unwrap();
    assert_eq!(store.list().await.unwrap(), []);
    let folder = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"a word", &noise(LARGE)] {
        let (path, digest) = (file(folder.path(), bytes), sha256(bytes));
        store
            .put("thing", File::open(&path).unwrap(), &digest)
            .await
            .unwrap();
        let length = bytes.len() as u64;
        assert_eq!(
            store.head("thing").await.unwrap(),
            Some((length, Some(digest.clone())))
        );
        assert_eq!(store.digest("thing").await.unwrap(), (digest, length));
        let mut back = Vec::new();
        store.get("thing", length, &mut back).await.unwrap();
        assert_eq!(back, bytes);
        let (name, bytes) = ("thing".to_owned(), length);
        assert_eq!(store.list().await.unwrap(), [Object { name, bytes }]);
    }
    // By a name: a static binary must not ask libc for it.
    let named = Bucket {
        endpoint: Some(storage.endpoint().replace("127.0.0.1", "localhost")),
        ..store.bucket().clone()
    };
    assert_eq!(named.open().unwrap().list().await.unwrap().len(), 1);
    assert_eq!(other.list().await.unwrap(), []);
    assert_eq!(other.head("thing").await.unwrap(), None);
    assert_eq!(other.read("thing").await.unwrap(), None);
    let (code, said) = refused(store.bucket(), store.read("thing").await);
    assert!(code == "E0432" && said.contains("too large"), "{said}");
    store.delete("thing").await.unwrap();
    store.delete("thing").await.unwrap();
    assert_eq!(store.list().await.unwrap(), []);
    assert_eq!(store.head("thing").await.unwrap(), None);
}

#[tokio::test]
async fn a_put_that_is_cut_leaves_nothing_under_its_name() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "cut");
    let folder = tempfile::tempdir().unwrap();
    let bytes = noise(LARGE);
    let path = file(folder.path(), &bytes);
    let straight = bucket.open().unwrap();
    // In the one request of a small object; in the first part; in the third, where two are there already.
    for (length, cut) in [(100_000, 50_000), (LARGE, 5_000_000), (LARGE, 17_500_000)] {
        let path = if length == LARGE {
            path.clone()
        } else {
            file(
                tempfile::tempdir().unwrap().keep().as_path(),
                &bytes[..length],
            )
        };
        let store = over(&storage, &bucket, Bad::CutAfter(cut)).open().unwrap();
        let put = store
            .put(
                "thing",
                File::open(&path).unwrap(),
                &sha256(&bytes[..length]),
            )
            .await;
        let (code, said) = refused(&bucket, put);
        assert_eq!(code, "E0430", "{said}");
        assert_eq!(straight.list().await.unwrap(), [], "{cut}");
    }
    straight
        .put("thing", File::open(&path).unwrap(), &sha256(&bytes))
        .await
        .unwrap();
    assert_eq!(
        straight.digest("thing").await.unwrap(),
        (sha256(&bytes), LARGE as u64)
    );
}

#[tokio::test]
async fn a_bit_that_flips_on_the_way_changes_the_digest() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("owner", "");
    let folder = tempfile::tempdir().unwrap();
    let bytes = noise(300_000);
    let straight = bucket.open().unwrap();
    straight
        .put(
            "thing",
            File::open(file(folder.path(), &bytes)).unwrap(),
            &sha256(&bytes),
        )
        .await
        .unwrap();
    // Past the head of the answer.
    let store = over(&storage, &bucket, Bad::FlipsAt(100_000))
        .open()
        .unwrap();
    let (digest, length) = store.digest("thing").await.unwrap();
    assert_eq!(length, 300_000);
    assert_ne!(digest, sha256(&bytes));
    assert_eq!(straight.digest("thing").await.unwrap().0, sha256(&bytes));
}

#[tokio::test]
async fn who_is_refused_reads_why_and_no_secret() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let right = storage.bucket("owner", "");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let cases = [
        (
            Bucket {
                key_id: Secret::new("AKIASENTINELSENTINEL"),
                ..right.clone()
            },
            "E0431",
            "does not know the key",
        ),
        (
            Bucket {
                secret: Secret::new("sentinel-of-the-bucket"),
                ..right.clone()
            },
            "E0431",
            "does not fit the key",
        ),
        (
            Bucket {
                bucket: "another".to_owned(),
                ..right.clone()
            },
            "E0431",
            "the bucket does not exist",
        ),
        (
            Bucket {
                endpoint: Some(format!("http://{nobody}")),
                ..right.clone()
            },
            "E0430",
            "Connection refused",
        ),
        (
            Bucket {
                endpoint: Some("http://nobody.invalid".to_owned()),
                ..right.clone()
            },
            "E0430",
            "could not list the bucket",
        ),
        (
            Bucket {
                endpoint: Some("no address".to_owned()),
                ..right.clone()
            },
            "E0102",
            "backup.s3: `endpoint` is",
        ),
        (
            Bucket {
                endpoint: Some("ftp://127.0.0.1".to_owned()),
                ..right.clone()
            },
            "E0102",
            "backup.s3: `endpoint` is",
        ),
        (
            Bucket {
                key_id: Secret::new("AKIA\nSENTINEL"),
                ..right.clone()
            },
            "E0102",
            "backup.s3: `key_id` or `secret` is empty",
        ),
    ];
    for (bucket, wished, sentence) in cases {
        let asked = match bucket.open() {
            Ok(store) => store.list().await.map(drop),
            Err(error) => Err(error),
        };
        let (code, said) = refused(&bucket, asked);
        assert_eq!(code, wished, "{said}");
        assert!(said.contains(sentence), "{said}");
    }
}

#[tokio::test]
async fn a_key_that_only_appends_appends_and_is_told_what_it_may_not() {
    let Some(storage) = Storage::start("127.0.0.1") else {
        return;
    };
    let bucket = storage.bucket("appender", "prod");
    let store = bucket.open().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bytes = noise(LARGE);
    let path = file(folder.path(), &bytes);
    store
        .put("thing", File::open(&path).unwrap(), &sha256(&bytes))
        .await
        .unwrap();
    assert_eq!(store.digest("thing").await.unwrap().0, sha256(&bytes));
    let (code, said) = refused(&bucket, store.delete("thing").await);
    assert_eq!(code, "E0431", "{said}");
    assert!(
        said.contains("could not delete thing: the key has no permission for that (AccessDenied)"),
        "{said}"
    );
    // Whoever says that it only takes is never even asked.
    let owner = Bucket {
        append_only: true,
        ..storage.bucket("owner", "prod")
    };
    let (code, said) = refused(&owner, owner.open().unwrap().delete("thing").await);
    assert!(code == "E0431" && said.contains("is append-only"), "{said}");
    assert_eq!(store.list().await.unwrap().len(), 1);
}

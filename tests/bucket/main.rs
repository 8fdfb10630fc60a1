//! Backups off the host, against a server that speaks S3, checks signatures and knows rights.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy.toml allows them in tests, and does not see that helpers are of a test

use citrino_ops::core::error::error_info;
use citrino_ops::storage::bucket::Bucket;

mod attacks;
#[path = "../need/mod.rs"]
mod need;
#[path = "../s3/proxy.rs"]
mod proxy;
#[path = "../s3/mod.rs"]
mod s3;
mod store;
mod tasks;

use proxy::{Bad, line};
use s3::Storage;

/// Bytes that differ everywhere, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

/// The same bucket over a line that is bad.
fn over(storage: &Storage, bucket: &Bucket, bad: Bad) -> Bucket {
    let server = storage.endpoint().trim_start_matches("http://");
    Bucket {
        endpoint: Some(format!("http://{}", line(server, bad))),
        ..bucket.clone()
    }
}

/// The code and the whole of an error; neither the key nor its secret is in it.
fn refused<T: std::fmt::Debug>(bucket: &Bucket, result: anyhow::Result<T>) -> (String, String) {
    let error = result.unwrap_err();
    let told = error_info(&error);
    let all = format!("{} {:?} {error:?}", told.message, told.hint);
    for secret in [&bucket.key_id, &bucket.secret] {
        assert!(!all.contains(secret.reveal()), "{all}");
    }
    (told.code.to_string(), told.message)
}

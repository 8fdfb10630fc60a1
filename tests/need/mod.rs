//! What a test does that lacks what it needs: in CI it fails, elsewhere it says so and ends.
//!
//! Every crate's tests include this file by its path, so it uses nothing of the crate around it.

use std::fs::File;
use std::io::Write;

/// Says that a test is skipped, and why; with `CITRINO_REQUIRE_ALL` the test fails instead.
///
/// # Panics
/// With `CITRINO_REQUIRE_ALL`.
pub fn skipped(why: &str) {
    let told = format!("skipped: {why}\n");
    assert!(
        std::env::var_os("CITRINO_REQUIRE_ALL").is_none(),
        "CITRINO_REQUIRE_ALL is set, and this would be {told}"
    );
    // Past the capture of libtest. nextest captures all the same, so `make test` collects these lines in a file.
    let _ = std::io::stderr().write_all(told.as_bytes());
    if let Some(path) = std::env::var_os("CITRINO_SKIPPED") {
        let list = File::options().create(true).append(true).open(path);
        let _ = list.and_then(|mut list| list.write_all(told.as_bytes()));
    }
}

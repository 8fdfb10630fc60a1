//! A network and a name service of the test's own: port 80 is the site's there, and names lead where the test says.

use std::fs;
use std::process::Command;

use crate::need::skipped;
use crate::pebble;

/// Set for the process that is inside.
const INSIDE: &str = "CITRINO_TEST_INSIDE";

/// Runs the test of this name in a namespace of its own, where `inside` is what it does.
pub fn alone(name: &str, inside: impl AsyncFnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        furnish();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(inside());
    }
    if !nix::unistd::geteuid().is_root() {
        return skipped("a network of its own needs root");
    }
    if !pebble::is_installed() {
        return skipped("pebble is not installed");
    }
    // Whatever the test starts ends with the first process of its own list of processes.
    let ended = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(ended.success(), "{name} failed inside");
}

fn furnish() {
    let run = |line: &[&str]| {
        let ended = Command::new(line[0]).args(&line[1..]).status().unwrap();
        assert!(ended.success(), "{line:?}");
    };
    run(&["ip", "link", "set", "lo", "up"]);
    // Another address of this machine, where nobody listens.
    run(&["ip", "address", "add", "192.0.2.9/32", "dev", "lo"]);
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("hosts", "127.0.0.1 localhost\n"),
        ("resolv.conf", "nameserver 127.0.0.1\n"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        run(&[
            "mount",
            "--bind",
            file.to_str().unwrap(),
            &format!("/etc/{name}"),
        ]);
    }
}

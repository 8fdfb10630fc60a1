//! The benchmarks in their short forms: whether they still work, so that none rots. What they measure here says nothing.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

use std::path::Path;
use std::process::Command;

mod need;

/// What a benchmark needs beside Python and the workspace's binaries.
enum Needs {
    /// A PostgreSQL of its own, and clients.
    Postgres,
    /// Machines of the lab.
    Lab,
}

impl Needs {
    fn missing(&self) -> Option<String> {
        let programs: &[&str] = match self {
            Self::Postgres => &["/usr/lib/postgresql/15/bin/initdb", "/usr/bin/wrk"],
            Self::Lab => &[
                "/usr/bin/systemd-nspawn",
                "/usr/bin/mmdebstrap",
                "/usr/bin/wrk",
                "/usr/bin/h2load",
            ],
        };
        if !nix::unistd::geteuid().is_root() {
            return Some("it needs root".to_owned());
        }
        let missing = programs.iter().find(|program| !Path::new(program).exists());
        missing.map(|program| format!("{program} is not there"))
    }
}

fn works(bench: &str, needs: &Needs) {
    if std::env::var_os("NEXTEST").is_none() {
        return need::skipped("a benchmark takes a minute: `make bench-short` runs it");
    }
    if let Some(why) = needs.missing() {
        return need::skipped(&format!("bench/{bench}: {why}"));
    }
    let ops = Path::new(env!("CARGO_BIN_EXE_citrino-ops"));
    let ran = Command::new(format!("{}/bench/{bench}/run", env!("CARGO_MANIFEST_DIR")))
        .env("BENCH_SHORT", "1")
        .env("CITRINO_OPS", ops)
        .env("CITRINO_LAB", ops.with_file_name("citrino-lab"))
        .env("CITRINO_APP", ops.with_file_name("citrino-app"))
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(ran.status.success(), "{}", said.concat());
}

#[test]
fn the_app_against_its_peers_is_measured() {
    works("app", &Needs::Postgres);
}

#[test]
fn recommendations_are_measured() {
    works("recommend", &Needs::Postgres);
}

#[test]
fn a_backup_and_its_restore_are_measured() {
    works("backup", &Needs::Lab);
}

#[test]
fn a_converge_leaves_what_ansible_and_pyinfra_leave() {
    works("converge", &Needs::Lab);
}

#[test]
fn deploys_under_load_are_measured() {
    works("deploy", &Needs::Lab);
}

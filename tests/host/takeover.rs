//! A host that an earlier binary has brought up is taken over by this one, and nothing is lost on the way.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::deploy::{another_build, plain, release};
use crate::stack::{Said, Stack, said, untouched};
use crate::stand_in::User;

/// What was last released before folders, names and words changed.
const EARLIER: &str = "0b83ab4";

/// What this version means to change on such a host; each is how a row of the plan begins.
const MEANT: &[&str] = &[
    "cloud address rehearsal-ipv4 label citrino-ops/host=rehearsal is missing",
    "cloud address rehearsal-ipv6 label citrino-ops/host=rehearsal is missing",
    "cloud server rehearsal label citrino-ops/host=rehearsal is missing",
    "base home of the app user owner is",
    "base folder for limits of nginx",
    "base limits of nginx",
    "base folder for limits of PostgreSQL",
    "base limits of PostgreSQL",
    "base automatic security updates",
    "base sshd configuration",
    "base sshd service",
    "postgres owner of /etc/postgresql owner is",
    "postgres owner of /etc/postgresql/15 owner is",
    "postgres owner of /etc/postgresql/15/main",
    "postgres owner of /etc/postgresql/15/main/conf.d",
    "postgres PostgreSQL configuration owner is",
    "postgres PostgreSQL access rules",
    "postgres PostgreSQL user mapping",
    "postgres owner of the cluster's other settings",
    "postgres PostgreSQL service",
    "postgres database role that only reads role citrino_reader does not exist",
    "nginx nginx configuration content of /etc/nginx/nginx.conf differs",
    "nginx nginx service",
    "app group for release checks group citrino-trial does not exist",
    "app user for release checks user citrino-trial does not exist",
    "app folder for backups",
    "app app environment",
    "app folders for sockets at each boot",
    "app folders for sockets",
    "app app systemd unit",
    "app app profile /etc/citrino/profile.json does not exist",
    "backup citrino-ops on the host",
    "backup backup settings content of /etc/citrino/backup.json differs",
    "backup unit citrino-backup.service",
    "backup load citrino-backup.service",
    "backup unit citrino-backup.timer",
    "backup backup timer",
    "backup unit citrino-drill.service",
    "backup load citrino-drill.service",
    "backup unit citrino-drill.timer",
    "backup drill timer",
    "app app settings in slot green",
    "app readiness of the app",
    "backup signing key",
];

#[test]
fn a_host_of_an_earlier_version_is_taken_over_with_all_that_it_has() {
    let Some(stack) = untouched() else { return };
    let earlier = Earlier::built();
    let begun = earlier.brings_up(&stack);

    let status = stack.citrino(&["status"]);
    assert_eq!(status.code, 0, "{}", status.text);
    assert!(status.text.contains(&begun.second), "{}", status.text);
    let releases = stack.citrino(&["releases"]).text;
    assert!(releases.contains(&begun.first), "{releases}");

    let plan = stack.citrino(&["plan"]);
    println!("{}", plan.text);
    is_meant(&plan.text);
    let provision = stack.citrino(&["provision", "--yes"]);
    assert_eq!(provision.code, 0, "{}", provision.text);
    let user = User::comes(&stack);
    let converge = stack.citrino(&["converge"]);
    assert_eq!(converge.code, 0, "{}", converge.text);
    let seen = user.leaves();
    assert_eq!(seen.failures, [""; 0], "of {}", seen.answers);
    stack.is_as_wished();
    // What stood there without a signature was signed as it stands, told by its name.
    let signed = plan
        .text
        .lines()
        .find(|line| line.contains("has no signature") || line.contains("have no signature"));
    assert!(
        signed.is_some_and(|line| line.contains(&begun.backup)),
        "{}",
        plan.text
    );
    let listed = stack.citrino(&["backup", "list"]).text;
    assert!(
        !listed.contains("NOT VERIFIED") && listed.contains(&begun.backup),
        "{listed}"
    );

    let rollback = stack.citrino(&["rollback"]);
    assert_eq!(rollback.code, 0, "{}", rollback.text);
    assert_eq!(release(&stack), begun.first);
    plain(&stack);
    let rollback = stack.citrino(&["rollback"]);
    assert_eq!(rollback.code, 0, "{}", rollback.text);
    assert_eq!(release(&stack), begun.first);

    stack.sql("CREATE TABLE notas (texto text)");
    let restore = stack.citrino(&["restore", &begun.backup, "--yes"]);
    assert_eq!(restore.code, 0, "{}", restore.text);
    assert_eq!(stack.fingerprint(), begun.rows);
    stack.is_healthy();

    let audit = stack.citrino(&["audit"]).text;
    for verb in ["up", "deploy", "backup", "converge", "rollback", "restore"] {
        assert!(audit.contains(verb), "{verb}: {audit}");
    }
    let verify = stack.citrino(&["audit", "verify"]);
    assert_eq!(verify.code, 0, "{}", verify.text);
}

/// Each row is one that is meant, and each that is meant is there, in that order.
fn is_meant(plan: &str) {
    let rows = differing(plan);
    let fits = rows.len() == MEANT.len()
        && rows
            .iter()
            .zip(MEANT)
            .all(|(row, meant)| row.starts_with(meant));
    assert!(fits, "{rows:#?}\n{MEANT:#?}\n{plan}");
}

/// The rows that a plan would change, in one spacing; what differs in a file is indented further.
fn differing(plan: &str) -> Vec<String> {
    let rows = plan.lines().filter_map(|line| line.strip_prefix('±'));
    rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// What the earlier binary left.
struct Begun {
    first: String,
    second: String,
    backup: String,
    rows: String,
}

/// The programs of that version.
struct Earlier {
    folder: PathBuf,
}

impl Earlier {
    /// Built from the history beside the tree, once.
    fn built() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("target/earlier");
        let tree = folder.join("tree");
        if !tree.exists() {
            let tree = tree.to_str().unwrap();
            runs(
                Command::new("git")
                    .current_dir(root)
                    .args(["worktree", "add", "--force", "--detach", tree, EARLIER]),
            );
        }
        runs(
            Command::new("cargo")
                .current_dir(&tree)
                .args(["build", "--locked", "-p", "citrino-ops", "-p"])
                .args(["citrino-app", "--target-dir", "../build"])
                .env_remove("RUSTUP_TOOLCHAIN"),
        );
        Self {
            folder: folder.join("build/x86_64-unknown-linux-gnu/debug"),
        }
    }

    fn types(&self, stack: &Stack, words: &[&str]) -> Said {
        let said = said(&mut stack.command_of(&self.folder.join("citrino-ops"), words));
        assert_eq!(said.code, 0, "{}", said.text);
        said
    }

    /// Two releases, a backup and a journal.
    fn brings_up(&self, stack: &Stack) -> Begun {
        stack.wish();
        let app = self.folder.join("citrino-app");
        let app = app.to_str().unwrap();
        self.types(stack, &["up", "--yes", "--artifact", app]);
        let first = release(stack);
        self.types(
            stack,
            &["deploy", "--artifact", &another_build(stack, "second")],
        );
        let second = release(stack);
        self.types(stack, &["backup", "now"]);
        let listed = self.types(stack, &["backup", "list"]).text;
        let backup = listed
            .split_whitespace()
            .find(|word| word.starts_with("citrino_"));
        Begun {
            first,
            second,
            backup: backup.unwrap().to_owned(),
            rows: stack.fingerprint(),
        }
    }
}

fn runs(command: &mut Command) {
    let said = said(command);
    assert_eq!(said.code, 0, "{}", said.text);
}

//! What goes on around a backup or a restore, and what goes wrong under it.

use std::process::{Child, Stdio};

use crate::backups::names;
use crate::lab::until;
use crate::stack::{Said, Stack, serving};
use crate::stand_in::User;

/// A session that is about to drop something, until it is told to go.
struct Hold<'s> {
    stack: &'s Stack,
    session: Child,
    /// Of what it holds: `TABLE`
    kind: &'static str,
}

impl<'s> Hold<'s> {
    /// A dump, which has locked all tables by then, waits for it.
    fn on_a_sequence(stack: &'s Stack) -> Self {
        Self::on(stack, "SEQUENCE retenida")
    }

    /// A dump gives up, and so does whoever counts its rows.
    fn on_a_table(stack: &'s Stack) -> Self {
        Self::on(stack, "TABLE retenida ()")
    }

    fn on(stack: &'s Stack, what: &'static str) -> Self {
        let (kind, _) = what.split_once(' ').unwrap();
        // It is made first, in a transaction of its own.
        let held = format!("BEGIN; DROP {kind} retenida; SELECT pg_sleep(3600)");
        let psql = "PGAPPNAME=hold runuser -u postgres -- psql -Xq -d citrino_prod";
        let line = format!("cd / && {psql} -c 'CREATE {what}' -c '{held}'");
        let session = stack
            .command(&["ssh", &line])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let hold = Self {
            stack,
            session,
            kind,
        };
        until("it is held", || {
            stack.sql("SELECT count(*) FROM pg_locks WHERE relation = to_regclass('retenida') AND mode = 'AccessExclusiveLock' AND granted") == "1"
        });
        hold
    }

    /// Whether a dump waits for it.
    fn is_waited_for(&self) -> bool {
        self.stack.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'") == "1"
    }

    fn goes(self) {
        drop(self);
    }
}

/// However the test ends: the others need their backups.
impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hold'";
        let gone = asked(self.stack, sql);
        let ended = self.session.wait();
        // A restore has put the session out, and has another database in the place of that one.
        let dropped = asked(
            self.stack,
            &format!("DROP {} IF EXISTS retenida", self.kind),
        );
        if gone.code + dropped.code != 0 || ended.is_err() {
            eprintln!("it is held yet: {}{}", gone.text, dropped.text);
        }
    }
}

fn asked(stack: &Stack, line: &str) -> Said {
    stack.citrino(&["ssh", &format!("cd / && runuser -u postgres -- psql -X -v ON_ERROR_STOP=1 -d citrino_prod -c \"{line}\"")])
}

/// Nothing that is not whole has the name of a backup, and nothing waits for the next run.
fn nothing_is_left(stack: &Stack) {
    assert_eq!(stack.citrino(&["backup", "verify"]).code, 0);
    let left = stack.on_host("ls -A /home/citrino/database/backups | grep part || true");
    assert_eq!(left.trim(), "");
}

#[test]
fn a_dump_holds_up_no_reader_and_a_migration_no_longer_than_it_says() {
    let Some(stack) = serving() else { return };
    let hold = Hold::on_a_sequence(&stack);
    let backup = stack.start(&["backup"]);
    until("the dump waits in the middle of its locks", || {
        hold.is_waited_for()
    });
    let user = User::comes(&stack);
    let writes = asked(
        &stack,
        "SET lock_timeout = '2s'; UPDATE propiedades SET id = id WHERE id IN (SELECT min(id) FROM propiedades)",
    );
    assert_eq!(writes.code, 0, "{}", writes.text);
    // The dump reads what the migration would alter: that gives up, and nobody queues behind it for longer.
    let migrates = asked(
        &stack,
        "SET lock_timeout = '2s'; ALTER TABLE propiedades ADD COLUMN de_paso int",
    );
    assert!(
        migrates.code != 0 && migrates.text.contains("lock timeout"),
        "{}",
        migrates.text
    );
    assert_eq!(
        stack
            .http("/api/recomendar", Some(&serde_json::json!({ "limite": 5 })))
            .0,
        200
    );
    hold.goes();
    let (code, summary) = backup.finish();
    assert_eq!(code, 0, "{summary}");
    let seen = user.leaves();
    assert!(seen.failures.is_empty() && seen.answers > 0, "{seen:?}");
    let drill = stack.citrino(&["backup", "drill"]);
    assert_eq!(drill.code, 0, "{}", drill.text);
    stack.is_as_wished();
}

#[test]
fn a_database_that_cannot_be_dumped_is_restored_over_when_it_is_told() {
    let Some(stack) = serving() else { return };
    assert_eq!(stack.citrino(&["backup"]).code, 0);
    let rows = stack.fingerprint();
    let hold = Hold::on_a_table(&stack);
    let refused = stack.citrino(&["restore", "latest", "--yes"]);
    assert_eq!(refused.code, 1, "{}", refused.text);
    for words in [
        "back up the current database",
        "add --without-safety-backup",
    ] {
        assert!(refused.text.contains(words), "{}", refused.text);
    }
    let restore = stack.citrino(&["restore", "latest", "--yes", "--without-safety-backup"]);
    assert_eq!(restore.code, 0, "{}", restore.text);
    hold.goes();
    assert_eq!(stack.fingerprint(), rows);
    assert_eq!(
        stack.citrino(&["backup", "prune", "--aside", "--yes"]).code,
        0
    );
    nothing_is_left(&stack);
}

#[test]
fn postgresql_restarted_under_a_backup_leaves_none_and_the_next_is_whole() {
    let Some(stack) = serving() else { return };
    let before = names(&stack);
    let hold = Hold::on_a_sequence(&stack);
    let backup = stack.start(&["backup"]);
    until("the dump is under way", || hold.is_waited_for());
    stack.on_host("systemctl restart postgresql@15-main.service");
    let (code, summary) = backup.finish();
    assert_eq!(
        (code, &summary["error"]["code"]),
        (1, &serde_json::json!("E0421")),
        "{summary}"
    );
    hold.goes();
    nothing_is_left(&stack);
    assert_eq!(names(&stack), before);
    until("the app reaches its data", || {
        stack.http("/api/ready", None).0 == 200
    });
    assert_eq!(stack.citrino(&["backup"]).code, 0);
}

#[test]
fn postgresql_restarted_under_a_restore_leaves_live_or_restored_rows() {
    let Some(stack) = serving() else { return };
    assert_eq!(stack.citrino(&["backup"]).code, 0);
    let rows = stack.fingerprint();
    let restore = stack.start(&["restore", "latest", "--yes"]);
    // The restore makes it, and it is gone as soon as the names are changed.
    until("it is restored beside", || {
        stack.sql("SELECT count(*) FROM pg_database WHERE datname = 'citrino_prod_restoring' OR datname LIKE 'citrino_prod_before_%'") != "0"
    });
    stack.on_host("systemctl restart postgresql@15-main.service");
    let (code, summary) = restore.finish();
    assert!(code == 0 || code == 1, "{summary}");
    until("the app reaches its data", || {
        stack.http("/api/ready", None).0 == 200
    });
    assert_eq!(stack.fingerprint(), rows);
    let again = stack.citrino(&["restore", "latest", "--yes"]);
    assert_eq!(again.code, 0, "{}", again.text);
    assert_eq!(stack.fingerprint(), rows);
    assert_eq!(
        stack.citrino(&["backup", "prune", "--aside", "--yes"]).code,
        0
    );
    assert_eq!(
        stack.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'citrino_prod_%'"),
        "0"
    );
    nothing_is_left(&stack);
}

#[test]
fn a_full_disk_leaves_nothing_with_a_good_name_and_the_next_run_is_whole() {
    let Some(stack) = serving() else { return };
    // Room for the manifests and for half a dump; and all the room that a dump wants, but it is the last.
    for (size, others, why) in [
        ("256k", "1k", "No space left on device"),
        ("64m", "62m", "less than 5 % of its disk is free"),
    ] {
        let folder = "/home/citrino/database/backups";
        stack.on_host(&format!("mount -t tmpfs -o size={size},mode=0700 tmpfs {folder}; fallocate -l {others} {folder}/others"));
        let user = User::comes(&stack);
        let backup = stack.citrino(&["backup"]);
        let left = stack.on_host(&format!("ls -A {folder}"));
        let timer =
            stack.on_host("/usr/local/sbin/citrino-ops scheduled backup 2>&1; echo ended with $?");
        stack.on_host(&format!("umount {folder}"));
        let seen = user.leaves();
        assert_eq!(backup.code, 1, "{}", backup.text);
        for words in ["E0421", why] {
            assert!(backup.text.contains(words), "{}", backup.text);
        }
        assert!(timer.contains("ended with 1"), "{timer}");
        assert_eq!(left.trim(), "others", "what was begun is gone again");
        assert!(seen.failures.is_empty() && seen.answers > 0, "{seen:?}");
    }
    assert_eq!(stack.citrino(&["backup"]).code, 0);
    nothing_is_left(&stack);
    stack.is_as_wished();
}

//! The second cluster that a recovery works in: small, bounded, on no network, and archiving nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::moment;
use crate::core::error::{Code, Fault};
use crate::host::own::{self, READER};
use crate::host::sandbox;
use crate::host::system::{Cmd, System};
use crate::host::unit_log;
use crate::task::pgbackrest;
use crate::task::postgres::{self, OWNER, PROGRAMS, clone, reader};

/// Beside the live cluster's, so that it is on the same disk.
const FOLDER: &str = "/var/lib/postgresql/15/recovering";
const UNIT: &str = own::RECOVERING_UNIT;
/// WAL that it has fetched and not yet let go of.
const WAL_BYTES: u64 = 512 * 1024 * 1024;
/// A few lines.
const WRITTEN_WITHIN: Duration = Duration::from_mins(1);
/// How long the last segment may take until it has arrived.
const ARRIVES_WITHIN: Duration = Duration::from_mins(1);
/// WAL of a busy week takes a while.
const RECOVERS_WITHIN: Duration = Duration::from_hours(6);
const BETWEEN: Duration = Duration::from_millis(300);

/// A command that goes to this cluster and not to the live one.
pub fn inside(cmd: Cmd) -> Cmd {
    cmd.env("PGHOST", socket()).env("PGPORT", "5432")
}

/// Ends and takes away whatever there is of it.
pub async fn clear(system: &System) -> Result<()> {
    /// systemctl(1): "unit not loaded".
    const NOT_LOADED: i32 = 5;
    let stopped = system.run(&Cmd::new(["systemctl", "stop", UNIT])).await?;
    if stopped.code != NOT_LOADED {
        stopped.success()?;
    }
    // In a folder of the cluster's owner, and so as him: root would remove what he leads it to.
    let remove = Cmd::new(["rm", "-rf", "--", FOLDER]).user(OWNER);
    system.run(&remove).await?.success().map(drop)
}

/// Its files as they were in the newest backup before that time, and the order to go on from there.
pub async fn restore(system: &System, stanza: &str, to: OffsetDateTime) -> Result<()> {
    let folders = Cmd::new(["mkdir", "-p", "-m", "0700", FOLDER, &socket()]).user(OWNER);
    system.run(&folders).await?.success()?;
    let options = [
        format!("--stanza={stanza}"),
        format!("--pg1-path={}", data()),
        format!("--target={}", moment::shown(to)),
    ];
    let options = options.each_ref().map(String::as_str);
    let restore = [
        "pgbackrest",
        "--type=time",
        "--target-action=promote",
        // Were it to archive, the live cluster's own timeline would be spoiled.
        "--archive-mode=off",
        "restore",
    ];
    let restored = system
        .run(&in_unit(
            &["--wait", "--pipe"],
            &[&restore, &options[..]].concat(),
        ))
        .await?;
    if !restored.ok() {
        return Err(failed(format!(
            "pgBackRest could not restore the backup: {}",
            restored.last_words()
        ))
        .into());
    }
    for (name, text) in [
        ("postgresql.conf", settings()),
        (
            "pg_hba.conf",
            format!("local all postgres peer\nlocal all {READER} peer map=reader\n"),
        ),
        ("pg_ident.conf", format!("reader {OWNER} {READER}\n")),
    ] {
        write(system, &format!("{FOLDER}/{name}"), &text).await?;
    }
    Ok(())
}

/// As the cluster's owner, in whose folder it is.
async fn write(system: &System, path: &str, text: &str) -> Result<()> {
    let write = Cmd::new(["sh", "-c", r#"umask 077; exec cat >"$1""#, "sh", path]);
    let write = write.user(OWNER).stdin(text).within(WRITTEN_WITHIN);
    system.run(&write).await?.success().map(drop)
}

/// Starts it and waits until it has come to that time.
///
/// # Errors
/// E0441 when it does not come to it.
pub async fn start(system: &System, to: OffsetDateTime) -> Result<()> {
    let config = format!("config_file={FOLDER}/postgresql.conf");
    let program = format!("{PROGRAMS}/postgres");
    let postgres = in_unit(&[], &[&program, "-D", &data(), "-c", &config]);
    let begun = OffsetDateTime::now_utc();
    system.run(&postgres).await?.success()?;
    let deadline = Instant::now() + RECOVERS_WITHIN;
    while !has_come(system).await? {
        let runs = system
            .run(&Cmd::new(["systemctl", "is-active", "--quiet", UNIT]))
            .await?
            .ok();
        if !runs || Instant::now() > deadline {
            return Err(did_not_come(system, to, begun).await?.into());
        }
        sleep(BETWEEN).await;
    }
    // At that time there may have been none yet.
    let reader = inside(postgres::session()).stdin(reader::MADE);
    system.run(&reader).await?.success().map(drop)
}

async fn has_come(system: &System) -> Result<bool> {
    let ask = inside(postgres::session()).stdin("SELECT pg_is_in_recovery();\n");
    let output = system.run(&ask).await?;
    Ok(output.ok() && output.stdout.trim() == "f")
}

async fn did_not_come(system: &System, to: OffsetDateTime, begun: OffsetDateTime) -> Result<Fault> {
    let log = unit_log::last_lines(system, UNIT, 40, Some(begun.unix_timestamp())).await?;
    Ok(failed(format!(
        "the recovery did not reach {}: {}",
        moment::shown(to),
        reason(&log)
    )))
}

/// How many rows each of the app's own tables has there.
pub async fn rows(system: &System, database: &str) -> Result<BTreeMap<String, u64>> {
    let ask = inside(reader::session(database)).stdin(reader::ROWS);
    reader::counts(&system.run(&ask).await?.success()?.stdout)
}

/// Those that it has of its own.
pub async fn roles(system: &System) -> Result<Vec<String>> {
    let ask = inside(postgres::session())
        .stdin("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_';\n");
    let output = system.run(&ask).await?.success()?;
    Ok(output.stdout.lines().map(str::to_owned).collect())
}

/// The whole cluster of then, the WAL that is on its way through it, and the one database once more.
///
/// # Errors
/// E0442 when the disk has no room for them.
pub async fn has_room(system: &System, database: &str, bytes: u64) -> Result<()> {
    let wanted = bytes.saturating_add(bytes).saturating_add(WAL_BYTES);
    clone::has_room_for(system, database, wanted).await
}

/// A command as postgres, bounded, in a unit of its own: what is left of it after a kill can be found and ended.
fn in_unit(options: &[&str], argv: &[&str]) -> Cmd {
    let unit = format!("--unit={UNIT}");
    let run = ["systemd-run", "--quiet", "--collect", &unit];
    let limits = [
        "Type=exec",
        "User=postgres",
        "KillSignal=SIGINT",
        "KillMode=mixed",
        "MemoryMax=512M",
        "Nice=5",
        "ProtectSystem=strict",
        "ReadWritePaths=/var/lib/postgresql",
        "ReadWritePaths=-/var/spool/pgbackrest",
        "CapabilityBoundingSet=",
    ];
    let limits = limits.iter().chain(&sandbox::HARDENING);
    let limits: Vec<String> = limits.map(|one| format!("--property={one}")).collect();
    let limits: Vec<&str> = limits.iter().map(String::as_str).collect();
    Cmd::new([&run, &limits[..], options, argv].concat()).within(RECOVERS_WITHIN)
}

fn failed(why: String) -> Fault {
    Fault::new(Code::E0441, why).hint("the live database is unchanged; try an earlier time")
}

fn data() -> String {
    format!("{FOLDER}/data")
}

fn socket() -> String {
    format!("{FOLDER}/socket")
}

/// It is thrown away afterwards, so it need not survive a crash. As no standby it needs no settings like the live one's.
fn settings() -> String {
    format!(
        "hba_file = '{FOLDER}/pg_hba.conf'\nident_file = '{FOLDER}/pg_ident.conf'\nunix_socket_directories = '{}'\nlisten_addresses = ''\nport = 5432\n\
         archive_mode = off\nhot_standby = off\nshared_buffers = 64MB\nmax_wal_size = 256MB\nmax_connections = 10\nautovacuum = off\nfsync = off\nfull_page_writes = off\n",
        socket()
    )
}

/// The lines that say why a recovery ended, of a log that mostly lists segments.
fn reason(log: &str) -> String {
    let telling = log
        .lines()
        .filter(|line| line.contains("FATAL") || line.contains("last completed transaction"));
    let lines: Vec<&str> = telling
        .filter(|line| !line.contains("not accepting connections"))
        .collect();
    if lines.is_empty() {
        log.trim().lines().last().unwrap_or_default().to_owned()
    } else {
        lines.join("; ")
    }
}

/// Everything that was committed until now arrives in the repository, and something later than any time that was asked for: a
/// recovery knows that it has come far enough when it meets a later commit. A repository that takes nothing is no error: what it has
/// may do.
pub async fn flush(system: &System, stanza: &str) -> Result<()> {
    let sql = "SELECT pg_current_xact_id();\nSELECT pg_walfile_name(pg_switch_wal());\n";
    let said = system
        .run(&postgres::session().stdin(sql))
        .await?
        .success()?
        .stdout;
    let segment = said.trim().lines().last().unwrap_or_default().to_owned();
    let deadline = Instant::now() + ARRIVES_WITHIN;
    while Instant::now() < deadline {
        let info = pgbackrest::info(system, stanza).await?;
        if info.is_ok_and(|info| {
            info.newest_wal()
                .is_some_and(|newest| newest >= segment.as_str())
        }) {
            break;
        }
        sleep(BETWEEN).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by `PostgreSQL` 15 and pgBackRest 2.45.
    const LOG: &str = "2026-11-25 18:13:45.257 P00   INFO: unable to find 000000010000000000000005 in the archive
2026-11-25 18:13:45.260 GMT [25515] LOG:  last completed transaction was at log time 2026-11-25 18:13:40.77743+00
2026-11-25 18:13:45.260 GMT [25515] FATAL:  recovery ended before configured recovery target was reached
2026-11-25 18:13:45.264 GMT [25512] LOG:  database system is shut down
";

    #[test]
    fn the_log_of_a_recovery_is_told_by_its_end() {
        let told = reason(LOG);
        assert!(
            told.contains("last completed transaction was at log time")
                && told.ends_with("recovery target was reached"),
            "{told}"
        );
        assert_eq!(
            reason("postgres: could not find the database system\n"),
            "postgres: could not find the database system"
        );
        assert_eq!(reason(""), "");
    }
}

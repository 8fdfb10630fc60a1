//! The tool's own places on a host. They are called after the tool, whichever app it deploys there; what is called after the
//! app comes from the application profile.

/// What `converge` tells a host, for jobs that start there by themselves.
pub const SETTINGS: &str = "/etc/citrino";
/// How backups are made.
pub const BACKUP_SETTINGS: &str = "/etc/citrino/backup.json";
/// Who is told when something fails, and what the host asks itself.
pub const ALERT_SETTINGS: &str = "/etc/citrino/alerts.json";
/// What the stack's own backups are signed with.
pub const STACK_KEY: &str = "/etc/citrino/stack.key";
/// The application profile.
pub const PROFILE: &str = "/etc/citrino/profile.json";

/// The certificates of the site and their keys.
pub const CERTIFICATES: &str = "/etc/citrino/tls";
/// The link to the folder of the one that nginx shows.
pub const LIVE_CERTIFICATE: &str = "/etc/citrino/tls/live";
/// How certificates are issued.
pub const CERTIFICATE_SETTINGS: &str = "/etc/citrino/certificate.json";
/// The host's accounts with issuers, and their keys.
pub const ACME_ACCOUNTS: &str = "/etc/citrino/acme";

/// What of failures is known and told.
pub const ALERTS: &str = "/var/lib/citrino/alerts";
/// The same where the disk takes nothing any more; it lasts until the host starts anew.
pub const ALERTS_IN_MEMORY: &str = "/run/citrino-alerts";
/// What the disks held in the last days.
pub const DISK_SAMPLES: &str = "/var/lib/citrino/alerts/disks.json";
/// Where the exporter of the system looks for figures of ours; made anew with each boot.
pub const FIGURES: &str = "/run/citrino-figures";
/// The unit that tells of another one: `citrino-alert@UNIT.service`.
pub const ALERT_UNIT: &str = "citrino-alert";
/// The unit that looks after the host.
pub const WATCH_UNIT: &str = "citrino-health.service";
/// Hands mail over to the relay.
pub const SENDMAIL: &str = "/usr/sbin/sendmail";
/// The unit of the queue of mail, who owns it, and where it is.
pub const MAIL_UNIT: &str = "nullmailer.service";
pub const MAIL_USER: &str = "mail";
pub const MAIL_SPOOL: &str = "/var/spool/nullmailer";

/// What everybody is shown while it is there. nginx looks for it with each request.
pub const MAINTENANCE: &str = "/etc/citrino/maintenance/page.html";

/// What the agent keeps.
pub const STATE: &str = "/var/lib/citrino";
/// Agents, each under the sha256 of its binary: the name is the version check.
pub const AGENTS: &str = "/var/lib/citrino/agent";
pub const BLOBS: &str = "/var/lib/citrino/blobs";
/// A release that is only asked what it is; the sandbox sees no other of these places.
pub const ASKED: &str = "/var/lib/citrino-asked";
/// What services have read of their files.
pub const STAMPS: &str = "/var/lib/citrino/stamps";
/// What rehearsals have shown.
pub const REHEARSALS: &str = "/var/lib/citrino/rehearsals";
/// What imports did.
pub const IMPORTS: &str = "/var/lib/citrino/imports";
/// The newest backup that is off the host too.
pub const SENT: &str = "/var/lib/citrino/sent.json";
/// The version of the citrino-ops that converged the host last.
pub const CONVERGED: &str = "/var/lib/citrino/converged_by";
/// How long the last change of release took, in milliseconds.
pub const SWITCHED: &str = "/var/lib/citrino/switched_ms";
/// What a host had before the stack came to it, and what of it was agreed on.
pub const NEIGHBOURS: &str = "/var/lib/citrino/neighbours.json";
/// Files as they were before the first of ours took their place, each below its own path.
pub const ORIGINALS: &str = "/var/lib/citrino/originals";
/// When the certificate is renewed, and why the last order brought none.
pub const CERTIFICATE_STATE: &str = "/var/lib/citrino/certificate.json";
pub const LOCK: &str = "/var/lib/citrino/lock";
/// Who has locked the host until it is unlocked, and why.
pub const FREEZE: &str = "/var/lib/citrino/freeze.json";
/// The plan of the run under way.
pub const PLAN: &str = "/var/lib/citrino/plan.json";

pub const JOURNAL: &str = "/var/log/citrino/journal.ndjson";
pub const AUDIT: &str = "/var/log/citrino/audit.ndjson";

/// The dead man's switch.
pub const GUARD: &str = "/var/lib/citrino/guard";
/// The run that armed it since this boot, where nothing outlives one. A unit whose `/proc` is its own sees another id of the boot
/// than the container that it is in.
pub const ARMED_THIS_BOOT: &str = "/run/citrino-guard.run";
pub const ARMED: &str = "/var/lib/citrino/guard/armed.json";
/// What puts back, as a plan.
pub const WAY_BACK: &str = "/var/lib/citrino/guard/plan.json";
/// Which services are to read their files again.
pub const RELOADED: &str = "/var/lib/citrino/guard/reloaded";
/// A name of its own for this binary: the next upload takes older agents away.
pub const GUARD_BINARY: &str = "/var/lib/citrino/guard/agent";
/// The transient timer, and the service that it starts.
pub const GUARD_UNIT: &str = "citrino-guard";
/// What a reboot in the armed time starts. It stays, and does nothing while nothing is armed.
pub const GUARD_AT_BOOT: &str = "/etc/systemd/system/citrino-guard-at-boot.service";
pub const GUARD_WANTED: &str =
    "/etc/systemd/system/multi-user.target.wants/citrino-guard-at-boot.service";

/// How the units begin in which commands of the app run.
pub const SANDBOX_UNIT: &str = "citrino-command";
/// How the units begin in which a person works on the host.
pub const SESSION_UNIT: &str = "citrino-session";
/// The unit that a release is asked in, on a copy of the database.
pub const REHEARSAL_UNIT: &str = "citrino-rehearsal.service";
/// Its folder below /run.
pub const REHEARSAL_RUNTIME: &str = "citrino-rehearsal";
pub const REHEARSAL_SOCKET: &str = "/run/citrino-rehearsal/app.sock";
pub const REHEARSAL_ENVIRONMENT: &str = "/run/citrino-rehearsal.env";
/// The unit of the second cluster while it recovers to a point in time.
pub const RECOVERING_UNIT: &str = "citrino-recovering.service";

/// The operating system's user that runs `PostgreSQL`'s cluster on Debian and Ubuntu.
pub const CLUSTER_OWNER: &str = "postgres";

/// Where Debian has `PostgreSQL`'s programs. Those of the same name in `/usr/bin` are a script in Perl that looks for a cluster
/// first, which takes longer than most questions.
pub const CLUSTER_PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// The stack's cluster, as `postgresql-common` names it.
pub const CLUSTER: (&str, &str) = ("15", "main");

/// What of a backup `pg_restore` is to restore, while it does.
pub const RESTORE_LIST: &str = "/run/citrino-restore.list";
/// The database's role that takes dumps and counts rows: it may read everything and write nothing.
pub const READER: &str = "citrino_reader";

/// Where the next host key waits for its turn.
pub const NEXT_HOST_KEY: &str = "/etc/ssh/citrino_next_host_key";
/// How the folder of something half made is called; then comes who makes it.
pub const DRAFT: &str = ".citrino-";

/// The file of a kernel setting.
pub fn sysctl_file(key: &str) -> String {
    format!("/etc/sysctl.d/60-citrino-{key}.conf")
}

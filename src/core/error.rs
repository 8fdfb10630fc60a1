//! Errors are sentences with a code, the path of the fault and what to do next.

use std::fmt;

use crate::core::event::Trouble;

/// An error that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

/// What stands behind a code: the text of `explain`, and the exit code it leads to.
pub struct Entry {
    pub code: &'static str,
    pub title: &'static str,
    pub exit: u8,
    pub cause: &'static str,
    /// What was and was not changed when it is told.
    pub changed: &'static str,
    pub next: &'static str,
}

/// Exit codes (docs/glossary.md has the same table).
pub mod exit {
    pub const OK: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const PENDING: u8 = 3;
    pub const UNHEALTHY: u8 = 4;
    pub const LOCKED: u8 = 5;
    pub const OLD_SERVES: u8 = 6;
    pub const REFUSED: u8 = 7;
}

impl Fault {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<Trouble> for Fault {
    /// The error of a step as the error of the run.
    fn from(trouble: Trouble) -> Self {
        Self {
            code: entry(&trouble.code).map_or(UNKNOWN, |entry| entry.code),
            message: trouble.message,
            hint: trouble.hint,
        }
    }
}

/// The code of an error of which nothing better is known.
const UNKNOWN: &str = "E0001";

/// An error chain as it is told: the first fault in it gives code and hint, all of it the message.
pub fn trouble(error: &anyhow::Error) -> Trouble {
    let fault = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Fault>());
    Trouble {
        code: fault.map_or(UNKNOWN, |fault| fault.code).to_owned(),
        message: format!("{error:#}"),
        hint: fault.and_then(|fault| fault.hint.clone()),
    }
}

/// What the catalogue says of a code.
pub fn entry(code: &str) -> Option<&'static Entry> {
    CATALOGUE
        .iter()
        .find(|entry| entry.code.eq_ignore_ascii_case(code))
}

/// The exit code that an error leads to.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    entry(&trouble(error).code).map_or(exit::FAILED, |entry| entry.exit)
}

const NOTHING: &str = "Nothing was changed: it was found before anything was sent.";
const UNTIL_STEP: &str = "The steps before the failed one are done and stay; the failed step and those after it are not. Running the verb again goes on where it stopped.";

/// Every code, in order. A test holds that each code in the source stands here once.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        code: "E0001",
        title: "an error without a code of its own",
        exit: exit::FAILED,
        cause: "A system call or a library failed in a way that has no page here; the message says which.",
        changed: UNTIL_STEP,
        next: "Read the message; `citrino-ops logs ops` shows the journal of the host.",
    },
    Entry {
        code: "E0002",
        title: "an unknown error code was asked for",
        exit: exit::USAGE,
        cause: "`explain` got a code that is in no message of this version.",
        changed: NOTHING,
        next: "Run `citrino-ops explain` without a code for the list.",
    },
    Entry {
        code: "E0101",
        title: "citrino.yml could not be read",
        exit: exit::USAGE,
        cause: "The file is absent, unreadable, or not YAML.",
        changed: NOTHING,
        next: "Name the file with `-c`, or write one from examples/.",
    },
    Entry {
        code: "E0102",
        title: "a key or value in citrino.yml is wrong",
        exit: exit::USAGE,
        cause: "A key is unknown or missing, or a value has the wrong type or range.",
        changed: NOTHING,
        next: "Mend the line that the message names; `citrino-ops validate` tries it again.",
    },
    Entry {
        code: "E0103",
        title: "a secret could not be had",
        exit: exit::USAGE,
        cause: "The environment variable, file or command that citrino.yml names for a secret gave nothing.",
        changed: NOTHING,
        next: "Set the variable, or run the command by hand to see why it fails.",
    },
    Entry {
        code: "E0201",
        title: "a playbook is wrong",
        exit: exit::USAGE,
        cause: "A step has no task, two tasks, an unknown kind, an unknown field, or a field of the wrong type.",
        changed: NOTHING,
        next: "Mend the line that the message names; docs/architecture.md lists the task kinds.",
    },
    Entry {
        code: "E0202",
        title: "a template is wrong",
        exit: exit::USAGE,
        cause: "A template has a syntax error or uses a variable that is not defined.",
        changed: NOTHING,
        next: "Mend the line that the message names, or give the value in citrino.yml.",
    },
    Entry {
        code: "E0203",
        title: "a migration breaks a rule",
        exit: exit::USAGE,
        cause: "A file in the `migrations/` of the source tree takes something from older releases without its mark, may wait without an end, or cannot be read.",
        changed: NOTHING,
        next: "Mend each line that the message names; migrations/README.md has the rules.",
    },
    Entry {
        code: "E0301",
        title: "the Hetzner API refused the token",
        exit: exit::FAILED,
        cause: "HCLOUD_TOKEN is missing, wrong, read-only, or of another project.",
        changed: NOTHING,
        next: "Make a read and write token in the project's console and set HCLOUD_TOKEN.",
    },
    Entry {
        code: "E0302",
        title: "the Hetzner API could not be reached",
        exit: exit::FAILED,
        cause: "No answer came from the endpoint within the bounds of the retries.",
        changed: UNTIL_STEP,
        next: "Check the network and HCLOUD_ENDPOINT; run the verb again: what was made is found by its label.",
    },
    Entry {
        code: "E0303",
        title: "the Hetzner API answered with an error",
        exit: exit::FAILED,
        cause: "The API's own code and message stand in the error.",
        changed: UNTIL_STEP,
        next: "Act on the API's message; run the verb again.",
    },
    Entry {
        code: "E0304",
        title: "the server type cannot be had in this location",
        exit: exit::USAGE,
        cause: "Hetzner does not offer the type there, no longer takes orders for it, or has none free.",
        changed: NOTHING,
        next: "Choose one of the types and locations that the message lists.",
    },
    Entry {
        code: "E0305",
        title: "the image cannot be had",
        exit: exit::USAGE,
        cause: "There is no such image for the architecture of the server type, or it is deprecated.",
        changed: NOTHING,
        next: "Choose one of the images that the message lists.",
    },
    Entry {
        code: "E0306",
        title: "a name is taken by something that is not ours",
        exit: exit::REFUSED,
        cause: "A resource with the wished name exists without the label of this stack.",
        changed: "Nothing, when it was found before the run began; else the steps before the failed one are done and stay.",
        next: "Take it in with `citrino-ops adopt`, rename it, or choose another `stack` name.",
    },
    Entry {
        code: "E0307",
        title: "an action of the Hetzner API failed",
        exit: exit::FAILED,
        cause: "The API took the order, and the action ended in error or not in time.",
        changed: UNTIL_STEP,
        next: "Look at the server in the console; run the verb again.",
    },
    Entry {
        code: "E0308",
        title: "the monthly cost is over the limit",
        exit: exit::REFUSED,
        cause: "The API's prices add up to more than `cloud.max_monthly_eur`.",
        changed: NOTHING,
        next: "Raise the limit or choose a smaller server type.",
    },
    Entry {
        code: "E0309",
        title: "there is no server yet",
        exit: exit::FAILED,
        cause: "The verb needs a host, and no server carries the label of this stack.",
        changed: NOTHING,
        next: "Run `citrino-ops provision`.",
    },
    Entry {
        code: "E0310",
        title: "something is protected",
        exit: exit::REFUSED,
        cause: "Protection is on for a server, address or volume that should be deleted or made anew.",
        changed: NOTHING,
        next: "Run `citrino-ops destroy --unprotect` first, then the verb again.",
    },
    Entry {
        code: "E0311",
        title: "the server is not the one that is wished",
        exit: exit::REFUSED,
        cause: "Its image differs, which only a new disk could mend; or its location, or something else that cannot be changed; or more than one server carries the label of the stack.",
        changed: NOTHING,
        next: "Put citrino.yml right; for another image take a backup away and add `--replace`; another location is another stack.",
    },
    Entry {
        code: "E0312",
        title: "the saved plan is out of date",
        exit: exit::REFUSED,
        cause: "citrino.yml, the cloud or the host changed after `plan --out` wrote the plan, so applying it would not do what was looked at.",
        changed: NOTHING,
        next: "Make a new plan, look at it, and apply that.",
    },
    Entry {
        code: "E0401",
        title: "a step was applied and is still not so",
        exit: exit::FAILED,
        cause: "The step ran without an error, and the check after it still sees a difference.",
        changed: UNTIL_STEP,
        next: "Look at the host's logs for what puts it back.",
    },
    Entry {
        code: "E0402",
        title: "a program on the host failed",
        exit: exit::FAILED,
        cause: "Its exit code was not 0; the end of its output stands in the message.",
        changed: UNTIL_STEP,
        next: "Act on what the program said, and run the verb again.",
    },
    Entry {
        code: "E0403",
        title: "new content was refused by its own program",
        exit: exit::FAILED,
        cause: "A checker such as `nginx -t` refused a file before it took its place.",
        changed: "The file on the host is the one from before; the steps before it are done.",
        next: "Mend the template or the value that the message names.",
    },
    Entry {
        code: "E0404",
        title: "a program could not be started",
        exit: exit::FAILED,
        cause: "It is not installed on the host, or not executable.",
        changed: UNTIL_STEP,
        next: "Put the step that installs it before this one.",
    },
    Entry {
        code: "E0405",
        title: "a program did not end in time",
        exit: exit::FAILED,
        cause: "It ran past its deadline and was stopped.",
        changed: UNTIL_STEP,
        next: "Look at the host's load and logs, and run the verb again.",
    },
    Entry {
        code: "E0406",
        title: "a user or group is missing",
        exit: exit::FAILED,
        cause: "A step gives a file to an owner that the host does not know.",
        changed: UNTIL_STEP,
        next: "Put the step that makes the user before this one.",
    },
    Entry {
        code: "E0407",
        title: "a probe was not answered as wished",
        exit: exit::FAILED,
        cause: "A question to a service had no good answer before its deadline.",
        changed: UNTIL_STEP,
        next: "Look at `citrino-ops logs` for the service that the probe asks.",
    },
    Entry {
        code: "E0408",
        title: "a task cannot be applied to what is there",
        exit: exit::FAILED,
        cause: "Something of another kind is at the place that the task wishes for, and replacing it could lose data.",
        changed: UNTIL_STEP,
        next: "Look at the thing the message names; move it away by hand if it is not needed.",
    },
    Entry {
        code: "E0420",
        title: "the rehearsal failed",
        exit: exit::FAILED,
        cause: "The pending migrations, or the release after them, did not go through on a copy of the live database.",
        changed: "The live database was only read; the copy is gone again.",
        next: "Mend the migration or the release that the message names, and deploy again.",
    },
    Entry {
        code: "E0421",
        title: "no backup could be made, or no copy of the database",
        exit: exit::FAILED,
        cause: "PostgreSQL could not be asked, or the dump could not be written or read back.",
        changed: "The live database was only read, and the backups of before are as they were.",
        next: "Act on the message, and run the verb again.",
    },
    Entry {
        code: "E0422",
        title: "a backup cannot be restored",
        exit: exit::FAILED,
        cause: "It is not there, its hash is not that of its manifest, or it gave other rows than were written.",
        changed: "The live database is as it was: a backup is restored beside it first.",
        next: "Restore another one, and take a new one.",
    },
    Entry {
        code: "E0423",
        title: "a backup that does not fit is not restored",
        exit: exit::REFUSED,
        cause: "It is of another stack, or of a schema that the release that serves does not know.",
        changed: NOTHING,
        next: "Name another backup; with --from-other-stack when it is meant, or deploy the release first that knows its schema.",
    },
    Entry {
        code: "E0424",
        title: "a backup was restored and is not as it should be",
        exit: exit::FAILED,
        cause: "The release that serves did not answer on a scratch database made from it, or could not bring its schema up to date.",
        changed: "The live database was only read; the scratch database is gone again. A proof of before stays: what failed may be the release.",
        next: "Take another backup and drill that; `citrino-ops logs postgres` and the message say what was wrong with this one.",
    },
    Entry {
        code: "E0425",
        title: "an age key does not fit",
        exit: exit::USAGE,
        cause: "A recipient or an identity is none, or the backup is encrypted to other keys.",
        changed: NOTHING,
        next: "Name the private key's file in `backup.identity` of citrino.yml, or with --identity; the backup's manifest lists the public keys that it is encrypted to.",
    },
    Entry {
        code: "E0426",
        title: "the host does not know how backups are made",
        exit: exit::FAILED,
        cause: "A timer found no settings, or settings of another version.",
        changed: NOTHING,
        next: "Run `citrino-ops converge`: it writes them.",
    },
    Entry {
        code: "E0427",
        title: "there is no backup to rebuild from",
        exit: exit::REFUSED,
        cause: "Neither the bucket of citrino.yml nor the folder of `backup pull` has a backup of this stack that can be used, or none of the name that was given.",
        changed: NOTHING,
        next: "Name the file of one (`--from-backup FILE`), or its place (`--from-backup s3://BUCKET/PREFIX`). Without any, `rebuild` and `up` make the host serve with nothing in it.",
    },
    Entry {
        code: "E0428",
        title: "the database is not lost: its volume is there",
        exit: exit::REFUSED,
        cause: "`rebuild --from-backup` would restore a backup over the database on the volume (`cloud.volume_gb`), which outlives the server and is newer than any backup.",
        changed: NOTHING,
        next: "When the volume is one that a rescue has made before it failed, or one that nothing was put on yet, add --over-volume: what is on it is set aside. Otherwise run `citrino-ops up`: it makes the server serve with the database on its volume (after `citrino-ops rebuild`, when the server is there and its disk is what is wrong). `citrino-ops restore` after it goes back to a backup, when the data is wrong too.",
    },
    Entry {
        code: "E0430",
        title: "the bucket did not answer",
        exit: exit::FAILED,
        cause: "The object storage could not be reached, or answered that it is in trouble, each time it was asked.",
        changed: "The backups on the host are as they were. In the bucket what has a manifest is whole; what was begun there is sent anew.",
        next: "Look whether the endpoint of `backup.s3` is right and can be reached from the host, and run the verb again.",
    },
    Entry {
        code: "E0431",
        title: "the bucket refused",
        exit: exit::FAILED,
        cause: "The object storage answered, and said no: an unknown key, a wrong secret, a right that the key has not, another region, or no such bucket. Or something was to be deleted where `append_only` is set.",
        changed: "The backups on the host are as they were. In the bucket what has a manifest is whole.",
        next: "Act on the message: mend `backup.s3` in citrino.yml or the key's rights at the provider.",
    },
    Entry {
        code: "E0432",
        title: "what is in the bucket is not what was put there",
        exit: exit::FAILED,
        cause: "What was read back, or fetched, has another hash or length than the manifest of the backup says.",
        changed: "On the host nothing has the name of a backup that was not compared with its manifest.",
        next: "Run the verb again: what differs is sent or fetched anew. If it stays, take another backup, and ask the provider.",
    },
    Entry {
        code: "E0433",
        title: "no such backup in the bucket",
        exit: exit::FAILED,
        cause: "The bucket has no manifest of that name, or none at all: what has no manifest was never sent whole.",
        changed: "Nothing was fetched.",
        next: "Look at bucket and prefix of `backup.s3`, and at what the message says is there.",
    },
    Entry {
        code: "E0434",
        title: "a file did not arrive as it left",
        exit: exit::FAILED,
        cause: "What was sent between the host and this machine has another hash than the side that it left says.",
        changed: "Nothing has the file's name; what arrived was thrown away.",
        next: "Run the verb again: it is sent anew from its first byte.",
    },
    Entry {
        code: "E0435",
        title: "the connection was lost in the middle of a file",
        exit: exit::FAILED,
        cause: "The ssh connection ended while a file was on its way between the host and this machine.",
        changed: "What came of the file waits beside its place as a part. Nothing has its name.",
        next: "Run the verb again: it goes on where it was cut off.",
    },
    Entry {
        code: "E0440",
        title: "no way to that point in time",
        exit: exit::REFUSED,
        cause: "No backup was whole before that time, it is in the future by the host's clock, it names no zone, or the repository cannot be asked.",
        changed: NOTHING,
        next: "Take another time: the message names the oldest. `backup: { pitr: true }` and a `converge` begin to keep points in time.",
    },
    Entry {
        code: "E0441",
        title: "the recovery to a point in time failed",
        exit: exit::FAILED,
        cause: "WAL is missing between the backup and that time, the second cluster did not run, or the database came out of it with other rows.",
        changed: "The live database is as it was; the second cluster is taken away.",
        next: "Take an earlier time, which an older stretch of WAL leads to, or another backup. docs/operations says how to close a gap in the archive.",
    },
    Entry {
        code: "E0442",
        title: "no room for what would come",
        exit: exit::REFUSED,
        cause: "What is made beside the live database (by a restore, a drill, a rehearsal or an import, or by a recovery with its second cluster) would not fit on its disk, or a file that is sent would take the twentieth of the disk that stays free.",
        changed: NOTHING,
        next: "Free space on the host (`citrino-ops backup prune`, databases that were set aside), or give it a larger disk.",
    },
    Entry {
        code: "E0450",
        title: "what was named cannot be imported",
        exit: exit::USAGE,
        cause: "It is neither a dump of one database by pg_dump nor a CSV of the app, or the files and options that were named do not go together.",
        changed: "Nothing was sent to the host.",
        next: "Name one dump, or CSV files with `--source`; `citrino-ops db import --help` says more.",
    },
    Entry {
        code: "E0451",
        title: "a dump cannot be taken",
        exit: exit::FAILED,
        cause: "It is cut short or damaged, has something in it that reaches beyond its database or does what the app's role may not, or PostgreSQL refused one of its statements.",
        changed: "The live database is as it was: a dump is restored beside it first.",
        next: "Make the dump anew with `pg_dump` of the host's PostgreSQL version or an older one, and import that.",
    },
    Entry {
        code: "E0452",
        title: "what was brought does not fit the release that serves",
        exit: exit::REFUSED,
        cause: "Its schema has seen migrations that the release does not know, other texts of those that it knows, or none at all.",
        changed: "The live database is as it was.",
        next: "Deploy the release that the data was made with, or export the rows as CSV and import these.",
    },
    Entry {
        code: "E0453",
        title: "what was imported is not fit to serve",
        exit: exit::REFUSED,
        cause: "Rows, tables or indexes are missing, it has functions that the live database has not, places are where they cannot be, or the release does not answer on it.",
        changed: "The live database is as it was: what was made beside it is gone again.",
        next: "Mend it where the data comes from, and import it again; `--check` looks without replacing anything.",
    },
    Entry {
        code: "E0454",
        title: "the app's loader refused a CSV",
        exit: exit::FAILED,
        cause: "The file cannot be read, or none of its rows can be loaded; the message says why, row by row.",
        changed: "The live database is as it was: rows are loaded into a copy of it first.",
        next: "Mend the file, or say with `--moneda`, `--cambio` or `--operacion` what it does not say.",
    },
    Entry {
        code: "E0455",
        title: "there is no release to import with",
        exit: exit::REFUSED,
        cause: "An import takes the migrations and the loader of the release that serves, and none does.",
        changed: "Nothing was sent to the host.",
        next: "Run `citrino-ops deploy` first.",
    },
    Entry {
        code: "E0501",
        title: "the host could not be reached",
        exit: exit::FAILED,
        cause: "No ssh connection could be made within the deadline.",
        changed: "Nothing was changed by this command on the host.",
        next: "Check that the server runs (`citrino-ops plan`), the firewall, and your ssh key.",
    },
    Entry {
        code: "E0502",
        title: "the host key is not the pinned one",
        exit: exit::FAILED,
        cause: "The machine that answers holds another host key than the one pinned at its birth: another machine, or someone in between.",
        changed: "Nothing was sent to it.",
        next: "Find out why before you go on: compare the key in Hetzner's console with the label of the server (docs/operations).",
    },
    Entry {
        code: "E0503",
        title: "the connection was lost while the host works",
        exit: exit::FAILED,
        cause: "The ssh connection ended before the agent's last word.",
        changed: "The host goes on alone and finishes or undoes the plan.",
        next: "Run the verb again: it first tells how the lost run ended.",
    },
    Entry {
        code: "E0504",
        title: "the host is locked by another run",
        exit: exit::LOCKED,
        cause: "Another command changes this host now; the lock dies with it.",
        changed: NOTHING,
        next: "Wait for it, or look at `citrino-ops logs ops`.",
    },
    Entry {
        code: "E0505",
        title: "the agent could not be started",
        exit: exit::FAILED,
        cause: "The binary could not be stored or run on the host: no space, another architecture, or not enough rights.",
        changed: "At most the agent's own file was written.",
        next: "Act on the message; the agent needs root or passwordless sudo and x86_64.",
    },
    Entry {
        code: "E0506",
        title: "cloud-init did not end well",
        exit: exit::FAILED,
        cause: "The first boot of the server reported an error, or took longer than its deadline.",
        changed: "The server exists and keeps its label.",
        next: "Read /var/log/cloud-init-output.log with `citrino-ops ssh`; run `provision` again, or `destroy`.",
    },
    Entry {
        code: "E0508",
        title: "the host changed meanwhile",
        exit: exit::LOCKED,
        cause: "Between the look at the host and the plan for it another run changed the host, so the plan may rest on what is no longer so.",
        changed: "Nothing of this plan was done.",
        next: "Run the verb again: it looks anew.",
    },
    Entry {
        code: "E0509",
        title: "this would lock its own maker out",
        exit: exit::REFUSED,
        cause: "`converge` makes the keys of `cloud.ssh_keys` the only ones that the host lets in, and none of them is on this machine or in ssh's agent.",
        changed: NOTHING,
        next: "Add your public key to `cloud.ssh_keys`, or your key to ssh's agent.",
    },
    Entry {
        code: "E0510",
        title: "the host could not be reached after a guarded step, and was put back",
        exit: exit::FAILED,
        cause: "After a step that can lock its own operator out (sshd, keys, firewall) no fresh ssh connection came to be in the armed time.",
        changed: "What the guarded steps of the run changed is as it was before the run, as far as the message names no failure. The other steps stay.",
        next: "Mend what the steps wish for, then `plan` and `converge`. `citrino-ops logs ops` shows what was put back.",
    },
    Entry {
        code: "E0511",
        title: "the site did not answer after a guarded step, and was put back",
        exit: exit::FAILED,
        cause: "The site answered from the operator's machine before the run, and after a step on firewall, nginx or a unit the release that is live did not answer in the armed time.",
        changed: "What the guarded steps of the run changed is as it was before the run. The other steps stay.",
        next: "Mend what the steps wish for, then `plan` and `converge`.",
    },
    Entry {
        code: "E0512",
        title: "the dead man's switch did not put the host back",
        exit: exit::FAILED,
        cause: "The host was not reached after the armed time either, a step of putting back failed, or the switch had gone off when it was to be called off.",
        changed: "The guarded steps of the run may be in force, or a part of them.",
        next: "Look at the host in Hetzner's console (docs/operations): `journalctl -u citrino-guard` and /var/log/citrino/journal.ndjson.",
    },
    Entry {
        code: "E0513",
        title: "the dead man's switch is armed",
        exit: exit::LOCKED,
        cause: "The last run changed something guarded, and nobody has come back since to say that the host can be reached.",
        changed: NOTHING,
        next: "Run `converge`: it comes back, and keeps what was changed. Or wait until it is put back.",
    },
    Entry {
        code: "E0514",
        title: "the dead man's switch could not be armed",
        exit: exit::FAILED,
        cause: "What the guarded steps may change could not be written down, or systemd-run failed.",
        changed: UNTIL_STEP,
        next: "Act on the message; free space on the host is the usual want.",
    },
    Entry {
        code: "E0515",
        title: "no run was cut off",
        exit: exit::FAILED,
        cause: "`--resume` or `--abort` was asked for, and the last run on the host ended, or it has no way back and is gone on with by its own verb; or `--attach`, and there was no run.",
        changed: NOTHING,
        next: "`citrino-ops status` shows how the last run ended.",
    },
    Entry {
        code: "E0516",
        title: "the run is past its point of no return",
        exit: exit::REFUSED,
        cause: "`--abort` was asked for, and the new release was proved good before the run was cut off.",
        changed: NOTHING,
        next: "`citrino-ops deploy --resume` ends the run; deploy the release of before to go back.",
    },
    Entry {
        code: "E0517",
        title: "the run to attach to was cut off",
        exit: exit::FAILED,
        cause: "The agent on the host was killed, or the host went down, before the run ended.",
        changed: "What the run had done stays; one known release serves.",
        next: "`citrino-ops deploy --resume` ends it, `citrino-ops deploy --abort` undoes it.",
    },
    Entry {
        code: "E0520",
        title: "the chain of the audit is broken",
        exit: exit::FAILED,
        cause: "A line of the audit was edited, removed, put elsewhere, or hashed anew after it was written; the message names each by its number.",
        changed: "Nothing was changed by looking at it. After a run the run itself stands; its lines are not taken into the mirror.",
        next: "Keep the host's file and every operator's mirror as they are, compare them, and find out who was root on the host (docs/operations says how, and how to begin a new chain).",
    },
    Entry {
        code: "E0521",
        title: "the last line of the audit is torn",
        exit: exit::FAILED,
        cause: "The host crashed while a line was written, or one is written at this very moment. Lines before it are sound.",
        changed: NOTHING,
        next: "Run any verb that changes something, `converge` for one: it closes the torn line by one that names it, and `audit verify` then tells of it and is content.",
    },
    Entry {
        code: "E0522",
        title: "the audit of the host is not the one that this machine has seen",
        exit: exit::FAILED,
        cause: "Lines that were seen earlier are not on the host any more: the end of the audit was cut off, the whole of it was written anew or deleted, or the host was made anew by another operator.",
        changed: "Nothing was changed by looking at it. After a run the run itself stands; its lines are not taken into the mirror.",
        next: "When the host was made anew, move the mirror away: the next run begins another. If not, somebody with root's rights has something to hide: the mirror holds what was there (docs/operations).",
    },
    Entry {
        code: "E0523",
        title: "the audit of the host could not be written",
        exit: exit::FAILED,
        cause: "The file could not be opened or written: no space, or a disk that is read-only.",
        changed: "Nothing, when it is told at the begin of a run: without its line no run begins. At the end of a run, the run stands.",
        next: "Act on the message and run the verb again.",
    },
    Entry {
        code: "E0524",
        title: "the mirror of the audit could not be kept",
        exit: exit::FAILED,
        cause: "The file in this machine's state folder could not be read, written or moved.",
        changed: "On the host what the verb did stands. The mirror is as it was.",
        next: "Act on the message; `citrino-ops audit` brings what is missing.",
    },
    Entry {
        code: "E0601",
        title: "the release could not be built or read",
        exit: exit::FAILED,
        cause: "`cargo build` failed, or `--artifact` names no static Linux binary for the host's processor.",
        changed: NOTHING,
        next: "Build it by hand to see the whole output.",
    },
    Entry {
        code: "E0602",
        title: "the new release failed and the old one serves",
        exit: exit::OLD_SERVES,
        cause: "The build is for another processor, or its content could not be stored, or a step of the deploy failed before or at the switch and the undo steps ran.",
        changed: "The old release serves as before. The failed release stays on the host for a look, as far as it came.",
        next: "Read the failed step and the release's log; deploy a mended build.",
    },
    Entry {
        code: "E0604",
        title: "the first release failed",
        exit: exit::FAILED,
        cause: "A step of a deploy failed, and no release before it had gone well.",
        changed: "The host is converged, and no release serves that was ever proved.",
        next: "Read the failed step and the release's log; deploy a mended build.",
    },
    Entry {
        code: "E0605",
        title: "the host is not prepared for the app",
        exit: exit::REFUSED,
        cause: "The app's unit or its environment is not on the host.",
        changed: NOTHING,
        next: "Run `citrino-ops converge`, then `deploy` again.",
    },
    Entry {
        code: "E0606",
        title: "the new release failed, and undoing it failed too",
        exit: exit::FAILED,
        cause: "A step of the deploy failed, and then a step that should bring the old release back.",
        changed: "Both releases are on the host; which one serves is not certain.",
        next: "Run `citrino-ops health`; `citrino-ops deploy` of a good build brings the host back.",
    },
    Entry {
        code: "E0607",
        title: "users noticed the deploy",
        exit: exit::FAILED,
        cause: "While the plan ran, requests were made all the time as users make them, and some were not answered well.",
        changed: "The new release serves: the deploy itself went well.",
        next: "Look at the requests in `citrino-ops logs nginx` and at the release's log; `citrino-ops health` asks whether all is well now.",
    },
    Entry {
        code: "E0608",
        title: "no such release",
        exit: exit::USAGE,
        cause: "The name that `rollback` got is that of no release on the host, or fits several.",
        changed: NOTHING,
        next: "`citrino-ops releases` shows the names; the begin or the end of one is enough.",
    },
    Entry {
        code: "E0701",
        title: "unhealthy",
        exit: exit::UNHEALTHY,
        cause: "At least one probe of the checklist is past its limit.",
        changed: NOTHING,
        next: "See the rows marked with a cross; docs/operations says what to do for each.",
    },
    Entry {
        code: "E0702",
        title: "the release cannot run on the schema as it is",
        exit: exit::REFUSED,
        cause: "A migration has taken away what the release needs, or nobody can say whether one has.",
        changed: NOTHING,
        next: "Take one of the ways that the message lists: another release, `--down` where nothing is lost, `--restore-db`, or forward.",
    },
    Entry {
        code: "E0703",
        title: "nothing to go back to",
        exit: exit::REFUSED,
        cause: "The release never served well, or there is no other one that did.",
        changed: NOTHING,
        next: "`citrino-ops releases` shows what there is; `citrino-ops deploy` brings another.",
    },
    Entry {
        code: "E0704",
        title: "no memory for two instances of the app",
        exit: exit::REFUSED,
        cause: "While releases change, the old one and the new one run side by side, and the host has not twice the memory free that the running one uses.",
        changed: NOTHING,
        next: "See who has the memory; a restart of the app gives some back, a larger server has more.",
    },
    Entry {
        code: "E0801",
        title: "refused without a yes",
        exit: exit::REFUSED,
        cause: "The verb changes something that costs or destroys, nobody is at a terminal to ask, and --yes was not given.",
        changed: NOTHING,
        next: "Add --yes, or run it at a terminal.",
    },
    Entry {
        code: "E0802",
        title: "a usage fault",
        exit: exit::USAGE,
        cause: "The verb does not fit the stack or its arguments do not fit together.",
        changed: NOTHING,
        next: "See `citrino-ops help` for the verb.",
    },
    Entry {
        code: "E0803",
        title: "a file for a plan could not be used",
        exit: exit::USAGE,
        cause: "The file that `--out` names could not be written, or the one that `--plan` names is no plan of this stack.",
        changed: NOTHING,
        next: "Act on the message; `citrino-ops plan --out FILE` writes a plan.",
    },
    Entry {
        code: "E0804",
        title: "interrupted",
        exit: exit::FAILED,
        cause: "Ctrl-C was pressed.",
        changed: "What the message lists exists. What was begun goes on: actions of the API, a plan on a host.",
        next: "Run the verb again: it looks at what is there and goes on. `citrino-ops destroy` takes all of it away.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_in_the_source_is_explained_and_every_page_is_used() {
        let mut used = BTreeSet::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src"
        ))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().unwrap() != "error.rs" {
                    let text = std::fs::read_to_string(path).unwrap();
                    used.extend(codes(&text));
                }
            }
        }
        used.insert(UNKNOWN.to_owned());
        let explained: BTreeSet<String> = CATALOGUE
            .iter()
            .map(|entry| entry.code.to_owned())
            .collect();
        assert_eq!(explained.len(), CATALOGUE.len(), "a code stands twice");
        assert_eq!(used, explained);
    }

    fn codes(text: &str) -> Vec<String> {
        text.split('"')
            .filter(|word| {
                word.len() == 5
                    && word.starts_with('E')
                    && word[1..].chars().all(|c| c.is_ascii_digit())
            })
            .map(str::to_owned)
            .collect()
    }
}

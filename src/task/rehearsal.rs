//! The pending migrations of a release, run on a copy of the live database before they touch it, and the release asked
//! on what they make.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::postgres::tell;
use super::probe::{Ask, Http};
use super::Probe;
use crate::blob;
use crate::engine::{Look, Wish};
use crate::env_file;
use crate::error::Fault;
use crate::event::now;
use crate::facts::app::Schema;
use crate::system::{Cmd, System};

mod scratch;
mod witness;

use scratch::Scratch;
use witness::Passed;

/// Where a host keeps what its rehearsals have shown.
const FOLDER: &str = "/var/lib/citrino/rehearsals";
/// The unit that the release serves in meanwhile: systemd ends it when nobody else does.
const UNIT: &str = "citrino-rehearsal.service";
const SOCKET: &str = "/run/citrino-rehearsal/app.sock";
/// What the release is told beside the app's own environment.
const ENVIRONMENT: &str = "/run/citrino-rehearsal.env";
/// How long the release may take until it answers.
const READY_WITHIN_S: u64 = 30;

/// `check` finds nothing to do when nothing is pending, when the database was never migrated, so that there is nothing
/// to lose, or when this very binary was rehearsed on what the database has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// `…/releases/ID/citrino-app`
    pub binary: String,
    /// The live database; its copy is called the same with `_rehearsal` at the end.
    pub database: String,
    /// Who the app runs as, in the system and in the database's map of users.
    pub user: String,
    pub env_file: String,
    /// How the app serves.
    pub settings: String,
    /// What the release must answer on the copy, beside `/api/ready`.
    #[serde(default = "Rehearsal::questions", skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Http>,
}

fn question(path: &str) -> Http {
    Http {
        url: format!("http://app{path}"),
        unix_socket: Some(SOCKET.to_owned()),
        method: "GET".to_owned(),
        body: None,
        expect_status: 200,
        expect_json: std::collections::BTreeMap::new(),
        max_ms: None,
    }
}

/// What a rehearsal has shown.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    release: String,
    sha256: String,
    at: String,
    /// What the live database had seen of migrations.
    applied: Vec<i64>,
    migrations: Vec<Passed>,
}

impl Record {
    /// `rehearsed: 0005_precio 40 ms, ACCESS EXCLUSIVE on propiedades 12 ms; the new release answers on it`
    fn told(&self) -> String {
        let passed: Vec<String> = self.migrations.iter().map(Passed::told).collect();
        format!("rehearsed: {}; the new release answers on it", passed.join("; "))
    }

    fn took_ms(&self) -> f64 {
        self.migrations.iter().map(|passed| passed.ms).sum()
    }
}

impl Wish<System> for Rehearsal {
    async fn check(&self, system: &System) -> Result<Look> {
        let status = match self.status(system).await? {
            Ok(status) => status,
            Err(reason) => return Ok(Look::differs(reason)),
        };
        if status.pending.is_empty() || status.applied.is_empty() {
            return Ok(Look::same());
        }
        let count = match status.pending.len() {
            1 => "1 migration is".to_owned(),
            more => format!("{more} migrations are"),
        };
        Ok(match self.record(system)? {
            // The sentence goes where the figure does: what a step has shown is told by its figure.
            Some(record) if record.applied == status.applied && record.sha256 == self.sha256(system)? => {
                let unit = format!("ms, {}", record.told());
                Look::same().with_figure(record.took_ms(), &unit, None)
            }
            _ => Look::differs(format!("{count} not rehearsed: {}", status.pending.join(", "))),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let status = self.status(system).await?.map_err(|reason| failed(&reason))?;
        let scratch = Scratch::of(&self.database);
        // A rehearsal that was killed has left its own behind.
        self.clear(system, &scratch).await?;
        let rehearsed = self.rehearse(system, &scratch).await;
        let cleared = self.clear(system, &scratch).await;
        let migrations = rehearsed?;
        cleared?;
        let record = Record {
            release: self.release().to_owned(),
            sha256: self.sha256(system)?,
            at: now(),
            applied: status.applied,
            migrations,
        };
        self.keep(system, &record).await
    }
}

impl Rehearsal {
    /// What a release must answer when nothing else is said.
    pub fn questions() -> Vec<Http> {
        vec![Http {
            method: "POST".to_owned(),
            body: Some(json!({ "limite": 3 }).to_string()),
            ..question("/api/recomendar")
        }]
    }

    /// The folder that the binary lies in is called as the release.
    fn release(&self) -> &str {
        self.binary.rsplit('/').nth(1).unwrap_or_default()
    }

    fn app(&self, system: &System, arguments: &[&str], over: &[(&str, &str)]) -> Result<Cmd> {
        let mut cmd = Cmd::new([&[self.binary.as_str()], arguments].concat())
            .user(&self.user)
            .envs(env_file::read(system, &self.env_file)?);
        for (key, value) in over {
            cmd = cmd.env(*key, *value);
        }
        Ok(cmd)
    }

    /// What the live database has seen of the release's migrations; the reason when it cannot be known.
    async fn status(&self, system: &System) -> Result<Result<Schema, String>> {
        if system.stat(&self.binary)?.is_none() {
            return Ok(Err(format!("{} is not on the host yet", self.binary)));
        }
        let status = self.app(system, &["migrate", "--status"], &[])?;
        let output = system.run(&status).await?;
        if !output.ok() {
            return Ok(Err(format!("the live database's migrations cannot be told: {}", output.last_words())));
        }
        let status = serde_json::from_str(&output.stdout).context("`migrate --status` did not print what it should")?;
        Ok(Ok(status))
    }

    async fn rehearse(&self, system: &System, scratch: &Scratch) -> Result<Vec<Passed>> {
        scratch.has_room(system).await?;
        scratch.fill(system).await?;
        witness::place(system, &scratch.name).await?;
        let over = scratch.environment();
        let over: Vec<(&str, &str)> = over.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let migrated = system.run(&self.app(system, &["migrate"], &over)?).await?;
        if !migrated.ok() {
            return Err(failed(&format!("the migrations failed on a copy of {}: {}", self.database, migrated.last_words())).into());
        }
        let passed = witness::ask(system, &scratch.name).await?;
        // A copy comes without what the planner knows of its rows.
        tell(system, &scratch.name, "ANALYZE;\n").await?;
        self.serve(system, scratch).await?;
        Ok(passed)
    }

    /// The release runs on the copy, small and bounded, and answers.
    async fn serve(&self, system: &System, scratch: &Scratch) -> Result<()> {
        let small = [("CITRINO_APP_WORKERS", "1"), ("CITRINO_APP_POOL__MAX", "2")];
        let own = small.into_iter().chain([("CITRINO_RELEASE", self.release())]);
        let over = scratch.environment();
        let over = over.iter().map(|(key, value)| (*key, value.as_str()));
        let lines: String = own.chain(over).flat_map(|(key, value)| [key, "=", value, "\n"]).collect();
        system.write_atomic(ENVIRONMENT, lines.as_bytes(), 0o600, None, &[]).await?;
        let properties = [
            "Type=exec".to_owned(),
            format!("User={}", self.user),
            format!("EnvironmentFile={}", self.env_file),
            // Of two files the later one has the last word.
            format!("EnvironmentFile={ENVIRONMENT}"),
            "RuntimeDirectory=citrino-rehearsal".to_owned(),
            "MemoryMax=256M".to_owned(),
            "RuntimeMaxSec=120".to_owned(),
        ];
        let mut argv = vec!["systemd-run".to_owned(), "--quiet".to_owned(), "--collect".to_owned(), format!("--unit={UNIT}")];
        argv.extend(properties.map(|property| format!("--property={property}")));
        let bind = format!("unix:{SOCKET}");
        argv.extend([&self.binary, "serve", "--config", &self.settings, "--bind", &bind].map(str::to_owned));
        system.run(&Cmd::new(argv)).await?.success()?;
        let ready = std::iter::once((question("/api/ready"), READY_WITHIN_S));
        let more = self.queries.iter().map(|query| (query.clone(), 0));
        for (http, deadline_s) in ready.chain(more) {
            let http = Http { unix_socket: Some(SOCKET.to_owned()), ..http };
            let probe = Probe { ask: Ask::Http(http), attempts: 1, deadline_s };
            if let Err(error) = probe.apply(system).await {
                let log = system.run(&Cmd::new(["journalctl", "-q", "-n", "5", "-o", "cat", "-u", UNIT])).await?;
                return Err(failed(&format!("the release does not answer on the migrated copy: {error}\n{}", log.stdout.trim())).into());
            }
        }
        Ok(())
    }

    async fn clear(&self, system: &System, scratch: &Scratch) -> Result<()> {
        /// systemctl(1): "unit not loaded".
        const NOT_LOADED: i32 = 5;
        let stopped = system.run(&Cmd::new(["systemctl", "stop", UNIT])).await?;
        if stopped.code != NOT_LOADED {
            stopped.success()?;
        }
        system.remove(ENVIRONMENT)?;
        scratch.drop(system).await
    }

    fn path(&self) -> String {
        format!("{FOLDER}/{}.json", self.release())
    }

    /// One that cannot be read is none: the rehearsal is made anew.
    fn record(&self, system: &System) -> Result<Option<Record>> {
        let text = system.read_text(self.path())?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    async fn keep(&self, system: &System, record: &Record) -> Result<()> {
        std::fs::create_dir_all(system.path(FOLDER)).context("could not make the folder for rehearsals")?;
        let text: Value = serde_json::to_value(record)?;
        system.write_atomic(self.path(), format!("{text:#}\n").as_bytes(), 0o644, None, &[]).await
    }

    fn sha256(&self, system: &System) -> Result<String> {
        let context = || format!("could not read {}", self.binary);
        let mut file = std::fs::File::open(system.path(&self.binary)).with_context(context)?;
        let (address, _) = blob::sha256_of(&mut file).with_context(context)?;
        Ok(address)
    }
}

/// A rehearsal that went wrong: production has not noticed it.
fn failed(why: &str) -> Fault {
    Fault::new("E0420", format!("the rehearsal failed: {why}"))
        .hint("the live database was only read; mend the migration or the release, and deploy again")
}

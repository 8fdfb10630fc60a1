//! A release that is asked on a copy of the database, before anybody relies on either.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Probe;
use super::probe::{Ask, Http, Recurrence};
use super::scratch::Scratch;
use crate::core::app_profile::{AppProfile, Request};
use crate::core::engine::Wish;
use crate::core::error::{Code, Fault};
use crate::host::own::{
    REHEARSAL_ENVIRONMENT as ENVIRONMENT, REHEARSAL_RUNTIME as RUNTIME, REHEARSAL_SOCKET as SOCKET,
    REHEARSAL_UNIT as UNIT,
};
use crate::host::sandbox;
use crate::host::system::{Cmd, Output, System};
use crate::host::unit_log;

/// How long the release may take until it answers.
const READY_WITHIN_S: u64 = 30;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCheck {
    /// `…/releases/ID/BINARY`
    pub binary: String,
    /// Who the app runs as, in the system and in the database's map of users.
    pub user: String,
    pub env_file: String,
    /// How the app serves.
    pub settings: String,
    /// What the release must answer, beside that it is ready; what the profile says, when it is not given.
    #[serde(default)]
    pub queries: Option<Vec<Http>>,
}

fn question(path: &str) -> Http {
    Http {
        url: format!("http://app{path}"),
        unix_socket: Some(SOCKET.to_owned()),
        method: "GET".to_owned(),
        body: None,
        expect_status: 200,
        expect_json: BTreeMap::new(),
        max_ms: None,
    }
}

/// A request of the profile, over the socket of the check.
fn asked(request: &Request) -> Http {
    Http {
        method: request.method.word().to_owned(),
        body: request.body.clone(),
        expect_status: request.status,
        max_ms: request.max_ms.map(f64::from),
        ..question(&request.path)
    }
}

impl ReleaseCheck {
    /// A release of the host, with the settings of the one that serves.
    pub fn of(app: &AppProfile, release: &str) -> Self {
        Self {
            binary: app.binary_of(release),
            user: app.user.to_string(),
            env_file: app.env_file(),
            settings: app.settings.to_string(),
            queries: None,
        }
    }

    /// What it is asked.
    pub fn queries(&self, app: &AppProfile) -> Vec<Http> {
        let of_profile = || app.on_copy.iter().map(asked).collect();
        self.queries.clone().unwrap_or_else(of_profile)
    }

    /// The folder that the binary lies in is called as the release.
    pub fn release(&self) -> &str {
        self.binary.rsplit('/').nth(1).unwrap_or_default()
    }

    /// A command of the release on the live database, as the app.
    pub fn app(&self, system: &System, arguments: &[String]) -> Cmd {
        self.command(arguments)
            .user(&self.user)
            .in_sandbox(system, &[&self.env_file])
    }

    fn command(&self, arguments: &[String]) -> Cmd {
        Cmd::new(std::iter::once(&self.binary).chain(arguments))
    }

    /// The release brings the copy up to what it needs.
    ///
    /// # Errors
    /// E0402 with its last words.
    pub async fn migrate(&self, system: &System, scratch: &Scratch) -> Result<()> {
        let migrate = system.app().commands.migrate.run.words();
        let migrated = self.run_on(system, scratch, &migrate).await?;
        migrated.success().map(drop)
    }

    /// A command of the release on the copy.
    pub async fn run_on(
        &self,
        system: &System,
        scratch: &Scratch,
        arguments: &[String],
    ) -> Result<Output> {
        let user = system.app().trial_user();
        self.run_as(system, &user, scratch, arguments).await
    }

    /// The same as the app, who owns the files that are to be loaded.
    pub async fn load_on(
        &self,
        system: &System,
        scratch: &Scratch,
        arguments: &[String],
    ) -> Result<Output> {
        self.run_as(system, &self.user, scratch, arguments).await
    }

    async fn run_as(
        &self,
        system: &System,
        user: &str,
        scratch: &Scratch,
        arguments: &[String],
    ) -> Result<Output> {
        lead_to(system, scratch, &[]).await?;
        let command = self.command(arguments).user(user);
        let command = command.in_sandbox(system, &[&self.env_file, ENVIRONMENT]);
        system.run(&command).await
    }

    /// The release runs on the copy, small and bounded, and answers.
    ///
    /// # Errors
    /// E0407 with the first bad answer and the last words of the release.
    pub async fn serve(&self, system: &System, scratch: &Scratch) -> Result<()> {
        self.start(system, scratch).await?;
        let ready = std::iter::once((question(&system.app().routes.ready), READY_WITHIN_S));
        let more = self
            .queries(system.app())
            .into_iter()
            .map(|query| (query, 0));
        for (http, deadline_s) in ready.chain(more) {
            let http = Http {
                unix_socket: Some(SOCKET.to_owned()),
                ..http
            };
            let probe = Probe {
                ask: Ask::Http(http),
                attempts: 1,
                deadline_s,
                next: String::new(),
                watch: Recurrence::default(),
            };
            if let Err(error) = probe.apply(system).await {
                let log = unit_log::last_lines(system, UNIT, 5, None).await?;
                return Err(Fault::new(Code::E0407, format!("{error}\n{log}")).into());
            }
        }
        Ok(())
    }

    async fn start(&self, system: &System, scratch: &Scratch) -> Result<()> {
        let app = system.app();
        let small = app.environment.small.iter();
        let small = small.map(|(key, value)| (&**key, &**value));
        let own: Vec<_> = small
            .chain([(&*app.environment.release, self.release())])
            .collect();
        lead_to(system, scratch, &own).await?;
        let mut properties = vec![
            "Type=exec".to_owned(),
            format!("User={}", app.trial_user()),
            format!("EnvironmentFile={}", self.env_file),
            // Of two files the later one has the last word.
            format!("EnvironmentFile={ENVIRONMENT}"),
            format!("RuntimeDirectory={RUNTIME}"),
            "RuntimeDirectoryMode=0750".to_owned(),
            "MemoryMax=256M".to_owned(),
            "RuntimeMaxSec=120".to_owned(),
        ];
        properties.extend(sandbox::of_app(app));
        let mut argv = vec![
            "systemd-run".to_owned(),
            "--quiet".to_owned(),
            "--collect".to_owned(),
            format!("--unit={UNIT}"),
        ];
        let property = |property| format!("--property={property}");
        argv.extend(properties.into_iter().map(property));
        let bind = format!("unix:{SOCKET}");
        argv.push(self.binary.clone());
        let words = [("settings", self.settings.as_str()), ("bind", &bind)];
        argv.extend(app.commands.serve.with(&words));
        system.run(&Cmd::new(argv)).await?.success().map(drop)
    }
}

/// Writes what leads the app to the copy, and what else it must find in its environment there.
async fn lead_to(system: &System, scratch: &Scratch, own: &[(&str, &str)]) -> Result<()> {
    let over = scratch.environment();
    let over = over.iter().map(|(key, value)| (*key, value.as_str()));
    let lines = own.iter().copied().chain(over);
    let mut text = String::new();
    for (key, value) in lines {
        text.extend([key, "=", value, "\n"]);
    }
    let write = system.write_atomic(ENVIRONMENT, text.as_bytes(), 0o600, None, &[]);
    write.await
}

/// Takes away what a trial has made, its own or a killed one's.
pub async fn clear(system: &System, scratch: &Scratch) -> Result<()> {
    stop(system).await?;
    scratch.drop(system).await
}

/// Ends the release that is asked; its database stays.
pub async fn stop(system: &System) -> Result<()> {
    /// systemctl(1): "unit not loaded".
    const NOT_LOADED: i32 = 5;
    let stopped = system.run(&Cmd::new(["systemctl", "stop", UNIT])).await?;
    if stopped.code != NOT_LOADED {
        stopped.success()?;
    }
    system.remove(ENVIRONMENT)
}

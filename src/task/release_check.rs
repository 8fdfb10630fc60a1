//! A release that is asked on a copy of the database, before anybody relies on either.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Probe;
use super::probe::{Ask, Http};
use super::scratch::Scratch;
use crate::core::engine::Wish;
use crate::core::error::{Code, Fault};
use crate::facts::app;
use crate::host::env_file;
use crate::host::system::{Cmd, Output, System};

/// The unit that the release serves in meanwhile: systemd ends it when nobody else does.
const UNIT: &str = "citrino-rehearsal.service";
const SOCKET: &str = "/run/citrino-rehearsal/app.sock";
/// What the release is told beside the app's own environment.
const ENVIRONMENT: &str = "/run/citrino-rehearsal.env";
/// How long the release may take until it answers.
const READY_WITHIN_S: u64 = 30;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCheck {
    /// `…/releases/ID/citrino-app`
    pub binary: String,
    /// Who the app runs as, in the system and in the database's map of users.
    pub user: String,
    pub env_file: String,
    /// How the app serves.
    pub settings: String,
    /// What the release must answer, beside `/api/ready`.
    #[serde(default = "ReleaseCheck::questions")]
    pub queries: Vec<Http>,
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

impl ReleaseCheck {
    /// A release of the host, with the settings of the one that serves.
    pub fn of(binary: String) -> Self {
        Self {
            binary,
            user: app::USER.to_owned(),
            env_file: app::ENVIRONMENT.to_owned(),
            settings: app::SETTINGS.to_owned(),
            queries: Self::questions(),
        }
    }

    /// What a release must answer when nothing else is said.
    pub fn questions() -> Vec<Http> {
        vec![Http {
            method: "POST".to_owned(),
            body: Some(json!({ "limite": 3 }).to_string()),
            ..question("/api/recomendar")
        }]
    }

    /// The folder that the binary lies in is called as the release.
    pub fn release(&self) -> &str {
        self.binary.rsplit('/').nth(1).unwrap_or_default()
    }

    /// A command of the release, its environment with something else in it.
    pub fn app(&self, system: &System, arguments: &[&str], over: &[(&str, &str)]) -> Result<Cmd> {
        let mut cmd = Cmd::new([&[self.binary.as_str()], arguments].concat())
            .user(&self.user)
            .envs(env_file::read(system, &self.env_file)?);
        for (key, value) in over {
            cmd = cmd.env(*key, *value);
        }
        Ok(cmd)
    }

    /// The release brings the copy up to what it needs.
    ///
    /// # Errors
    /// E0402 with its last words.
    pub async fn migrate(&self, system: &System, scratch: &Scratch) -> Result<()> {
        let migrated = self.run_on(system, scratch, &["migrate"]).await?;
        migrated.success().map(drop)
    }

    /// A command of the release on the copy.
    pub async fn run_on(
        &self,
        system: &System,
        scratch: &Scratch,
        arguments: &[&str],
    ) -> Result<Output> {
        let over = scratch.environment();
        let over: Vec<(&str, &str)> = over
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        system.run(&self.app(system, arguments, &over)?).await
    }

    /// The release runs on the copy, small and bounded, and answers.
    ///
    /// # Errors
    /// E0407 with the first bad answer and the last words of the release.
    pub async fn serve(&self, system: &System, scratch: &Scratch) -> Result<()> {
        self.start(system, scratch).await?;
        let ready = std::iter::once((question("/api/ready"), READY_WITHIN_S));
        let more = self.queries.iter().map(|query| (query.clone(), 0));
        for (http, deadline_s) in ready.chain(more) {
            let http = Http {
                unix_socket: Some(SOCKET.to_owned()),
                ..http
            };
            let probe = Probe {
                ask: Ask::Http(http),
                attempts: 1,
                deadline_s,
            };
            if let Err(error) = probe.apply(system).await {
                let log = system
                    .run(&Cmd::new([
                        "journalctl",
                        "-q",
                        "-n",
                        "5",
                        "-o",
                        "cat",
                        "-u",
                        UNIT,
                    ]))
                    .await?;
                return Err(
                    Fault::new(Code::E0407, format!("{error}\n{}", log.stdout.trim())).into(),
                );
            }
        }
        Ok(())
    }

    async fn start(&self, system: &System, scratch: &Scratch) -> Result<()> {
        let small = [("CITRINO_APP_WORKERS", "1"), ("CITRINO_APP_POOL__MAX", "2")];
        let own = small
            .into_iter()
            .chain([("CITRINO_RELEASE", self.release())]);
        let over = scratch.environment();
        let over = over.iter().map(|(key, value)| (*key, value.as_str()));
        let lines: String = own
            .chain(over)
            .flat_map(|(key, value)| [key, "=", value, "\n"])
            .collect();
        system
            .write_atomic(ENVIRONMENT, lines.as_bytes(), 0o600, None, &[])
            .await?;
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
        let mut argv = vec![
            "systemd-run".to_owned(),
            "--quiet".to_owned(),
            "--collect".to_owned(),
            format!("--unit={UNIT}"),
        ];
        argv.extend(properties.map(|property| format!("--property={property}")));
        let bind = format!("unix:{SOCKET}");
        argv.extend(
            [
                &self.binary,
                "serve",
                "--config",
                &self.settings,
                "--bind",
                &bind,
            ]
            .map(str::to_owned),
        );
        system.run(&Cmd::new(argv)).await?.success().map(drop)
    }
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

//! The application profile: all that this tool knows of the app that it deploys, as data. Citrino's is embedded
//! (`templates/app/profile.yml`); `app: { profile: FILE }` in citrino.yml names another.
//!
//! The operator's side reads it and sends it to the agent. Jobs that start on the host by themselves read it there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::{
    DatabaseName, HostPath, InnerPath, RoleName, SystemName, TextLine, Variable, WholeNumber,
};

mod command;
mod data_check;
mod embedded;
mod import;
mod names;
mod panel;
mod request;
mod rules;

pub use command::{Argv, Asked, Commands};
pub use data_check::{DataCheck, DataObject, Told};
pub use embedded::SHIPPED;
pub use import::{CsvImport, LoaderOption, Table, Takes};
pub use panel::{Panel, PanelKind};
pub use request::{Health, IndexProbe, QueryProbe, RELEASE, Request, Routes};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppProfile {
    /// Names what belongs to the app on a host: its unit, its sockets, its site in nginx, its backups.
    pub name: SystemName,
    /// What people call it.
    pub title: TextLine,
    /// The system user that it runs as; its group too, when `group` is not given.
    pub user: SystemName,
    #[serde(default)]
    pub group: Option<SystemName>,
    /// Who a release runs as while it is asked on a copy of the database; `USER-trial` when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_user: Option<SystemName>,
    pub home: HostPath,
    /// Where its releases, slots and the live link are.
    pub folder: HostPath,
    /// Where backups, imports and the archive of the write-ahead log are.
    pub data: HostPath,
    /// The file from which it reads how to serve; templates/app/app.yml.tera is written there.
    pub settings: HostPath,
    /// What its program is called in the folder of a release.
    pub binary: SystemName,
    pub source: SourceTree,
    pub database: Names,
    pub environment: Environment,
    pub commands: Commands,
    pub routes: Routes,
    /// What nginx answers while the app does not.
    pub away: Away,
    /// What nginx answers in its place to a body that it would refuse.
    #[serde(default)]
    pub too_large: Option<TooLarge>,
    /// What a new release must answer over its own socket before it takes over.
    #[serde(default)]
    pub smoke: Vec<Request>,
    /// What users ask all the time: it is asked during a deploy, and must be answered throughout.
    #[serde(default)]
    pub outage: Vec<Request>,
    /// What a release must answer on a copy of the database, beside `routes.ready`.
    #[serde(default)]
    pub on_copy: Vec<Request>,
    /// What `health` asks beside the app's routes.
    #[serde(default)]
    pub health: Health,
    /// What a dashboard shows of its figures.
    #[serde(default)]
    pub dashboard: Vec<Panel>,
    /// CSV files that `db import` takes. Without it, only dumps are taken.
    #[serde(default)]
    pub import: Option<CsvImport>,
    /// What is looked at in imported data before it goes live.
    #[serde(default)]
    pub data_checks: Vec<DataCheck>,
}

/// The source tree, where `deploy` builds the app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTree {
    /// The cargo package whose binary is a release.
    pub package: SystemName,
    /// A file by which its workspace is known, beside `Cargo.toml`.
    pub manifest: InnerPath,
    /// Where its migrations are.
    pub migrations: InnerPath,
}

/// What the database and its owner are called when citrino.yml does not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    pub name: DatabaseName,
    pub role: RoleName,
}

/// Variables that the app reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Gives it the id of its release, which it tells in `routes.live`.
    pub release: Variable,
    /// Keep it small while it is asked on a copy of the database, beside the one that serves.
    #[serde(default)]
    pub small: BTreeMap<Variable, TextLine>,
}

/// The largest body of a request that the app takes, and what it answers to a larger one, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TooLarge {
    pub bytes: WholeNumber<1, 1_073_741_824>,
    pub answer: TextLine,
}

/// The page for visitors while the app does not answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Away {
    pub lang: TextLine,
    pub title: TextLine,
    pub text: TextLine,
}

#[cfg(test)]
mod tests;

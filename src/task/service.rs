//! A systemd unit that is enabled or not, runs or not, and runs what is on disk.

mod files;
mod nginx;
mod socket;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::{UnitAct, UnitEffect};
use crate::core::value::SlotName;
use crate::host::own;
use crate::host::system::{Cmd, FutureUnit, System};
use crate::host::unit_log;

/// What every answer of the site passes through.
const NGINX: &str = "nginx.service";
/// How the units of PostgreSQL's clusters begin.
const CLUSTERS: &str = "postgresql@";

/// There are no handlers: a notification is lost when a run fails in between. Instead the unit
/// differs while the content of `restart_on` and `reload_on` is not what the running instance was
/// started with, so a crash between writing a file and reloading heals itself on the next run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub unit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart_on: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reload_on: Vec<String>,
}

/// What an instance of a unit was started with, kept under its `InvocationID`.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    invocation: String,
    restart: String,
    reload: String,
}

/// The properties of `systemctl show` that matter here.
#[derive(Debug, Default)]
struct UnitState {
    loaded: bool,
    active: String,
    enabled: String,
    invocation: String,
    stale: bool,
    /// Nobody can start it.
    masked: bool,
    /// What starts it when somebody comes.
    triggered_by: Vec<String>,
    /// When the instance came up, in microseconds of the UNIX epoch.
    since_us: i128,
}

/// What has to be done, in this order.
#[derive(Debug, Default)]
struct ServiceTodo {
    what: Vec<String>,
    daemon_reload: bool,
    enable: Option<bool>,
    act: Option<UnitAct>,
    /// Somebody wants that nothing is done.
    is_masked: bool,
}

impl Service {
    async fn unit(&self, system: &System) -> Result<UnitState> {
        let cmd = Cmd::new([
            "systemctl",
            "show",
            "--timestamp=us+utc",
            "--property=LoadState,ActiveState,UnitFileState,InvocationID,NeedDaemonReload,ActiveEnterTimestamp,TriggeredBy",
            &self.unit,
        ]);
        let output = system.run(&cmd).await?.success()?;
        let mut unit = UnitState::default();
        for (key, value) in output
            .stdout
            .lines()
            .filter_map(|line| line.split_once('='))
        {
            match key {
                "LoadState" => {
                    unit.masked = value == "masked";
                    unit.loaded = value == "loaded" || unit.masked;
                }
                "TriggeredBy" => unit.triggered_by = sockets(value),
                "ActiveState" => value.clone_into(&mut unit.active),
                "UnitFileState" => value.clone_into(&mut unit.enabled),
                "InvocationID" => value.clone_into(&mut unit.invocation),
                "NeedDaemonReload" => unit.stale = value == "yes",
                "ActiveEnterTimestamp" => unit.since_us = files::timestamp_us(value).unwrap_or(0),
                _ => {}
            }
        }
        Ok(unit)
    }

    /// The wish that the unit is enabled and runs as it is and does now; none when systemd does
    /// not know it.
    pub async fn as_is(&self, system: &System) -> Result<Option<Self>> {
        let unit = self.unit(system).await?;
        let enabled = match unit.enabled.as_str() {
            "enabled" => Some(true),
            "disabled" => Some(false),
            _ => None,
        };
        Ok(unit.loaded.then(|| Self {
            enabled,
            running: Some(!matches!(unit.active.as_str(), "inactive" | "failed")),
            ..self.clone()
        }))
    }

    /// Whether it runs, and with older files than those that are on disk, so that only a restart would help.
    pub async fn is_outdated(&self, system: &System) -> Result<bool> {
        Ok(self.todo(system).await?.act == Some(UnitAct::Restart))
    }

    fn stamp_path(&self) -> String {
        format!("{}/{}.json", own::STAMPS, self.unit)
    }

    fn stamp(&self, system: &System, invocation: &str) -> Result<Option<Stamp>> {
        let text = system.read_text(self.stamp_path())?;
        // A stamp that cannot be read says nothing; the file times decide then.
        let stamp: Option<Stamp> = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(stamp.filter(|stamp| stamp.invocation == invocation))
    }

    async fn todo(&self, system: &System) -> Result<ServiceTodo> {
        let mut unit = self.unit(system).await?;
        unit.stale = system.will_be_stale(&self.unit, unit.stale);
        if system.future_unit(&self.unit).is_some() {
            "active".clone_into(&mut unit.active);
        }
        let mut todo = ServiceTodo::default();
        if !unit.loaded {
            todo.what
                .push(format!("{} is not known to systemd", self.unit));
        }
        if unit.stale || !unit.loaded {
            todo.daemon_reload = true;
        }
        if unit.stale {
            todo.what
                .push(format!("systemd has not loaded the current {}", self.unit));
        }
        if unit.masked && (self.enabled == Some(true) || self.running == Some(true)) {
            todo.what.push(format!("{} is masked", self.unit));
            todo.is_masked = true;
            return Ok(todo);
        }
        if let Some(wished) = self.enabled {
            let is = matches!(
                unit.enabled.as_str(),
                "enabled" | "enabled-runtime" | "alias" | "indirect"
            );
            let settable = !matches!(unit.enabled.as_str(), "static" | "generated");
            if is != wished && settable {
                todo.what.push(format!(
                    "{} is {}, expected {}",
                    self.unit,
                    name_of(&unit.enabled),
                    if wished { "enabled" } else { "disabled" }
                ));
                todo.enable = Some(wished);
            }
        }
        match self.running {
            Some(true) => self.wish_running(system, &unit, &mut todo).await?,
            Some(false) if !matches!(unit.active.as_str(), "inactive" | "failed") => {
                todo.what.push(format!(
                    "{} is {}, expected stopped",
                    self.unit, unit.active
                ));
                todo.act = Some(UnitAct::Stop);
            }
            _ => {}
        }
        Ok(todo)
    }

    async fn wish_running(
        &self,
        system: &System,
        unit: &UnitState,
        todo: &mut ServiceTodo,
    ) -> Result<()> {
        let has_socket = socket::is_open(system, &unit.triggered_by).await?;
        if unit.active != "active" && has_socket {
            // It starts with what is on disk when the next one comes.
            return Ok(());
        }
        if unit.active != "active" {
            todo.what.push(format!(
                "{} is {}, expected running",
                self.unit,
                name_of(&unit.active)
            ));
            todo.act = Some(UnitAct::Start);
        } else if let Some(path) =
            self.outdated(system, unit, &self.restart_on, |stamp| &stamp.restart)?
        {
            todo.what.push(format!(
                "{} must be restarted: {path} after it was started",
                self.unit
            ));
            todo.act = Some(UnitAct::Restart);
        } else if let Some(path) =
            self.outdated(system, unit, &self.reload_on, |stamp| &stamp.reload)?
        {
            // One that was given its socket cannot bind it again: told to read anew, it dies.
            let (word, act) = if has_socket {
                ("restarted", UnitAct::Restart)
            } else {
                ("reloaded", UnitAct::Reload)
            };
            todo.what.push(format!(
                "{} must be {word}: {path} after it was loaded",
                self.unit
            ));
            todo.act = Some(act);
        }
        Ok(())
    }

    /// Whether the instance runs older content, and which path changed. With a stamp of this very
    /// instance the content decides; without one (first run, reboot, a restart by hand) the
    /// instance has read what is on disk unless the disk is younger.
    fn outdated(
        &self,
        system: &System,
        unit: &UnitState,
        paths: &[String],
        part: fn(&Stamp) -> &String,
    ) -> Result<Option<String>> {
        if paths.is_empty() {
            return Ok(None);
        }
        let to_come = |path: &&String| system.future_file(path).is_some();
        let to_come: Vec<&str> = paths.iter().filter(to_come).map(String::as_str).collect();
        let future = system.future_unit(&self.unit).map(Stamp::from);
        if let Some(stamp) =
            future.map_or_else(|| self.stamp(system, &unit.invocation), |it| Ok(Some(it)))?
        {
            let same = *part(&stamp) == files::digest(system, paths)?;
            return Ok((!same).then(|| files::changed(&to_come, &paths.join(" or "))));
        }
        for path in paths {
            if to_come.contains(&path.as_str()) || files::changed_us(system, path)? > unit.since_us
            {
                return Ok(Some(files::changed(&to_come, path)));
            }
        }
        Ok(None)
    }

    /// What is on disk now, as the next instance will read it.
    fn contents(&self, system: &System) -> Result<Stamp> {
        Ok(Stamp {
            invocation: String::new(),
            restart: files::digest(system, &self.restart_on)?,
            reload: files::digest(system, &self.reload_on)?,
        })
    }

    async fn write_stamp(&self, system: &System, contents: Stamp) -> Result<()> {
        let invocation = self.unit(system).await?.invocation;
        let stamp = Stamp {
            invocation,
            ..contents
        };
        system.make_folders(own::STAMPS)?;
        system
            .write_atomic(
                self.stamp_path(),
                &serde_json::to_vec(&stamp)?,
                0o644,
                None,
                &[],
            )
            .await
    }
}

impl Wish<System> for Service {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let todo = self.todo(system).await?;
        if !todo.what.is_empty() {
            self.foresee(system, &todo)?;
        }
        let effect = todo.act.map(|act| self.effect(system, act));
        Ok(CheckResult::from(todo.what).with_effects(effect))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let before = self.todo(system).await?;
        if before.is_masked {
            let why = format!("{} is masked, so nothing can start it", self.unit);
            return Err(Fault::new(Code::E0411, why)
                .hint(format!("somebody switched it off on purpose; `systemctl unmask {}` on the host takes that back", self.unit))
                .into());
        }
        if before.daemon_reload {
            system
                .run(&Cmd::new(["systemctl", "daemon-reload"]))
                .await?
                .success()?;
        }
        // Reading the unit anew may have changed what is to be done.
        let todo = self.todo(system).await?;
        if let Some(enable) = todo.enable {
            let word = if enable { "enable" } else { "disable" };
            system
                .run(&Cmd::new(["systemctl", word, &self.unit]))
                .await?
                .success()?;
        }
        // Read before the act: content that changes meanwhile must differ afterwards.
        let contents = self.contents(system)?;
        if let Some(act) = todo.act {
            if act == UnitAct::Start {
                system
                    .run(&Cmd::new(["systemctl", "reset-failed", &self.unit]))
                    .await?;
            }
            self.act(system, act).await?;
        }
        // One that names no files says nothing of what the instance has read.
        let names_files = !self.restart_on.is_empty() || !self.reload_on.is_empty();
        if self.running == Some(true) && names_files {
            self.write_stamp(system, contents).await?;
        }
        Ok(())
    }
}

impl Service {
    /// Later steps of a run that only looks find the unit as this one would leave it.
    fn foresee(&self, system: &System, todo: &ServiceTodo) -> Result<()> {
        if todo.daemon_reload {
            system.foresee_daemon_reload();
        }
        if self.running == Some(true) {
            let Stamp {
                restart, reload, ..
            } = self.contents(system)?;
            system.foresee_unit(&self.unit, FutureUnit { restart, reload });
        }
        Ok(())
    }

    fn effect(&self, system: &System, act: UnitAct) -> UnitEffect {
        let serves = self.unit == NGINX
            || self.unit.starts_with(CLUSTERS)
            || SlotName::ALL
                .iter()
                .any(|slot| self.unit == system.app().unit(slot));
        UnitEffect {
            act,
            unit: self.unit.clone(),
            interrupts: serves && act == UnitAct::Restart,
        }
    }

    async fn act(&self, system: &System, act: UnitAct) -> Result<()> {
        let word = match act {
            UnitAct::Start => "start",
            UnitAct::Stop => "stop",
            UnitAct::Restart | UnitAct::HandOver => "restart",
            UnitAct::Reload if self.unit == NGINX => return nginx::reload(system, NGINX).await,
            UnitAct::Reload => "reload",
        };
        told(system, word, &self.unit).await
    }
}

/// systemctl's own message only points at the journal, so its last lines come along.
async fn told(system: &System, word: &str, unit: &str) -> Result<()> {
    let output = system.run(&Cmd::new(["systemctl", word, unit])).await?;
    if output.ok() {
        return Ok(());
    }
    let log = unit_log::last_lines(system, unit, 10, None).await?;
    output
        .success()
        .map(drop)
        .map_err(|error| error.context(log))
}

/// The sockets among units.
fn sockets(units: &str) -> Vec<String> {
    let units = units.split_whitespace();
    let sockets = units.filter(|unit| unit.ends_with(".socket"));
    sockets.map(str::to_owned).collect()
}

impl From<FutureUnit> for Stamp {
    fn from(unit: FutureUnit) -> Self {
        Self {
            invocation: String::new(),
            restart: unit.restart,
            reload: unit.reload,
        }
    }
}

fn name_of(state: &str) -> &str {
    if state.is_empty() { "absent" } else { state }
}

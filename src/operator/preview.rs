//! What runs would change, as it was seen: to be shown, asked about, kept in a file, and compared
//! with what is seen later.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::config::stack::Host;
use crate::core::error::{Code, Fault};
use crate::core::event::{Act, Change, Counts, Event, now};
use crate::core::plan::StepId;
use crate::core::value::HostName;

/// The events of a run that only looked.
#[derive(Debug, Default)]
pub struct Preview {
    pub events: Vec<Event>,
    pub tally: Counts,
}

/// One step that would change something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Absent in files that an older release wrote.
    #[serde(default, skip_serializing_if = "StepId::is_none")]
    pub id: StepId,
    pub part: String,
    pub name: String,
    pub change: Change,
}

impl Planned {
    /// Whether what is seen of it is the same. Its id says nothing of that, and an older file has none.
    fn is_same(&self, other: &Self) -> bool {
        (&self.part, &self.name, &self.change) == (&other.part, &other.name, &other.change)
    }
}

impl Preview {
    /// The steps that would change something, in order.
    pub fn planned(&self) -> Vec<Planned> {
        let planned = |event: &Event| match event {
            Event::Step {
                label,
                change: Some(change),
                ..
            } => Some(Planned {
                id: label.id.clone(),
                part: label.part.clone(),
                name: label.name.clone(),
                change: change.clone(),
            }),
            _ => None,
        };
        self.events.iter().filter_map(planned).collect()
    }

    /// What would take the site away for a moment, each once.
    pub fn interruptions(&self) -> Vec<String> {
        let planned = self.planned();
        let effects = planned.iter().flat_map(|step| &step.change.effects);
        let mut units: Vec<String> = effects
            .filter(|effect| effect.interrupts)
            .map(|effect| effect.unit.clone())
            .collect();
        units.dedup();
        units
    }

    /// Whether the step of this id would change something.
    pub fn touches(&self, id: &StepId) -> bool {
        self.planned().iter().any(|step| step.id == *id)
    }

    pub fn is_empty(&self) -> bool {
        self.tally.differs == 0
    }
}

/// The steps that make something anew.
pub fn replacements(planned: &[Planned]) -> impl Iterator<Item = &Planned> {
    planned
        .iter()
        .filter(|step| step.change.act == Act::Replace)
}

/// What `plan --out` keeps: what was seen to differ, and of which wishes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    /// Of this form of the file.
    version: u32,
    pub stack: String,
    /// The name of the host. Absent in files that an earlier version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host_name: Option<HostName>,
    at: String,
    /// A digest of citrino.yml.
    wishes: String,
    pub cloud: Vec<Planned>,
    /// None when there was no host to look at.
    pub host: Option<Vec<Planned>>,
}

const VERSION: u32 = 1;

impl Saved {
    pub fn new(of: &Host, wishes: String, cloud: Vec<Planned>, host: Option<Vec<Planned>>) -> Self {
        Self {
            version: VERSION,
            stack: of.stack.to_string(),
            host_name: Some(of.name.clone()),
            at: now(),
            wishes,
            cloud,
            host,
        }
    }

    /// Writes it for this user alone: diffs tell much of a host.
    ///
    /// # Errors
    /// E0803 when the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // A temporary file is its maker's alone, and takes its place whole.
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            writeln!(file, "{text}")?;
            file.persist(path).map_err(|failed| failed.error)
        });
        written.map(drop).map_err(|error| {
            let place = path.display();
            Fault::new(
                Code::E0803,
                format!("the plan could not be written to {place}: {error}"),
            )
            .into()
        })
    }

    /// # Errors
    /// E0803 when the file is no plan, or one of another stack or host.
    pub fn read(path: &Path, of: &Host) -> Result<Self> {
        let wrong = |why: String| {
            Fault::new(
                Code::E0803,
                format!(
                    "{} is not a plan saved with `plan --out`: {why}",
                    path.display()
                ),
            )
            .hint("`citrino-ops plan --out FILE` writes one")
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Fault::new(
                Code::E0803,
                format!("cannot read {}: {error}", path.display()),
            )
        })?;
        let saved: Self = serde_json::from_str(&text).map_err(|error| match error.classify() {
            Category::Data => wrong("it is JSON of another kind".to_owned()),
            _ => wrong("it is not JSON".to_owned()),
        })?;
        if saved.version != VERSION {
            return Err(wrong(format!(
                "its format is {}, this version knows {VERSION}",
                saved.version
            ))
            .into());
        }
        if saved.stack != of.stack {
            return Err(wrong(format!("it is for stack {}, not {}", saved.stack, of.stack)).into());
        }
        if let Some(other) = saved.host_name.as_ref().filter(|name| **name != of.name) {
            return Err(wrong(format!("it is for host {other}, not {}", of.name)).into());
        }
        Ok(saved)
    }

    /// # Errors
    /// E0312 when citrino.yml, or what differs from it, is no longer what the plan was made of.
    pub fn still_holds(&self, wishes: &str, then: &[Planned], now: &[Planned]) -> Result<()> {
        let moved = |why: String| {
            let at = &self.at;
            Fault::new(
                Code::E0312,
                format!("the plan of {at} is out of date: {why}"),
            )
            .hint(
                "nothing was changed; make a new plan with `citrino-ops plan --out FILE`, review it, and apply that",
            )
            .into()
        };
        if self.wishes != wishes {
            return Err(moved("citrino.yml was changed since then".to_owned()));
        }
        let only = |of: &[Planned], not: &[Planned]| {
            of.iter()
                .find(|step| !not.iter().any(|other| step.is_same(other)))
                .map(|step| format!("{} ({})", step.name, step.change.what.join("; ")))
        };
        match (only(then, now), only(now, then)) {
            (None, None) => Ok(()),
            (Some(then), Some(now)) => Err(moved(format!("planned: {then}; now: {now}"))),
            (Some(then), None) => Err(moved(format!("planned, but no longer needed: {then}"))),
            (None, Some(now)) => Err(moved(format!("not planned, but needed now: {now}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::role::Roles;

    fn step(name: &str, what: &str) -> Planned {
        Planned {
            id: StepId::default(),
            part: "cloud".into(),
            name: name.into(),
            change: Change {
                what: vec![what.into()],
                ..Change::default()
            },
        }
    }

    fn host(stack: &str, name: &str) -> Host {
        Host {
            stack: stack.parse().unwrap(),
            name: name.parse().unwrap(),
            roles: Roles::every(),
            is_only: true,
        }
    }

    #[test]
    fn a_plan_that_an_earlier_version_kept_names_no_host_and_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        let text = r#"{"version":1,"stack":"prod","at":"2026-01-02T03:04:05Z","wishes":"digest",
            "cloud":[],"host":[{"part":"nginx","name":"x","change":{"what":["y"]}}]}"#;
        std::fs::write(&path, text).unwrap();
        let saved = Saved::read(&path, &host("prod", "prod")).unwrap();
        assert_eq!(
            saved.host,
            Some(vec![Planned {
                part: "nginx".into(),
                ..step("x", "y")
            }])
        );
    }

    #[test]
    fn a_plan_is_kept_and_holds_while_nothing_moves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        let steps = vec![step("server prod", "server prod is off")];
        let host = host("prod", "prod");
        Saved::new(&host, "digest".into(), steps.clone(), None)
            .write(&path)
            .unwrap();
        let saved = Saved::read(&path, &host).unwrap();
        saved.still_holds("digest", &saved.cloud, &steps).unwrap();
        let refusal = |wishes: &str, now: &[Planned]| {
            let error = saved.still_holds(wishes, &saved.cloud, now).unwrap_err();
            crate::core::error::error_info(&error).message
        };
        // A file of an older release has no ids.
        let with_id = Planned {
            id: StepId::new("cloud.server"),
            ..steps[0].clone()
        };
        saved
            .still_holds("digest", &saved.cloud, &[with_id])
            .unwrap();
        assert!(refusal("other", &steps).contains("citrino.yml was changed"));
        assert!(refusal("digest", &[]).contains("planned, but no longer needed: server prod"));
        let more = [steps[0].clone(), step("x", "y")];
        assert!(refusal("digest", &more).contains("needed now: x (y)"));
        let other = |host: &Host| Saved::read(&path, host).unwrap_err().to_string();
        let stack = other(&self::host("other", "prod"));
        assert!(
            stack.ends_with("it is for stack prod, not other"),
            "{stack}"
        );
        let host = other(&self::host("prod", "web-1"));
        assert!(host.ends_with("it is for host prod, not web-1"), "{host}");
    }
}

//! The app on a host: its releases, which of them serves, and what the live database has seen.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Deserializer, Serialize};

use crate::core::error::{Code, code};
use crate::core::value::{
    EntryName, ReleaseId, Sha256, SlotName, TextLine, checked, checked_each, checked_if_any,
    checked_names,
};
use crate::host::memory_usage;
use crate::host::own;
use crate::host::system::{Cmd, Kind, System};

/// A database that hangs must not keep `logs` or `health` from their work.
const SCHEMA_WITHIN: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AppFacts {
    /// Whether `converge` has put the app's unit, its environment and the user of its trials there.
    pub prepared: bool,
    /// The slot that nginx talks to.
    #[serde(default, deserialize_with = "checked_if_any::<_, SlotName>")]
    pub live: Option<String>,
    /// The release that each slot points at.
    #[serde(deserialize_with = "releases_by_slot")]
    pub slots: BTreeMap<String, String>,
    pub releases: Vec<Release>,
    /// Folders beside them that are no whole release: what a run that was cut off has left.
    #[serde(default, deserialize_with = "checked_each::<_, EntryName>")]
    pub torn: Vec<String>,
    /// What the live database has seen, or why that cannot be known; none before anything serves.
    #[serde(default)]
    pub schema: Option<Result<Schema, String>>,
    /// What the release that serves has of the memory, in bytes; none when nothing serves.
    #[serde(default)]
    pub memory: Option<u64>,
    /// How long the last change of release took, in milliseconds.
    #[serde(default)]
    pub switched_ms: Option<u64>,
}

fn releases_by_slot<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let slots = checked_names::<_, SlotName, ReleaseId>(from)?;
    let named = slots
        .into_iter()
        .map(|(slot, release)| (slot, release.into()));
    Ok(named.collect())
}

impl AppFacts {
    /// The release that serves.
    pub fn live_release(&self) -> Option<&str> {
        let slot = self.live.as_ref()?;
        self.slots.get(slot).map(String::as_str)
    }
}

/// One version of the app on a host: its manifest, `release.json`, and what is known of it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    #[serde(deserialize_with = "checked::<_, ReleaseId>")]
    pub id: String,
    #[serde(deserialize_with = "checked::<_, Sha256>")]
    pub sha256: String,
    /// The commit it was built from, with `-dirty` when the tree had changes; empty when unknown.
    pub commit: String,
    pub built_at: String,
    pub size_bytes: u64,
    /// What whoever deployed it last says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<TextLine>,
    #[serde(default)]
    pub state: ReleaseState,
    /// What it says of its migrations; none when it never said so.
    #[serde(default)]
    pub migrations: Option<Migrations>,
}

/// What became of a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// No deploy of it has gone well: it is so from the first byte on.
    #[default]
    Failed,
    Good,
    /// It served, and was rolled back from.
    Quarantined,
}

impl ReleaseState {
    /// As the file `state` of a release has it.
    pub fn word(self) -> &'static str {
        match self {
            ReleaseState::Failed => "failed",
            ReleaseState::Good => "good",
            ReleaseState::Quarantined => "quarantined",
        }
    }

    /// Whether it once served well.
    pub fn has_served(self) -> bool {
        self != ReleaseState::Failed
    }
}

/// What the app's command `describe` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrations {
    /// The newest that the release knows; 0 without any.
    pub newest: i64,
    pub migrations: Vec<DescribedMigration>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedMigration {
    pub version: i64,
    pub name: String,
    /// The checksum of its text, in hexadecimal.
    pub sha: String,
    /// Only releases whose newest migration is this one or a later one can run once it is applied.
    #[serde(default)]
    pub floor: Option<i64>,
    /// What its way back does to the data; none when there is no way back.
    #[serde(default)]
    pub down: Option<Down>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Down {
    Lossless,
    Loses,
}

impl DescribedMigration {
    /// As its file is called: `0009_precio`.
    pub fn file(&self) -> String {
        format!("{:04}_{}", self.version, self.name)
    }
}

/// What the app's command `status` prints, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The migrations that the database has seen, oldest first.
    pub applied: Vec<i64>,
    /// The checksum of each, in hexadecimal.
    #[serde(default)]
    pub shas: BTreeMap<i64, String>,
    /// Only releases whose newest migration is this one or a later one can run on it; 0 when all can.
    pub floor: i64,
    /// The migrations of the release that was asked which the database has not seen.
    pub pending: Vec<String>,
}

impl Schema {
    /// Whether the database has seen this very text, and not another by the same number.
    pub fn has(&self, migration: &DescribedMigration) -> bool {
        self.shas.get(&migration.version) == Some(&migration.sha)
    }
}

/// A command of the app as the app's user, in its sandbox and with its environment.
pub fn command(system: &System, binary: &str, arguments: &[String]) -> Cmd {
    let app = system.app();
    let words = std::iter::once(binary).chain(arguments.iter().map(String::as_str));
    Cmd::new(words)
        .user(&*app.user)
        .in_sandbox(system, &[&app.env_file()])
}

/// What the live database has seen of migrations, as this binary tells it; the reason when it
/// cannot be known.
pub async fn schema(system: &System, binary: &str) -> Result<Result<Schema, String>> {
    let words = system.app().commands.status.words();
    let status = command(system, binary, &words).within(SCHEMA_WITHIN);
    let output = match system.run(&status).await {
        Err(error) if code(&error) == Code::E0405 => {
            let seconds = SCHEMA_WITHIN.as_secs();
            let why = format!("the database did not answer within {seconds} s");
            return Ok(Err(why));
        }
        other => other?,
    };
    if !output.ok() {
        return Ok(Err(output.last_words()));
    }
    Ok(serde_json::from_str(&output.stdout)
        .map_err(|_| "what the app says of its migrations cannot be parsed".to_owned()))
}

/// Gathers all of it.
///
/// # Errors
/// When a folder or file of the app cannot be read.
pub async fn gather(system: &System) -> Result<AppFacts> {
    let there = |path: &str| system.stat(path).map(|found| found.is_some());
    let app = system.app();
    let mut facts = AppFacts {
        prepared: there(&app.unit_file())?
            && there(&app.env_file())?
            && system
                .find_account("/etc/passwd", &app.trial_user())?
                .is_some(),
        live: link_name::<SlotName>(system, &app.live())?,
        ..AppFacts::default()
    };
    for slot in SlotName::ALL {
        if let Some(release) = link_name::<ReleaseId>(system, &app.slot(slot))? {
            facts.slots.insert(slot.to_owned(), release);
        }
    }
    (facts.releases, facts.torn) = brought(system)?;
    if let Some(release) = facts.live_release()
        && there(&app.binary_of(release))?
    {
        facts.schema = Some(match schema(system, &app.binary_of(release)).await {
            // Its environment is no file, or on no safe way: nothing is asked with it.
            Err(error) if code(&error) == Code::E0409 => Err(format!("{error:#}")),
            schema => schema?,
        });
    }
    if let Some(slot) = &facts.live {
        facts.memory = memory(system, slot).await?;
    }
    facts.switched_ms = system
        .read_text(own::SWITCHED)?
        .and_then(|text| text.trim().parse().ok());
    Ok(facts)
}

async fn memory(system: &System, slot: &str) -> Result<Option<u64>> {
    let unit = system.app().unit(slot);
    let show = Cmd::new(["systemctl", "show", "--property=MainPID", "--value", &unit]);
    let pid = system.run(&show).await?.success()?.stdout;
    // Of a unit that does not run systemd says 0, which is no process.
    memory_usage::of_process(system, pid.trim())
}

/// The release that serves, by its links alone.
///
/// # Errors
/// When a link cannot be read.
pub fn live_release(system: &System) -> Result<Option<String>> {
    let app = system.app();
    match link_name::<SlotName>(system, &app.live())? {
        Some(slot) => link_name::<ReleaseId>(system, &app.slot(&slot)),
        None => Ok(None),
    }
}

/// The last part of where a link points; none when the link is not one of ours, or leads to no such thing.
fn link_name<T>(system: &System, link: &str) -> Result<Option<String>>
where
    T: TryFrom<String> + Into<String>,
{
    let target = match system.read_link(link) {
        // Where somebody else could have put it, it says nothing.
        Err(error) if code(&error) == Code::E0409 => None,
        target => target?,
    };
    let name = target.as_deref().and_then(Path::file_name);
    let name = name.and_then(|name| T::try_from(name.to_string_lossy().into_owned()).ok());
    Ok(name.map(Into::into))
}

/// Every release with a whole manifest, newest first: ids begin with the time.
///
/// # Errors
/// When the folder of the releases cannot be read.
pub fn releases(system: &System) -> Result<Vec<Release>> {
    Ok(brought(system)?.0)
}

/// The releases, newest first, and the folders that are none.
fn brought(system: &System) -> Result<(Vec<Release>, Vec<String>)> {
    let (mut whole, mut torn) = (Vec::new(), Vec::new());
    for name in system.names(system.app().releases())? {
        match release(system, &name) {
            Ok(Some(release)) => whole.push(release),
            Ok(None) => torn.push(name),
            // What is no file where one should be was made by nobody who brings releases.
            Err(error) if code(&error) == Code::E0409 => torn.push(name),
            Err(error) => return Err(error),
        }
    }
    whole.sort_by(|a, b| b.id.cmp(&a.id));
    torn.sort();
    Ok((whole, torn))
}

/// One whose manifest cannot be read, or whose binary was touched, is none: it is brought anew.
fn release(system: &System, name: &str) -> Result<Option<Release>> {
    let app = system.app();
    let read = |file: &str| system.read_text(format!("{}/{file}", app.release(name)));
    let manifest = read("release.json")?;
    let Some(mut release) = manifest.and_then(|text| serde_json::from_str::<Release>(&text).ok())
    else {
        return Ok(None);
    };
    let is_whole = system.stat(app.binary_of(name))?.is_some_and(|found| {
        found.kind == Kind::File && found.bytes == release.size_bytes && found.mode == 0o755
    });
    if !is_whole {
        return Ok(None);
    }
    let state = read("state")?.unwrap_or_default();
    release.state = [ReleaseState::Good, ReleaseState::Quarantined]
        .into_iter()
        .find(|one| one.word() == state.trim())
        .unwrap_or_default();
    release.migrations = read("migrations.json")?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Some(release))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_host_says_of_slots_and_folders_is_a_name() {
        let facts = |change: serde_json::Value| {
            let mut facts = serde_json::to_value(AppFacts::default()).unwrap();
            let change = change.as_object().unwrap().clone();
            facts.as_object_mut().unwrap().extend(change);
            serde_json::from_value::<AppFacts>(facts)
        };
        let slots = json!({"live": "blue", "slots": {"blue": "r7"}, "torn": ["half made"]});
        assert!(facts(slots).is_ok());
        for wrong in [
            json!({"live": "../blue"}),
            json!({"slots": {"red": "r7"}}),
            json!({"slots": {"blue": "../r7"}}),
            json!({"torn": [".."]}),
            json!({"torn": ["a/b"]}),
            json!({"torn": ["/etc"]}),
        ] {
            assert!(facts(wrong.clone()).is_err(), "{wrong}");
        }
    }

    /// What a host says of its releases becomes a path, on it and on the operator's machine.
    #[test]
    fn a_host_cannot_name_a_path() {
        let release = |id: &str, sha256: &str| {
            let manifest = serde_json::json!({"id": id, "sha256": sha256, "commit": "", "built_at": "", "size_bytes": 1});
            serde_json::from_value::<Release>(manifest)
        };
        let digest = "0123456789abcdef".repeat(4);
        assert!(release("20261129T211408Z-01234567", &digest).is_ok());
        assert!(release("../../root", &digest).is_err());
        assert!(release("20261129T211408Z-01234567", "../../root").is_err());
    }
}

//! A release of the app: how it comes to the host, and how the one that serves changes.
//!
//! There are two slots, blue and green. The new release starts in the one that does not serve; a
//! link that nginx follows with each request then moves from one socket to the other by one rename.
//! Going back is the same with an older release.

use anyhow::Result;

use crate::config::stack::Stack;
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::facts::app::{AppFacts, Release, State};
use crate::task::Task;

mod data;
mod files;
mod memory_check;
mod reach;
mod slot;
mod step;

pub use data::Data;
pub use memory_check::check_memory;
pub use reach::{Obstacle, Way, previous, reach, ways};
use slot::Slot;
use step::step;

/// Another release is to serve.
pub struct Change<'a> {
    pub release: &'a Release,
    /// The release that is gone back from; none on the way forward.
    pub back_from: Option<&'a str>,
    pub data: Data,
}

/// What a change wishes for, and what undoes it.
pub struct Cutover {
    pub steps: Vec<Step<Task>>,
    pub on_failure: Vec<Step<Task>>,
    /// How many of the steps can be undone: once a release is known as good, the plan only goes on.
    pub no_return: Option<usize>,
    /// The release that serves when this change fails, before and after.
    pub serves_meanwhile: Option<String>,
    /// The systemd unit that the release runs in.
    pub unit: String,
}

/// The release under which this binary is on the host already: deploying it twice makes no second.
pub fn known<'a>(app: &'a AppFacts, sha256: &str) -> Option<&'a Release> {
    app.releases.iter().find(|release| release.sha256 == sha256)
}

/// The name of a new release: its time, so that names sort, and the head of its hash.
pub fn id(at: time::OffsetDateTime, sha256: &str) -> String {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let at = at.format(format).unwrap_or_default();
    format!("{at}-{}", &sha256[..8.min(sha256.len())])
}

/// The steps after which this release serves. `smoke` gives the questions that it must answer over its
/// own socket first.
///
/// # Errors
/// E0605 when the host is not prepared.
pub fn cutover(
    stack: &Stack,
    app: &AppFacts,
    change: &Change,
    smoke: impl FnOnce(&str) -> Result<Vec<Step<Task>>>,
) -> Result<Cutover> {
    if !app.prepared {
        return Err(not_prepared().into());
    }
    let release = change.release;
    let live = live(app);
    let serves = live.filter(|slot| slot.release == release.id);
    let old = last_good(app, live, &release.id);
    let name = match (serves, old) {
        (Some(slot), _) => slot.name,
        (None, Some(old)) => slot::other(old.name),
        (None, None) => live.map_or(slot::first(), |live| slot::other(live.name)),
    };
    let new = Slot {
        name,
        release: &release.id,
    };

    let mut steps = Vec::new();
    // A change that was cut off at its switch left a release live that nobody has proved.
    if let Some(old) =
        old.filter(|old| live.is_some_and(|live| live.name != old.name) && serves.is_none())
    {
        steps.extend(back_to(stack, old));
    }
    steps.extend(files::brought(release));
    steps.extend(data::made_ready(stack, change));
    steps.extend([
        slot::holds(new),
        step(format!("start slot {name}"), slot::running(new)),
        step(
            format!("readiness of slot {name}"),
            slot::ready_soon(stack, new),
        ),
    ]);
    steps.extend(smoke(&slot::socket(name))?);
    steps.extend(slot::stays_healthy(stack, new));
    // Before the switch: of a rollback that was cut off after it nobody could tell what it came from.
    let left = left(app, change);
    steps.extend(left.map(|left| files::known_as(&left.id, State::Quarantined)));
    steps.extend([
        step(format!("switch to slot {name}"), slot::leads_to(new)),
        step("answer through nginx", slot::answers(stack, &release.id)),
        files::known_as(&release.id, State::Good),
    ]);
    let no_return = Some(steps.len());
    let rests = slot::other(name);
    steps.push(step(format!("stop slot {rests}"), slot::resting(rests)));
    // What the slots lead to then stays, whatever became of it.
    let beside = app.slots.get(rests).map(String::as_str);
    steps.extend(files::pruned(
        app,
        &release.id,
        &[old.map(|slot| slot.release), beside],
    ));
    let is_proved = serves.is_some() && has_served(app, &release.id);
    Ok(Cutover {
        steps,
        no_return,
        unit: slot::unit(name),
        on_failure: if is_proved {
            Vec::new()
        } else {
            undo(stack, app, change, new, old)
        },
        serves_meanwhile: if is_proved {
            Some(release.id.clone())
        } else {
            old.map(|slot| slot.release.to_owned())
        },
    })
}

fn not_prepared() -> Fault {
    Fault::new(
        Code::E0605,
        "the host is not prepared for the app: its unit or its environment file is missing",
    )
    .hint("run `citrino-ops converge` first, or `citrino-ops up` for everything")
}

/// For every converge: the release that serves is restarted when its settings changed, and must work
/// with them.
pub fn keep_live(app: &AppFacts) -> Vec<Step<Task>> {
    let Some(slot) = live(app).filter(|slot| has_served(app, slot.release)) else {
        return Vec::new();
    };
    let name = slot.name;
    vec![
        Step::new(
            "app",
            format!("app settings in slot {name}"),
            slot::running(slot),
        ),
        Step::new(
            "app",
            format!("readiness of slot {name}"),
            slot::ready(slot, 1),
        ),
    ]
}

/// The steps after another database took the live one's place: the release that serves works with it.
pub fn serves_on(stack: &Stack, app: &AppFacts) -> Vec<Step<Task>> {
    let Some(slot) = live(app) else {
        return Vec::new();
    };
    let mut steps = vec![data::migrated(stack, slot.release)];
    steps.extend(answers_again(stack, app));
    steps
}

/// The release that serves answers, over its own socket and through nginx.
pub fn answers_again(stack: &Stack, app: &AppFacts) -> Vec<Step<Task>> {
    let Some(slot) = live(app) else {
        return Vec::new();
    };
    vec![
        step(
            format!("readiness of slot {}", slot.name),
            slot::ready_soon(stack, slot),
        ),
        step("answer through nginx", slot::answers(stack, slot.release)),
    ]
}

/// The release that the host can count on: the one that serves, or the one beside it when that one was
/// never proved.
pub fn proved(app: &AppFacts) -> Option<&str> {
    last_good(app, live(app), "").map(|slot| slot.release)
}

/// The systemd unit that a release is tried in: the slot's beside the proved one.
pub fn trial(app: &AppFacts) -> String {
    let live = live(app);
    let taken = last_good(app, live, "").or(live);
    slot::unit(taken.map_or(slot::first(), |taken| slot::other(taken.name)))
}

/// Whether a deploy of it once went well to its end.
fn has_served(app: &AppFacts, release: &str) -> bool {
    let is_it = |one: &&Release| one.id == release;
    app.releases
        .iter()
        .find(is_it)
        .is_some_and(|one| one.state.has_served())
}

/// The slot that the link leads to, good or not.
fn live(app: &AppFacts) -> Option<Slot<'_>> {
    let name = app.live.as_deref()?;
    let release = app.slots.get(name)?;
    Some(Slot { name, release })
}

/// The slot to go back to: the live one, else the other one, when a deploy of it went well and it is
/// not the release that is deployed.
fn last_good<'a>(app: &'a AppFacts, live: Option<Slot<'a>>, new: &str) -> Option<Slot<'a>> {
    let live = live?;
    let name = slot::other(live.name);
    let beside = app.slots.get(name).map(|release| Slot { name, release });
    [Some(live), beside]
        .into_iter()
        .flatten()
        .find(|slot| slot.release != new && has_served(app, slot.release))
}

/// The same act back.
fn undo(
    stack: &Stack,
    app: &AppFacts,
    change: &Change,
    new: Slot,
    old: Option<Slot>,
) -> Vec<Step<Task>> {
    let mut steps = data::put_back(stack, change);
    steps.extend(old.into_iter().flat_map(|old| back_to(stack, old)));
    let left = left(app, change);
    steps.extend(left.map(|left| files::known_as(&left.id, left.state)));
    let rests = slot::resting(new.name);
    steps.push(step(format!("stop slot {}", new.name), rests));
    steps
}

/// The release that is gone back from, when it ever served well.
fn left<'a>(app: &'a AppFacts, change: &Change) -> Option<&'a Release> {
    let is_it = |one: &&Release| Some(one.id.as_str()) == change.back_from;
    app.releases
        .iter()
        .find(is_it)
        .filter(|one| one.state.has_served())
}

/// The steps after which this slot serves again.
fn back_to(stack: &Stack, old: Slot) -> Vec<Step<Task>> {
    let name = old.name;
    vec![
        step(format!("start slot {name}"), slot::running(old)),
        step(format!("switch to slot {name}"), slot::leads_to(old)),
        step("answer through nginx", slot::answers(stack, old.release)),
    ]
}

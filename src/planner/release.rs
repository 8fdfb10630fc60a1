//! A release of the app: how it comes to the host, and how the one that serves changes.
//!
//! There are two slots, blue and green. The new release starts in the one that does not serve; a
//! link that nginx follows with each request then moves from one socket to the other by one rename.
//! Going back is the same with an older release.

use crate::config::stack::Stack;
use crate::core::app_profile::AppProfile;
use crate::core::plan::Step;
use crate::core::value::TextLine;
use crate::facts::Facts;
use crate::facts::app::{AppFacts, Release};
use crate::task::Task;

mod cutover;
mod data;
mod files;
mod forecast;
mod memory_check;
mod programs_check;
mod reach;
mod slot;
mod step;

pub use cutover::{Cutover, cutover};
pub use data::Data;
pub use forecast::ReleaseForecast;
pub use memory_check::check_memory;
pub use programs_check::check_programs;
pub use reach::{Obstacle, RollbackWay, previous, reach, ways};
use slot::Slot;

use step::step;

/// Another release is to serve.
pub struct ReleaseChange<'a> {
    pub release: &'a Release,
    /// The release that is gone back from; none on the way forward.
    pub back_from: Option<&'a str>,
    pub data: Data,
    /// What the operator says of it.
    pub note: Option<TextLine>,
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

/// For every converge: when its settings changed, the release that serves takes over from itself in the other slot, and must
/// work with them. Where memory is short for two of it, it is restarted.
pub fn keep_live(profile: &AppProfile, facts: &Facts) -> Vec<Step<Task>> {
    let app = &facts.app;
    let Some(slot) = live(app).filter(|slot| has_served(app, slot.release)) else {
        return Vec::new();
    };
    let name = format!("app settings in slot {}", slot.name);
    let settings = match check_memory(profile, facts) {
        Ok(()) => Step::new("app", name, slot::in_turn(profile, slot.release)),
        Err(_) => Step::new("app", name, slot::running(profile, slot)),
    };
    let ready = slot::live_is_ready(profile);
    vec![settings, Step::new("app", "readiness of the app", ready)]
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
pub fn trial(profile: &AppProfile, app: &AppFacts) -> String {
    let live = live(app);
    let taken = last_good(app, live, "").or(live);
    profile.unit(taken.map_or(slot::first(), |taken| slot::other(taken.name)))
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

//! Another release is to serve: where it is placed, how it is proved, the switch, and what retires.

use anyhow::Result;

use super::slot::{self, Slot};
use super::{ReleaseChange, data, files, has_served, last_good, live, step};
use crate::config::stack::Stack;
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::facts::app::{AppFacts, Release, ReleaseState};
use crate::task::Task;

/// What a change wishes for, and what undoes it.
pub struct Cutover {
    pub steps: Vec<Step<Task>>,
    pub on_failure: Vec<Step<Task>>,
    /// How many of the steps can be undone: once a release is known as good, the plan only goes on.
    pub no_return: Option<usize>,
    /// The release that serves when this change fails, before and after.
    pub serves_meanwhile: Option<String>,
    /// The slot that the release runs in.
    pub slot: &'static str,
    /// Its systemd unit.
    pub unit: String,
}

/// Where a release goes, beside those that are there.
struct SlotPlace<'a> {
    new: Slot<'a>,
    /// The slot that the link leads to, good or not.
    live: Option<Slot<'a>>,
    /// The slot to go back to.
    old: Option<Slot<'a>>,
    /// Whether the release is live already.
    serves: bool,
}

/// The steps after which this release serves. `smoke` gives the questions that it must answer over its
/// own socket first.
///
/// # Errors
/// E0605 when the host is not prepared.
pub fn cutover(
    stack: &Stack,
    app: &AppFacts,
    change: &ReleaseChange,
    smoke: impl FnOnce(&str) -> Result<Vec<Step<Task>>>,
) -> Result<Cutover> {
    if !app.prepared {
        return Err(not_prepared().into());
    }
    let place = SlotPlace::of(app, &change.release.id);
    let mut steps = unproved_goes_back(stack, &place);
    steps.extend(prove(stack, change, place.new));
    steps.extend(smoke(&stack.profile.socket(place.new.name))?);
    steps.extend(switch(stack, app, change, place.new));
    let no_return = Some(steps.len());
    steps.extend(retire(stack, app, &place));
    let old = place.old.map(|slot| slot.release);
    let is_proved = place.serves && has_served(app, &change.release.id);
    let (on_failure, serves_meanwhile) = if is_proved {
        (Vec::new(), Some(place.new.release))
    } else {
        (undo(stack, app, change, &place), old)
    };
    Ok(Cutover {
        steps,
        on_failure,
        no_return,
        serves_meanwhile: serves_meanwhile.map(str::to_owned),
        slot: slot::named(place.new.name),
        unit: stack.profile.unit(place.new.name),
    })
}

impl<'a> SlotPlace<'a> {
    fn of(app: &'a AppFacts, release: &'a str) -> Self {
        let live = live(app);
        let old = last_good(app, live, release);
        let serving = live.filter(|slot| slot.release == release);
        let name = match (serving, old) {
            (Some(slot), _) => slot.name,
            (None, Some(old)) => slot::other(old.name),
            (None, None) => live.map_or(slot::first(), |live| slot::other(live.name)),
        };
        Self {
            new: Slot { name, release },
            live,
            old,
            serves: serving.is_some(),
        }
    }
}

/// A change that was cut off at its switch left a release live that nobody has proved.
fn unproved_goes_back(stack: &Stack, place: &SlotPlace) -> Vec<Step<Task>> {
    let is_other = |old: &Slot| place.live.is_some_and(|live| live.name != old.name);
    match place.old.filter(is_other) {
        Some(old) if !place.serves => back_to(stack, old),
        _ => Vec::new(),
    }
}

/// It runs in its slot, beside the one that serves, and answers over its own socket.
fn prove(stack: &Stack, change: &ReleaseChange, new: Slot) -> Vec<Step<Task>> {
    let name = new.name;
    let mut steps = files::brought(&stack.profile, change.release);
    steps.extend(data::made_ready(stack, change));
    steps.extend([
        slot::holds(&stack.profile, new),
        step(
            format!("start slot {name}"),
            slot::running(&stack.profile, new),
        ),
        step(
            format!("readiness of slot {name}"),
            slot::ready_soon(stack, new),
        ),
    ]);
    steps
}

/// It serves, and is known as good.
fn switch(stack: &Stack, app: &AppFacts, change: &ReleaseChange, new: Slot) -> Vec<Step<Task>> {
    let mut steps: Vec<Step<Task>> = slot::stays_healthy(stack, new).into_iter().collect();
    // Before the switch: of a rollback that was cut off after it nobody could tell what it came from.
    let left = left(app, change);
    steps.extend(
        left.map(|left| files::known_as(&stack.profile, &left.id, ReleaseState::Quarantined)),
    );
    steps.extend([
        step(
            format!("switch to slot {}", new.name),
            slot::leads_to(&stack.profile, new),
        ),
        step("answer through nginx", slot::answers(stack, new.release)),
        files::known_as(&stack.profile, new.release, ReleaseState::Good),
    ]);
    steps
}

/// The other slot rests, and releases that nobody needs are gone.
fn retire(stack: &Stack, app: &AppFacts, place: &SlotPlace) -> Vec<Step<Task>> {
    let rests = slot::other(place.new.name);
    let mut steps = vec![step(
        format!("stop slot {rests}"),
        slot::resting(&stack.profile, rests),
    )];
    // What the slots lead to then stays, whatever became of it.
    let beside = app.slots.get(rests).map(String::as_str);
    let old = place.old.map(|slot| slot.release);
    steps.extend(files::pruned(
        &stack.profile,
        app,
        place.new.release,
        &[old, beside],
    ));
    steps
}

fn not_prepared() -> Fault {
    Fault::new(
        Code::E0605,
        "the host is not prepared for the app: its unit, its environment file or the user for release checks is missing",
    )
    .hint("run `citrino-ops converge` first, or `citrino-ops up` for everything")
}

/// The same act back.
fn undo(
    stack: &Stack,
    app: &AppFacts,
    change: &ReleaseChange,
    place: &SlotPlace,
) -> Vec<Step<Task>> {
    let mut steps = data::put_back(stack, change);
    steps.extend(place.old.into_iter().flat_map(|old| back_to(stack, old)));
    let left = left(app, change);
    steps.extend(left.map(|left| files::known_as(&stack.profile, &left.id, left.state)));
    let name = place.new.name;
    steps.push(step(
        format!("stop slot {name}"),
        slot::resting(&stack.profile, name),
    ));
    steps
}

/// The release that is gone back from, when it ever served well.
fn left<'a>(app: &'a AppFacts, change: &ReleaseChange) -> Option<&'a Release> {
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
        step(
            format!("start slot {name}"),
            slot::running_still(&stack.profile, old),
        ),
        step(
            format!("switch to slot {name}"),
            slot::leads_to(&stack.profile, old),
        ),
        step("answer through nginx", slot::answers(stack, old.release)),
    ]
}

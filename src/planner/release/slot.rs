//! A slot: the unit that runs the release in it, the link that leads to it, and what it is asked.

use std::collections::BTreeMap;

use serde_json::json;

use super::step::step;
use crate::config::stack::Stack;
use crate::core::app_profile::{AppProfile, RELEASE};
use crate::core::plan::Step;
use crate::core::value::SlotName;
use crate::task::probe::{Ask, Http, Recurrence};
use crate::task::{HandedOver, Link, Probe, Service, SlotInTurn, Task};

const NAMES: [&str; 2] = SlotName::ALL;
/// How long a release that was ready once may take until it answers.
const READY_WITHIN_S: u64 = 30;
/// How often a release is asked while it must stay healthy: a probe's own pace.
const ANSWERS_PER_SECOND: u32 = 5;
/// Good answers that it must give one after the other before it takes over.
const READY_ANSWERS: u32 = 3;

/// A slot with the release in it.
#[derive(Clone, Copy)]
pub struct Slot<'a> {
    pub name: &'a str,
    pub release: &'a str,
}

/// The slot of a host's first release.
pub fn first() -> &'static str {
    NAMES[0]
}

/// The slot of this name.
pub fn named(slot: &str) -> &'static str {
    other(other(slot))
}

pub fn other(slot: &str) -> &'static str {
    NAMES[usize::from(slot == NAMES[0])]
}

/// The wish that it has its release.
pub fn holds(app: &AppProfile, slot: Slot) -> Step<Task> {
    let name = format!("release in slot {}", slot.name);
    step(name, release_link(app, slot))
}

fn release_link(app: &AppProfile, slot: Slot) -> Link {
    Link {
        path: app.slot(slot.name),
        to: app.release(slot.release),
    }
}

/// One definition for deploy and converge: the stamp of the running instance is made over these.
pub fn running(app: &AppProfile, slot: Slot) -> Service {
    Service {
        unit: app.unit(slot.name),
        enabled: Some(true),
        running: Some(true),
        restart_on: vec![
            app.unit_file(),
            app.env_file(),
            app.settings.to_string(),
            app.slot(slot.name),
        ],
        reload_on: Vec::new(),
    }
}

/// It runs, whatever it was started with: who goes back takes nothing down that serves, though files have changed since.
pub fn running_still(app: &AppProfile, slot: Slot) -> Service {
    Service {
        restart_on: Vec::new(),
        ..running(app, slot)
    }
}

pub fn resting(app: &AppProfile, slot: &str) -> Service {
    Service {
        unit: app.unit(slot),
        enabled: Some(false),
        running: Some(false),
        restart_on: Vec::new(),
        reload_on: Vec::new(),
    }
}

pub fn leads_to(app: &AppProfile, slot: Slot) -> Link {
    Link {
        path: app.live(),
        to: app.runtime(slot.name),
    }
}

/// Each slot with this release, of which one serves.
pub fn in_turn(app: &AppProfile, release: &str) -> HandedOver {
    let slot = |name: &&'static str| {
        let slot = Slot { name, release };
        SlotInTurn {
            holds: release_link(app, slot),
            running: running(app, slot),
            resting: resting(app, name),
            ready: ready(app, slot, READY_ANSWERS),
            leads: leads_to(app, slot),
        }
    };
    let slots = NAMES.iter().map(slot).collect();
    HandedOver { slots }
}

/// Asked over the socket of whichever slot serves.
pub fn live_is_ready(app: &AppProfile) -> Probe {
    let socket = format!("{}/app.sock", app.live());
    let url = format!("http://app{}", app.routes.ready);
    probe(url, Some(socket), 1, BTreeMap::new())
}

/// A release that dies young must do so before it serves.
pub fn stays_healthy(stack: &Stack, slot: Slot) -> Option<Step<Task>> {
    let seconds = *stack.app.min_healthy_s;
    let probe = Probe {
        deadline_s: 0,
        ..ready(
            &stack.profile,
            slot,
            seconds.saturating_mul(ANSWERS_PER_SECOND),
        )
    };
    (seconds > 0).then(|| {
        step(
            format!("health of slot {} for {seconds} s", slot.name),
            probe,
        )
    })
}

/// Asked over its own socket, before anybody else can.
pub fn ready(app: &AppProfile, slot: Slot, attempts: u32) -> Probe {
    probe(
        format!("http://app{}", app.routes.ready),
        Some(app.socket(slot.name)),
        attempts,
        BTreeMap::new(),
    )
}

/// The same of one that was just started: it opens its pool first.
pub fn ready_soon(stack: &Stack, slot: Slot) -> Probe {
    Probe {
        deadline_s: (*stack.app.ready_within_s).into(),
        ..ready(&stack.profile, slot, READY_ANSWERS)
    }
}

/// Asked as everybody does; the answer must come from the new release.
pub fn answers(stack: &Stack, release: &str) -> Probe {
    let routes = &stack.profile.routes;
    let url = format!("http://127.0.0.1:{}{}", stack.app.port, routes.live);
    probe(
        url,
        None,
        1,
        BTreeMap::from([(RELEASE.to_owned(), json!(release))]),
    )
}

fn probe(
    url: String,
    unix_socket: Option<String>,
    attempts: u32,
    expect_json: BTreeMap<String, serde_json::Value>,
) -> Probe {
    Probe {
        ask: Ask::Http(Http {
            url,
            unix_socket,
            method: "GET".to_owned(),
            body: None,
            expect_status: 200,
            expect_json,
            max_ms: None,
        }),
        attempts,
        deadline_s: READY_WITHIN_S,
        next: String::new(),
        watch: Recurrence::default(),
    }
}

//! A slot: the unit that runs the release in it, the link that leads to it, and what it is asked.

use std::collections::BTreeMap;

use serde_json::json;

use super::step::step;
use crate::config::stack::Stack;
use crate::core::app_profile::{AppProfile, RELEASE};
use crate::core::plan::Step;
use crate::core::value::SlotName;
use crate::task::probe::{Ask, Http};
use crate::task::{Link, Probe, Service, Task};

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

pub fn other(slot: &str) -> &'static str {
    NAMES[usize::from(slot == NAMES[0])]
}

/// The wish that it has its release.
pub fn holds(app: &AppProfile, slot: Slot) -> Step<Task> {
    let link = Link {
        path: app.slot(slot.name),
        to: app.release(slot.release),
    };
    step(format!("release in slot {}", slot.name), link)
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
    }
}

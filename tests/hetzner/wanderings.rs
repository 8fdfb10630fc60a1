//! Random walks: verbs, disturbances of the API while they run, and somebody else's changes in between. After one
//! undisturbed run the world is as configured, the server that ran before runs, nothing is doubled, and nothing is left to plan.

use citrino_ops::core::plan::{Mode, Step};
use citrino_ops::hetzner::Pace;
use citrino_ops::planner::cloud::{self, DiskPolicy, Resource};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fake_api::{FAST, FakeApi, until};
use crate::faults::{pace_for, ways};
use crate::run::{birth, is_whole, keys, rescaled, run, stack, wishes};

/// What is run.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Provision(usize),
    Rescale,
    Rebuild,
    Destroy,
    Adopt,
    Tidy,
}

/// What happens to the API meanwhile.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    /// This call fails in this way.
    Call { nth: usize, way: usize },
    /// From this call on nobody answers for a minute: a gateway's pages, cut lines or refusals of the rate limit, more
    /// than a request is sent again by itself.
    Minute { nth: usize, way: usize },
    /// An action of this kind fails.
    Action { command: usize },
    /// Every action that begins from now on never ends.
    Endless,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Run(Verb, Option<Disturbance>),
    /// Somebody does something by hand.
    Accident(usize),
}

/// Each can be had from each other: what is taken out of the wishes is left as it is.
const WISHED: &[&str] = &[
    "",
    ", backups: true",
    ", network: 10.42.0.0/16",
    ", volume_gb: 10",
    ", backups: true, volume_gb: 10, network: 10.42.0.0/16",
];

const COMMANDS: &[&str] = &[
    "create_server",
    "start_server",
    "shutdown_server",
    "create_image",
    "change_server_type",
    "rebuild_server",
    "delete_server",
    "attach_volume",
    "attach_to_network",
    "enable_backup",
];

/// Deadlines are over soon: what never ends is given up.
const BRIEF: Pace = Pace {
    patience: 0.0005,
    ..FAST
};

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        4 => (0..WISHED.len()).prop_map(Verb::Provision),
        3 => Just(Verb::Rescale),
        2 => Just(Verb::Rebuild),
        1 => Just(Verb::Destroy),
        1 => Just(Verb::Adopt),
        1 => Just(Verb::Tidy),
    ]
}

fn disturbance() -> impl Strategy<Value = Disturbance> {
    prop_oneof![
        4 => (1_usize..40, 0..ways().len()).prop_map(|(nth, way)| Disturbance::Call { nth, way }),
        2 => (1_usize..40, 0_usize..3).prop_map(|(nth, way)| Disturbance::Minute { nth, way }),
        3 => (0..COMMANDS.len()).prop_map(|command| Disturbance::Action { command }),
        1 => Just(Disturbance::Endless),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (verb(), prop::option::weighted(0.8, disturbance())).prop_map(|(verb, what)| Event::Run(verb, what)),
        1 => (0_usize..5).prop_map(Event::Accident),
    ]
}

/// So many walks of each test below; `make hetzner-walk` and `make test-long` ask for more, by proptest's own variable.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.map_or(128, |asked| asked.parse().unwrap())
}

/// Each is a quarter of the walks, so that they run side by side.
macro_rules! quarters {
    ($($name:ident)*) => {
        $(proptest! {
            #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

            #[test]
            fn $name(events in prop::collection::vec(event(), 1..5)) {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(wander(&events));
            }
        })*
    };
}

quarters! {
    whatever_happens_the_last_undisturbed_run_makes_it_so
    whatever_happens_the_last_undisturbed_run_makes_it_so_again
    whatever_happens_the_last_undisturbed_run_makes_it_so_a_third_time
    whatever_happens_the_last_undisturbed_run_makes_it_so_a_fourth_time
}

/// Orders it, and says how long the client waits for answers and deadlines meanwhile.
fn disturb(fake: &FakeApi, what: Disturbance) -> Pace {
    match what {
        Disturbance::Call { nth, way } => {
            let mut fault = ways()[way].1.clone();
            let pace = pace_for(&fault);
            fault["nth"] = json!(nth);
            fake.fault(&fault);
            return pace;
        }
        Disturbance::Minute { nth, way } => {
            let limit = json!({"status": 429, "code": "rate_limit_exceeded", "message": "used up"});
            let answer = [json!("gateway"), json!("cut"), limit][way].clone();
            fake.fault(&json!({"nth": nth, "times": 12, "answer": answer}));
        }
        Disturbance::Action { command } => {
            let doomed = json!({"command": COMMANDS[command], "nth": 1});
            fake.call("POST", "/_lab/actions", &doomed);
        }
        Disturbance::Endless => {
            fake.call("POST", "/_lab/actions", &json!({"hold": 40}));
            return BRIEF;
        }
    }
    FAST
}

fn steps(verb: Verb, n: u8) -> Vec<Step<Resource>> {
    let bare = stack("");
    match verb {
        Verb::Provision(wished) => wishes(&stack(WISHED[wished]), n),
        Verb::Rescale => rescaled(&bare, n, "cpx21"),
        Verb::Rebuild => cloud::provision(
            &stack(", protect: false"),
            &keys(),
            &birth(n),
            DiskPolicy::Wished,
        ),
        Verb::Destroy => cloud::destroy(&bare, false),
        Verb::Adopt => cloud::adopt(&bare, &keys(), None, Some(&birth(n).pin)),
        Verb::Tidy => cloud::tidy(&stack(WISHED[WISHED.len() - 1]), &keys()),
    }
}

async fn wander(events: &[Event]) {
    let fake = FakeApi::start();
    for (n, event) in events.iter().enumerate() {
        let n = u8::try_from(n).unwrap();
        match *event {
            Event::Run(verb, what) => disturbed(&fake, verb, what, n, events).await,
            Event::Accident(which) => accident(&fake, which),
        }
    }
    // All that any of the wishes could have left is wished.
    let all = stack(WISHED[WISHED.len() - 1]);
    let rescale = fake
        .all("servers")
        .first()
        .is_some_and(|one| one["server_type"]["name"] == "cpx21");
    let last = |n| {
        if rescale {
            rescaled(&all, n, "cpx21")
        } else {
            wishes(&all, n)
        }
    };
    let (tally, told) = run(&fake.api(), Mode::Apply, last(20)).await;
    assert_eq!(tally.failed, 0, "{events:?}\n{told}");
    let (tally, told) = run(&fake.api(), Mode::Check, last(21)).await;
    assert_eq!((tally.differs, tally.failed), (0, 0), "{events:?}\n{told}");
    if !rescale {
        is_whole(&fake, &all, &format!("{events:?}")).await;
    }
    nothing_is_doubled(&fake, events).await;
}

/// One of each, and of snapshots no more than the newest two of each step.
async fn nothing_is_doubled(fake: &FakeApi, events: &[Event]) {
    for (kind, wished) in [
        ("servers", 1),
        ("firewalls", 1),
        ("ssh_keys", 1),
        ("primary_ips", 2),
        ("volumes", 1),
        ("networks", 1),
    ] {
        assert_eq!(fake.all(kind).len(), wished, "{kind} {events:?}");
    }
    assert_eq!(fake.only("servers")["status"], "running", "{events:?}");
    let snapshots = fake.api().snapshots_of("prod").await.unwrap().len();
    assert!(snapshots <= 4, "{snapshots} snapshots: {events:?}");
}

async fn disturbed(fake: &FakeApi, verb: Verb, what: Option<Disturbance>, n: u8, events: &[Event]) {
    let ran = runs(fake);
    if matches!(verb, Verb::Rebuild) {
        unprotect(fake);
    }
    let pace = what.map_or(FAST, |what| disturb(fake, what));
    let (_, told) = run(&fake.api_paced(pace), Mode::Apply, steps(verb, n)).await;
    fake.no_faults();
    fake.call("DELETE", "/_lab/actions", &Value::Null);
    fake.comes_to_rest();
    // An answer that never comes and an action that never ends have an end here that they do not have in earnest.
    let gives_up = pace.patience < 1.0 || pace.answer < FAST.answer;
    if ran && !gives_up && !matches!(verb, Verb::Destroy) {
        assert!(
            runs(fake) || told.contains(" is off"),
            "{verb:?} {what:?} left it off: {events:?}\n{told}"
        );
    }
}

fn runs(fake: &FakeApi) -> bool {
    fake.all("servers")
        .first()
        .is_some_and(|one| one["status"] == "running")
}

fn unprotect(fake: &FakeApi) {
    if let Some(server) = fake.all("servers").first() {
        let off = json!({"delete": false, "rebuild": false});
        fake.by_hand(
            &format!("/servers/{}/actions/change_protection", server["id"]),
            &off,
        );
    }
}

/// Does something by hand, when there is something to do it to.
fn accident(fake: &FakeApi, which: usize) {
    let first = |kind: &str| fake.all(kind).first().map(|one| one["id"].clone());
    match which {
        0 => {
            if let Some(id) = first("firewalls") {
                fake.by_hand(
                    &format!("/firewalls/{id}/actions/set_rules"),
                    &json!({"rules": []}),
                );
            }
        }
        1 => {
            if let Some(server) = fake
                .all("servers")
                .first()
                .filter(|one| one["status"] == "running")
            {
                fake.by_hand(
                    &format!("/servers/{}/actions/poweroff", server["id"]),
                    &json!({}),
                );
            }
        }
        // The server goes; its addresses are kept.
        2 => {
            if let Some(id) = first("servers") {
                unprotect(fake);
                fake.call("DELETE", &format!("/servers/{id}"), &Value::Null);
                until("the server is gone", || fake.all("servers").is_empty());
            }
        }
        3 => {
            if let Some(id) = first("ssh_keys") {
                fake.call("DELETE", &format!("/ssh_keys/{id}"), &Value::Null);
            }
        }
        _ => unprotect(fake),
    }
}

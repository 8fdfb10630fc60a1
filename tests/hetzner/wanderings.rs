//! Random sequences of wishes, accidents and faults. After a last undisturbed run the world is as
//! wished, nothing is doubled, and nothing is left to plan.

use citrino_ops::core::plan::Mode;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fake_api::{FAST, FakeApi, until};
use crate::faults::{pace_for, ways};
use crate::run::{is_whole, run, stack, wishes};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Event {
    /// These wishes are provisioned, while this call fails in this way.
    Provision {
        wished: usize,
        fails: Option<(usize, usize)>,
    },
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

fn event() -> impl Strategy<Value = Event> {
    let fails = prop::option::weighted(0.7, (1_usize..40, 0..ways().len()));
    prop_oneof![
        3 => (0..WISHED.len(), fails).prop_map(|(wished, fails)| Event::Provision { wished, fails }),
        1 => (0_usize..5).prop_map(Event::Accident),
    ]
}

/// So many wanderings; `make test-long` asks for more, by proptest's own variable.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.map_or(48, |asked| asked.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_last_undisturbed_run_makes_it_so(events in prop::collection::vec(event(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(wander(&events));
    }
}

async fn wander(events: &[Event]) {
    let fake = FakeApi::start();
    for (n, event) in events.iter().enumerate() {
        match event {
            Event::Provision { wished, fails } => {
                let mut pace = FAST;
                if let Some((nth, way)) = fails {
                    let mut fault = ways()[*way].1.clone();
                    pace = pace_for(&fault);
                    fault["nth"] = json!(nth);
                    fake.fault(&fault);
                }
                let stack = stack(WISHED[*wished]);
                run(
                    &fake.api_paced(pace),
                    Mode::Apply,
                    wishes(&stack, u8::try_from(n).unwrap()),
                )
                .await;
                fake.no_faults();
                fake.comes_to_rest();
            }
            Event::Accident(which) => accident(&fake, *which),
        }
    }
    // All that any of the wishes could have left is wished.
    let all = stack(WISHED[WISHED.len() - 1]);
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&all, 20)).await;
    assert_eq!(tally.failed, 0, "{events:?}\n{told}");
    is_whole(&fake, &all, &format!("{events:?}")).await;
}

/// Does something by hand, when there is something to do it to.
fn accident(fake: &FakeApi, which: usize) {
    let first = |kind: &str| fake.all(kind).first().map(|one| one["id"].clone());
    let off = json!({"delete": false, "rebuild": false});
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
                fake.by_hand(&format!("/servers/{id}/actions/change_protection"), &off);
                fake.call("DELETE", &format!("/servers/{id}"), &Value::Null);
                until("the server is gone", || fake.all("servers").is_empty());
            }
        }
        3 => {
            if let Some(id) = first("ssh_keys") {
                fake.call("DELETE", &format!("/ssh_keys/{id}"), &Value::Null);
            }
        }
        _ => {
            if let Some(id) = first("servers") {
                fake.by_hand(&format!("/servers/{id}/actions/change_protection"), &off);
            }
        }
    }
}

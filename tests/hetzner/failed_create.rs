//! A server whose creation failed is in nobody's way.

use citrino_ops::core::plan::Mode;
use citrino_ops::hetzner::labels;
use serde_json::{Value, json};

use crate::fake_api::FakeApi;
use crate::run::{birth, is_whole, run, stack, wishes};

fn order_failure(fake: &FakeApi) {
    let failure = json!({"command": "create_server", "nth": 1, "code": "placement_error", "message": "no machine is free"});
    fake.call("POST", "/_lab/actions", &failure);
}

fn addresses(fake: &FakeApi) -> Vec<Value> {
    fake.all("primary_ips")
        .into_iter()
        .map(|one| one["ip"].clone())
        .collect()
}

#[tokio::test]
async fn it_is_deleted_at_once_and_its_addresses_are_kept() {
    let fake = FakeApi::start();
    order_failure(&fake);
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 1, "{told}");
    for part in [
        "E0307",
        "no machine is free (placement_error)",
        "server prod was deleted again, since nothing ever ran on it; its addresses are kept",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(fake.all("servers"), Vec::<Value>::new());
    let kept = addresses(&fake);
    assert_eq!(kept.len(), 2);
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 1)).await;
    assert_eq!(tally.failed, 0, "{told}");
    is_whole(&fake, &stack(""), "created again").await;
    assert_eq!(addresses(&fake), kept);
    assert_eq!(
        fake.only("servers")["labels"][labels::BOOTSTRAP_KEY],
        birth(1).pin
    );
}

/// Made by an earlier version, or left by a run that ended in between; here it is even protected.
#[tokio::test]
async fn one_that_was_left_over_is_recognised_and_replaced() {
    let fake = FakeApi::start();
    order_failure(&fake);
    // It is not deleted again: whoever asks is refused.
    let refused = json!({"status": 423, "code": "protected", "message": "it is protected"});
    fake.fault(&json!({"method": "DELETE", "path": "/servers/*", "answer": refused}));
    let (_, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    assert!(
        told.contains("server prod is left over, and the next run deletes it"),
        "{told}"
    );
    let dead = fake.only("servers")["id"].clone();
    let on = json!({"delete": true, "rebuild": true});
    fake.by_hand(&format!("/servers/{dead}/actions/change_protection"), &on);
    let kept = addresses(&fake);

    let (_, told) = run(&fake.api(), Mode::Check, wishes(&stack(""), 1)).await;
    let sentence =
        "its creation failed, and nothing ever ran on it: it is deleted and created again";
    assert!(told.contains(sentence), "{told}");
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 1)).await;
    assert_eq!(tally.failed, 0, "{told}");
    is_whole(&fake, &stack(""), "replaced").await;
    assert_ne!(fake.only("servers")["id"], dead);
    assert_eq!(addresses(&fake), kept);
}

/// Somebody started it by hand, so something may be on its disk.
#[tokio::test]
async fn one_that_ran_is_never_taken_for_a_failed_one() {
    let fake = FakeApi::start();
    order_failure(&fake);
    fake.fault(&json!({"method": "DELETE", "path": "/servers/*", "answer": {"status": 423, "code": "protected", "message": "m"}}));
    run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    let server = fake.only("servers")["id"].clone();
    fake.by_hand(&format!("/servers/{server}/actions/poweron"), &json!({}));
    fake.by_hand(&format!("/servers/{server}/actions/poweroff"), &json!({}));
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 1)).await;
    assert_eq!(tally.failed, 0, "{told}");
    assert_eq!(fake.only("servers")["id"], server);
}

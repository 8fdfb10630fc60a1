//! What something else has is not taken from it, and no server is switched off for it.

use citrino_ops::core::plan::Mode;
use serde_json::{Value, json};

use crate::fake_api::FakeApi;
use crate::run::{run, stack, wishes};

/// Our IPv4 address is given to another server by hand.
fn give_away(fake: &FakeApi, runs: bool) -> Value {
    let ours = fake.only("servers")["id"].clone();
    fake.by_hand(&format!("/servers/{ours}/actions/poweroff"), &json!({}));
    let address = fake.all("primary_ips")[0]["id"].clone();
    fake.by_hand(
        &format!("/primary_ips/{address}/actions/unassign"),
        &json!({}),
    );
    let other = json!({"name": "other", "server_type": "cpx11", "location": "ash", "image": "debian-12",
        "start_after_create": runs, "public_net": {"enable_ipv4": true, "enable_ipv6": false, "ipv4": address}});
    fake.by_hand("/servers", &other);
    fake.by_hand(&format!("/servers/{ours}/actions/poweron"), &json!({}));
    address
}

#[tokio::test]
async fn an_address_that_another_server_has_is_named_and_left_whether_that_runs_or_not() {
    for runs in [true, false] {
        let fake = FakeApi::start();
        run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
        let address = give_away(&fake, runs);
        for mode in [Mode::Check, Mode::Apply] {
            fake.forget_calls();
            let (tally, told) = run(&fake.api(), mode, wishes(&stack(""), 1)).await;
            assert_eq!(tally.failed, 1, "{told}");
            assert!(
                told.contains("E0311") && told.contains("belongs to server other ("),
                "{told}"
            );
            let writes: Vec<_> = fake
                .calls()
                .into_iter()
                .filter(|call| !call.starts_with("GET"))
                .collect();
            assert_eq!(writes, Vec::<String>::new(), "runs: {runs}");
        }
        let servers = fake.all("servers");
        let ours = servers.iter().find(|one| one["name"] == "prod").unwrap();
        assert_eq!(ours["status"], "running");
        let other = servers.iter().find(|one| one["name"] == "other").unwrap();
        assert_eq!(other["public_net"]["ipv4"]["id"], address);
    }
}

/// Before there is a server, too.
#[tokio::test]
async fn an_address_that_another_server_has_does_not_make_half_a_stack() {
    let fake = FakeApi::start();
    run(
        &fake.api(),
        Mode::Apply,
        wishes(&stack(", protect: false"), 0),
    )
    .await;
    give_away(&fake, true);
    let ours = fake
        .all("servers")
        .into_iter()
        .find(|one| one["name"] == "prod")
        .unwrap();
    fake.call("DELETE", &format!("/servers/{}", ours["id"]), &Value::Null);
    fake.comes_to_rest();
    let (_, told) = run(
        &fake.api(),
        Mode::Check,
        wishes(&stack(", protect: false"), 1),
    )
    .await;
    assert!(told.contains("belongs to server other ("), "{told}");
}

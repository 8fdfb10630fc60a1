//! `destroy` finds what is in its way before it deletes anything.

use citrino_ops::core::plan::Mode;
use citrino_ops::hetzner::labels;
use citrino_ops::planner::cloud;
use serde_json::{Value, json};

use crate::fake_api::FakeApi;
use crate::operator::Operator;
use crate::run::{run, stack, wishes};

const ALL: &str =
    ", network: 10.42.0.0/16, volume_gb: 10, dns: { zone: example.com }, protect: false";

async fn standing() -> FakeApi {
    let fake = FakeApi::start();
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(ALL), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    fake
}

fn id(fake: &FakeApi, kind: &str) -> Value {
    fake.all(kind)[0]["id"].clone()
}

/// A server that is not of the stack.
fn another(fake: &FakeApi, more: &Value) -> Value {
    let mut body =
        json!({"name": "other", "server_type": "cpx11", "location": "ash", "image": "debian-12"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    fake.by_hand("/servers", &body);
    let all = fake.all("servers").into_iter();
    let mut ids = all
        .filter(|one| one["name"] == "other")
        .map(|one| one["id"].clone());
    ids.next().unwrap()
}

/// What is in the way, and what is said of it.
fn put_in_the_way(fake: &FakeApi, case: &str) -> &'static str {
    let on = json!({"delete": true});
    match case {
        "network protected" => {
            fake.by_hand(
                &format!(
                    "/networks/{}/actions/change_protection",
                    id(fake, "networks")
                ),
                &on,
            );
            "cannot delete network prod: it is protected"
        }
        "address protected" => {
            fake.by_hand(
                &format!(
                    "/primary_ips/{}/actions/change_protection",
                    id(fake, "primary_ips")
                ),
                &on,
            );
            "cannot delete address prod-ipv4: it is protected"
        }
        "volume protected" => {
            fake.by_hand(
                &format!("/volumes/{}/actions/change_protection", id(fake, "volumes")),
                &on,
            );
            "cannot delete volume prod-data: it is protected"
        }
        "record protected" => {
            fake.by_hand(
                "/zones/example.com/rrsets/www/A/actions/change_protection",
                &json!({"change": true}),
            );
            "cannot change A record www of example.com: it is protected"
        }
        "network used" => {
            another(fake, &json!({"networks": [id(fake, "networks")]}));
            "cannot delete network prod: server other ("
        }
        "firewall used" => {
            another(
                fake,
                &json!({"firewalls": [{"firewall": id(fake, "firewalls")}]}),
            );
            "cannot delete firewall prod: server other ("
        }
        "address used" => {
            let more = json!({"name": "spare", "type": "ipv4", "location": "ash", "labels": {labels::STACK: "prod"}});
            fake.by_hand("/primary_ips", &more);
            let spare = fake
                .all("primary_ips")
                .into_iter()
                .find(|one| one["name"] == "spare")
                .unwrap();
            another(
                fake,
                &json!({"public_net": {"enable_ipv4": true, "enable_ipv6": false, "ipv4": spare["id"]}}),
            );
            "cannot delete address spare: server other ("
        }
        _ => {
            let volume = id(fake, "volumes");
            fake.by_hand(&format!("/volumes/{volume}/actions/detach"), &json!({}));
            let other = another(fake, &json!({}));
            fake.by_hand(
                &format!("/volumes/{volume}/actions/attach"),
                &json!({"server": other, "automount": false}),
            );
            "cannot delete volume prod-data: server other ("
        }
    }
}

#[tokio::test]
async fn whatever_is_in_the_way_is_found_before_the_first_delete() {
    for case in [
        "network protected",
        "address protected",
        "volume protected",
        "record protected",
        "network used",
        "firewall used",
        "address used",
        "volume used",
    ] {
        let fake = standing().await;
        let sentence = put_in_the_way(&fake, case);
        let ana = Operator::new(
            &fake,
            &format!("server_type: cpx11, location: ash, image: debian-12{ALL}"),
        );
        fake.forget_calls();
        let (code, text) = ana.types("destroy --yes");
        assert_eq!(code, 7, "{case}\n{text}");
        assert!(text.contains(sentence), "{case}\n{text}");
        let writes: Vec<_> = fake
            .calls()
            .into_iter()
            .filter(|call| !call.starts_with("GET"))
            .collect();
        assert_eq!(writes, Vec::<String>::new(), "{case}");
        if case == "record protected" || case.ends_with("used") {
            assert!(
                !text.contains("--unprotect") && text.contains("Hetzner console"),
                "{case}\n{text}"
            );
            continue;
        }
        assert!(text.contains("destroy --unprotect"), "{case}\n{text}");
        let (code, text) = ana.types("destroy --unprotect");
        assert_eq!(code, 0, "{case}\n{text}");
        let (code, text) = ana.types("destroy --yes");
        assert_eq!(code, 0, "{case}\n{text}");
    }
}

/// Whoever reads that nothing is left pays for the snapshot all the same.
#[tokio::test]
async fn a_snapshot_that_stays_is_said_each_time_and_nothing_else_costs() {
    let fake = standing().await;
    let server = id(&fake, "servers");
    fake.by_hand(
        &format!("/servers/{server}/actions/create_image"),
        &json!({"type": "snapshot", "labels": {"citrino-ops/stack": "prod"}}),
    );
    let wish = format!("server_type: cpx11, location: ash, image: debian-12{ALL}");
    let ana = Operator::new(&fake, &wish);
    let stays = "snapshots that stay, and cost: 1; `citrino-ops destroy --snapshots` deletes them";
    for _ in 0..2 {
        let (code, text) = ana.types("destroy --yes");
        assert_eq!(code, 0, "{text}");
        assert!(
            text.contains(stays) && !text.contains("no resources"),
            "{text}"
        );
    }
    let (code, text) = ana.types("cost");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("There is no server now"), "{text}");
    let (code, text) = ana.types("destroy --yes --snapshots");
    assert_eq!(code, 0, "{text}");
    let (code, text) = ana.types("destroy --yes");
    assert!(
        code == 0 && text.contains("no resources at Hetzner"),
        "{text}"
    );
}

#[tokio::test]
async fn a_protected_record_is_no_reason_to_destroy_the_stack() {
    let fake = standing().await;
    let path = "/zones/example.com/rrsets/www/A/actions";
    fake.by_hand(
        &format!("{path}/set_records"),
        &json!({"records": [{"value": "203.0.113.9"}]}),
    );
    fake.by_hand(
        &format!("{path}/change_protection"),
        &json!({"change": true}),
    );
    let (tally, told) = run(&fake.api(), Mode::Check, wishes(&stack(ALL), 1)).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(
        told.contains("E0310") && !told.contains("destroy"),
        "{told}"
    );
}

/// Somebody's snapshot runs: it is waited for, and said.
#[tokio::test]
async fn a_running_action_is_waited_for() {
    let fake = standing().await;
    let server = id(&fake, "servers");
    fake.call("POST", "/_lab/actions", &json!({"ms": 1500}));
    fake.call(
        "POST",
        &format!("/servers/{server}/actions/create_image"),
        &json!({}),
    );
    fake.call("POST", "/_lab/actions", &json!({"ms": 0}));
    let (tally, told) = run(&fake.api(), Mode::Apply, cloud::destroy(&stack(ALL), false)).await;
    assert_eq!(tally.failed, 0, "{told}");
    assert_eq!(fake.all("servers"), Vec::<Value>::new());
}

#[tokio::test]
async fn an_action_that_never_ends_is_named_with_how_far_it_is() {
    let fake = FakeApi::start();
    let bare = stack(", protect: false");
    run(&fake.api(), Mode::Apply, wishes(&bare, 0)).await;
    let server = id(&fake, "servers");
    fake.call("POST", "/_lab/actions", &json!({"hold": 40}));
    fake.call(
        "POST",
        &format!("/servers/{server}/actions/create_image"),
        &json!({}),
    );
    let mut pace = crate::fake_api::FAST;
    pace.patience = 0.0001;
    let (tally, told) = run(
        &fake.api_paced(pace),
        Mode::Apply,
        cloud::destroy(&bare, false),
    )
    .await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(
        told.contains("another action runs: create_image (") && told.contains(") at 40 %"),
        "{told}"
    );
    fake.call("POST", "/_lab/actions", &json!({"hold": 100}));
}

//! What is made, what is put right, what is refused and what is left alone.

use citrino_ops::core::error::{Code, error_info};
use citrino_ops::core::plan::Mode;
use citrino_ops::hetzner::{availability, labels};
use citrino_ops::planner::cloud::{self, DiskPolicy};
use serde_json::{Value, json};

use crate::fake_api::FakeApi;
use crate::run::{birth, host, is_whole, keys, rescaled, run, stack, wishes};

/// Everything that a stack can have.
const ALL: &str =
    ", backups: true, network: 10.42.0.0/16, volume_gb: 10, dns: { zone: example.com }";

#[tokio::test]
async fn provisions_plans_nothing_more_and_destroys_in_two_steps() {
    let fake = FakeApi::start();
    let api = fake.api();
    let stack = stack(ALL);
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack, 0)).await;
    assert_eq!((tally.changed, tally.failed), (10, 0), "{told}");
    is_whole(&fake, &stack, "after the first run").await;

    let server = fake.only("servers");
    let v4 = fake.all("primary_ips")[0].clone();
    assert_eq!(server["public_net"]["ipv4"]["id"], v4["id"]);
    assert_eq!(
        server["protection"],
        json!({"delete": true, "rebuild": true})
    );
    assert!(server["backup_window"].is_string() && !server["private_net"][0].is_null());
    assert_eq!(fake.only("volumes")["server"], server["id"]);
    assert_eq!(v4["dns_ptr"][0]["dns_ptr"], "www.example.com");
    let records = fake.call(
        "GET",
        "/zones/example.com/rrsets?name=www&type=A",
        &Value::Null,
    );
    assert_eq!(records["rrsets"][0]["records"][0]["value"], v4["ip"]);

    let (tally, told) = run(&api, Mode::Check, cloud::destroy(&stack, false)).await;
    assert!(told.contains("E0310"), "{told}");
    assert_eq!(tally.changed, 0);
    api.protect_server(&api.server_of(&host()).await.unwrap().unwrap(), false)
        .await
        .unwrap();
    for address in api
        .of_stack::<citrino_ops::hetzner::AddressView>("prod")
        .await
        .unwrap()
    {
        api.protect(&address, false).await.unwrap();
    }
    for volume in api
        .of_stack::<citrino_ops::hetzner::VolumeView>("prod")
        .await
        .unwrap()
    {
        api.protect(&volume, false).await.unwrap();
    }
    let (tally, told) = run(&api, Mode::Apply, cloud::destroy(&stack, false)).await;
    assert_eq!((tally.changed, tally.failed), (7, 0), "{told}");
    for kind in [
        "servers",
        "volumes",
        "primary_ips",
        "networks",
        "firewalls",
        "ssh_keys",
    ] {
        assert_eq!(fake.all(kind), Vec::<Value>::new(), "{kind}");
    }
    assert_eq!(
        fake.all("zones").len(),
        1,
        "more than a stack lives in a zone"
    );
}

#[tokio::test]
async fn what_was_changed_by_hand_is_named_and_healed() {
    let fake = FakeApi::start();
    let api = fake.api();
    let stack = stack(ALL);
    run(&api, Mode::Apply, wishes(&stack, 0)).await;
    let server = fake.only("servers");
    let at = format!("/servers/{}", server["id"]);
    let firewall = format!("/firewalls/{}", fake.only("firewalls")["id"]);
    let volume = format!("/volumes/{}", fake.only("volumes")["id"]);
    let v4 = fake.all("primary_ips")[0].clone();
    let rule =
        json!({"direction": "in", "protocol": "tcp", "port": "5432", "source_ips": ["0.0.0.0/0"]});
    fake.by_hand(
        &format!("{firewall}/actions/set_rules"),
        &json!({"rules": [rule]}),
    );
    let off = json!({"delete": false, "rebuild": false});
    fake.by_hand(&format!("{at}/actions/change_protection"), &off);
    let from = json!({"remove_from": [{"type": "server", "server": {"id": server["id"]}}]});
    fake.by_hand(&format!("{firewall}/actions/remove_from_resources"), &from);
    fake.by_hand(&format!("{at}/actions/poweroff"), &json!({}));
    fake.by_hand(&format!("{volume}/actions/detach"), &json!({}));
    fake.by_hand(
        &format!("/primary_ips/{}/actions/change_dns_ptr", v4["id"]),
        &json!({"ip": v4["ip"], "dns_ptr": "other.example.com"}),
    );
    fake.by_hand(
        "/zones/example.com/rrsets/www/A/actions/set_records",
        &json!({"records": [{"value": "203.0.113.9"}]}),
    );
    let mut labels = server["labels"].clone();
    labels.as_object_mut().unwrap().remove(labels::ROLE);
    labels["kept"] = json!("yes");
    fake.call("PUT", &at, &json!({"name": "renamed", "labels": labels}));

    let (tally, told) = run(&api, Mode::Check, wishes(&stack, 1)).await;
    assert_eq!(tally.failed, 0, "{told}");
    for sentence in [
        "rule tcp 80 from 0.0.0.0/0, ::/0 is missing",
        "rule tcp 5432 from 0.0.0.0/0 is not in citrino.yml",
        "server renamed is off, expected running",
        "server name is renamed, expected prod",
        "label citrino-ops/role=host is missing",
        "firewall is not applied to server renamed",
        "server renamed is not protected against deletion",
        "volume prod-data is not attached to the server",
        "is other.example.com, expected www.example.com",
        "A record www.example.com points to 203.0.113.9, expected",
    ] {
        assert!(told.contains(sentence), "{sentence}\n{told}");
    }
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack, 1)).await;
    assert_eq!((tally.changed, tally.failed), (5, 0), "{told}");
    is_whole(&fake, &stack, "healed").await;
    let healed = fake.only("servers");
    assert_eq!(healed["labels"]["kept"], "yes");
    assert_eq!(
        healed["labels"][labels::BOOTSTRAP_KEY],
        birth(0).pin,
        "a new host key is no difference"
    );
    assert_eq!(healed["id"], server["id"]);
}

#[tokio::test]
async fn a_rescale_takes_a_snapshot_and_keeps_all_else() {
    let fake = FakeApi::start();
    let api = fake.api();
    run(&api, Mode::Apply, wishes(&stack(""), 0)).await;
    let before = fake.only("servers");
    let larger = stack(", backups: true");
    let steps = rescaled(&larger, 1, "cpx21");
    let (_, told) = run(&api, Mode::Check, steps.clone()).await;
    assert!(
        told.contains("type is cpx11, expected cpx21: a snapshot is taken, the server is off for some minutes, its disk stays at 40 GB"),
        "{told}"
    );
    let (tally, told) = run(&api, Mode::Apply, steps).await;
    assert_eq!((tally.changed, tally.failed), (1, 0), "{told}");
    let after = fake.only("servers");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["server_type"]["name"], "cpx21");
    assert_eq!(after["status"], "running");
    assert_eq!(
        after["public_net"]["ipv4"]["ip"],
        before["public_net"]["ipv4"]["ip"]
    );
    let snapshots = api.snapshots_of("prod").await.unwrap();
    assert_eq!(snapshots.len(), 1);
    assert_eq!(snapshots[0].labels[labels::BEFORE], "rescale-to-cpx21");
}

#[tokio::test]
async fn another_image_needs_consent_and_a_rebuild_keeps_the_addresses() {
    let fake = FakeApi::start();
    let api = fake.api();
    let stack = stack("");
    run(&api, Mode::Apply, wishes(&stack, 0)).await;
    let before = fake.only("servers");
    let rebuilt = |n, renewal| cloud::provision(&stack, &keys(), &birth(n), renewal);
    let (_, told) = run(&api, Mode::Check, rebuilt(1, DiskPolicy::Wished)).await;
    assert!(
        told.contains("E0310"),
        "protected against rebuilding: {told}"
    );
    let off = json!({"delete": false, "rebuild": false});
    fake.by_hand(
        &format!("/servers/{}/actions/change_protection", before["id"]),
        &off,
    );
    let (_, told) = run(&api, Mode::Check, rebuilt(1, DiskPolicy::Wished)).await;
    assert!(told.contains(r#""act":"replace""#), "{told}");
    let (tally, told) = run(&api, Mode::Apply, rebuilt(1, DiskPolicy::Wished)).await;
    assert_eq!((tally.changed, tally.failed), (1, 0), "{told}");
    let after = fake.only("servers");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(
        after["public_net"]["ipv4"]["ip"],
        before["public_net"]["ipv4"]["ip"]
    );
    assert_eq!(after["labels"][labels::REBIRTH_KEY], birth(1).pin);
    assert_eq!(
        after["labels"][labels::BOOTSTRAP_KEY],
        birth(0).pin,
        "until the host has answered with the new key, the old one counts as well"
    );
    assert_eq!(after["protection"]["rebuild"], true, "protected again");
    assert_eq!(api.snapshots_of("prod").await.unwrap().len(), 1);
    is_whole(&fake, &stack, "rebuilt").await;
}

#[tokio::test]
async fn only_what_is_not_wished_is_tidied_away() {
    let fake = FakeApi::start();
    let api = fake.api();
    let stack = stack(", volume_gb: 10");
    run(&api, Mode::Apply, wishes(&stack, 0)).await;
    let (_, told) = run(&api, Mode::Check, cloud::tidy(&stack, &keys())).await;
    assert!(!told.contains(r#""state":"differs""#), "{told}");
    let ours = json!({labels::STACK: "prod"});
    fake.by_hand("/firewalls", &json!({"name": "old", "labels": ours}));
    fake.by_hand(
        "/volumes",
        &json!({"name": "old", "labels": ours, "size": 10, "location": "ash"}),
    );
    let address = json!({"name": "old", "labels": ours, "type": "ipv4", "location": "ash", "assignee_type": "server", "auto_delete": false});
    fake.by_hand("/primary_ips", &address);
    fake.by_hand("/firewalls", &json!({"name": "of another"}));
    let server = api.server_of(&host()).await.unwrap().unwrap();
    for n in 0..3 {
        api.snapshot(&server, &host(), &format!("step-{n}"))
            .await
            .unwrap();
    }
    let (tally, told) = run(&api, Mode::Apply, cloud::tidy(&stack, &keys())).await;
    assert_eq!((tally.changed, tally.failed), (4, 0), "{told}");
    assert_eq!(api.snapshots_of("prod").await.unwrap().len(), 2);
    assert_eq!(fake.all("firewalls").len(), 2);
    assert_eq!(fake.only("volumes")["name"], "prod-data");
    assert_eq!(fake.all("primary_ips").len(), 2);
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_with_what_can() {
    let fake = FakeApi::start();
    let api = fake.api();
    let mut cloud = stack("").cloud.unwrap();
    let offer = availability(&api, "prod", &cloud, None).await.unwrap();
    assert!(offer.cost.total() > 10.0, "{offer}");
    let gone = json!({"server_type": "cpx11", "location": "ash", "available": false});
    fake.call("POST", "/_lab/offers", &gone);
    let told = error_info(&availability(&api, "prod", &cloud, None).await.unwrap_err());
    assert_eq!(told.code, Code::E0304);
    assert!(
        told.message
            .contains("no server of type cpx11 is available in ash now; it is available in hil"),
        "{told:?}"
    );
    cloud.location = "nbg1".parse().unwrap();
    let told = error_info(&availability(&api, "prod", &cloud, None).await.unwrap_err());
    assert!(
        told.message.contains("cannot be ordered in nbg1 since"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_rescale_that_is_refused_leaves_the_server_running() {
    let fake = FakeApi::start();
    let api = fake.api();
    run(&api, Mode::Apply, wishes(&stack(""), 0)).await;
    let refused =
        json!({"status": 412, "code": "resource_unavailable", "message": "error during placement"});
    fake.fault(
        &json!({"method": "POST", "path": "/servers/*/actions/change_type", "answer": refused}),
    );
    let steps = rescaled(&stack(""), 1, "cpx21");
    let (tally, told) = run(&api, Mode::Apply, steps).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(
        told.contains("server prod is running again: could not change server prod to cpx21"),
        "{told}"
    );
    is_whole(&fake, &stack(""), "after a refused rescale").await;
}

#[tokio::test]
async fn each_rebuild_has_a_snapshot_of_what_was_there() {
    let fake = FakeApi::start();
    let api = fake.api();
    let bare = stack(", protect: false");
    run(&api, Mode::Apply, wishes(&bare, 0)).await;
    // The API tells times in seconds, and no rebuild takes less.
    fake.call("POST", "/_lab/actions", &json!({"ms": 1100}));
    for n in 1..=2_u8 {
        let steps = cloud::provision(&bare, &keys(), &birth(n), DiskPolicy::Wished);
        let (tally, told) = run(&api, Mode::Apply, steps).await;
        assert_eq!(tally.failed, 0, "{told}");
        let snapshots = api.snapshots_of("prod").await.unwrap();
        assert_eq!(snapshots.len(), usize::from(n), "the disk of before {n}");
    }
    let labels = fake.only("servers")["labels"].clone();
    assert_eq!(labels[labels::REBIRTH_KEY], birth(2).pin);
    assert_eq!(
        labels[labels::BOOTSTRAP_KEY],
        birth(1).pin,
        "it may be the one that answers"
    );
}

//! What belongs to others: it is refused, left alone, and taken in only when that is told.

use citrino_ops::core::plan::Mode;
use citrino_ops::hetzner::labels;
use citrino_ops::planner::cloud;
use serde_json::{Value, json};

use crate::fake_api::FakeApi;
use crate::run::{KEY, birth, is_whole, keys, run, stack, wishes};

/// Everything that a stack can have.
const ALL: &str =
    ", backups: true, network: 10.42.0.0/16, volume_gb: 10, dns: { zone: example.com }";

#[tokio::test]
async fn a_server_with_an_address_of_its_own_keeps_it_from_now_on() {
    let fake = FakeApi::start();
    let wish = json!({"name": "prod", "server_type": "cpx11", "location": "ash", "image": "debian-12",
        "labels": {labels::STACK: "prod"}});
    fake.by_hand("/servers", &wish);
    let ip = fake.only("servers")["public_net"]["ipv4"]["ip"].clone();
    let api = fake.api();
    let (_, told) = run(&api, Mode::Check, wishes(&stack(""), 0)).await;
    assert!(told.contains(r#""act":"adopt""#), "{told}");
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    is_whole(&fake, &stack(""), "taken in").await;
    assert_eq!(fake.only("servers")["public_net"]["ipv4"]["ip"], ip);
    let v4 = fake
        .all("primary_ips")
        .into_iter()
        .find(|one| one["ip"] == ip)
        .unwrap();
    assert_eq!(
        (v4["auto_delete"].clone(), v4["name"].clone()),
        (json!(false), json!("prod-ipv4"))
    );
}

#[tokio::test]
async fn what_is_not_ours_is_refused_left_alone_and_adopted_when_told() {
    let zone = json!({"name": "example.com", "mode": "primary"});
    for (kind, path, body) in [
        (
            "server",
            "/servers",
            json!({"name": "prod", "server_type": "cpx11", "location": "ash", "image": "debian-12"}),
        ),
        ("firewall", "/firewalls", json!({"name": "prod"})),
        (
            "ssh key",
            "/ssh_keys",
            json!({"name": "prod-id_ed25519", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB"}),
        ),
        (
            "address",
            "/primary_ips",
            json!({"name": "prod-ipv4", "type": "ipv4", "location": "ash", "assignee_type": "server", "auto_delete": false}),
        ),
        (
            "network",
            "/networks",
            json!({"name": "prod", "ip_range": "10.42.0.0/16"}),
        ),
        (
            "A record",
            "/zones/example.com/rrsets",
            json!({"name": "www", "type": "A", "records": [{"value": "203.0.113.9"}]}),
        ),
    ] {
        let fake = FakeApi::start();
        fake.by_hand("/zones", &zone);
        fake.by_hand(path, &body);
        let stack = stack(ALL);
        let api = fake.api();
        let (tally, told) = run(&api, Mode::Apply, wishes(&stack, 0)).await;
        assert_eq!(tally.failed, 1, "{kind}\n{told}");
        assert!(
            told.contains("E0306") && told.contains(&format!("another {kind} named ")),
            "{told}"
        );
        let everything = || -> Vec<Vec<Value>> {
            [
                "servers",
                "firewalls",
                "ssh_keys",
                "primary_ips",
                "networks",
            ]
            .map(|kind| fake.all(kind))
            .into()
        };
        let theirs = |all: &[Vec<Value>]| -> Vec<Value> {
            let all = all.iter().flatten();
            all.filter(|one| one["labels"] == json!({}))
                .map(|one| one["name"].clone())
                .collect()
        };
        let before = theirs(&everything());
        let adopt = cloud::adopt(&stack, &keys(), None, Some(&birth(7).pin));
        let (tally, told) = run(&api, Mode::Apply, adopt).await;
        assert_eq!((tally.changed, tally.failed), (1, 0), "{kind}\n{told}");
        let left = theirs(&everything());
        assert_eq!(
            left.len(),
            before.len().saturating_sub(usize::from(kind != "A record"))
        );
        if kind == "server" {
            assert_eq!(
                fake.only("servers")["labels"][labels::HOST_KEY],
                birth(7).pin
            );
        }
        if kind != "ssh key" {
            run(&api, Mode::Apply, wishes(&stack, 0)).await;
            // A server that came with addresses has the stack's now; its own are nobody's.
            run(&api, Mode::Apply, cloud::tidy(&stack, &keys())).await;
            is_whole(&fake, &stack, kind).await;
        }
    }
}

#[tokio::test]
async fn what_another_stack_has_is_not_taken_from_it() {
    let fake = FakeApi::start();
    let labels = json!({labels::STACK: "other"});
    fake.by_hand("/firewalls", &json!({"name": "prod", "labels": labels}));
    let adopt = cloud::adopt(&stack(""), &keys(), None, None);
    let (tally, told) = run(&fake.api(), Mode::Apply, adopt).await;
    assert_eq!((tally.changed, tally.failed), (0, 1), "{told}");
    assert!(told.contains("belongs to stack other"), "{told}");
    assert_eq!(fake.only("firewalls")["labels"], labels);
}

#[tokio::test]
async fn a_public_key_under_another_name_serves_and_stays() {
    let fake = FakeApi::start();
    let bare = KEY.rsplit_once(' ').unwrap().0;
    fake.call(
        "POST",
        "/ssh_keys",
        &json!({"name": "of a person", "public_key": bare}),
    );
    let api = fake.api();
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!((tally.same, tally.failed), (1, 0), "{told}");
    run(&api, Mode::Apply, cloud::destroy(&stack(""), false)).await;
    assert_eq!(fake.only("ssh_keys")["name"], "of a person");
}

#[tokio::test]
async fn what_somebody_else_uses_is_not_pulled_away() {
    let fake = FakeApi::start();
    let api = fake.api();
    let stack = stack(", volume_gb: 10, protect: false");
    run(&api, Mode::Apply, wishes(&stack, 0)).await;
    let helper =
        json!({"name": "helper", "server_type": "cpx11", "location": "ash", "image": "debian-12"});
    fake.by_hand("/servers", &helper);
    let volume = fake.only("volumes");
    let helper = fake
        .all("servers")
        .into_iter()
        .find(|one| one["name"] == "helper")
        .unwrap();
    let at = format!("/volumes/{}/actions", volume["id"]);
    fake.by_hand(&format!("{at}/detach"), &json!({}));
    fake.by_hand(&format!("{at}/attach"), &json!({"server": helper["id"]}));
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack, 1)).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(
        told.contains("E0311") && told.contains("is attached to server"),
        "{told}"
    );
    assert_eq!(fake.only("volumes")["server"], helper["id"]);
    // Nor is a second server made the stack's, nor the volume in use tidied away.
    let adopt = cloud::adopt(&stack, &keys(), Some("helper"), Some(&birth(7).pin));
    let (_, told) = run(&api, Mode::Apply, adopt).await;
    assert!(told.contains("already has a server: prod"), "{told}");
    let (_, told) = run(
        &api,
        Mode::Apply,
        cloud::tidy(&crate::run::stack(", protect: false"), &keys()),
    )
    .await;
    assert!(!told.contains(r#""state":"changed""#), "{told}");
    assert_eq!(fake.all("volumes").len(), 1);
}

#[tokio::test]
async fn an_address_of_another_stack_is_not_taken_from_it() {
    let fake = FakeApi::start();
    let theirs = json!({"name": "theirs", "type": "ipv4", "location": "ash", "assignee_type": "server",
        "auto_delete": false, "labels": {labels::STACK: "other"}});
    let address = fake.call("POST", "/primary_ips", &theirs)["primary_ip"].clone();
    let wish = json!({"name": "prod", "server_type": "cpx11", "location": "ash", "image": "debian-12",
        "labels": {labels::STACK: "prod"}, "public_net": {"ipv4": address["id"], "enable_ipv4": true, "enable_ipv6": true}});
    fake.by_hand("/servers", &wish);
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(told.contains("E0306"), "{told}");
    let now = fake
        .all("primary_ips")
        .into_iter()
        .find(|one| one["id"] == address["id"])
        .unwrap();
    assert_eq!(now["labels"], json!({labels::STACK: "other"}));
}

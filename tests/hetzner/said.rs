//! What is said after a refusal is true: what exists, what it costs, whose limit it is, and the exit code.

use citrino_ops::core::plan::Mode;
use citrino_ops::core::secret::Secret;
use citrino_ops::hetzner::{Hetzner, labels};
use citrino_ops::planner::cloud;
use serde_json::json;

use crate::fake_api::{FAST, FakeApi};
use crate::operator::Operator;
use crate::run::{host, keys, rescaled, run, stack, wishes};

const LEAST: &str = "server_type: cpx11, location: ash, image: debian-12";

#[test]
fn what_exists_after_a_refused_order_is_named_with_what_it_costs() {
    for (status, code, says) in [
        (412, "resource_unavailable", "error[E0313]"),
        (422, "placement_error", "error[E0313]"),
        (403, "resource_limit_exceeded", "error[E0314]"),
        (422, "unsupported_error", "error[E0303]"),
        (503, "robot_unavailable", "error[E0303]"),
        (423, "resource_locked", "error[E0303]"),
    ] {
        let fake = FakeApi::start();
        let ana = Operator::new(&fake, LEAST);
        fake.fault(&json!({"method": "POST", "path": "/servers", "times": 0, "answer": {"status": status, "code": code, "message": "no, since it is so"}}));
        let (exit, text) = ana.types("provision --yes");
        assert_eq!(exit, 1, "{code}\n{text}");
        for part in [
            says,
            "no, since it is so",
            code,
            "stack prod now has: ssh key prod-id_ed25519, firewall prod, address prod-ipv4 (",
            "EUR per month), address prod-ipv6.",
        ] {
            assert!(text.contains(part), "{code}: {part}\n{text}");
        }
        assert!(!text.contains("nothing was created"), "{code}\n{text}");
    }
}

#[test]
fn whatever_answers_in_the_place_of_the_api_is_a_sentence() {
    let verbs = [
        "provision --yes",
        "destroy --yes",
        "cost",
        "gc",
        "adopt --yes",
    ];
    let answers = ["page", "array", "text", "empty", "garbled"];
    let plans = answers.map(|answer| ("plan", answer));
    for (verb, answer) in plans.into_iter().chain(verbs.into_iter().zip(answers)) {
        let fake = FakeApi::start();
        let ana = Operator::new(&fake, LEAST);
        fake.fault(&json!({"times": 0, "answer": answer}));
        let (exit, text) = ana.types(verb);
        assert_eq!(exit, 1, "{verb} {answer}\n{text}");
        assert!(
            text.contains("error[E0303]") && text.contains("is not the Hetzner API"),
            "{verb} {answer}\n{text}"
        );
        assert!(!text.contains("panicked"), "{verb} {answer}\n{text}");
    }
}

#[tokio::test]
async fn a_long_wait_for_the_rate_limit_ends_well() {
    let fake = FakeApi::start();
    fake.fault(&json!({"times": 60, "answer": {"status": 429, "code": "rate_limit_exceeded", "message": "m"}}));
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
}

#[tokio::test]
async fn keys_of_stacks_whose_names_begin_alike_do_not_meet() {
    let fake = FakeApi::start();
    let theirs = json!({"name": "prod-id_ed25519", "labels": {labels::STACK: "pro"},
        "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB"});
    fake.call("POST", "/ssh_keys", &theirs);
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    let names: Vec<_> = fake
        .all("ssh_keys")
        .into_iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(
        names,
        [json!("prod-id_ed25519"), json!("prod-id_ed25519-of-prod")]
    );
    let (tally, told) = run(&fake.api(), Mode::Check, cloud::tidy(&stack(""), &keys())).await;
    assert_eq!(tally.differs, 0, "{told}");
}

#[tokio::test]
async fn a_rescale_that_fails_again_and_again_leaves_no_more_than_two_snapshots() {
    let fake = FakeApi::start();
    run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    // The API tells times in seconds, and no start takes less.
    fake.call("POST", "/_lab/actions", &json!({"ms": 1100}));
    let refused = json!({"status": 412, "code": "resource_unavailable", "message": "m"});
    fake.fault(&json!({"method": "POST", "path": "/servers/*/actions/change_type", "times": 0, "answer": refused}));
    for n in 1..5 {
        let (tally, told) = run(&fake.api(), Mode::Apply, rescaled(&stack(""), n, "cpx21")).await;
        assert_eq!(tally.failed, 1, "{told}");
    }
    assert_eq!(fake.api().snapshots_of("prod").await.unwrap().len(), 2);
}

/// The same question is not asked twice while nothing changes.
#[tokio::test]
async fn lists_are_asked_for_once() {
    const ALL: &str = ", network: 10.42.0.0/16, volume_gb: 10, dns: { zone: example.com }";
    let fake = FakeApi::start();
    run(&fake.api(), Mode::Apply, wishes(&stack(ALL), 0)).await;
    let full = fake.calls().len();
    fake.forget_calls();
    run(&fake.api(), Mode::Check, wishes(&stack(ALL), 1)).await;
    let steady = fake.calls();
    println!(
        "a full provision: {full} calls; a look at what stands: {}",
        steady.len()
    );
    let mut once = steady.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), steady.len(), "{steady:?}");
    assert!(full < 118 && steady.len() < 14, "{full} {}", steady.len());
    // Whoever changes something meanwhile is seen by the next look.
    fake.by_hand(
        &format!("/servers/{}/actions/poweroff", fake.only("servers")["id"]),
        &json!({}),
    );
    let (tally, told) = run(&fake.api(), Mode::Check, wishes(&stack(ALL), 1)).await;
    assert_eq!(tally.differs, 1, "{told}");
}

#[tokio::test]
async fn what_was_remembered_ends_with_the_look() {
    let fake = FakeApi::start();
    let api = Hetzner::connect_paced(&fake.endpoint(), &Secret::new(crate::fake_api::TOKEN), FAST)
        .unwrap();
    let remembering = api.remembering();
    assert_eq!(api.server_of(&host()).await.unwrap(), None);
    let body = json!({"name": "prod", "server_type": "cpx11", "location": "ash", "image": "debian-12", "labels": {labels::STACK: "prod"}});
    fake.by_hand("/servers", &body);
    assert_eq!(api.server_of(&host()).await.unwrap(), None, "asked once");
    drop(remembering);
    assert!(api.server_of(&host()).await.unwrap().is_some());
}

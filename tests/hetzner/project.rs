//! A project with much in it that is not ours: what is asked, how long that takes, and that it is left alone.

use std::time::Instant;

use citrino_ops::core::plan::Mode;
use citrino_ops::hetzner::{availability, labels};
use citrino_ops::planner::cloud;
use serde_json::{Value, json};

use crate::fake_api::FakeApi;
use crate::operator::Operator;
use crate::run::{is_whole, run, stack, wishes};

const ALL: &str = ", network: 10.42.0.0/16, volume_gb: 10, protect: false";
const KINDS: [&str; 6] = [
    "servers",
    "primary_ips",
    "firewalls",
    "ssh_keys",
    "networks",
    "volumes",
];

/// 60 servers and 400 other resources of others, some with labels and names that begin as ours do.
fn crowd(fake: &FakeApi) {
    fake.call("POST", "/_lab/limits", &json!({"servers": 80}));
    let labels = |n: usize| match n % 3 {
        0 => json!({}),
        1 => json!({labels::STACK: "pro"}),
        _ => json!({labels::STACK: "prod-two"}),
    };
    for n in 0..60 {
        let server = json!({"name": format!("prod-{n}"), "server_type": "cpx11", "location": "ash",
            "image": "debian-12", "labels": labels(n)});
        fake.call("POST", "/servers", &server);
    }
    for n in 0..130 {
        let named = |more: Value| {
            let mut body = json!({"name": format!("prod-two-{n}"), "labels": labels(n)});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            body
        };
        fake.call("POST", "/firewalls", &named(json!({})));
        fake.call(
            "POST",
            "/networks",
            &named(json!({"ip_range": "10.9.0.0/16"})),
        );
        fake.call(
            "POST",
            "/volumes",
            &named(json!({"size": 10, "location": "ash"})),
        );
    }
    for n in 0..10 {
        let address = json!({"name": format!("prod-{n}"), "type": "ipv4", "location": "ash", "labels": labels(n)});
        fake.call("POST", "/primary_ips", &address);
    }
    fake.comes_to_rest();
}

/// All that is not ours.
fn others(fake: &FakeApi) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in KINDS {
        let mut page = json!(1);
        while !page.is_null() {
            let mut answer = fake.call(
                "GET",
                &format!("/{kind}?per_page=50&page={page}"),
                &Value::Null,
            );
            page = answer["meta"]["pagination"]["next_page"].take();
            let found = answer[kind].as_array().unwrap().iter();
            all.extend(
                found
                    .filter(|one| one["labels"][labels::STACK] != "prod")
                    .cloned(),
            );
        }
    }
    all
}

#[tokio::test]
async fn a_full_project_is_asked_little_and_left_alone() {
    let fake = FakeApi::start();
    crowd(&fake);
    let before = others(&fake);
    assert_eq!(before.len(), 60 + 120 + 400);
    let (api, stack) = (fake.api(), stack(ALL));
    for (what, mode, steps) in [
        ("provision", Mode::Apply, wishes(&stack, 0)),
        ("plan", Mode::Check, wishes(&stack, 1)),
        ("destroy", Mode::Apply, cloud::destroy(&stack, false)),
    ] {
        fake.forget_calls();
        let begun = Instant::now();
        let (tally, told) = run(&api, mode, steps).await;
        assert_eq!((tally.failed, tally.differs), (0, 0), "{what}\n{told}");
        println!(
            "{what}: {} calls in {:.1} s",
            fake.calls().len(),
            begun.elapsed().as_secs_f64()
        );
        assert!(
            others(&fake) == before,
            "{what} changed something of others"
        );
    }
}

#[test]
fn a_limit_of_the_account_is_named() {
    let fake = FakeApi::start();
    fake.call("POST", "/_lab/limits", &json!({"servers": 0}));
    let ana = Operator::new(&fake, "server_type: cpx11, location: ash, image: debian-12");
    let (code, text) = ana.types("provision --yes");
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("error[E0314]")
            && text.contains("the account's limit server_limit is reached"),
        "{text}"
    );
}

#[tokio::test]
async fn the_end_of_an_image_is_told_before_it_and_refused_after() {
    let fake = FakeApi::start();
    let cloud = stack("").cloud.unwrap();
    let end = |day: &str| json!({"image": "debian-12", "deprecation": {"announced": "2026-01-01T00:00:00Z", "unavailable_after": day}});
    fake.call("POST", "/_lab/offers", &end("2999-01-01T00:00:00Z"));
    let offer = availability(&fake.api(), "prod", &cloud, None)
        .await
        .unwrap();
    assert!(
        offer
            .notes
            .iter()
            .any(|note| note.contains("will be removed on 2999-01-01")),
        "{:?}",
        offer.notes
    );
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    fake.call("POST", "/_lab/offers", &end("2026-02-01T00:00:00Z"));
    let error = availability(&fake.api(), "prod", &cloud, None)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("image `debian-12` is deprecated and no longer available"),
        "{error}"
    );
    // What runs is not touched by it.
    is_whole(&fake, &stack(""), "its image is gone").await;
}

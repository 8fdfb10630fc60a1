//! A server that was switched off for a change runs again, whatever the API says meanwhile.

use citrino_ops::core::plan::Mode;
use citrino_ops::hetzner::Pace;
use citrino_ops::planner::cloud::{self, DiskPolicy};
use serde_json::{Value, json};

use crate::fake_api::{FAST, FakeApi};
use crate::run::{birth, is_whole, keys, rescaled, run, stack, wishes};

/// Longer than any request is sent again by itself.
const HICCUP: u64 = 20;

/// Deadlines of minutes in which nothing has to come true are over soon.
const BRIEF: Pace = Pace {
    patience: 0.0002,
    ..FAST
};

fn refused(status: u16, code: &str) -> Value {
    json!({"status": status, "code": code, "message": format!("it is {code}")})
}

/// A stack that stands.
async fn standing(more: &str) -> FakeApi {
    let fake = FakeApi::start();
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(more), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    fake
}

#[tokio::test]
async fn a_hiccup_of_the_api_never_leaves_the_server_off() {
    let limit = refused(429, "rate_limit_exceeded");
    let asks = |answer: Value| json!({"method": "GET", "path": "/actions", "times": HICCUP, "answer": answer});
    let orders = |action: &str, answer: &Value| {
        let path = format!("/servers/*/actions/{action}");
        json!({"method": "POST", "path": path, "times": HICCUP, "answer": answer})
    };
    let mut later = asks(json!("gateway"));
    later["nth"] = json!(2);
    let cases = [
        ("502 about the shutdown", vec![asks(json!("gateway"))]),
        ("502 about the snapshot", vec![later]),
        ("cut off", vec![asks(json!("cut"))]),
        ("a proxy's page", vec![asks(json!("garbled"))]),
        ("500", vec![asks(refused(500, "server_error"))]),
        (
            "used up by others",
            vec![orders("create_image", &limit), orders("poweron", &limit)],
        ),
        (
            "a lock that nobody shows",
            vec![
                orders("create_image", &refused(423, "locked")),
                orders("poweron", &refused(423, "locked")),
            ],
        ),
        (
            "the start fails",
            vec![orders("poweron", &refused(500, "server_error"))],
        ),
    ];
    for (why, faults) in cases {
        let fake = standing("").await;
        for fault in &faults {
            fake.fault(fault);
        }
        let steps = rescaled(&stack(""), 1, "cpx21");
        let (_, told) = run(&fake.api(), Mode::Apply, steps).await;
        fake.comes_to_rest();
        let server = fake.only("servers");
        assert_eq!(server["status"], "running", "{why}\n{told}");
        fake.no_faults();
        let steps = rescaled(&stack(""), 2, "cpx21");
        let (tally, told) = run(&fake.api(), Mode::Apply, steps).await;
        assert_eq!(tally.failed, 0, "{why}\n{told}");
        assert_eq!(
            fake.only("servers")["server_type"]["name"],
            "cpx21",
            "{why}"
        );
    }
}

/// Every call of a change with the server off fails for good; only the way back is answered.
#[tokio::test]
async fn whatever_call_of_a_change_fails_the_server_runs_again() {
    let calls = {
        let fake = standing("").await;
        fake.forget_calls();
        run(&fake.api(), Mode::Apply, rescaled(&stack(""), 1, "cpx21")).await;
        fake.calls()
    };
    let writes: Vec<_> = calls
        .iter()
        .filter(|call| call.starts_with("POST"))
        .collect();
    assert_eq!(
        writes.len(),
        4,
        "shutdown, create_image, change_type, poweron: {calls:?}"
    );
    for call in writes.iter().filter(|call| !call.ends_with("poweron")) {
        let fake = standing("").await;
        let path = call.strip_prefix("POST ").unwrap();
        let action = path.rsplit('/').next().unwrap();
        fake.fault(&json!({"method": "POST", "path": format!("/servers/*/actions/{action}"), "times": 0, "answer": refused(412, "resource_unavailable")}));
        let (tally, told) = run(&fake.api(), Mode::Apply, rescaled(&stack(""), 1, "cpx21")).await;
        assert_eq!(tally.failed, 1, "{call}\n{told}");
        assert!(
            told.contains("server prod is running again: could not"),
            "{call}\n{told}"
        );
        assert_eq!(fake.only("servers")["status"], "running", "{call}\n{told}");
    }
    // Each action of it fails by itself.
    for command in [
        "shutdown_server",
        "create_image",
        "change_server_type",
        "start_server",
    ] {
        let fake = standing("").await;
        fake.call(
            "POST",
            "/_lab/actions",
            &json!({"command": command, "nth": 1}),
        );
        let (_, told) = run(&fake.api(), Mode::Apply, rescaled(&stack(""), 1, "cpx21")).await;
        assert_eq!(
            fake.only("servers")["status"],
            "running",
            "{command}\n{told}"
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_started_again_is_said_to_be_off_and_what_starts_it() {
    let fake = standing("").await;
    for (action, code) in [
        ("change_type", "resource_unavailable"),
        ("poweron", "server_error"),
    ] {
        let status = if action == "poweron" { 500 } else { 412 };
        fake.fault(&json!({"method": "POST", "path": format!("/servers/*/actions/{action}"), "times": 0, "answer": refused(status, code)}));
    }
    let steps = rescaled(&stack(""), 1, "cpx21");
    let (tally, told) = run(&fake.api_paced(BRIEF), Mode::Apply, steps).await;
    assert_eq!(tally.failed, 1, "{told}");
    for part in [
        "E0313",
        "server prod is off (could not start server prod: the Hetzner API says: it is server_error",
        "could not change server prod to cpx21",
        "`citrino-ops provision` starts it",
        r#"\"Power on\" of server prod in the Hetzner console"#,
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(fake.only("servers")["status"], "off");
    fake.no_faults();
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 2)).await;
    assert_eq!(tally.failed, 0, "{told}");
    is_whole(&fake, &stack(""), "started by provision").await;
}

#[tokio::test]
async fn nothing_is_switched_off_for_a_type_that_cannot_be_had() {
    let fake = standing("").await;
    let gone = json!({"server_type": "cpx21", "location": "ash", "available": false});
    fake.call("POST", "/_lab/offers", &gone);
    fake.forget_calls();
    let (tally, told) = run(&fake.api(), Mode::Apply, rescaled(&stack(""), 1, "cpx21")).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(
        told.contains("no server of type cpx21 is available in ash now"),
        "{told}"
    );
    let writes: Vec<_> = fake
        .calls()
        .into_iter()
        .filter(|call| !call.starts_with("GET"))
        .collect();
    assert_eq!(writes, Vec::<String>::new());
}

/// What another begins is waited for, however it ends.
#[tokio::test]
async fn a_failed_action_of_another_is_no_failure_of_ours() {
    let fake = standing("").await;
    let server = fake.only("servers")["id"].clone();
    fake.call(
        "POST",
        "/_lab/actions",
        &json!({"command": "create_image", "nth": 1}),
    );
    fake.call("POST", "/_lab/actions", &json!({"ms": 300}));
    fake.call(
        "POST",
        &format!("/servers/{server}/actions/create_image"),
        &json!({}),
    );
    fake.call("POST", "/_lab/actions", &json!({"ms": 0}));
    let backups = stack(", backups: true");
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&backups, 1)).await;
    assert_eq!(tally.failed, 0, "{told}");
}

/// An action that never ends has the deadline of its command, whoever began it.
#[tokio::test]
async fn an_action_that_never_ends_is_waited_for_as_long_as_its_command_may_take() {
    let fake = standing("").await;
    let server = fake.only("servers")["id"].clone();
    fake.call("POST", "/_lab/actions", &json!({"hold": 40}));
    fake.call(
        "POST",
        &format!("/servers/{server}/actions/reboot"),
        &json!({}),
    );
    let mut pace = FAST;
    pace.patience = 0.005;
    let backups = stack(", backups: true");
    let (tally, told) = run(&fake.api_paced(pace), Mode::Apply, wishes(&backups, 1)).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(
        told.contains("E0307") && told.contains("within 0 s: still running: reboot_server"),
        "{told}"
    );
    assert!(told.contains("at 40 %"), "{told}");
    fake.call("POST", "/_lab/actions", &json!({"hold": 100}));
    fake.comes_to_rest();
}

#[tokio::test]
async fn a_rebuild_that_fails_leaves_the_server_running() {
    let fake = standing(", protect: false").await;
    fake.fault(&json!({"method": "POST", "path": "/servers/*/actions/rebuild", "answer": refused(422, "invalid_input")}));
    let steps = cloud::provision(
        &stack(", protect: false"),
        &keys(),
        &birth(1),
        DiskPolicy::Wished,
    );
    let (tally, told) = run(&fake.api(), Mode::Apply, steps).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(told.contains("server prod is running again"), "{told}");
    assert_eq!(fake.only("servers")["status"], "running");
}

/// What a person reads while it waits.
#[tokio::test]
async fn a_wait_says_what_it_waits_for() {
    let fake = standing("").await;
    let told = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let heard = told.clone();
    let hear = Box::new(move |what: &str, percent: i64| {
        heard.borrow_mut().push(format!("{what} {percent}"));
    });
    fake.fault(&json!({"method": "POST", "path": "/servers/*/actions/create_image", "times": 3, "answer": refused(429, "rate_limit_exceeded")}));
    fake.call("POST", "/_lab/actions", &json!({"ms": 60}));
    let api = fake.api().telling(hear);
    run(&api, Mode::Apply, rescaled(&stack(""), 1, "cpx21")).await;
    let told = told.borrow().join("\n");
    for part in [
        "the project has used up its requests for this hour",
        "take a snapshot of server prod: create_image",
        "change server prod to cpx21: change_server_type",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

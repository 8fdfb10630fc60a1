//! Each call fails in each way, in turn; retries have an end; a lost answer makes no second thing.

use std::sync::Arc;
use std::time::Duration;

use citrino_ops::core::error::{Code, error_info};
use citrino_ops::core::plan::Mode;
use citrino_ops::core::secret::Secret;
use citrino_ops::hetzner::{Hetzner, Pace, labels};
use serde_json::{Value, json};

use crate::fake_api::{FAST, FakeApi, IMPATIENT};
use crate::run::{birth, host, is_whole, run, stack, wishes};

/// What a stack of these tests has beside the least: one of each way of being made.
const MORE: &str = ", volume_gb: 10";

/// Every way in which a call can fail.
pub fn ways() -> Vec<(&'static str, Value)> {
    let refused = |status: u16, code: &str| json!({"answer": {"status": status, "code": code, "message": format!("it is {code}")}});
    vec![
        ("rate limit", refused(429, "rate_limit_exceeded")),
        ("conflict", refused(409, "conflict")),
        ("locked", refused(423, "locked")),
        ("none free", refused(412, "resource_unavailable")),
        ("server error", refused(500, "server_error")),
        ("gateway", json!({"answer": "gateway"})),
        (
            "gateway after the work",
            json!({"answer": "gateway", "carry_out": true}),
        ),
        ("cut", json!({"answer": "cut"})),
        (
            "cut after the work",
            json!({"answer": "cut", "carry_out": true}),
        ),
        (
            "garbled after the work",
            json!({"answer": "garbled", "carry_out": true}),
        ),
        ("a proxy's page", json!({"answer": "page"})),
        ("an array", json!({"answer": "array", "carry_out": true})),
        ("a text", json!({"answer": "text", "carry_out": true})),
        ("nothing", json!({"answer": "empty", "carry_out": true})),
        ("too late", json!({"delay_ms": 600_000, "carry_out": true})),
    ]
}

/// How long a client waits for answers while a fault is ordered. One that is not to wait for an answer that
/// never comes may lose patience with a slow one too; whatever it does then must be as harmless.
pub fn pace_for(fault: &Value) -> Pace {
    if fault["delay_ms"].is_null() {
        FAST
    } else {
        IMPATIENT
    }
}

/// From one question that is disturbed to the next, or one that a run is killed at. What writes always has its turn. With
/// `CITRINO_EVERY_CUT` (`make cuts`) each question has: that takes three times as long.
pub fn stride() -> usize {
    match std::env::var_os("CITRINO_EVERY_CUT") {
        Some(_) => 1,
        None => 5,
    }
}

/// The calls of a provision that nothing disturbs.
async fn calls_of_a_provision() -> Vec<String> {
    let fake = FakeApi::start();
    run(&fake.api(), Mode::Apply, wishes(&stack(MORE), 0)).await;
    fake.calls()
}

/// After a last undisturbed run the world is as wished and nothing is doubled. Each way has a
/// thread and an API of its own.
#[tokio::test]
async fn each_call_failing_in_each_way_doubles_nothing() {
    let calls = Arc::new(calls_of_a_provision().await);
    let threads: Vec<_> = ways()
        .into_iter()
        .enumerate()
        .map(|(first, (way, fault))| {
            let calls = calls.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(each_call(first, way, &fault, &calls));
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Each way begins at another question, so that together they disturb all of them.
async fn each_call(first: usize, way: &str, fault: &Value, calls: &[String]) {
    for (at, call) in calls.iter().enumerate() {
        let asks = call.starts_with("GET");
        // A late answer to a question is as good as none; it would only make the test slow.
        if asks && (way == "too late" || !(at + first).is_multiple_of(stride())) {
            continue;
        }
        let why = format!("{way} at call {at}, {call}");
        let fake = FakeApi::start();
        let mut fault = fault.clone();
        fault["nth"] = json!(at + 1);
        fake.fault(&fault);
        let api = fake.api_paced(pace_for(&fault));
        run(&api, Mode::Apply, wishes(&stack(MORE), 0)).await;
        fake.no_faults();
        fake.comes_to_rest();
        let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(MORE), 1)).await;
        assert_eq!(tally.failed, 0, "{why}\n{told}");
        is_whole(&fake, &stack(MORE), &why).await;
    }
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_looked_up_before_it_is_sent_again() {
    for (way, fault) in ways()
        .into_iter()
        .filter(|(_, fault)| fault["carry_out"] == true)
    {
        for path in [
            "/servers",
            "/primary_ips",
            "/volumes",
            "/firewalls",
            "/ssh_keys",
        ] {
            let fake = FakeApi::start();
            let mut fault = fault.clone();
            fault["method"] = json!("POST");
            fault["path"] = json!(path);
            fake.fault(&fault);
            let mut pace = pace_for(&fault);
            // Every other call has to be answered in this time.
            pace.answer = pace.answer.max(Duration::from_secs(5));
            let api = fake.api_paced(pace);
            let (tally, told) = run(&api, Mode::Apply, wishes(&stack(MORE), 0)).await;
            assert_eq!(
                (tally.changed, tally.failed),
                (6, 0),
                "{way} {path}\n{told}"
            );
            let sent = fake
                .calls()
                .iter()
                .filter(|call| **call == format!("POST {path}"))
                .count();
            let wished = if path == "/primary_ips" { 2 } else { 1 };
            assert_eq!(sent, wished, "{way} {path}");
            let server = fake.only("servers");
            assert_eq!(
                server["labels"][labels::BOOTSTRAP_KEY],
                birth(0).pin,
                "the first key counts"
            );
        }
    }
}

#[tokio::test]
async fn a_snapshot_whose_answer_was_lost_is_not_taken_twice() {
    let fake = FakeApi::start();
    let api = fake.api();
    run(&api, Mode::Apply, wishes(&stack(""), 0)).await;
    fake.fault(&json!({"method": "POST", "path": "/servers/*/actions/create_image", "answer": "cut", "carry_out": true}));
    let server = api.server_of(&host()).await.unwrap().unwrap();
    api.snapshot(&server, &host(), "a-step").await.unwrap();
    api.snapshot(&server, &host(), "a-step").await.unwrap();
    assert_eq!(api.snapshots_of("prod").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_action_is_told_with_its_code_and_the_next_run_goes_on() {
    let fake = FakeApi::start();
    let api = fake.api();
    fake.call(
        "POST",
        "/_lab/actions",
        &json!({"command": "start_server", "nth": 1, "code": "action_failed", "message": "Action failed"}),
    );
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 1, "{told}");
    assert!(
        told.contains("E0307") && told.contains("Action failed (action_failed)"),
        "{told}"
    );
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack(""), 1)).await;
    assert_eq!(tally.failed, 0, "{told}");
    is_whole(&fake, &stack(""), "after a failed action").await;
}

#[tokio::test]
async fn retries_have_an_end_and_wrong_tokens_are_not_tried_again() {
    let fake = FakeApi::start();
    let brief = Pace {
        patience: 0.001,
        ..FAST
    };
    let api = fake.api_paced(brief);
    let always = |status: u16, code: &str| json!({"times": 0, "answer": {"status": status, "code": code, "message": "slow down"}});
    fake.fault(&always(503, "unavailable"));
    let told = error_info(&api.server_of(&host()).await.unwrap_err());
    assert_eq!(told.code, Code::E0303);
    assert!(
        told.message.contains("slow down (unavailable, HTTP 503"),
        "{told:?}"
    );
    fake.no_faults();
    assert_eq!(fake.calls().len(), 6);

    // A used-up rate limit is waited for longer, and it has an end as well.
    fake.forget_calls();
    fake.fault(&always(429, "rate_limit_exceeded"));
    let told = error_info(&api.server_of(&host()).await.unwrap_err());
    assert!(
        told.message
            .contains("slow down (rate_limit_exceeded, HTTP 429"),
        "{told:?}"
    );
    fake.no_faults();
    assert!(fake.calls().len() > 2, "{:?}", fake.calls());

    fake.forget_calls();
    let told = error_info(&fake.api_with("wrong").server_of(&host()).await.unwrap_err());
    assert_eq!(told.code, Code::E0301);
    assert!(
        told.message.starts_with("could not list servers: the Hetzner API says: unable to authenticate (unauthorized, HTTP 401; request "),
        "{told:?}"
    );
    assert_eq!(fake.calls().len(), 1, "a wrong token is not tried again");

    for endpoint in ["http://127.0.0.1:1/v1", "http://localhost:1/v1"] {
        let api = Hetzner::connect_paced(endpoint, &Secret::new("t"), FAST).unwrap();
        let told = error_info(&api.server_of(&host()).await.unwrap_err());
        assert_eq!(told.code, Code::E0302);
        assert!(
            told.message
                .contains("cannot be reached: Connection refused"),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_used_up_rate_limit_is_waited_for() {
    let fake = FakeApi::start();
    fake.call("POST", "/_lab/budget", &json!({"remaining": 0}));
    let mut pace = FAST;
    pace.longest_retry = Duration::from_secs(3);
    let api = fake.api_paced(pace);
    assert_eq!(api.server_of(&host()).await.unwrap(), None);
    // One request is given back each second: who asked again before it was would be refused again.
    let calls = fake.call("GET", "/_lab/calls", &Value::Null);
    let told: Vec<&Value> = calls["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| &call["status"])
        .collect();
    assert_eq!(told, [429, 200]);
}

/// Why there is a tolerant layer (docs/decisions/0003): the crate's own models break on these.
#[test]
fn the_crate_breaks_where_the_tolerant_layer_does_not() {
    let image = r#"{"id": 1, "name": "talos", "os_flavor": "talos"}"#;
    assert!(serde_json::from_str::<hcloud::models::Image>(image).is_err());
    let status = r#""hibernating""#;
    assert!(serde_json::from_str::<hcloud::models::server::Status>(status).is_err());
    let nobody = r#""unassigned""#;
    assert!(serde_json::from_str::<hcloud::models::primary_ip::AssigneeType>(nobody).is_err());
    let id = i64::from(i32::MAX) + 1;
    let net = format!(r#"{{"ipv4": {id}}}"#);
    assert!(serde_json::from_str::<hcloud::models::CreateServerRequestPublicNet>(&net).is_err());
}

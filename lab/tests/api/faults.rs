//! What tests can order of the lab under `/_lab`, as a client then sees it.

use serde_json::{Value, json};

use crate::harness::{Api, KEY, TOKEN, until, wish};

/// Status and text of a call around the checking proxy, which must not see what is broken on purpose.
async fn raw(api: &Api, method: &str, path: &str, body: Value) -> reqwest::Result<(u16, String)> {
    let answer = api
        .send(method, &api.url(&format!("/v1{path}")), body)
        .await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

async fn order(api: &Api, path: &str, wish: Value) {
    let (status, body) = api.order("POST", path, wish).await;
    assert!((200..300).contains(&status), "{body}");
}

#[tokio::test]
async fn an_answer_can_be_an_error_a_page_half_or_none() {
    let api = Api::start();
    let key = json!({ "name": "k", "public_key": KEY });
    let conflict = json!({ "status": 409, "code": "conflict", "message": "another change runs" });
    order(
        &api,
        "/faults",
        json!({ "method": "POST", "path": "/ssh_keys", "times": 2, "answer": conflict }),
    )
    .await;
    for _ in 0..2 {
        let (status, body) = api.call("POST", "/ssh_keys", key.clone()).await;
        assert_eq!((status, &body["error"]["code"]), (409, &json!("conflict")));
    }
    let (_, listed) = api.order("GET", "/faults", Value::Null).await;
    assert_eq!(listed["faults"][0]["struck"], 2);

    order(
        &api,
        "/faults",
        json!({ "path": "/ssh_keys", "answer": "gateway" }),
    )
    .await;
    let (status, page) = raw(&api, "GET", "/ssh_keys", Value::Null).await.unwrap();
    assert!(
        status == 502 && page.starts_with("<html>"),
        "{status} {page}"
    );

    order(
        &api,
        "/faults",
        json!({ "path": "/ssh_keys", "answer": "cut", "carry_out": true }),
    )
    .await;
    let broken = raw(&api, "POST", "/ssh_keys", key).await.unwrap_err();
    assert!(
        broken.status().is_none() && !broken.is_connect(),
        "{broken:?}"
    );
    // It was carried out all the same, and nothing strikes any more.
    let (_, body) = api.call("GET", "/ssh_keys", Value::Null).await;
    assert_eq!(body["ssh_keys"][0]["name"], "k");
    let (_, calls) = api.order("GET", "/calls", Value::Null).await;
    let calls = calls["calls"].as_array().unwrap();
    assert_eq!(calls[calls.len() - 2]["status"], Value::Null);

    order(
        &api,
        "/faults",
        json!({ "path": "/ssh_keys/*", "answer": "garbled", "times": 0 }),
    )
    .await;
    let (status, half) = raw(
        &api,
        "GET",
        &format!("/ssh_keys/{}", body["ssh_keys"][0]["id"]),
        Value::Null,
    )
    .await
    .unwrap();
    assert!(
        status == 200 && half.starts_with('{') && serde_json::from_str::<Value>(&half).is_err(),
        "{half}"
    );
    assert_eq!(api.order("DELETE", "/faults", Value::Null).await.0, 204);
    assert_eq!(
        api.call(
            "GET",
            &format!("/ssh_keys/{}", body["ssh_keys"][0]["id"]),
            Value::Null
        )
        .await
        .0,
        200
    );
}

#[tokio::test]
async fn an_answer_can_be_late() {
    let api = Api::start();
    let never = json!({ "path": "/locations", "nth": 2, "delay_ms": 600_000 });
    order(&api, "/faults", never).await;
    let ask = async || api.call("GET", "/locations", Value::Null).await.0;
    assert_eq!(ask().await, 200);
    let forget = async {
        until("the second call waits", async || {
            let (_, listed) = api.order("GET", "/faults", Value::Null).await;
            listed["faults"][0]["struck"] == 1
        })
        .await;
        // One that came after it is answered before it.
        assert_eq!(ask().await, 200);
        let (_, body) = api.order("GET", "/calls", Value::Null).await;
        let calls = body["calls"].as_array().unwrap().iter();
        let answered: Vec<Value> = calls.map(|call| call["status"].clone()).collect();
        assert_eq!(answered, [json!(200), Value::Null, json!(200)]);
        assert_eq!(api.order("DELETE", "/faults", Value::Null).await.0, 204);
    };
    assert_eq!(tokio::join!(ask(), forget).0, 200);
}

#[tokio::test]
async fn a_wrong_order_is_refused_with_a_sentence() {
    let api = Api::start();
    for (path, wrong) in [
        ("/faults", json!({ "answer": "slow" })),
        ("/faults", json!({ "nth": 0 })),
        ("/faults", json!({ "colour": "red" })),
        ("/actions", json!({})),
        ("/actions", json!({ "hold": 101 })),
        ("/actions", json!({ "command": "create_server", "nth": 0 })),
        (
            "/offers",
            json!({ "server_type": "cpx99", "location": "ash" }),
        ),
        ("/budget", json!({ "remaining": 3601 })),
        ("/tokens", json!({})),
    ] {
        let (status, body) = api.order("POST", path, wrong.clone()).await;
        assert_eq!(status, 422, "{path} {wrong}: {body}");
        assert!(
            body["error"]["message"].as_str().unwrap().contains(' '),
            "{body}"
        );
    }
    let stranger = api
        .client
        .get(api.url("/_lab/faults"))
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), 401);
}

#[tokio::test]
async fn actions_take_their_time_and_fail_as_ordered() {
    let api = Api::start();
    order(&api, "/actions", json!({ "command": "create_server", "nth": 2, "code": "server_error", "message": "no host" })).await;
    order(&api, "/actions", json!({ "hold": 0 })).await;
    let (_, made) = api.call("POST", "/servers", wish("a")).await;
    let path = format!("/servers/{}", made["server"]["id"]);
    let action = format!("/actions/{}", made["action"]["id"]);
    for percent in [0, 40, 99] {
        order(&api, "/actions", json!({ "hold": percent })).await;
        let (_, body) = api.call("GET", &action, Value::Null).await;
        let told = (&body["action"]["status"], &body["action"]["progress"]);
        assert_eq!(told, (&json!("running"), &json!(percent)));
        assert_eq!(api.call("DELETE", &path, Value::Null).await.0, 423);
    }
    order(&api, "/actions", json!({ "hold": 100 })).await;
    api.settle(&made["action"]).await;
    api.settle(&made["next_actions"][0]).await;
    assert_eq!(api.call("DELETE", &path, Value::Null).await.0, 200);

    let (_, made) = api.call("POST", "/servers", wish("b")).await;
    let failed = api.ended(&made["action"]).await;
    assert_eq!(
        (&failed["status"], &failed["error"]),
        (
            &json!("error"),
            &json!({ "code": "server_error", "message": "no host" })
        )
    );
    let (_, left) = api
        .call(
            "GET",
            &format!("/servers/{}", made["server"]["id"]),
            Value::Null,
        )
        .await;
    assert_eq!(left["server"]["status"], "off");
}

/// However slow the machine is, an action that is asked for its time has taken it.
#[tokio::test]
async fn an_action_is_not_over_before_its_time() {
    let api = Api::start();
    order(&api, "/actions", json!({ "ms": 1500 })).await;
    let (_, made) = api.call("POST", "/servers", wish("a")).await;
    let ended = api.ended(&made["action"]).await;
    let at = |key: &str| ended[key].as_str().unwrap().to_owned();
    // In whole seconds, which is how the API tells times.
    assert!(at("finished") > at("started"), "{ended}");
}

#[tokio::test]
async fn an_offer_can_be_sold_out_or_retired() {
    let api = Api::start();
    let place = json!({ "server_type": "cpx11", "location": "ash" });
    let offered = async || {
        let (_, body) = api
            .call("GET", "/server_types?name=cpx11", Value::Null)
            .await;
        let all = body["server_types"][0]["locations"]
            .as_array()
            .unwrap()
            .clone();
        all.into_iter()
            .find(|offer| offer["name"] == "ash")
            .unwrap()
    };
    let mut sold_out = place.clone();
    sold_out["available"] = json!(false);
    order(&api, "/offers", sold_out).await;
    assert_eq!(offered().await["available"], false);
    assert_eq!(api.call("POST", "/servers", wish("a")).await.0, 412);
    let mut retired = place;
    retired["deprecation"] = json!({ "announced": "2026-01-01T00:00:00+00:00", "unavailable_after": "2026-02-01T00:00:00+00:00" });
    order(&api, "/offers", retired).await;
    let (status, body) = api.call("POST", "/servers", wish("a")).await;
    assert_eq!(
        (status, body["error"]["message"].as_str()),
        (422, Some("unsupported location for server type"))
    );
    assert_eq!(api.order("DELETE", "/offers", Value::Null).await.0, 204);
    assert_eq!(offered().await["deprecation"], Value::Null);
    assert_eq!(api.call("POST", "/servers", wish("a")).await.0, 201);
}

#[tokio::test]
async fn a_budget_that_is_spent_comes_back_by_the_second() {
    let api = Api::start();
    order(&api, "/budget", json!({ "remaining": 1 })).await;
    assert_eq!(api.call("GET", "/locations", Value::Null).await.0, 200);
    let now = || i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let before = now();
    let refused = api
        .send("GET", &format!("{}/locations", api.endpoint), Value::Null)
        .await
        .unwrap();
    let after = now();
    assert_eq!(refused.status(), 429);
    let number = |name: &str| {
        refused.headers()[name]
            .to_str()
            .unwrap()
            .parse::<i64>()
            .unwrap()
    };
    assert_eq!(
        (number("ratelimit-limit"), number("ratelimit-remaining")),
        (3600, 0)
    );
    let full = number("ratelimit-reset") - 3600;
    assert!((before..=after).contains(&full), "{before} {full} {after}");
    until("a request has come back", async || {
        api.call("GET", "/locations", Value::Null).await.0 == 200
    })
    .await;
}

#[tokio::test]
async fn a_token_may_only_read() {
    let api = Api::start();
    order(
        &api,
        "/tokens",
        json!({ "token": "reader", "readonly": true }),
    )
    .await;
    order(&api, "/tokens", json!({ "token": "writer" })).await;
    let url = format!("{}/ssh_keys", api.endpoint);
    let key = json!({ "name": "k", "public_key": KEY });
    let ask = async |token: &str, read: bool| {
        let request = if read {
            api.client.get(&url)
        } else {
            api.client.post(&url).json(&key)
        };
        let answer = request.bearer_auth(token).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap()["error"]["code"].clone(),
        )
    };
    assert_eq!(ask("reader", true).await, (200, Value::Null));
    assert_eq!(ask("reader", false).await, (401, json!("token_readonly")));
    assert_eq!(ask("nobody", true).await, (401, json!("unauthorized")));
    assert_eq!(ask("writer", false).await, (201, Value::Null));
    assert_eq!(ask(TOKEN, true).await, (200, Value::Null));
}

//! Refusals with their status and code; a case is a line of `refusals.json`.

use serde_json::{Value, json};

use crate::harness::{Api, KEY, TOKEN, wish};

#[tokio::test]
async fn refusals_have_the_codes_of_the_api() {
    let api = Api::start();
    let key = json!({ "name": "one", "public_key": KEY });
    assert_eq!(api.call("POST", "/ssh_keys", key).await.0, 201);
    api.server(wish("taken")).await;
    let cases: Vec<(String, String, Value, u16, String)> =
        serde_json::from_str(include_str!("refusals.json")).unwrap();
    for (method, path, body, status, code) in cases {
        let (got, answer) = api.call(&method, &path, body.clone()).await;
        let said = (got, answer["error"]["code"].as_str());
        assert_eq!(
            said,
            (status, Some(code.as_str())),
            "{method} {path} {body}: {answer}"
        );
    }
}

#[tokio::test]
async fn user_data_has_a_limit() {
    let api = Api::start();
    let mut wish = wish("big");
    wish["user_data"] = json!("x".repeat((32 << 10) + 1));
    let (status, answer) = api.call("POST", "/servers", wish).await;
    assert_eq!(status, 422);
    assert_eq!(answer["error"]["details"]["fields"][0]["name"], "user_data");
}

#[tokio::test]
async fn a_protected_server_stays() {
    let api = Api::start();
    let path = format!("/servers/{}", api.server(wish("kept")).await);
    let protect = |wished: bool| json!({ "delete": wished, "rebuild": wished });
    let action = format!("{path}/actions/change_protection");
    assert_eq!(api.call("POST", &action, protect(true)).await.0, 201);
    let (status, answer) = api.call("DELETE", &path, Value::Null).await;
    assert_eq!(
        (status, answer["error"]["code"].as_str()),
        (423, Some("protected"))
    );
    assert_eq!(api.call("POST", &action, protect(false)).await.0, 201);
    assert_eq!(api.call("DELETE", &path, Value::Null).await.0, 200);
}

#[tokio::test]
async fn what_is_no_json_is_refused_and_a_page_may_be_far() {
    let api = Api::start();
    let url = format!("{}/servers", api.endpoint);
    let deep = "[".repeat(100_000);
    for body in ["{", "null", "\"a\"", deep.as_str()]
        .map(str::as_bytes)
        .into_iter()
        .chain([&b"\xff\xfe"[..]])
    {
        let request = api.client.post(&url).bearer_auth(TOKEN).body(body.to_vec());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(
            answer.json::<Value>().await.unwrap()["error"]["code"],
            "json_error"
        );
    }
    let far = format!("/servers?page={}&per_page=1000", u64::MAX);
    let (status, body) = api.call("GET", &far, Value::Null).await;
    assert_eq!(
        (status, &body["meta"]["pagination"]["per_page"]),
        (200, &json!(50))
    );
}

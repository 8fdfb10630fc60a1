//! `/v1`: `OpenAI`'s protocol over plain HTTP.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::app::App;
use crate::cluster::Database;

const QUESTION: &str = "busco departamento en Equipetrol hasta 200 mil";

fn body(more: Value) -> Value {
    let mut body =
        json!({"model": "citrino-v1", "messages": [{"role": "user", "content": QUESTION}]});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

/// The events of a stream, and that it ended as it must.
fn events(app: &App, body: &Value) -> Vec<Value> {
    let answer = app.post("/v1/chat/completions", body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    // On a connection of its own, so what is left of chunking are the lines between events.
    let mut data: Vec<&str> = answer
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(data.pop(), Some("[DONE]"));
    data.into_iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect()
}

#[test]
fn models_are_listed() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let list = app.get("/v1/models").json();
    assert_eq!(
        (&list["object"], &list["data"][0]["id"]),
        (&json!("list"), &json!("citrino-v1"))
    );
    assert_eq!(app.get("/v1/models/citrino-v1").json(), list["data"][0]);
    let none = app.get("/v1/models/gpt-9");
    assert_eq!(
        (none.status, &none.json()["error"]["code"]),
        (404, &json!("model_not_found"))
    );
}

#[test]
fn a_completion_is_whole_or_streamed_and_the_same() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let whole = app.post("/v1/chat/completions", &body(json!({}))).json();
    assert_eq!(
        (&whole["object"], &whole["choices"][0]["finish_reason"]),
        (&json!("chat.completion"), &json!("stop"))
    );
    let usage = &whole["usage"];
    let count = |key: &str| usage[key].as_u64().unwrap();
    assert!(count("prompt_tokens") > 0 && count("completion_tokens") > 0);
    assert_eq!(
        count("total_tokens"),
        count("prompt_tokens") + count("completion_tokens")
    );
    assert_eq!(
        whole["citrino"]["recomendaciones"]
            .as_array()
            .unwrap()
            .len(),
        6
    );

    let streamed = body(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let events = events(&app, &streamed);
    let ids: HashSet<&str> = events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 1);
    assert!(!ids.contains(whole["id"].as_str().unwrap()));
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(
        events[0]["citrino"]["recomendaciones"],
        whole["citrino"]["recomendaciones"]
    );
    let text: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, content(&whole));
    let last = &events[events.len() - 2];
    assert_eq!(
        (
            &last["choices"][0]["finish_reason"],
            &last["citrino"]["llm_usado"]
        ),
        (&json!("stop"), &json!(false))
    );
    let counted = events.last().unwrap();
    assert_eq!(
        (&counted["choices"], &counted["usage"]),
        (&json!([]), usage)
    );
}

#[test]
fn ids_are_unique() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let id = || app.post("/v1/chat/completions", &body(json!({}))).json()["id"].to_string();
    let ids: HashSet<String> = (0..20).map(|_| id()).collect();
    assert_eq!(ids.len(), 20);
}

#[test]
fn limits_parts_and_history_are_honoured() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let post = |more: Value| app.post("/v1/chat/completions", &body(more)).json();
    let whole = post(json!({}));

    let short = post(json!({"max_tokens": 5}));
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    assert_eq!(content(&short), &content(&whole)[..20]);
    assert_eq!(short["usage"]["completion_tokens"], 5);

    let stopped = post(json!({"stop": ["#", "nunca"]}));
    assert_eq!(
        content(&stopped),
        content(&whole).split('#').next().unwrap()
    );
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");

    let parts = post(
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]}),
    );
    assert_eq!(content(&parts), content(&whole));

    let later = post(json!({"messages": [
        {"role": "system", "content": "Sé breve."},
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "Hay varios."},
        {"role": "user", "content": "¿y en Urubó?"},
    ]}));
    let understood = &later["citrino"]["entendido"];
    assert_eq!(
        (&understood["zonas"], &understood["presupuesto_max"]),
        (&json!(["Urubó"]), &json!(200_000.0))
    );
}

#[test]
fn errors_have_openais_shape() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let user = json!([{"role": "user", "content": "hola"}]);
    for (body, status, param) in [
        (json!({}), 400, "model"),
        (json!({"model": "citrino-v1"}), 400, "messages"),
        (
            json!({"model": "citrino-v1", "messages": []}),
            400,
            "messages",
        ),
        (
            json!({"model": "citrino-v1", "messages": [{"role": "user", "content": ""}]}),
            400,
            "messages[0].content",
        ),
        (
            json!({"model": "citrino-v1", "messages": [{"role": "jefe", "content": "x"}]}),
            400,
            "messages[0].role",
        ),
        (
            json!({"model": "citrino-v1", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
            400,
            "messages[0].content",
        ),
        (
            json!({"model": "citrino-v1", "messages": user, "temperature": 3}),
            400,
            "temperature",
        ),
        (
            json!({"model": "citrino-v1", "messages": user, "max_tokens": 0}),
            400,
            "max_tokens",
        ),
        (
            json!({"model": "citrino-v1", "messages": user, "stop": [""]}),
            400,
            "stop",
        ),
        (
            json!({"model": "citrino-v1", "messages": user, "stream": "yes"}),
            400,
            "stream",
        ),
        (
            json!({"model": "citrino-v1", "messages": user, "n": 2}),
            400,
            "n",
        ),
        (
            json!({"model": "citrino-v1", "messages": user, "response_format": {"type": "json_object"}}),
            400,
            "response_format",
        ),
    ] {
        let answer = app.post("/v1/chat/completions", &body);
        let error = answer.json()["error"].clone();
        assert_eq!(
            (answer.status, &error["param"]),
            (status, &json!(param)),
            "{body}"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert!(
            error["message"].is_string() && error["code"].is_string(),
            "{error}"
        );
    }
    let kind = "content-type: application/json";
    for (method, path, body, status) in [
        ("POST", "/v1/chat/completions", "{\"model\": ", 400),
        ("GET", "/v1/chat/completions", "", 405),
        ("GET", "/v1/nada", "", 404),
    ] {
        let answer = app.ask(method, path, &[kind], body);
        assert_eq!(
            (answer.status, &answer.json()["error"]["type"]),
            (status, &json!("invalid_request_error"))
        );
        assert!(answer.header("x-request-id").is_some());
    }
    let unknown = app.post(
        "/v1/chat/completions",
        &json!({"model": "gpt-9", "messages": user}),
    );
    assert_eq!(
        (unknown.status, &unknown.json()["error"]["code"]),
        (404, &json!("model_not_found"))
    );
}

#[test]
fn without_a_database_the_answer_is_an_error_even_when_streaming() {
    let Some(database) = Database::bare() else {
        return;
    };
    let app = App::start(&database);
    let answer = app.post("/v1/chat/completions", &body(json!({"stream": true})));
    assert_eq!(
        (answer.status, &answer.json()["error"]["type"]),
        (503, &json!("server_error"))
    );
}

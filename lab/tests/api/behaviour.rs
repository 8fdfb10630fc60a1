//! What hangs together: the door, firewalls and labels, lists and the state on disk.

use serde_json::{Value, json};

use crate::harness::{Api, KEY, TOKEN, wish};

#[tokio::test]
async fn the_door_wants_the_token_and_marks_every_answer() {
    let api = Api::start();
    let url = format!("{}/servers", api.endpoint);
    let refused = api
        .client
        .get(&url)
        .bearer_auth("wrong")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.json::<Value>().await.unwrap()["error"]["code"],
        "unauthorized"
    );
    let answer = api
        .client
        .get(&url)
        .bearer_auth(TOKEN)
        .send()
        .await
        .unwrap();
    for header in [
        "x-correlation-id",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
    ] {
        assert!(answer.headers().contains_key(header), "{header}");
    }
    let malformed = api
        .client
        .post(&url)
        .bearer_auth(TOKEN)
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(malformed.status(), 400);
    assert_eq!(
        malformed.json::<Value>().await.unwrap()["error"]["code"],
        "json_error"
    );
    let key = json!({ "name": "k", "public_key": KEY });
    let id = api.call("POST", "/ssh_keys", key).await.1["ssh_key"]["id"].clone();
    let gone = api
        .client
        .delete(format!("{}/ssh_keys/{id}", api.endpoint))
        .bearer_auth(TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 204);
    assert!(!gone.headers().contains_key("content-type"));
}

#[tokio::test]
async fn firewalls_follow_servers_by_id_and_label() {
    let api = Api::start();
    let mut labelled = wish("web");
    labelled["labels"] = json!({ "app": "x" });
    let server = api.server(labelled).await;
    let by_label =
        json!([{ "type": "label_selector", "label_selector": { "selector": "app in (x, y)" } }]);
    let by_id = json!([{ "type": "server", "server": { "id": server } }]);
    let (_, made) = api
        .call(
            "POST",
            "/firewalls",
            json!({ "name": "f", "apply_to": by_label }),
        )
        .await;
    let firewall = made["firewall"]["id"].clone();
    assert_eq!(
        made["firewall"]["applied_to"][0]["applied_to_resources"],
        by_id
    );
    let shown = async || {
        api.call("GET", &format!("/servers/{server}"), Value::Null)
            .await
            .1["server"]["public_net"]["firewalls"]
            .clone()
    };
    assert_eq!(
        shown().await,
        json!([{ "id": firewall, "status": "applied" }])
    );
    api.call(
        "PUT",
        &format!("/servers/{server}"),
        json!({ "labels": {} }),
    )
    .await;
    assert_eq!(shown().await, json!([]));
    let apply = format!("/firewalls/{firewall}/actions/apply_to_resources");
    assert_eq!(
        api.call("POST", &apply, json!({ "apply_to": by_id }))
            .await
            .0,
        201
    );
    let (status, again) = api.call("POST", &apply, json!({ "apply_to": by_id })).await;
    assert_eq!(
        (status, again["error"]["code"].as_str()),
        (422, Some("firewall_already_applied"))
    );
    let (status, used) = api
        .call("DELETE", &format!("/firewalls/{firewall}"), Value::Null)
        .await;
    assert_eq!(
        (status, used["error"]["code"].as_str()),
        (422, Some("resource_in_use"))
    );
}

#[tokio::test]
async fn lists_are_paged_sorted_and_survive_the_process() {
    let mut api = Api::start();
    for name in ["c", "a", "b"] {
        api.server(wish(name)).await;
    }
    api.restart();
    let names = |body: &Value| -> Vec<String> {
        body["servers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|server| server["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, first) = api
        .call("GET", "/servers?sort=name:desc&per_page=2", Value::Null)
        .await;
    assert_eq!(names(&first), ["c", "b"]);
    assert_eq!(
        first["meta"]["pagination"],
        json!({ "page": 1, "per_page": 2, "previous_page": null, "next_page": 2, "last_page": 2, "total_entries": 3 })
    );
    let (_, second) = api
        .call(
            "GET",
            "/servers?sort=name:desc&per_page=2&page=2",
            Value::Null,
        )
        .await;
    assert_eq!(names(&second), ["a"]);
    let (_, of_one) = api.call("GET", "/servers?name=b", Value::Null).await;
    let id = &of_one["servers"][0]["id"];
    let (_, history) = api
        .call(
            "GET",
            &format!("/servers/{id}/actions?status=success"),
            Value::Null,
        )
        .await;
    assert_eq!(history["actions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn who_has_read_enough_is_no_fault() {
    let api = Api::start();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = api.program(&["env"]).stdout(writer).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

//! A walk over every route of the lab. The steps are those of all the stories; the lab says which
//! routes there are, and one that no step takes with success fails the test.

use serde_json::{Value, json};

use crate::harness::Api;
use crate::openapi::DOCUMENT;
use crate::spec::fits;
use crate::stories::{ALL, play};

/// Method and path.
type Route = (String, String);

#[tokio::test]
async fn every_route_is_walked_and_answers_as_hetzner_documents_it() {
    let mut open = routes(&Api::start()).await;
    let (all, mut calls) = (open.len(), 0);
    for (name, story) in ALL {
        let api = Api::start();
        play(&api, name, story).await;
        let taken = taken(&api).await;
        calls += taken.len();
        for call in taken {
            close(&mut open, &call);
        }
    }
    assert!(
        open.is_empty(),
        "of {all} routes no story takes these: {open:?}"
    );
    let compared = if DOCUMENT.is_some() {
        "and compared"
    } else {
        "and not compared"
    };
    println!(
        "{all} routes walked in {calls} calls that went well, {compared} with Hetzner's document"
    );
}

fn route(value: &Value) -> Route {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    (text("method"), text("path"))
}

async fn routes(api: &Api) -> Vec<Route> {
    let (_, body) = api.order("GET", "/routes", Value::Null).await;
    body["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(route)
        .collect()
}

/// The calls that went well; what is gone for ever can be walked no other way than to be told so.
async fn taken(api: &Api) -> Vec<Route> {
    let (_, body) = api.order("GET", "/calls", Value::Null).await;
    let went_well = |call: &&Value| matches!(call["status"].as_u64(), Some(200..300 | 410));
    body["calls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(went_well)
        .map(route)
        .collect()
}

/// Of several routes that fit, it is the one with the fewest variables, as the router has it.
fn close(open: &mut Vec<Route>, (method, path): &Route) {
    let fitting = open
        .iter()
        .enumerate()
        .filter(|(_, route)| route.0 == *method && fits(&route.1, path));
    let nearest = fitting.min_by_key(|(_, route)| route.1.matches('{').count());
    if let Some(index) = nearest.map(|(index, _)| index) {
        open.remove(index);
    }
}

#[tokio::test]
async fn the_lab_remembers_calls_until_it_is_told_to_forget() {
    let api = Api::start();
    assert_eq!(api.order("DELETE", "/calls", Value::Null).await.0, 204);
    api.call("GET", "/servers?name=a", Value::Null).await;
    let (_, body) = api.order("GET", "/calls", Value::Null).await;
    let call = &body["calls"][0];
    assert_eq!(
        [
            &call["method"],
            &call["path"],
            &call["query"],
            &call["status"]
        ],
        [
            &json!("GET"),
            &json!("/servers"),
            &json!("name=a"),
            &json!(200)
        ]
    );
    assert_eq!(body["calls"].as_array().unwrap().len(), 1);
}

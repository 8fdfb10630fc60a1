//! A server belongs to one host of one stack, and its labels say to which.

use citrino_ops::config::stack::Host;
use citrino_ops::core::error::{Code, code};
use citrino_ops::core::plan::Mode;
use citrino_ops::core::role::Roles;
use citrino_ops::hetzner::labels;
use serde_json::{Value, json};

use crate::double::Double;
use crate::run::{birth, host, is_whole, run, stack, wishes};

/// Kinds of which each resource belongs to one host.
const OF_ONE_HOST: [&str; 3] = ["servers", "primary_ips", "volumes"];
const ALL: &str = ", network: 10.42.0.0/16, volume_gb: 10";

/// One of several hosts of a stack.
fn one_of(stack: &str, name: &str) -> Host {
    Host {
        stack: stack.parse().unwrap(),
        name: name.parse().unwrap(),
        roles: Roles::every(),
        is_only: false,
    }
}

/// A server with these labels, and its id.
fn server(double: &Double, name: &str, labels: &Value) -> i64 {
    let body = json!({"name": name, "server_type": "cpx11", "location": "ash", "image": "debian-12", "labels": labels});
    double.by_hand("/servers", &body);
    let all = double.all("servers").into_iter();
    let mut ids = all.filter(|one| one["name"] == name);
    ids.next().unwrap()["id"].as_i64().unwrap()
}

/// The label of the host of everything that has one to have.
fn hosts(double: &Double) -> Vec<Value> {
    let all = OF_ONE_HOST.iter().flat_map(|kind| double.all(kind));
    all.map(|one| one["labels"][labels::HOST].clone()).collect()
}

#[tokio::test]
async fn what_belongs_to_a_host_is_made_with_its_label_and_what_is_shared_without() {
    let double = Double::start();
    let (tally, told) = run(&double.api(), Mode::Apply, wishes(&stack(ALL), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    assert_eq!(
        hosts(&double),
        [json!("prod"), json!("prod"), json!("prod"), json!("prod")]
    );
    for kind in ["firewalls", "ssh_keys", "networks"] {
        assert_eq!(double.only(kind)["labels"], json!({labels::STACK: "prod"}));
    }
    assert!(
        !told.contains(r#""host":"#),
        "a run of the cloud is of no host\n{told}"
    );
}

#[tokio::test]
async fn what_an_earlier_version_made_is_found_and_gets_the_label() {
    let double = Double::start();
    let (api, stack) = (double.api(), stack(ALL));
    run(&api, Mode::Apply, wishes(&stack, 0)).await;
    let made = double.only("servers");
    for kind in OF_ONE_HOST {
        for one in double.all(kind) {
            let mut labels = one["labels"].clone();
            labels.as_object_mut().unwrap().remove(labels::HOST);
            labels["kept"] = json!("yes");
            double.call(
                "PUT",
                &format!("/{kind}/{}", one["id"]),
                &json!({"labels": labels}),
            );
        }
    }
    assert_eq!(
        hosts(&double),
        [json!(null), json!(null), json!(null), json!(null)]
    );
    let found = api.server_of(&host()).await.unwrap().unwrap();
    assert_eq!(json!(found.id), made["id"]);

    let (tally, told) = run(&api, Mode::Check, wishes(&stack, 1)).await;
    assert_eq!((tally.differs, tally.failed), (4, 0), "{told}");
    assert_eq!(
        told.matches("label citrino-ops/host=prod is missing")
            .count(),
        4,
        "{told}"
    );
    double.forget_calls();
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack, 1)).await;
    assert_eq!((tally.changed, tally.failed), (4, 0), "{told}");
    let mut writes = double.calls();
    writes.retain(|call| !call.starts_with("GET"));
    assert_eq!(writes.len(), 4, "one call each: {writes:?}");
    is_whole(&double, &stack, "labelled").await;
    for kind in OF_ONE_HOST {
        for one in double.all(kind) {
            assert_eq!(one["labels"][labels::HOST], "prod");
            assert_eq!(one["labels"]["kept"], "yes");
        }
    }
    let pin = &double.only("servers")["labels"][labels::BOOTSTRAP_KEY];
    assert_eq!(*pin, birth(0).pin);
}

#[tokio::test]
async fn hosts_of_one_name_in_two_stacks_are_not_mixed_up() {
    let double = Double::start();
    let labels = |stack: &str| json!({labels::STACK: stack, labels::HOST: "web-1"});
    let ours = server(&double, "shop-web", &labels("shop"));
    let theirs = server(&double, "shop-2-web", &labels("shop-2"));
    let api = double.api();
    for (stack, id) in [("shop", ours), ("shop-2", theirs)] {
        let found = api.server_of(&one_of(stack, "web-1")).await.unwrap();
        assert_eq!(found.unwrap().id, id, "{stack}");
    }
    assert_eq!(
        api.server_of(&one_of("other", "web-1")).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn of_several_hosts_each_has_the_server_with_its_label_alone() {
    let double = Double::start();
    let labels = |host: &str| json!({labels::STACK: "prod", labels::HOST: host});
    let web = server(&double, "web", &labels("web-1"));
    let database = server(&double, "database", &labels("db-1"));
    // No one can say whose this one is.
    server(&double, "older", &json!({labels::STACK: "prod"}));
    let api = double.api();
    for (name, id) in [
        ("web-1", Some(web)),
        ("db-1", Some(database)),
        ("web-2", None),
    ] {
        let found = api.server_of(&one_of("prod", name)).await.unwrap();
        assert_eq!(found.map(|found| found.id), id, "{name}");
    }
    server(&double, "second", &labels("web-1"));
    let error = api.server_of(&one_of("prod", "web-1")).await.unwrap_err();
    assert_eq!(code(&error), Code::E0311);
    let selector = "2 servers have the label citrino-ops/stack=prod,citrino-ops/host=web-1";
    assert!(error.to_string().contains(selector), "{error}");
    // With one host, two servers of the stack are one too many, whatever else their labels say.
    let error = api.server_of(&host()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("4 servers have the label citrino-ops/stack=prod:"),
        "{error}"
    );
}

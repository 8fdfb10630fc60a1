//! A server belongs to one host of one stack, and its labels say to which.

use citrino_ops::config::stack::Host;
use citrino_ops::core::error::{Code, code};
use citrino_ops::core::plan::Mode;
use citrino_ops::core::role::Roles;
use citrino_ops::hetzner::labels;
use serde_json::{Value, json};

use crate::fake_api::FakeApi;
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
fn server(fake: &FakeApi, name: &str, labels: &Value) -> i64 {
    let body = json!({"name": name, "server_type": "cpx11", "location": "ash", "image": "debian-12", "labels": labels});
    fake.by_hand("/servers", &body);
    let all = fake.all("servers").into_iter();
    let mut ids = all.filter(|one| one["name"] == name);
    ids.next().unwrap()["id"].as_i64().unwrap()
}

/// The label of the host of everything that has one to have.
fn hosts(fake: &FakeApi) -> Vec<Value> {
    let all = OF_ONE_HOST.iter().flat_map(|kind| fake.all(kind));
    all.map(|one| one["labels"][labels::HOST].clone()).collect()
}

#[tokio::test]
async fn what_belongs_to_a_host_is_made_with_its_label_and_what_is_shared_without() {
    let fake = FakeApi::start();
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(ALL), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    assert_eq!(
        hosts(&fake),
        [json!("prod"), json!("prod"), json!("prod"), json!("prod")]
    );
    for kind in ["firewalls", "ssh_keys", "networks"] {
        assert_eq!(fake.only(kind)["labels"], json!({labels::STACK: "prod"}));
    }
    assert!(
        !told.contains(r#""host":"#),
        "a run of the cloud is of no host\n{told}"
    );
}

#[tokio::test]
async fn what_an_earlier_version_made_is_found_and_gets_the_label() {
    let fake = FakeApi::start();
    let (api, stack) = (fake.api(), stack(ALL));
    run(&api, Mode::Apply, wishes(&stack, 0)).await;
    let made = fake.only("servers");
    for kind in OF_ONE_HOST {
        for one in fake.all(kind) {
            let mut labels = one["labels"].clone();
            labels.as_object_mut().unwrap().remove(labels::HOST);
            labels["kept"] = json!("yes");
            fake.call(
                "PUT",
                &format!("/{kind}/{}", one["id"]),
                &json!({"labels": labels}),
            );
        }
    }
    assert_eq!(
        hosts(&fake),
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
    fake.forget_calls();
    let (tally, told) = run(&api, Mode::Apply, wishes(&stack, 1)).await;
    assert_eq!((tally.changed, tally.failed), (4, 0), "{told}");
    let mut writes = fake.calls();
    writes.retain(|call| !call.starts_with("GET"));
    assert_eq!(writes.len(), 4, "one call each: {writes:?}");
    is_whole(&fake, &stack, "labelled").await;
    for kind in OF_ONE_HOST {
        for one in fake.all(kind) {
            assert_eq!(one["labels"][labels::HOST], "prod");
            assert_eq!(one["labels"]["kept"], "yes");
        }
    }
    let pin = &fake.only("servers")["labels"][labels::BOOTSTRAP_KEY];
    assert_eq!(*pin, birth(0).pin);
}

#[tokio::test]
async fn hosts_of_one_name_in_two_stacks_are_not_mixed_up() {
    let fake = FakeApi::start();
    let labels = |stack: &str| json!({labels::STACK: stack, labels::HOST: "web-1"});
    let ours = server(&fake, "shop-web", &labels("shop"));
    let theirs = server(&fake, "shop-2-web", &labels("shop-2"));
    let api = fake.api();
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
    let fake = FakeApi::start();
    let labels = |host: &str| json!({labels::STACK: "prod", labels::HOST: host});
    let web = server(&fake, "web", &labels("web-1"));
    let database = server(&fake, "database", &labels("db-1"));
    // No one can say whose this one is.
    server(&fake, "older", &json!({labels::STACK: "prod"}));
    let api = fake.api();
    for (name, id) in [
        ("web-1", Some(web)),
        ("db-1", Some(database)),
        ("web-2", None),
    ] {
        let found = api.server_of(&one_of("prod", name)).await.unwrap();
        assert_eq!(found.map(|found| found.id), id, "{name}");
    }
    server(&fake, "second", &labels("web-1"));
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

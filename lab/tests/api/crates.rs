//! The answers as the `hcloud` crate reads them: its enums are closed, and it misses no field.

use hcloud::apis::{
    Error, actions_api, firewalls_api, images_api, locations_api, pricing_api, primary_ips_api,
    server_types_api, servers_api, ssh_keys_api,
};
use hcloud::models;
use serde_json::{Value, json};

use crate::harness::{Api, KEY};

/// The crate does not read this answer any more, for want of a field.
fn misses<T, E: std::fmt::Debug>(answer: Result<T, Error<E>>, field: &str) {
    match answer {
        Err(Error::Serde(error)) => assert!(error.to_string().contains(field), "{error}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it is read again"),
    }
}

#[tokio::test]
async fn the_hcloud_crate_reads_every_list_that_has_neither_types_nor_images() {
    let api = Api::start();
    let conf = api.crate_configuration();
    // Since November 2026 types and images have no `deprecated`, which the crate's models want.
    let types = server_types_api::list_server_types(
        &conf,
        server_types_api::ListServerTypesParams::default(),
    )
    .await;
    misses(types, "deprecated");
    let images = images_api::list_images(&conf, images_api::ListImagesParams::default()).await;
    misses(images, "deprecated");
    let places =
        locations_api::list_locations(&conf, locations_api::ListLocationsParams::default())
            .await
            .unwrap();
    assert_eq!(places.locations.len(), 6);
    assert_eq!(
        pricing_api::list_prices(&conf)
            .await
            .unwrap()
            .pricing
            .currency,
        "EUR"
    );
}

#[tokio::test]
async fn the_hcloud_crate_makes_and_removes_a_server() {
    let api = Api::start();
    let conf = api.crate_configuration();
    let create_ssh_key_request =
        models::CreateSshKeyRequest::new("operator".to_owned(), KEY.to_owned());
    let key = ssh_keys_api::create_ssh_key(
        &conf,
        ssh_keys_api::CreateSshKeyParams {
            create_ssh_key_request,
        },
    )
    .await
    .unwrap();
    let mut rule = models::Rule::new(models::rule::Direction::In, models::rule::Protocol::Tcp);
    rule.port = Some(Some("22".to_owned()));
    rule.source_ips = Some(vec!["0.0.0.0/0".to_owned()]);
    let mut create_firewall_request = models::CreateFirewallRequest::new("fw".to_owned());
    create_firewall_request.rules = Some(vec![rule]);
    let firewall = firewalls_api::create_firewall(
        &conf,
        firewalls_api::CreateFirewallParams {
            create_firewall_request,
        },
    )
    .await
    .unwrap();
    let firewall = firewall.firewall.expect("a firewall").id;

    let mut create_server_request = models::CreateServerRequest::new(
        "debian-12".to_owned(),
        "web".to_owned(),
        "cpx11".to_owned(),
    );
    create_server_request.location = Some("hil".to_owned());
    create_server_request.ssh_keys = Some(vec![key.ssh_key.name]);
    create_server_request.firewalls = Some(vec![models::CreateServerRequestFirewalls { firewall }]);
    let made = servers_api::create_server(
        &conf,
        servers_api::CreateServerParams {
            create_server_request,
        },
    )
    .await;
    // It was made: its answer contains a type.
    misses(made, "deprecated");
    let (_, begun) = api.call("GET", "/servers/actions", Value::Null).await;
    let ids: Vec<i64> = begun["actions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|action| action["command"] != "apply_firewall")
        .map(|action| action["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    let actions =
        actions_api::get_multiple_actions(&conf, actions_api::GetMultipleActionsParams { id: ids })
            .await
            .unwrap();
    assert_eq!(actions.actions[0].command, "create_server");
    assert_eq!(actions.actions.len(), 2);

    let (_, listed) = api.call("GET", "/servers", Value::Null).await;
    let server = &listed["servers"][0];
    assert_eq!(server["location"]["name"], "hil");
    assert_eq!(
        server["public_net"]["firewalls"].as_array().unwrap().len(),
        1
    );
    let ips =
        primary_ips_api::list_primary_ips(&conf, primary_ips_api::ListPrimaryIpsParams::default())
            .await
            .unwrap();
    assert_eq!(ips.primary_ips.len(), 2);
    for action in &actions.actions {
        api.settle(&json!({ "id": action.id })).await;
    }

    let gone = servers_api::delete_server(
        &conf,
        servers_api::DeleteServerParams {
            id: server["id"].as_i64().unwrap(),
        },
    )
    .await
    .unwrap();
    api.settle(&json!({ "id": gone.action.unwrap().id })).await;
    let (_, left) = api.call("GET", "/primary_ips", Value::Null).await;
    assert_eq!(left["primary_ips"], json!([]));
    let (status, body) = api
        .call("DELETE", &format!("/firewalls/{firewall}"), Value::Null)
        .await;
    assert_eq!((status, body), (204, Value::Null));
}

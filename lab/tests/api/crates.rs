//! The answers as the `hcloud` crate reads them: its enums are closed, and it misses no field.

use hcloud::apis::{
    actions_api, firewalls_api, images_api, locations_api, pricing_api, primary_ips_api,
    server_types_api, servers_api, ssh_keys_api,
};
use hcloud::models;
use serde_json::{Value, json};

use crate::harness::{Api, KEY};

#[tokio::test]
async fn the_hcloud_crate_reads_every_list() {
    let api = Api::start();
    let conf = api.crate_configuration();
    let types = server_types_api::list_server_types(
        &conf,
        server_types_api::ListServerTypesParams::default(),
    )
    .await
    .unwrap();
    assert!(types.server_types.iter().any(|found| found.name == "cpx11"));
    let images = images_api::list_images(&conf, images_api::ListImagesParams::default())
        .await
        .unwrap();
    // Each name comes once for each architecture.
    let systems = images
        .images
        .iter()
        .filter(|image| image.name.as_deref() == Some("debian-12"));
    assert_eq!(systems.count(), 2);
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
    .await
    .unwrap();
    assert_eq!(made.action.command, "create_server");
    assert_eq!(made.root_password, None);
    let ids: Vec<i64> = std::iter::once(made.action.id)
        .chain(made.next_actions.iter().map(|action| action.id))
        .collect();
    assert_eq!(ids.len(), 2);
    let actions =
        actions_api::get_multiple_actions(&conf, actions_api::GetMultipleActionsParams { id: ids })
            .await
            .unwrap();
    assert_eq!(actions.actions.len(), 2);

    let listed = servers_api::list_servers(&conf, servers_api::ListServersParams::default())
        .await
        .unwrap();
    assert_eq!(listed.servers[0].location.name, "hil");
    assert_eq!(
        listed.servers[0]
            .public_net
            .firewalls
            .as_ref()
            .unwrap()
            .len(),
        1
    );
    let ips =
        primary_ips_api::list_primary_ips(&conf, primary_ips_api::ListPrimaryIpsParams::default())
            .await
            .unwrap();
    assert_eq!(ips.primary_ips.len(), 2);
    for action in [
        json!({ "id": made.action.id }),
        json!({ "id": made.next_actions[0].id }),
    ] {
        api.settle(&action).await;
    }

    let gone = servers_api::delete_server(
        &conf,
        servers_api::DeleteServerParams { id: made.server.id },
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

//! The catalogue here is written by hand after the shape of the API's answers.

use serde_json::json;
use time::macros::datetime;

use super::*;
use crate::core::error::error_info;

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

fn types() -> Vec<ServerType> {
    let ended =
        json!({"announced": "2025-10-16T00:00:00Z", "unavailable_after": "2025-12-31T23:59:59Z"});
    let ending =
        json!({"announced": "2026-10-16T00:00:00Z", "unavailable_after": "2026-12-31T23:59:59Z"});
    let price =
        |location: &str, net: &str| json!({"location": location, "price_monthly": {"net": net}});
    let kind =
        |name: &str, memory: f64, locations: serde_json::Value, prices: serde_json::Value| {
            json!({"name": name, "cores": 2, "memory": memory, "disk": 40, "architecture": "x86",
            "locations": locations, "prices": prices})
        };
    serde_json::from_value(json!([
        kind("cpx11", 2.0,
            json!([{"name": "nbg1", "deprecation": ended, "available": false}, {"name": "ash", "deprecation": null, "available": true}]),
            json!([price("nbg1", "5.99"), price("ash", "17.49")])),
        kind("cpx12", 2.0, json!([{"name": "nbg1"}]), json!([price("nbg1", "11.49")])),
        kind("cx23", 4.0, json!([{"name": "nbg1", "available": true}]), json!([price("nbg1", "5.49")])),
        kind("cx33", 8.0, json!([{"name": "nbg1", "available": false}]), json!([price("nbg1", "8.49")])),
        kind("cx99", 1.0, json!([{"name": "nbg1", "deprecation": ending}]), json!([price("nbg1", "1.00")])),
    ]))
    .unwrap()
}

fn images() -> Vec<Image> {
    serde_json::from_value(json!([
        {"id": 1, "name": "debian-12", "architecture": "x86", "deprecated": null},
        {"id": 2, "name": "debian-11", "architecture": "x86", "deprecated": "2026-06-01T00:00:00Z"},
        {"id": 3, "name": "ubuntu-22.04", "architecture": "x86", "deprecated": "2026-11-01T00:00:00Z"},
    ]))
    .unwrap()
}

fn pricing() -> Pricing {
    serde_json::from_value(json!({
        "image": {"price_per_gb_month": {"net": "0.0100"}},
        "currency": "EUR", "vat_rate": "19.000000", "server_backup": {"percentage": "20.0"},
        "primary_ips": [{"type": "ipv4", "prices": [
            {"location": "nbg1", "price_monthly": {"net": "0.5000"}},
            {"location": "ash", "price_monthly": {"net": "0.5000"}}]}]
    }))
    .unwrap()
}

fn cloud(yaml: &str) -> Cloud {
    serde_yaml::from_str(&format!("{{ssh_keys: [k], {yaml}}}")).unwrap()
}

/// `exists`: the server already exists in the desired state, whatever its image is called.
fn offer(yaml: &str, exists: bool) -> Result<Offer> {
    let cloud = cloud(yaml);
    let mut server = ServerView::default();
    server.fields.server_type = cloud.server_type.to_string();
    server.fields.location = cloud.location.to_string();
    offer_beside(&cloud, exists.then_some(&server))
}

fn offer_beside(cloud: &Cloud, server: Option<&ServerView>) -> Result<Offer> {
    complete(
        choose_type(&types(), cloud, server, NOW)?,
        &images(),
        &pricing(),
        cloud,
        2.0,
    )
}

#[test]
fn a_rescale_must_be_orderable_and_fit() {
    let mut server = ServerView {
        name: "prod".into(),
        ..ServerView::default()
    };
    server.fields.server_type = "cpx12".into();
    server.fields.disk_gb = 40;
    let wished = |name: &str| {
        cloud(&format!(
            "server_type: {name}, location: nbg1, image: debian-12"
        ))
    };
    assert!(offer_beside(&wished("cx23"), Some(&server)).is_ok());
    let error = offer_beside(&wished("cpx11"), Some(&server)).unwrap_err();
    assert!(error.to_string().contains("cannot be ordered in nbg1"));
    server.fields.disk_gb = 80;
    let error = offer_beside(&wished("cx23"), Some(&server)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "server prod cannot become a cx23: its disk of 80 GB does not fit into the 40 GB of cx23, and a disk cannot shrink"
    );
}

#[test]
fn a_rescale_says_what_is_given_up_and_whether_it_comes_back() {
    let mut server = ServerView::default();
    server.fields.disk_gb = 40;
    let mut notes = |from: &str, location: &str, to: &str| {
        from.clone_into(&mut server.fields.server_type);
        location.clone_into(&mut server.fields.location);
        let yaml = format!("server_type: {to}, location: {location}, image: debian-12");
        let offer = offer_beside(&cloud(&yaml), Some(&server)).unwrap();
        offer.notes.join("; ")
    };
    let says = notes("cpx12", "nbg1", "cx23");
    assert!(
        says.contains("gives up the cpx12 and the price that it was ordered at; it can be ordered again in nbg1 for 11.49 EUR per month net"),
        "{says}"
    );
    let says = notes("cpx11", "nbg1", "cx23");
    assert!(
        says.contains(
            "cannot be ordered in nbg1 since 2025-12-31, so there is no way back to it now"
        ),
        "{says}"
    );
    let says = notes("cx99", "nbg1", "cx23");
    assert!(
        says.ends_with("for 1.00 EUR per month net, until 2026-12-31"),
        "{says}"
    );
    let says = notes("cx11", "nbg1", "cx23");
    assert!(says.contains("no longer offers the type"), "{says}");
}

fn refusal(yaml: &str) -> String {
    let trouble = error_info(&offer(yaml, false).unwrap_err());
    format!(
        "{} {} [{}]",
        trouble.code,
        trouble.message,
        trouble.hint.unwrap_or_default()
    )
}

#[test]
fn an_offer_has_all_that_a_month_costs() {
    let offer = offer(
        "server_type: cpx11, location: ash, image: debian-12, backups: true",
        false,
    )
    .unwrap();
    assert_eq!(format!("{:.3}", offer.cost.total()), "21.508");
    assert_eq!(offer.notes, Vec::<String>::new());
}

#[test]
fn a_type_that_cannot_be_ordered_is_refused_with_where_and_what_can_be_had() {
    assert_eq!(
        refusal("server_type: cpx11, location: nbg1, image: debian-12"),
        "E0304 server type cpx11 cannot be ordered in nbg1 since 2025-12-31; it is available in ash (17.49 EUR/month) \
         [available in nbg1, net per month: cx23 5.49 EUR (2 vCPU, 4 GB), cpx12 11.49 EUR (2 vCPU, 2 GB)]"
    );
    let text = refusal("server_type: cpx11, location: hel1, image: debian-12");
    assert!(
        text.contains("is not offered in hel1; it is available in ash"),
        "{text}"
    );
    let text = refusal("server_type: cx33, location: nbg1, image: debian-12");
    assert!(
        text.contains("no server of type cx33 is available in nbg1 now, nor anywhere else"),
        "{text}"
    );
    let text = refusal("server_type: cpx1, location: nbg1, image: debian-12");
    assert!(
        text.contains("no server type `cpx1` [set cloud.server_type; the nearest are cpx1"),
        "{text}"
    );
}

#[test]
fn a_server_that_exists_need_not_be_orderable_nor_cheap() {
    let of = |yaml: &str| offer(yaml, true).unwrap().notes.join("; ");
    let notes = of("server_type: cpx11, location: nbg1, image: gone");
    assert!(notes.contains("cannot be ordered in nbg1"), "{notes}");
    let notes = of("server_type: cpx11, location: ash, image: gone, max_monthly_eur: 1");
    assert!(notes.contains("over the limit of 1.00"), "{notes}");
    let notes = of("server_type: cx11, location: ash, image: gone");
    assert!(notes.contains("there is no server type `cx11`"), "{notes}");
}

#[test]
fn what_nobody_can_order_has_no_price() {
    let mut server = ServerView::default();
    server.fields.server_type = "cpx11".into();
    server.fields.location = "ash".into();
    // The plan refuses the move itself, with its reason.
    for location in ["mars", "nbg1"] {
        let wished = cloud(&format!(
            "server_type: cpx11, location: {location}, image: gone"
        ));
        let offer = offer_beside(&wished, Some(&server)).unwrap();
        assert!(offer.to_string().ends_with("; price unknown"), "{offer}");
        assert_eq!(offer.notes, Vec::<String>::new());
    }
}

#[test]
fn what_ends_soon_is_noted() {
    let offer = offer(
        "server_type: cx99, location: nbg1, image: ubuntu-22.04",
        false,
    )
    .unwrap();
    assert_eq!(offer.notes.len(), 2, "{:?}", offer.notes);
    assert!(
        offer.notes[0].contains("can only be ordered in nbg1 until 2026-12-31"),
        "{:?}",
        offer.notes
    );
    assert!(
        offer.notes[1].contains("will be removed on 2027-01-30"),
        "{:?}",
        offer.notes
    );
}

#[test]
fn images_are_refused_with_those_that_there_are() {
    let text = refusal("server_type: cpx12, location: nbg1, image: debian-11");
    assert_eq!(
        text,
        "E0305 image `debian-11` is deprecated and no longer available [set cloud.image to one of debian-12, ubuntu-22.04]"
    );
    let text = refusal("server_type: cpx12, location: nbg1, image: debian-99");
    assert!(
        text.starts_with("E0305 image `debian-99` does not exist"),
        "{text}"
    );
}

#[test]
fn the_limit_is_kept() {
    let yaml = "server_type: cpx12, location: nbg1, image: debian-12, max_monthly_eur: ";
    assert!(offer(&format!("{yaml}12.01"), false).is_ok());
    let text = refusal(&format!("{yaml}12.00"));
    assert!(
        text.starts_with("E0308 the stack costs 12.01 EUR per month net (11.49 server cpx12 in nbg1; 0.50 IPv4 address; 0.02 snapshots of 2.0 GB)"),
        "{text}"
    );
}

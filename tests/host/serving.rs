//! What `up` has made serves, and is closed to the rest.

use serde_json::{Value, json};

use crate::lab::until;
use crate::stack::serving;

#[test]
fn up_ends_with_the_checklist_and_what_to_type_next() {
    let Some(stack) = serving() else { return };
    let said = &stack.said;
    for wished in [
        "✓ cloud     server rehearsal",
        "✓ postgres  PostgreSQL service",
        "spatial query time",
        "rehearsal is live at http://",
        " health    runs the checklist again",
    ] {
        assert!(said.contains(wished), "{wished} is not in:\n{said}");
    }
    stack.is_healthy();
    let health = stack.citrino(&["health"]);
    assert!(health.text.contains("limit 100 ms"), "{}", health.text);
}

#[test]
fn a_recommendation_tells_the_distances_that_postgis_measures() {
    let Some(stack) = serving() else { return };
    assert_eq!(stack.http("/api/ready", None).0, 200);
    let wish = json!({ "zona_preferida": "Equipetrol", "limite": 5, "radio_m": 1000 });
    let (status, answer) = stack.http("/api/recomendar", Some(&wish));
    assert_eq!(status, 200, "{answer}");
    let mut compared = 0;
    for item in answer["recomendaciones"].as_array().unwrap() {
        let Some(near) = item["servicios_cercanos"].as_object() else {
            continue;
        };
        for (category, told) in near {
            let id = item["id"].as_i64().unwrap();
            let row = stack.sql(&format!(
                "SELECT json_build_object('cantidad', count(*), 'media_m', round(avg(ST_Distance(s.coordenadas, p.coordenadas))::numeric, 1), 'mas_cercano_m', round(min(ST_Distance(s.coordenadas, p.coordenadas))::numeric, 1)) FROM propiedades p JOIN servicios s ON ST_DWithin(s.coordenadas, p.coordenadas, 1000) WHERE p.id = {id} AND s.categoria = '{category}'"
            ));
            let measured: Value =
                serde_json::from_str(&row).unwrap_or_else(|error| panic!("{error}: {row}"));
            assert_eq!(*told, measured, "{category} of {item}");
            compared += 1;
        }
    }
    assert!(compared >= 10, "only {compared} distances in {answer}");
}

#[test]
fn the_recommendation_uses_the_spatial_index() {
    let Some(stack) = serving() else { return };
    let explained = stack.on_host(
        "cd /home/citrino/citrino/slots/$(basename $(readlink /home/citrino/citrino/live)) && set -a && . /home/citrino/citrino/.env && runuser -u citrino -- ./citrino-app explain --config /etc/citrino/app.yml --zona Equipetrol",
    );
    assert!(
        explained.contains("Index Scan using idx_servicios_coordenadas"),
        "{explained}"
    );
}

#[test]
fn nothing_but_ssh_and_web_listens_beyond_loopback() {
    let Some(stack) = serving() else { return };
    let printed = stack.on_host("ss -Hltn");
    let mut ports: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3)?.rsplit_once(':'))
        .filter(|(address, _)| !address.starts_with("127.") && *address != "[::1]")
        .map(|(_, port)| port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    assert!(
        ports.iter().all(|port| ["22", "80", "443"].contains(port)),
        "{printed}"
    );
    assert!(ports.contains(&"22") && ports.contains(&"80"), "{printed}");
}

#[test]
fn a_reboot_brings_all_of_it_back() {
    let Some(stack) = serving() else { return };
    let before =
        stack.on_host("cat /proc/sys/kernel/random/boot_id; systemctl show -P InvocationID nginx");
    let id = stack.server()["id"].clone();
    let (_, answer) = stack.lab.call(
        "POST",
        &format!("/servers/{id}/actions/reboot"),
        &Value::Null,
    );
    stack.lab.settle(&answer);
    until("the host is healthy again", || {
        stack.citrino(&["health"]).code == 0
    });
    let after =
        stack.on_host("cat /proc/sys/kernel/random/boot_id; systemctl show -P InvocationID nginx");
    assert_ne!(before, after);
    stack.is_as_wished();
}

//! What was changed by hand is told and mended.

use serde_json::{Value, json};

use crate::stack::serving;

#[test]
fn plan_names_what_was_changed_by_hand_and_the_verbs_mend_it() {
    let Some(stack) = serving() else { return };
    stack.is_as_wished();

    stack.on_host("sed -i 's/^work_mem = .*/work_mem = 64MB/' /etc/postgresql/15/main/conf.d/citrino.conf && systemctl stop nginx");
    let (_, list) = stack
        .lab
        .call("GET", "/firewalls?name=rehearsal", &Value::Null);
    let firewall = &list["firewalls"][0];
    let rules: Vec<&Value> = firewall["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["port"] != "443")
        .collect();
    let path = format!("/firewalls/{}/actions/set_rules", firewall["id"]);
    let (status, answer) = stack.lab.call("POST", &path, &json!({ "rules": rules }));
    assert_eq!(status, 201, "{answer}");

    let plan = stack.citrino(&["plan"]);
    assert_eq!(plan.code, 3, "{}", plan.text);
    for wished in [
        "-work_mem = 64MB",
        "+work_mem = 4MB",
        "nginx.service is inactive, wished running",
        "rule tcp 443 from 0.0.0.0/0, ::/0 is missing",
    ] {
        assert!(
            plan.text.contains(wished),
            "{wished} is not in:\n{}",
            plan.text
        );
    }
    let check = stack.citrino(&["converge", "--check"]);
    assert_eq!(check.code, 3, "{}", check.text);

    let provision = stack.citrino(&["provision", "--yes"]);
    assert_eq!(provision.code, 0, "{}", provision.text);
    let converge = stack.citrino(&["converge"]);
    assert_eq!(converge.code, 0, "{}", converge.text);
    stack.is_as_wished();
    let again = stack.citrino(&["converge"]);
    assert!(
        again.text.contains("already so") && !again.text.contains("changed"),
        "{}",
        again.text
    );
}

#[test]
fn a_changed_setting_reaches_the_app_that_runs() {
    let Some(stack) = serving() else { return };
    let wishes = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    stack.write(
        "citrino.yml",
        &wishes.replace("demo_data: true", "demo_data: true, request_timeout_s: 20"),
    );
    let converge = stack.citrino(&["converge"]);
    assert_eq!(converge.code, 0, "{}", converge.text);
    assert!(
        converge.text.contains("runs with the settings on disk"),
        "{}",
        converge.text
    );
    stack.is_as_wished();
    stack.write("citrino.yml", &wishes);
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    stack.is_as_wished();
}

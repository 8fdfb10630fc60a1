//! What was changed by hand is told and mended.

use serde_json::{Value, json};

use crate::stack::serving;
use crate::stand_in::User;

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
        "nginx.service is inactive, expected running",
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
    // What keeps users out is a row of `health`, and `-q` prints such rows and no other.
    let health = ["-v", "-q"].map(|how| stack.citrino(&[how, "health"]));
    for said in &health {
        assert_eq!(said.code, 4, "{}", said.text);
        for part in [
            "cloud firewall",
            "rule tcp 443 from 0.0.0.0/0, ::/0 is missing",
            "`citrino-ops provision` corrects it",
        ] {
            assert!(said.text.contains(part), "{part}: {}", said.text);
        }
    }
    let [all, failures] = health.map(|said| said.text.contains('✓'));
    assert!(all && !failures);

    let provision = stack.citrino(&["provision", "--yes"]);
    assert_eq!(provision.code, 0, "{}", provision.text);
    let converge = stack.citrino(&["converge"]);
    assert_eq!(converge.code, 0, "{}", converge.text);
    stack.is_as_wished();
    let again = stack.citrino(&["converge"]);
    assert!(
        again.text.contains("No changes.") && !again.text.contains("changed"),
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
    let slot = || stack.on_host("readlink /home/citrino/citrino/live");
    let (before, user) = (slot(), User::comes(&stack));
    let converge = stack.citrino(&["converge"]);
    let seen = user.leaves();
    assert_eq!(converge.code, 0, "{}", converge.text);
    // The same release took over in the other slot, so nobody noticed.
    assert_eq!(
        seen.failures,
        Vec::<String>::new(),
        "of {} answers",
        seen.answers
    );
    assert_eq!(seen.releases.len(), 1);
    assert_ne!(slot(), before);
    assert!(
        converge.text.contains("app settings in slot"),
        "{}",
        converge.text
    );
    stack.is_as_wished();
    stack.write("citrino.yml", &wishes);
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    stack.is_as_wished();
}

#[test]
fn a_saved_plan_of_the_host_is_applied_while_it_holds() {
    let Some(stack) = serving() else { return };
    stack.on_host("rm /etc/apt/apt.conf.d/60citrino");
    assert_eq!(stack.citrino(&["plan", "--out", "kept"]).code, 3);
    stack.on_host("rm /etc/postgresql-common/createcluster.d/citrino.conf");
    let moved = stack.citrino(&["converge", "--plan", "kept"]);
    assert_eq!(moved.code, 7, "{}", moved.text);
    assert!(
        moved.text.contains("E0312") && moved.text.contains("PostgreSQL defaults"),
        "{}",
        moved.text
    );
    assert_eq!(stack.citrino(&["plan", "--out", "kept"]).code, 3);
    let applied = stack.citrino(&["converge", "--plan", "kept"]);
    assert_eq!(applied.code, 0, "{}", applied.text);
    stack.remove("kept");
    stack.is_as_wished();
}

#[test]
fn a_type_that_can_no_longer_be_ordered_is_a_note_and_no_fault() {
    let Some(stack) = serving() else { return };
    let ended = json!({"server_type": "cpx11", "location": "ash",
        "deprecation": {"announced": "2026-01-01T00:00:00+00:00", "unavailable_after": "2026-03-31T00:00:00+00:00"}});
    stack.lab.call("POST", "/_lab/offers", &ended);
    stack.is_healthy();
    let said = ["health", "plan", "provision --yes"]
        .map(|line| stack.citrino(&line.split(' ').collect::<Vec<_>>()));
    stack.lab.call("DELETE", "/_lab/offers", &Value::Null);
    for said in said {
        // A busy machine can be unhealthy again.
        assert!([0, 4].contains(&said.code), "{}", said.text);
        assert!(
            said.text.contains("note: server type cpx11 cannot be ordered in ash since 2026-03-31; this does not affect the running server"),
            "{}",
            said.text
        );
    }
}

#[test]
fn status_tells_at_one_look_what_there_is() {
    let Some(stack) = serving() else { return };
    let status = stack.citrino(&["status"]);
    assert_eq!(status.code, 0, "{}", status.text);
    for part in [
        "cpx11 in ash, running",
        &stack.address(),
        "protection on",
        "Debian 12",
        " in slot blue",
        "last run",
    ] {
        let other_slot = part == " in slot blue" && status.text.contains(" in slot green");
        assert!(
            status.text.contains(part) || other_slot,
            "{part}\n{}",
            status.text
        );
    }
}

#[test]
fn an_operators_key_comes_and_goes_with_citrino_yml() {
    let Some(stack) = serving() else { return };
    let wishes = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let second =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB second";
    stack.write("second.pub", second);
    stack.write("citrino.yml", &wishes.replace(".pub]", ".pub, second.pub]"));
    for line in ["provision --yes", "converge"] {
        let said = stack.citrino(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(said.code, 0, "{}", said.text);
    }
    let keys = || stack.on_host("cat /root/.ssh/authorized_keys");
    assert!(keys().contains(second), "{}", keys());
    stack.write("citrino.yml", &wishes);
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    assert!(!keys().contains(second), "{}", keys());
    let gc = stack.citrino(&["gc", "--yes"]);
    assert_eq!(gc.code, 0, "{}", gc.text);
    stack.remove("second.pub");
    stack.is_as_wished();
}

//! A plan in a file is applied while it holds, and refused when the world has moved.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fake_api::FakeApi;
use crate::operator::Operator;

const WISHES: &str = "server_type: cpx11, location: ash, image: debian-12";

#[test]
fn a_saved_plan_is_applied_without_a_question() {
    let fake = FakeApi::start();
    let ana = Operator::new(&fake, WISHES);
    let (code, text) = ana.types("plan --out kept");
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("citrino-ops provision --plan kept"), "{text}");
    let mode = std::fs::metadata(ana.path().join("kept"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut child = ana
        .command("--json provision --plan kept")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let end = events
        .into_iter()
        .find(|event| event["event"] == "end")
        .unwrap();
    // What follows is the wait for a host, which the fake does not have.
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((&end["changed"], &end["failed"]), (&json!(5), &json!(0)));
    assert_eq!(fake.only("servers")["name"], "prod");
}

#[test]
fn a_saved_plan_is_refused_when_the_world_has_moved() {
    let fake = FakeApi::start();
    let ana = Operator::new(&fake, WISHES);
    assert_eq!(ana.types("plan --out kept").0, 3);
    let rules =
        json!([{"direction": "in", "protocol": "tcp", "port": "80", "source_ips": ["0.0.0.0/0"]}]);
    let firewall = json!({"name": "prod", "labels": {"citrino-ops/stack": "prod"}, "rules": rules});
    fake.call("POST", "/firewalls", &firewall);
    let (code, text) = ana.types("provision --plan kept");
    assert_eq!(code, 7, "{text}");
    assert!(
        text.contains("error[E0312]: the plan of 20")
            && text.contains("planned: firewall prod (does not exist"),
        "{text}"
    );
    assert_eq!(fake.all("servers"), Vec::<Value>::new());

    // The same world, and other wishes.
    assert_eq!(ana.types("plan --out kept").0, 3);
    ana.wish(&format!("{WISHES}, max_monthly_eur: 99"));
    let (code, text) = ana.types("provision --plan kept");
    assert_eq!(code, 7, "{text}");
    assert!(
        text.contains("citrino.yml was changed since then"),
        "{text}"
    );
    assert_eq!(fake.all("servers"), Vec::<Value>::new());
}

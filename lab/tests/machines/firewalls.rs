//! Firewalls before machines: what no rule lets in does not get in, from wherever it comes.

use serde_json::{Value, json};

use crate::lab::{TestLab, until};
use crate::server::{Server, Shared};

fn rule(direction: &str, port: &str, network: &str) -> Value {
    let side = if direction == "in" {
        "source_ips"
    } else {
        "destination_ips"
    };
    json!({ "direction": direction, "protocol": "tcp", "port": port, side: [network] })
}

/// An inbound rule for everybody.
fn open(port: &str) -> Value {
    rule("in", port, "0.0.0.0/0")
}

struct Firewall<'a> {
    lab: &'a TestLab,
    id: u64,
}

impl<'a> Firewall<'a> {
    fn create(lab: &'a TestLab, name: &str, rules: &[Value]) -> Self {
        let (status, answer) = lab.call(
            "POST",
            "/firewalls",
            &json!({ "name": name, "rules": rules }),
        );
        assert_eq!(status, 201, "{answer}");
        Self {
            lab,
            id: answer["firewall"]["id"].as_u64().unwrap(),
        }
    }

    fn act(&self, action: &str, body: &Value) {
        let path = format!("/firewalls/{}/actions/{action}", self.id);
        let (status, answer) = self.lab.call("POST", &path, body);
        assert_eq!(status, 201, "{answer}");
        self.lab.settle(&answer);
    }

    fn set(&self, rules: &[Value]) {
        self.act("set_rules", &json!({ "rules": rules }));
    }

    fn delete(self) {
        assert_eq!(
            self.lab
                .call("DELETE", &format!("/firewalls/{}", self.id), &Value::Null)
                .0,
            204
        );
    }
}

/// Whether one machine gets a connection to a port of another within a second. A busy machine may need
/// more: that it does is asked with `until`, and so is whether we do ourselves.
fn reaches(lab: &TestLab, from: &Server, to: &str, port: u16) -> bool {
    let connect = format!("timeout 1 bash -c '</dev/tcp/{to}/{port}'");
    from.ssh(lab, &connect).status.success()
}

/// Has a machine listen, and waits until it does.
fn listen(lab: &TestLab, server: &Server, port: u16) {
    let listens = format!("(</dev/tcp/127.0.0.1/{port}) 2>/dev/null");
    server.says(
        lab,
        &format!(
            "systemd-run --quiet python3 -m http.server {port}; \
             timeout 300 bash -c 'until {listens}; do sleep 0.05; done'"
        ),
    );
}

#[test]
fn only_what_a_rule_allows_gets_in() {
    let Some(lab) = Shared::lab() else { return };
    let firewall = Firewall::create(&lab, "in", &[open("22")]);
    let guarded = Server::create(&lab, &json!({ "firewalls": [{ "firewall": firewall.id }] }));
    let neighbour = Server::create(&lab, &json!({}));
    listen(&lab, &guarded, 8080);
    until("we get in", || guarded.takes(22));
    assert!(!guarded.takes(8080));
    assert!(!reaches(&lab, &neighbour, &guarded.address, 8080));
    until("ssh is open", || {
        reaches(&lab, &neighbour, &guarded.address, 22)
    });

    firewall.set(&[open("22"), open("8000-8100")]);
    until("8080 is open to us", || guarded.takes(8080));
    until("8080 is open", || {
        reaches(&lab, &neighbour, &guarded.address, 8080)
    });

    // One network alone: the host's, which is not the neighbour's.
    firewall.set(&[open("22"), rule("in", "8080", "10.81.0.1/32")]);
    until("8080 is open to the host", || guarded.takes(8080));
    assert!(!reaches(&lab, &neighbour, &guarded.address, 8080));

    // Who took the rule for ssh away is out, and in again with it.
    firewall.set(&[open("8080")]);
    assert!(!guarded.ssh(&lab, "true").status.success());
    firewall.set(&[]);
    assert!(!guarded.takes(8080));
    firewall.set(&[open("22")]);
    guarded.says(&lab, "true");

    // A machine without a firewall is open, as at Hetzner.
    assert!(!guarded.takes(8080));
    let resource = json!([{ "type": "server", "server": { "id": guarded.id } }]);
    firewall.act("remove_from_resources", &json!({ "remove_from": resource }));
    until("all of it is open", || guarded.takes(8080));
    // A firewall holds across a reboot.
    firewall.act("apply_to_resources", &json!({ "apply_to": resource }));
    guarded.act(&lab, "reboot");
    guarded.wait(&lab);
    listen(&lab, &guarded, 8080);
    assert!(!guarded.takes(8080));
    for server in [guarded, neighbour] {
        server.delete(&lab);
    }
    firewall.delete();
}

#[test]
fn outbound_everything_passes_until_the_first_rule() {
    let Some(lab) = Shared::lab() else { return };
    let firewall = Firewall::create(&lab, "out", &[open("22")]);
    let labelled = json!({ "type": "label_selector", "label_selector": { "selector": "held" } });
    firewall.act("apply_to_resources", &json!({ "apply_to": [labelled] }));
    let server = Server::create(&lab, &json!({ "labels": { "held": "" } }));
    let neighbour = Server::create(&lab, &json!({}));
    for port in [8080, 8081] {
        listen(&lab, &neighbour, port);
    }
    let reached = || [8080, 8081].map(|port| reaches(&lab, &server, &neighbour.address, port));
    until("both are reached", || reached() == [true, true]);
    firewall.set(&[
        open("22"),
        rule("out", "8081", &format!("{}/32", neighbour.address)),
    ]);
    until("one is reached", || reached() == [false, true]);
    for server in [server, neighbour] {
        server.delete(&lab);
    }
    firewall.act(
        "remove_from_resources",
        &json!({ "remove_from": [labelled] }),
    );
    firewall.delete();
}

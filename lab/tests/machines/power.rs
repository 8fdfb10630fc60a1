//! What the power actions do to a machine, and its end.

use serde_json::{Value, json};

use crate::lab::{TestLab, until};
use crate::leavings::Owner;
use crate::server::{Server, Shared};

/// Leaves a file behind when, and only when, systemd stops the machine's units.
const LAST_WILL: &str = "rm -f /root/orderly; systemd-run --quiet --unit=will --property=RemainAfterExit=yes \
    --property=ExecStop='/usr/bin/touch /root/orderly' /bin/true";

#[test]
fn power_actions_do_what_they_say() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    server.says(&lab, "echo kept >/root/file");
    let mut boots = vec![server.boot_id(&lab)];
    let mut stopped_orderly = Vec::new();
    for action in ["reboot", "reset", "poweroff", "shutdown"] {
        server.says(&lab, LAST_WILL);
        server.act(&lab, action);
        if ["poweroff", "shutdown"].contains(&action) {
            server.becomes(&lab, "off");
            assert!(!server.ssh(&lab, "true").status.success(), "{action}");
            let (status, refused) = lab.call(
                "POST",
                &format!("/servers/{}/actions/reboot", server.id),
                &json!({}),
            );
            assert_eq!(
                (status, &refused["error"]["code"]),
                (422, &json!("server_not_running"))
            );
            server.act(&lab, "poweron");
        }
        assert_eq!(server.shown(&lab)["status"], "running", "{action}");
        server.wait(&lab);
        assert_eq!(
            server.shown(&lab)["public_net"]["ipv4"]["ip"],
            json!(server.address)
        );
        let files = server.says(&lab, "cd /root; grep . file; ls orderly; true");
        assert!(files.starts_with("kept"), "{action}: {files}");
        if files.ends_with("orderly") {
            stopped_orderly.push(action);
        }
        boots.push(server.boot_id(&lab));
    }
    assert_eq!(stopped_orderly, ["reboot", "shutdown"]);
    boots.sort();
    boots.dedup();
    assert_eq!(boots.len(), 5, "a machine was not started anew");

    // A second press of a button is no fault.
    for action in ["poweron", "poweroff", "poweroff"] {
        server.act(&lab, action);
    }
    assert_eq!(server.shown(&lab)["status"], "off");
    server.delete(&lab);
}

#[test]
fn actions_may_follow_one_another_at_once() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::started(&lab);
    for action in [
        "reboot", "reboot", "reset", "shutdown", "poweron", "reset", "reboot",
    ] {
        server.act(&lab, action);
    }
    assert_eq!(server.shown(&lab)["status"], "running");
    server.wait(&lab);
    server.delete(&lab);
}

/// What a machine and its kernel know of its network.
fn network(lab: &TestLab, server: &Server) -> String {
    let settings = "net.ipv4.ip_forward net.core.somaxconn";
    let ask = format!("nft list ruleset; ip -4 -oneline address; ip route; sysctl {settings}");
    server.says(lab, &ask)
}

#[test]
fn a_machine_may_reboot_and_halt_by_its_own_will() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    let (boot, born) = (server.boot_id(&lab), network(&lab, &server));
    assert!(born.contains("net.ipv4.ip_forward = 0"), "{born}");
    server.says(
        &lab,
        "nft add table inet mine && ip address add 198.18.0.1/32 dev lo && \
         sysctl --quiet --write net.ipv4.ip_forward=1 net.core.somaxconn=77",
    );
    assert_ne!(network(&lab, &server), born);
    server.ssh(&lab, "systemctl reboot");
    until("it is up again", || {
        let now = server.ssh(&lab, "cat /proc/sys/kernel/random/boot_id");
        now.status.success() && String::from_utf8_lossy(&now.stdout).trim() != boot
    });
    // What only the kernel knew went with it.
    assert_eq!(network(&lab, &server), born);

    server.ssh(&lab, "systemctl poweroff");
    server.becomes(&lab, "off");
    // It went by its own will, so nobody starts it again.
    assert!(lab.run(&["up"]).status.success());
    assert_eq!(server.shown(&lab)["status"], "off");
    server.delete(&lab);
}

#[test]
fn a_deleted_machine_leaves_its_address_and_nothing_else() {
    let Some(lab) = Shared::lab() else { return };
    // A neighbour, so that the host's network goes on as it is.
    let neighbour = Server::started(&lab);
    let server = Server::create(&lab, &json!({}));
    let owner = Owner::machine(&lab, &server);
    owner.assert_has_all();
    server.delete(&lab);
    owner.assert_has_nothing();
    let (status, _) = lab.call("GET", &format!("/servers/{}", server.id), &Value::Null);
    assert_eq!(status, 404);
    let (_, ips) = lab.call("GET", "/primary_ips", &Value::Null);
    assert!(
        !ips.to_string().contains(&format!("\"{}\"", server.address)),
        "{ips}"
    );
    // The next one has the address, and nothing of the one before.
    let next = Server::create(&lab, &json!({}));
    assert_eq!(next.address, server.address);
    next.delete(&lab);
    neighbour.delete(&lab);
}

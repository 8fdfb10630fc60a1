//! What machines can be given: volumes, and links into private networks.

use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{TestLab, until};
use crate::server::{Server, Shared};

fn post(lab: &TestLab, path: &str, body: &Value) -> Value {
    let (status, answer) = lab.call("POST", path, body);
    assert_eq!(status, 201, "{path}: {answer}");
    if answer.get("action").is_some() {
        lab.settle(&answer);
    }
    answer
}

/// The loop devices over files of the lab.
fn loops(lab: &TestLab) -> Vec<String> {
    let output = Command::new("losetup")
        .args(["--noheadings", "--output=BACK-FILE"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let ours = lab.state().display().to_string();
    text.lines()
        .filter(|line| line.contains(&ours))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_volume_is_a_disk_that_outlives_reboots_and_servers() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    let wish = json!({
        "name": "data", "size": 10, "server": server.id, "format": "ext4", "automount": true,
    });
    let volume = post(&lab, "/volumes", &wish)["volume"].clone();
    let (id, device) = (&volume["id"], volume["linux_device"].as_str().unwrap());
    let path = format!("/volumes/{id}");
    let point = format!("/mnt/HC_Volume_{id}");
    server.says(
        &lab,
        &format!("mountpoint -q {point} && echo kept >{point}/file && sync"),
    );
    for action in ["reboot", "reset"] {
        server.act(&lab, action);
        server.wait(&lab);
        let found = server.says(&lab, &format!("mountpoint -q {point} && cat {point}/file"));
        assert_eq!(found, "kept", "{action}");
    }
    post(
        &lab,
        &format!("{path}/actions/resize"),
        &json!({ "size": 12 }),
    );
    assert_eq!(
        server.says(&lab, &format!("blockdev --getsize64 {device}")),
        (12_u64 << 30).to_string()
    );
    assert_eq!(lab.call("DELETE", &path, &Value::Null).0, 422);

    post(&lab, &format!("{path}/actions/detach"), &json!({}));
    assert!(
        !server
            .ssh(&lab, &format!("test -e {device}"))
            .status
            .success()
    );
    until("the block device is given back", || loops(&lab).is_empty());
    server.delete(&lab);

    // Another server is born with it.
    let next = Server::create(&lab, &json!({ "volumes": [id], "automount": true }));
    assert_eq!(next.shown(&lab)["volumes"], json!([id]));
    assert_eq!(next.says(&lab, &format!("cat {point}/file")), "kept");
    next.delete(&lab);
    assert_eq!(loops(&lab), Vec::<String>::new());
    assert_eq!(lab.call("DELETE", &path, &Value::Null).0, 204);
    assert!(!lab.state().join("volumes").join(id.to_string()).exists());
}

/// Whether a machine hears the sshd of another in five seconds. A busy one may need more.
fn greets(lab: &TestLab, from: &Server, to: &str) -> bool {
    let ask = format!("curl --silent --max-time 5 telnet://{to}:22 </dev/null | grep -c SSH-2.0");
    from.ssh(lab, &ask).status.success()
}

#[test]
fn machines_meet_in_a_private_network() {
    let Some(lab) = Shared::lab() else { return };
    let wish = json!({
        "name": "inner", "ip_range": "10.90.0.0/16",
        "subnets": [{ "type": "cloud", "network_zone": "us-east", "ip_range": "10.90.1.0/24" }],
    });
    let network = post(&lab, "/networks", &wish)["network"]["id"].clone();
    let born = Server::create(&lab, &json!({ "networks": [network] }));
    let joined = Server::create(&lab, &json!({}));
    let path = format!("/servers/{}/actions/attach_to_network", joined.id);
    post(
        &lab,
        &path,
        &json!({ "network": network, "ip": "10.90.1.50" }),
    );
    let address = |server: &Server| {
        let net = server.shown(&lab)["private_net"][0].clone();
        net["ip"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (address(&born).as_str(), address(&joined).as_str()),
        ("10.90.1.1", "10.90.1.50")
    );
    for round in ["at once", "after reboots"] {
        for (from, to) in [(&born, &joined), (&joined, &born)] {
            let link = from.says(&lab, "ip -4 -oneline address show enp7s0");
            assert!(link.contains(&address(from)), "{round}: {link}");
            until(&format!("{round} they meet"), || {
                greets(&lab, from, &address(to))
            });
        }
        born.act(&lab, "reboot");
        joined.act(&lab, "reset");
        born.wait(&lab);
        joined.wait(&lab);
    }
    // One that is in the network only.
    let wish = json!({
        "name": "hidden", "server_type": "cpx11", "image": "debian-12", "location": "ash",
        "networks": [network], "public_net": { "enable_ipv4": false, "enable_ipv6": false },
    });
    let hidden = post(&lab, "/servers", &wish)["server"].clone();
    let address_of_hidden = hidden["private_net"][0]["ip"].as_str().unwrap();
    until("the hidden machine takes connections", || {
        greets(&lab, &joined, address_of_hidden)
    });
    let (_, answer) = lab.call(
        "DELETE",
        &format!("/servers/{}", hidden["id"]),
        &Value::Null,
    );
    lab.settle(&answer);

    let path = format!("/servers/{}/actions/detach_from_network", joined.id);
    post(&lab, &path, &json!({ "network": network }));
    assert!(!joined.ssh(&lab, "ip link show enp7s0").status.success());
    assert_eq!(
        lab.call("DELETE", &format!("/networks/{network}"), &Value::Null)
            .0,
        204
    );
    assert_eq!(born.shown(&lab)["private_net"], json!([]));
    let links = std::fs::read_dir("/sys/class/net").unwrap().flatten();
    let ours = links.filter(|link| link.file_name().to_string_lossy().starts_with("cnt-"));
    assert_eq!(ours.count(), 0);
    born.delete(&lab);
    joined.delete(&lab);
}

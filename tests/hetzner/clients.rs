//! Hetzner's own command line and Python library against the same API: they show what citrino-ops made,
//! and what they made can be adopted. Where one cannot be had, its test says `skipped` and why.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use citrino_ops::core::plan::Mode;
use serde_json::{Value, json};

use crate::fake_api::{FakeApi, TOKEN};
use crate::need::skipped;
use crate::operator::Operator;
use crate::run::{is_whole, run, stack, wishes};
use crate::venv;

const ALL: &str =
    ", backups: true, network: 10.42.0.0/16, volume_gb: 10, dns: { zone: example.com }";
const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB";

/// What `hcloud` says; none where it is not installed.
fn hcloud(fake: &FakeApi, line: &str) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let ran = Command::new("hcloud")
        .args(line.split_whitespace())
        .env_clear()
        .env("HOME", home.path())
        .env("HCLOUD_CONFIG", home.path().join("config"))
        .env("HCLOUD_ENDPOINT", fake.endpoint())
        .env("HCLOUD_TOKEN", TOKEN)
        .output();
    let Ok(ran) = ran else {
        skipped("hcloud is not installed (apt-get install hcloud-cli)");
        return None;
    };
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "hcloud {line}: {said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Some(said)
}

fn described(fake: &FakeApi, what: &str) -> Option<Value> {
    let text = hcloud(fake, &format!("{what} -o json"))?;
    Some(serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn hetzners_client_shows_what_was_made() {
    let fake = FakeApi::start();
    let (_, told) = run(&fake.api(), Mode::Apply, wishes(&stack(ALL), 0)).await;
    let Some(server) = described(&fake, "server describe prod") else {
        return;
    };
    let found = fake.only("servers");
    for field in [
        "id",
        "name",
        "status",
        "labels",
        "backup_window",
        "protection",
        "volumes",
        "public_net",
    ] {
        let mut shown = server[field].clone();
        if field == "public_net" {
            // The client does not know the status of a firewall, and writes it all the same.
            shown = json!({"ipv4": shown["ipv4"]["ip"], "ipv6": shown["ipv6"]["ip"], "firewall": shown["firewalls"][0]["id"]});
            let net = &found["public_net"];
            let wished = json!({"ipv4": net["ipv4"]["ip"], "ipv6": net["ipv6"]["ip"], "firewall": net["firewalls"][0]["id"]});
            assert_eq!(shown, wished, "{told}");
            continue;
        }
        assert_eq!(shown, found[field], "{field}");
    }
    for (name, part) in [("server_type", "cpx11"), ("image", "debian-12")] {
        assert_eq!(server[name]["name"], part);
    }
    assert_eq!(
        server["private_net"][0]["ip"],
        found["private_net"][0]["ip"]
    );
    for (what, kind, name, fields) in [
        ("firewall", "firewalls", "prod", vec!["rules", "labels"]),
        (
            "network",
            "networks",
            "prod",
            vec!["ip_range", "labels", "servers"],
        ),
        (
            "volume",
            "volumes",
            "prod-data",
            vec!["size", "labels", "linux_device", "format"],
        ),
        (
            "primary-ip",
            "primary_ips",
            "prod-ipv4",
            vec![
                "ip",
                "labels",
                "assignee_id",
                "auto_delete",
                "dns_ptr",
                "type",
            ],
        ),
        (
            "ssh-key",
            "ssh_keys",
            "prod-id_ed25519",
            vec!["public_key", "fingerprint", "labels"],
        ),
    ] {
        let shown = described(&fake, &format!("{what} describe {name}")).unwrap();
        let all = fake.all(kind);
        let found = all.iter().find(|one| one["name"] == name).unwrap();
        for field in fields {
            assert_eq!(shown[field], found[field], "{what} {field}");
        }
    }
}

#[tokio::test]
async fn hetzners_library_shows_what_was_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let requirements = folder.join("lab/tests/clients/requirements-hcloud.txt");
    let python = match venv::with(&requirements).await {
        Ok(venv) => venv.join("bin/python"),
        Err(why) => return skipped(&why),
    };
    let fake = FakeApi::start();
    run(&fake.api(), Mode::Apply, wishes(&stack(ALL), 0)).await;
    let mut look = tokio::process::Command::new(python);
    look.arg(folder.join("tests/hetzner/seen.py"))
        .args([&fake.endpoint(), TOKEN]);
    let said = venv::run(&mut look, Duration::from_mins(5)).await.unwrap();
    let seen: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let server = fake.only("servers");
    let volume = fake.only("volumes");
    let address = fake.all("primary_ips")[0].clone();
    let wished = json!({
        "server": {
            "id": server["id"], "name": "prod", "status": "running", "labels": server["labels"],
            "protection": {"delete": true, "rebuild": true}, "backup_window": server["backup_window"],
            "type": "cpx11", "image": "debian-12", "location": "ash", "ipv4": address["ip"],
            "private": server["private_net"][0]["ip"], "volumes": [volume["id"]],
        },
        "ports": ["22", "443", "80"],
        "network": "10.42.0.0/16",
        "volume": [10, server["id"], volume["linux_device"]],
        "address": [address["ip"], false, server["id"], "www.example.com"],
        "key": fake.only("ssh_keys")["public_key"],
        "record": address["ip"],
    });
    assert_eq!(seen, wished);
}

#[tokio::test]
async fn what_hetzners_client_made_is_adoptable() {
    let fake = FakeApi::start();
    let made = hcloud(
        &fake,
        "server create --name by-hand --type cpx11 --image debian-12 --location ash --label team=blue",
    );
    if made.is_none() {
        return;
    }
    let ip = fake.only("servers")["public_net"]["ipv4"]["ip"].clone();
    let ana = Operator::new(&fake, "server_type: cpx11, location: ash, image: debian-12");
    let mut adopt = ana.command("adopt --yes --server by-hand --host-key");
    let (code, text) = crate::operator::said(&adopt.arg(HOST_KEY).output().unwrap());
    assert_eq!(code, 0, "{text}");
    let (tally, told) = run(&fake.api(), Mode::Apply, wishes(&stack(""), 0)).await;
    assert_eq!(tally.failed, 0, "{told}");
    is_whole(&fake, &stack(""), "adopted").await;
    let server = fake.only("servers");
    assert_eq!(server["name"], "prod");
    assert_eq!(server["labels"]["team"], "blue");
    assert_eq!(server["public_net"]["ipv4"]["ip"], ip, "its address stays");
}

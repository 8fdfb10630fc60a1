use super::server::{Dependencies, Repair};
use super::*;
use crate::core::secret::Secret;
use crate::hetzner::labels::{self, Labels};
use crate::hetzner::{AddressView, ServerStatus, ServerView};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";

fn stack(cloud: &str) -> Stack {
    let text = format!("stack: prod\ndomain: example.com\n{cloud}\n");
    Stack::parse(&text, "citrino.yml").unwrap()
}

fn birth() -> Bootstrap {
    Bootstrap {
        user_data: Secret::new("PRIVATE"),
        pin: "ed25519.new.v1".to_owned(),
    }
}

fn steps() -> Vec<Step<Resource>> {
    let stack = stack(
        "cloud: { server_type: cpx11, location: ash, image: debian-12, backups: true, ssh_keys: [k], allow_ssh_from: [203.0.113.0/24] }",
    );
    let keys = [PublicKey::parse("id", KEY).unwrap()];
    provision(&stack, &keys, &birth(), DiskPolicy::Refused)
}

#[test]
fn provision_is_keys_firewall_addresses_server() {
    let steps = steps();
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "ssh key prod-id",
            "firewall prod",
            "address prod-ipv4",
            "address prod-ipv6",
            "server prod"
        ]
    );
    assert!(!format!("{steps:?}").contains("PRIVATE"));
    let Resource::Firewall(firewall) = &steps[1].task else {
        panic!("{steps:?}")
    };
    let rules: Vec<_> = firewall.rules.iter().map(ToString::to_string).collect();
    assert_eq!(
        rules,
        [
            "rule tcp 22 from 203.0.113.0/24",
            "rule tcp 80 from 0.0.0.0/0, ::/0",
            "rule tcp 443 from 0.0.0.0/0, ::/0",
            "rule icmp from 0.0.0.0/0, ::/0"
        ]
    );
}

#[test]
fn a_machine_that_is_there_needs_no_cloud() {
    let stack = stack("host: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }");
    assert!(provision(&stack, &[], &birth(), DiskPolicy::Refused).is_empty());
}

#[test]
fn differences_of_a_server_are_told_and_birth_is_none() {
    let steps = steps();
    let Resource::Server(server) = &steps[4].task else {
        panic!("{steps:?}")
    };
    let mut found = ServerView {
        name: "prod".into(),
        labels: Labels::from([
            (labels::STACK.into(), "prod".into()),
            (labels::HOST.into(), "prod".into()),
            (labels::ROLE.into(), "host".into()),
            (labels::BOOTSTRAP_KEY.into(), "of an earlier run".into()),
        ]),
        ..ServerView::default()
    };
    found.fields.status = ServerStatus::Running;
    found.fields.server_type = "cpx11".into();
    found.fields.location = "ash".into();
    found.fields.backups = true;
    found.fields.protected = true;
    found.fields.ipv4_id = Some(7);
    found.fields.ipv6_id = Some(9);
    found.fields.firewalls = vec![4];
    let mut around = Dependencies {
        firewall: Some(4),
        ipv4: Some(address(7)),
        ..Dependencies::default()
    };
    let mends = |found: &ServerView, around: &Dependencies| -> Vec<Repair> {
        let what = server.differences(found, around);
        what.into_iter().map(|(mend, _)| mend).collect()
    };
    assert_eq!(mends(&found, &around), []);
    let host = found.labels.remove(labels::HOST);
    assert_eq!(mends(&found, &around), [Repair::NameOrLabels]);
    found.labels.insert(labels::HOST.into(), host.unwrap());
    found.fields.status = ServerStatus::Off;
    found.fields.backups = false;
    found.fields.protected = false;
    found.fields.server_type = "cpx21".into();
    around.firewall = Some(5);
    around.ipv4 = Some(address(8));
    assert_eq!(
        mends(&found, &around),
        [
            Repair::Type,
            Repair::Addresses,
            Repair::Firewall,
            Repair::Backups,
            Repair::Power,
            Repair::Protection
        ]
    );
    found.fields.image = Some("debian-13".into());
    assert_eq!(mends(&found, &around)[0], Repair::Disk);
    assert!(server.refuse_move(&found).is_ok());
    found.fields.location = "hil".into();
    let error = server.refuse_move(&found).unwrap_err();
    assert_eq!(error.to_string(), "cannot move the server from hil to ash");
}

fn address(id: i64) -> AddressView {
    AddressView {
        id,
        name: "prod-ipv4".into(),
        ..AddressView::default()
    }
}

#[test]
fn records_are_named_within_their_zone() {
    for (zone, name, full) in [
        ("example.com", "@", "example.com"),
        ("com", "example", "example.com"),
    ] {
        let records = records(
            &stack("host: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }"),
            zone,
        );
        let (record, family) = &records[1];
        assert_eq!((record.name.as_str(), record.kind), (name, "AAAA"));
        assert_eq!(record.full_name(), full);
        assert_eq!(*family, Family::V6);
    }
}

#[test]
fn only_public_keys_are_keys() {
    assert!(PublicKey::parse("id", &format!("{KEY} me@here\n")).is_ok());
    for wrong in [
        "",
        "ssh-ed25519",
        "ssh-rsa AAAA",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA",
        &format!("{KEY}\n{KEY}"),
    ] {
        let error = PublicKey::parse("id", wrong).unwrap_err();
        assert!(!format!("{error:#}").contains("AAAA"), "{error:#}");
    }
}

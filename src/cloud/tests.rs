use super::server::Mend;
use super::*;
use crate::hetzner::ServerView;
use crate::secret::Secret;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";

fn stack(cloud: &str) -> Stack {
    let text = format!("stack: prod\ndomain: example.com\n{cloud}\n");
    Stack::parse(&text, "citrino.yml").unwrap()
}

fn birth() -> Birth {
    Birth {
        user_data: Secret::new("PRIVATE"),
        labels: Labels::new(),
    }
}

fn steps() -> Vec<Step<Resource>> {
    let stack = stack(
        "cloud: { server_type: cpx11, location: ash, image: debian-12, backups: true, ssh_keys: [k], allow_ssh_from: [203.0.113.0/24] }",
    );
    let keys = [PublicKey::parse("id", KEY).unwrap()];
    provision(&stack, &keys, &birth())
}

#[test]
fn provision_is_keys_then_firewall_then_server() {
    let steps = steps();
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "ssh key prod-id is known",
            "firewall prod lets in what it should",
            "server prod runs"
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
    assert!(provision(&stack, &[], &birth()).is_empty());
}

#[test]
fn differences_of_a_server_are_told_and_birth_is_none() {
    let steps = steps();
    let Resource::Server(server) = &steps[2].task else {
        panic!("{steps:?}")
    };
    let mut found = ServerView {
        name: "prod".into(),
        status: "running".into(),
        server_type: "cpx11".into(),
        location: "ash".into(),
        image: None,
        backups: true,
        firewalls: vec![4],
        labels: Labels::from([
            (labels::STACK.into(), "prod".into()),
            (labels::ROLE.into(), "host".into()),
            (labels::BOOTSTRAP_KEY.into(), "of an earlier run".into()),
        ]),
        ..ServerView::default()
    };
    assert!(server.differences(&found, Some(4)).is_empty());
    assert!(server.refuse_replacement(&found).is_ok());
    found.status = "off".into();
    found.backups = false;
    let mends: Vec<_> = server
        .differences(&found, Some(5))
        .into_iter()
        .map(|(mend, _)| mend)
        .collect();
    assert_eq!(mends, [Mend::Firewall, Mend::Backups, Mend::Power]);
    found.location = "hil".into();
    found.image = Some("debian-13".into());
    let error = server.refuse_replacement(&found).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server prod would have to be replaced: its location is hil, wished ash; its image is debian-13, wished debian-12"
    );
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

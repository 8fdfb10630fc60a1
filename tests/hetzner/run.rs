//! Wishes, and runs of them.

use citrino_ops::config::stack::{Host, Stack};
use citrino_ops::core::engine;
use citrino_ops::core::event::{Counts, Event};
use citrino_ops::core::plan::{Claim, Mode, Plan, Step};
use citrino_ops::core::secret::Secret;
use citrino_ops::hetzner::Hetzner;
use citrino_ops::planner::cloud::{self, Bootstrap, DiskPolicy, PublicKey, Resource};

use crate::fake_api::FakeApi;

pub const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV me@here";

/// The stack that most tests wish for; `more` stands in its `cloud`.
pub fn stack(more: &str) -> Stack {
    let text = format!(
        "stack: prod\ndomain: www.example.com\ncloud: {{ server_type: cpx11, location: ash, image: debian-12, ssh_keys: [k.pub]{more} }}\n"
    );
    Stack::parse(&text, "citrino.yml").unwrap()
}

/// The host of that stack.
pub fn host() -> Host {
    stack("").only_host()
}

pub fn keys() -> Vec<PublicKey> {
    vec![PublicKey::parse("id_ed25519", KEY).unwrap()]
}

/// A new host key each time, as `provision` has it.
pub fn birth(n: u8) -> Bootstrap {
    let letter = char::from(b'A' + n % 26).to_string();
    Bootstrap {
        user_data: Secret::new("#cloud-config\n# PRIVATE"),
        pin: format!("ed25519.{}.v1", letter.repeat(43)),
    }
}

pub fn wishes(stack: &Stack, n: u8) -> Vec<Step<Resource>> {
    cloud::provision(stack, &keys(), &birth(n), DiskPolicy::Refused)
}

/// The same with a server of another type: a server that stands is switched off for it.
pub fn rescaled(stack: &Stack, n: u8, server_type: &str) -> Vec<Step<Resource>> {
    let mut steps = wishes(stack, n);
    for step in &mut steps {
        if let Resource::Server(server) = &mut step.task {
            server.server_type = server_type.into();
        }
    }
    steps
}

/// Runs the steps; what they did, and all that was told.
pub async fn run(api: &Hetzner, mode: Mode, steps: Vec<Step<Resource>>) -> (Counts, String) {
    let plan = Plan::new(Claim::new("r", "provision", "me"), steps)
        .of_stack("prod")
        .in_mode(mode);
    let mut told = String::new();
    let _remembering = api.remembering();
    let tally = engine::run(&plan, api, &mut |event: Event| {
        told.push_str(&serde_json::to_string(&event)?);
        told.push('\n');
        Ok(())
    })
    .await
    .unwrap();
    assert!(
        !told.contains("PRIVATE") && !told.contains("Bearer"),
        "{told}"
    );
    (tally, told)
}

/// Nothing is left to wish, and there is one of each.
pub async fn is_whole(fake: &FakeApi, stack: &Stack, why: &str) {
    let steps = wishes(stack, 9);
    let count = steps.len();
    let (tally, told) = run(&fake.api(), Mode::Check, steps).await;
    assert_eq!(
        (tally.same, tally.differs, tally.failed),
        (count, 0, 0),
        "{why}\n{told}"
    );
    let cloud = stack.cloud.as_ref().unwrap();
    for (kind, wished) in [
        ("servers", 1),
        ("firewalls", 1),
        ("ssh_keys", 1),
        ("primary_ips", 2),
        ("volumes", usize::from(cloud.volume_gb.is_some())),
        ("networks", usize::from(cloud.network.is_some())),
    ] {
        let all = fake.all(kind);
        assert_eq!(all.len(), wished, "{why}: {kind}: {all:?}");
    }
}

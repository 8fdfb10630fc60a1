//! What is wished of the cloud: ssh keys, a firewall and a server, each found by its label.
//!
//! There is no state file. A resource is ours when it carries the stack's label; one that has the
//! wished name and not the label is somebody else's, and is never touched.

mod absent;
mod firewall;
mod server;
mod ssh_key;

use anyhow::Result;

pub use absent::Absent;
pub use firewall::Firewall;
pub use server::{Birth, Server};
pub use ssh_key::{PublicKey, SshKey};

use crate::engine::{Look, Wish};
use crate::error::Fault;
use crate::hetzner::labels::Labels;
use crate::hetzner::{Hetzner, Rule, labels};
use crate::plan::Step;
use crate::stack::Stack;

/// The part of a plan that its steps stand in.
const PART: &str = "cloud";

/// One thing in the cloud.
#[derive(Clone, Debug)]
pub enum Resource {
    SshKey(SshKey),
    Firewall(Firewall),
    Server(Server),
    Absent(Absent),
}

/// The wishes that make the stack's cloud; none when the stack runs on a machine that is there.
///
/// `birth` goes into a server that is made, and is never compared with one that exists.
pub fn provision(stack: &Stack, keys: &[PublicKey], birth: &Birth) -> Vec<Step<Resource>> {
    let Some(cloud) = &stack.cloud else {
        return Vec::new();
    };
    let name = &stack.name;
    let mut steps: Vec<_> = keys
        .iter()
        .map(|key| {
            let wish = SshKey::new(name, key);
            let sentence = format!("ssh key {} is known", wish.name);
            Step::new(PART, sentence, Resource::SshKey(wish))
        })
        .collect();
    let anywhere = ["0.0.0.0/0".to_owned(), "::/0".to_owned()];
    let firewall = Firewall {
        stack: name.clone(),
        rules: vec![
            Rule::inward("tcp", Some(22), &cloud.allow_ssh_from),
            Rule::inward("tcp", Some(80), &anywhere),
            Rule::inward("tcp", Some(443), &anywhere),
            Rule::inward("icmp", None, &anywhere),
        ],
    };
    let sentence = format!("firewall {name} lets in what it should");
    steps.push(Step::new(PART, sentence, Resource::Firewall(firewall)));
    let server = Server {
        stack: name.clone(),
        server_type: cloud.server_type.clone(),
        location: cloud.location.clone(),
        image: cloud.image.clone(),
        backups: cloud.backups,
        keys: keys.to_vec(),
        birth: birth.clone(),
    };
    let sentence = format!("server {name} runs");
    steps.push(Step::new(PART, sentence, Resource::Server(server)));
    steps
}

/// The wishes that nothing of the stack is left, in the order in which it can go: a firewall cannot
/// be deleted while a server uses it.
pub fn destroy(stack: &str) -> Vec<Step<Resource>> {
    let absent = |what: fn(String) -> Absent, sentence: &str| {
        Step::new(PART, sentence, Resource::Absent(what(stack.to_owned())))
    };
    vec![
        absent(Absent::Servers, "no server is left"),
        absent(Absent::Firewalls, "no firewall is left"),
        absent(Absent::SshKeys, "no ssh key is left"),
    ]
}

impl Wish<Hetzner> for Resource {
    async fn check(&self, api: &Hetzner) -> Result<Look> {
        match self {
            Resource::SshKey(wish) => wish.check(api).await,
            Resource::Firewall(wish) => wish.check(api).await,
            Resource::Server(wish) => wish.check(api).await,
            Resource::Absent(wish) => wish.check(api).await,
        }
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match self {
            Resource::SshKey(wish) => wish.apply(api).await,
            Resource::Firewall(wish) => wish.apply(api).await,
            Resource::Server(wish) => wish.apply(api).await,
            Resource::Absent(wish) => wish.apply(api).await,
        }
    }
}

/// Whether these labels make a resource the stack's.
fn is_ours(found: &Labels, stack: &str) -> bool {
    found.get(labels::STACK).is_some_and(|of| of == stack)
}

/// The refusal of what has our name and not our label.
fn foreign(kind: &str, name: &str, stack: &str) -> anyhow::Error {
    Fault::new(
        "E0306",
        format!(
            "the {kind} {name} exists and does not belong to the stack {stack}: it has no label {}",
            labels::selector(stack)
        ),
    )
    .hint("rename it in the console, or choose another `stack` name")
    .into()
}

#[cfg(test)]
#[path = "cloud/tests.rs"]
mod tests;

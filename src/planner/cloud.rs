//! The desired state of the cloud: ssh keys, a firewall, addresses, a server and what belongs to it,
//! each found by its label.
//!
//! There is no state file. A resource is ours when it has the stack's label. One that has our name and
//! not the label is somebody else's, and is never touched until it is adopted.

mod absent;
mod address;
mod adopted;
mod dns;
mod firewall;
mod network;
mod ours;
mod server;
mod ssh_key;
mod volume;

use anyhow::Result;

pub use absent::{Extent, Removal, What};
pub use address::ServerAddress;
pub use adopted::{Adopted, Thing};
pub use dns::{DnsRecord, Zone};
pub use firewall::{CloudFirewall, faults as firewall_faults};
pub use network::Network;
pub use server::{Bootstrap, DiskPolicy, Server};
pub use ssh_key::{PublicKey, SshKey};
pub use volume::Volume;

use ours::find_ours;

use crate::config::stack::{Cloud, Host, Stack};
use crate::core::engine::{CheckResult, Wish};

use crate::core::plan::{Step, StepId};
use crate::hetzner::{Family, FirewallRule, Hetzner, VolumeView, ZoneRecord};

/// The part of a plan that its steps stand in.
const PART: &str = "cloud";
/// The step that is about the server of a host.
pub const SERVER: StepId = StepId::new("cloud.server");
/// The step that is about the DNS zone.
pub const ZONE: StepId = StepId::new("cloud.zone");
/// How many snapshots are kept.
const SNAPSHOTS: usize = 2;

/// One thing in the cloud.
#[derive(Clone, Debug)]
pub enum Resource {
    SshKey(SshKey),
    Firewall(CloudFirewall),
    Network(Network),
    Address(ServerAddress),
    Server(Box<Server>),
    Volume(Volume),
    Zone(Zone),
    DnsRecord(DnsRecord),
    Absent(Removal),
    Adopted(Adopted),
}

fn step(sentence: impl Into<String>, wish: Resource) -> Step<Resource> {
    Step::new(PART, sentence, wish)
}

/// The steps that make the stack's cloud; none when the stack runs on an existing machine.
///
/// `birth` goes into a server that is made or rebuilt, and is never compared with one that exists.
pub fn provision(
    stack: &Stack,
    keys: &[PublicKey],
    birth: &Bootstrap,
    renewal: DiskPolicy,
) -> Vec<Step<Resource>> {
    let Some(cloud) = &stack.cloud else {
        return Vec::new();
    };
    let mut steps = shared(stack, cloud, keys);
    for host in stack.hosts() {
        steps.extend(of_host(stack, cloud, &host, keys, birth, renewal));
    }
    steps
}

/// What the hosts of a stack have in common.
fn shared(stack: &Stack, cloud: &Cloud, keys: &[PublicKey]) -> Vec<Step<Resource>> {
    let name = &stack.name;
    let mut steps: Vec<_> = keys
        .iter()
        .map(|key| {
            let wish = SshKey::new(name, key);
            let sentence = format!("ssh key {}", wish.name);
            step(sentence, Resource::SshKey(wish))
        })
        .collect();
    let firewall = firewall(stack, cloud);
    let sentence = format!("firewall {name}");
    steps.push(step(sentence, Resource::Firewall(firewall)));
    if let Some(range) = &cloud.network {
        let network = Network {
            stack: name.to_string(),
            range: range.to_string(),
            location: cloud.location.to_string(),
        };
        steps.push(step(format!("network {name}"), Resource::Network(network)));
    }
    steps
}

/// What may come in, before it reaches a server.
pub fn firewall(stack: &Stack, cloud: &Cloud) -> CloudFirewall {
    let anywhere = crate::core::value::Cidr::anywhere();
    CloudFirewall {
        stack: stack.name.to_string(),
        rules: vec![
            FirewallRule::inward("tcp", Some(22), &cloud.allow_ssh_from),
            FirewallRule::inward("tcp", Some(80), &anywhere),
            FirewallRule::inward("tcp", Some(443), &anywhere),
            FirewallRule::inward("icmp", None, &anywhere),
        ],
    }
}

/// One host: its addresses, its server, its volume, and the names that lead to it.
fn of_host(
    stack: &Stack,
    cloud: &Cloud,
    host: &Host,
    keys: &[PublicKey],
    birth: &Bootstrap,
    renewal: DiskPolicy,
) -> Vec<Step<Resource>> {
    let mut steps: Vec<_> = [Family::V4, Family::V6]
        .into_iter()
        .map(|family| {
            let wish = ServerAddress {
                host: host.clone(),
                name: address::name_of(&host.name, family),
                family,
                location: cloud.location.to_string(),
                reverse: stack.domain.to_string(),
                protect: cloud.protect,
            };
            let sentence = format!("address {}", wish.name);
            step(sentence, Resource::Address(wish))
        })
        .collect();
    let server = Server {
        host: host.clone(),
        server_type: cloud.server_type.to_string(),
        location: cloud.location.to_string(),
        image: cloud.image.to_string(),
        backups: cloud.backups,
        protect: cloud.protect,
        network: cloud.network.is_some(),
        keys: keys.to_vec(),
        birth: birth.clone(),
        renewal,
    };
    let sentence = format!("server {}", host.name);
    steps.push(step(sentence, Resource::Server(Box::new(server))).with_id(SERVER));
    if let Some(size_gb) = cloud.volume_gb {
        let volume = Volume {
            host: host.clone(),
            name: volume::name_of(&host.name),
            size_gb: *size_gb,
            location: cloud.location.to_string(),
            protect: cloud.protect,
        };
        let sentence = format!("volume {}", volume.name);
        steps.push(step(sentence, Resource::Volume(volume)));
    }
    steps.extend(names(stack, cloud, host));
    steps
}

/// The zone and the records that lead to a host.
fn names(stack: &Stack, cloud: &Cloud, host: &Host) -> Vec<Step<Resource>> {
    let Some(dns) = &cloud.dns else {
        return Vec::new();
    };
    let zone = Zone {
        stack: stack.name.to_string(),
        name: dns.zone.to_string(),
    };
    let sentence = format!("DNS zone {}", dns.zone);
    let mut steps = vec![step(sentence, Resource::Zone(zone)).with_id(ZONE)];
    for (record, family) in records(stack, &dns.zone) {
        let sentence = format!("{} record {}", record.kind, record.full_name());
        let lead = DnsRecord {
            stack: stack.name.to_string(),
            record,
            ttl: *dns.ttl,
            family,
            address: address::name_of(&host.name, family),
        };
        steps.push(step(sentence, Resource::DnsRecord(lead)));
    }
    steps
}

fn records(stack: &Stack, zone: &str) -> Vec<(ZoneRecord, Family)> {
    let within = stack.domain.strip_suffix(zone).unwrap_or(&stack.domain);
    let name = Some(within.trim_end_matches('.')).filter(|name| !name.is_empty());
    [("A", Family::V4), ("AAAA", Family::V6)]
        .map(|(kind, family)| {
            let record = ZoneRecord {
                zone: zone.to_owned(),
                name: name.unwrap_or("@").to_owned(),
                kind,
            };
            (record, family)
        })
        .into()
}

/// The steps that delete the stack, in the order in which that works: a firewall cannot be deleted
/// while a server uses it. Zones stay: they have names of other stacks too.
pub fn destroy(stack: &Stack, snapshots: bool) -> Vec<Step<Resource>> {
    let absent = |what: What, sentence: &str| {
        let wish = Removal {
            stack: stack.name.to_string(),
            what,
            extent: Extent::All,
            keep: Vec::new(),
        };
        step(sentence, Resource::Absent(wish))
    };
    let zone = stack.cloud.iter().find_map(|cloud| cloud.dns.as_ref());
    let mut steps: Vec<_> = zone
        .map(|dns| absent(What::Records(dns.zone.to_string()), "delete DNS records"))
        .into_iter()
        .collect();
    steps.extend([
        absent(What::Servers, "delete servers"),
        absent(What::Volumes, "delete volumes"),
        absent(What::Addresses, "delete addresses"),
        absent(What::Networks, "delete networks"),
        absent(What::Firewalls, "delete firewalls"),
        absent(What::SshKeys, "delete ssh keys"),
    ]);
    if snapshots {
        steps.push(absent(What::Snapshots(0), "delete snapshots"));
    }
    steps
}

/// The steps that delete what has the stack's label and is not in citrino.yml, and all but the newest
/// snapshots. What is in use or protected stays, and so do servers: which of two is the right one,
/// only a person can say.
pub fn tidy(stack: &Stack, keys: &[PublicKey]) -> Vec<Step<Resource>> {
    let Some(cloud) = &stack.cloud else {
        return Vec::new();
    };
    let hosts = stack.hosts();
    let of_hosts = |name: &dyn Fn(&str) -> String| -> Vec<String> {
        hosts.iter().map(|host| name(&host.name)).collect()
    };
    let addresses = [Family::V4, Family::V6]
        .map(|family| of_hosts(&|host| address::name_of(host, family)))
        .concat();
    let volumes = cloud.volume_gb.map(|_| of_hosts(&volume::name_of));
    let network = cloud.network.as_ref().map(|_| stack.name.to_string());
    let keys = keys
        .iter()
        .flat_map(|key| SshKey::new(&stack.name, key).names());
    let only = |what: What, keep: Vec<String>, sentence: &str| {
        let wish = Removal {
            stack: stack.name.to_string(),
            what,
            extent: Extent::Idle,
            keep,
        };
        step(sentence, Resource::Absent(wish))
    };
    let mut steps = vec![
        only(
            What::Volumes,
            volumes.unwrap_or_default(),
            "delete unused volumes",
        ),
        only(What::Addresses, addresses, "delete unused addresses"),
        only(
            What::Networks,
            network.into_iter().collect(),
            "delete unused networks",
        ),
        only(
            What::Firewalls,
            vec![stack.name.to_string()],
            "delete unused firewalls",
        ),
        only(What::SshKeys, keys.collect(), "delete unused ssh keys"),
        only(
            What::Snapshots(SNAPSHOTS),
            Vec::new(),
            "delete old snapshots",
        ),
    ];
    if let Some(dns) = &cloud.dns {
        let names = records(stack, &dns.zone).into_iter();
        steps.push(only(
            What::Records(dns.zone.to_string()),
            names.map(|(record, _)| record.name).collect(),
            "delete unused DNS records",
        ));
    }
    steps
}

/// The steps that make existing resources with the stack's names, which belong to nobody, the stack's.
/// `server` is the server's name if it is another; `pin` is the host key that it answers with.
pub fn adopt(
    stack: &Stack,
    keys: &[PublicKey],
    server: Option<&str>,
    pin: Option<&str>,
) -> Vec<Step<Resource>> {
    let adopted = |thing: Thing, name: &str, host: Option<&Host>| {
        let word = match &thing {
            Thing::Server => "server",
            Thing::Firewall => "firewall",
            Thing::SshKey => "ssh key",
            Thing::Address => "address",
            Thing::Network => "network",
            Thing::Volume => "volume",
            Thing::Record(record) => record.kind,
        };
        let sentence = format!("adopt {word} {name}");
        let is_server = matches!(thing, Thing::Server);
        let wish = Adopted {
            stack: stack.name.to_string(),
            thing,
            name: name.to_owned(),
            host: host.cloned(),
            pin: pin.filter(|_| is_server).map(str::to_owned),
        };
        step(sentence, Resource::Adopted(wish))
    };
    let mut steps: Vec<_> = keys
        .iter()
        .map(|key| adopted(Thing::SshKey, &SshKey::new(&stack.name, key).name, None))
        .collect();
    steps.push(adopted(Thing::Firewall, &stack.name, None));
    steps.push(adopted(Thing::Network, &stack.name, None));
    for host in stack.hosts() {
        for family in [Family::V4, Family::V6] {
            steps.push(adopted(
                Thing::Address,
                &address::name_of(&host.name, family),
                Some(&host),
            ));
        }
        let volume = volume::name_of(&host.name);
        steps.push(adopted(Thing::Volume, &volume, Some(&host)));
        let name = server.unwrap_or(&host.name);
        steps.push(adopted(Thing::Server, name, Some(&host)).with_id(SERVER));
    }
    let dns = stack.cloud.iter().find_map(|cloud| cloud.dns.as_ref());
    for (record, _) in dns.map(|dns| records(stack, &dns.zone)).unwrap_or_default() {
        let name = record.full_name();
        steps.push(adopted(Thing::Record(record), &name, None));
    }
    steps
}

/// The block device by which a host knows its volume, when there is one.
pub async fn device(api: &Hetzner, host: &Host) -> Result<Option<String>> {
    let device = volume_of(api, host)
        .await?
        .map(|found| found.fields.linux_device);
    Ok(device.filter(|device| device.starts_with("/dev/")))
}

/// The volume with the database of a host, when there is one.
pub async fn volume_of(api: &Hetzner, host: &Host) -> Result<Option<VolumeView>> {
    find_ours(api, &host.stack, &volume::name_of(&host.name)).await
}

impl Wish<Hetzner> for Resource {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        match self {
            Resource::SshKey(wish) => wish.check(api).await,
            Resource::Firewall(wish) => wish.check(api).await,
            Resource::Network(wish) => wish.check(api).await,
            Resource::Address(wish) => wish.check(api).await,
            Resource::Server(wish) => wish.check(api).await,
            Resource::Volume(wish) => wish.check(api).await,
            Resource::Zone(wish) => wish.check(api).await,
            Resource::DnsRecord(wish) => wish.check(api).await,
            Resource::Absent(wish) => wish.check(api).await,
            Resource::Adopted(wish) => wish.check(api).await,
        }
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match self {
            Resource::SshKey(wish) => wish.apply(api).await,
            Resource::Firewall(wish) => wish.apply(api).await,
            Resource::Network(wish) => wish.apply(api).await,
            Resource::Address(wish) => wish.apply(api).await,
            Resource::Server(wish) => wish.apply(api).await,
            Resource::Volume(wish) => wish.apply(api).await,
            Resource::Zone(wish) => wish.apply(api).await,
            Resource::DnsRecord(wish) => wish.apply(api).await,
            Resource::Absent(wish) => wish.apply(api).await,
            Resource::Adopted(wish) => wish.apply(api).await,
        }
    }
}

#[cfg(test)]
#[path = "cloud/tests.rs"]
mod tests;

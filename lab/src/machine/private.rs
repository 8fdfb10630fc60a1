//! Private networks: a bridge for each network, and a link with a private address for each machine in it.
//!
//! Nothing routes between the networks, and the host has no address in them.

use std::fs;

use anyhow::Result;

use super::handle::Machine;
use super::process;
use super::settings::Nic;
use crate::lab::{Lab, run, run_with};

/// The prefix of the names of a lab's bridges; link names have 15 bytes at most.
fn prefix(lab: &Lab) -> String {
    format!("cn{}-", lab.name)
}

/// All of them, in nftables syntax.
pub fn bridges(lab: &Lab) -> String {
    format!("{}*", prefix(lab))
}

fn bridge(lab: &Lab, network: u64) -> String {
    format!("{}{:x}", prefix(lab), network & 0xffff)
}

/// The host's end of a link.
fn outer(machine: &Machine, slot: u8) -> String {
    format!(
        "cv{}-{}{}",
        machine.lab.name,
        machine.number,
        char::from(b'a' + slot)
    )
}

/// The name of a link inside, as on Hetzner's virtual hardware.
fn inner(slot: u8) -> String {
    format!("enp{}s0", 7 + slot)
}

fn links() -> Vec<String> {
    let entries = fs::read_dir("/sys/class/net")
        .into_iter()
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Adds a link to a network to a machine that has its namespace.
pub fn plug_in(machine: &Machine, nic: &Nic) -> Result<()> {
    let (space, bridge) = (machine.long_name(), bridge(&machine.lab, nic.network));
    let (outer, inner) = (outer(machine, nic.slot), inner(nic.slot));
    let mut outside = Vec::new();
    if !links().contains(&bridge) {
        outside.push(format!("link add {bridge} type bridge"));
        outside.push(format!("link set {bridge} up"));
    }
    outside.extend([
        format!(
            "link add {outer} type veth peer name {inner} address {} netns {space}",
            nic.mac
        ),
        format!("link set {outer} master {bridge}"),
        format!("link set {outer} up"),
    ]);
    let inside = [
        format!("address add {}/32 dev {inner}", nic.address),
        format!("link set {inner} up"),
        format!("route add {} dev {inner} src {}", nic.range, nic.address),
    ];
    run_with(&["ip", "-batch", "-"], &outside.join("\n"))?;
    run_with(&["ip", "-n", &space, "-batch", "-"], &inside.join("\n")).map(|_| ())
}

/// Removes one link; it may be absent.
fn unplug(machine: &Machine, slot: u8) {
    let _ = run(&["ip", "link", "delete", &outer(machine, slot)]);
}

/// Removes all links of a machine.
pub fn unplug_all(machine: &Machine) {
    let ours = (0..SLOTS).filter(|slot| links().contains(&outer(machine, *slot)));
    ours.for_each(|slot| unplug(machine, slot));
}

/// Hetzner's own limit of networks for a server.
pub const SLOTS: u8 = 3;

/// Attaches a machine to a network; a running machine has the link at once.
pub fn attach(machine: &Machine, nic: &Nic) -> Result<()> {
    machine.configure(|settings| {
        settings.nics.retain(|other| other.network != nic.network);
        settings.nics.push(nic.clone());
    })?;
    match process::leader(machine) {
        Some(_) => plug_in(machine, nic),
        None => Ok(()),
    }
}

/// Detaches it from a network.
pub fn detach(machine: &Machine, network: u64) -> Result<()> {
    let gone = machine
        .settings()
        .map_or(Vec::new(), |settings| settings.nics);
    for nic in gone.iter().filter(|nic| nic.network == network) {
        unplug(machine, nic.slot);
    }
    machine.configure(|settings| settings.nics.retain(|nic| nic.network != network))
}

/// Removes the bridge of a network; it may be absent.
pub fn remove(lab: &Lab, network: u64) {
    let _ = run(&["ip", "link", "delete", &bridge(lab, network)]);
}

/// Removes the bridges of all networks.
pub fn remove_all(lab: &Lab) -> Result<()> {
    for link in links().iter().filter(|link| link.starts_with(&prefix(lab))) {
        run(&["ip", "link", "delete", link])?;
    }
    Ok(())
}

//! A bridge for the lab, and for each machine a network namespace with a link to it.
//!
//! As at Hetzner a machine has only its own address (/32) and reaches everything, its neighbours too,
//! through the gateway. So the gateway's firewalls see all traffic. The host sets the address before
//! the machine boots, so nothing inside has to configure a network.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::handle::Machine;
use super::private;
use super::settings::Settings;
use crate::lab::{Lab, run, run_with};

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// The forwarding setting before the first lab on this host; shared by all labs.
const FORWARD_BEFORE: &str = "/run/citrino-lab-ip-forward";

/// The host's end of the machine's link; link names have 15 bytes at most.
fn link(machine: &Machine) -> String {
    format!("cl{}{}", machine.lab.name, machine.number)
}

fn exists(link: &str) -> bool {
    Path::new("/sys/class/net").join(link).exists()
}

/// Creates the lab's bridge and lets its machines reach other networks.
pub fn bridge_up(lab: &Lab) -> Result<()> {
    let bridge = lab.bridge();
    if !exists(&bridge) {
        run(&["ip", "link", "add", &bridge, "type", "bridge"])?;
        run(&[
            "ip",
            "address",
            "add",
            &format!("{}/24", lab.address(1)),
            "dev",
            &bridge,
        ])?;
    }
    run(&["ip", "link", "set", &bridge, "up"])?;
    let forward = fs::read_to_string(FORWARD)?;
    if forward.trim() != "1" {
        fs::write(FORWARD_BEFORE, &forward)?;
        fs::write(FORWARD, "1").with_context(|| format!("could not write {FORWARD}"))?;
    }
    Ok(())
}

/// Removes the bridge. With the last lab it also switches off the forwarding that a lab switched on.
pub fn bridge_down(lab: &Lab) -> Result<()> {
    let bridge = lab.bridge();
    if exists(&bridge) {
        run(&["ip", "link", "delete", &bridge])?;
    }
    let another = fs::read_dir("/sys/class/net")?
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("clab-"));
    if let Ok(before) = fs::read_to_string(FORWARD_BEFORE)
        && !another
    {
        fs::write(FORWARD, before.trim()).with_context(|| format!("could not write {FORWARD}"))?;
        fs::remove_file(FORWARD_BEFORE)?;
    }
    Ok(())
}

/// Creates namespace and links again for each boot, so that a machine's own network settings end with a
/// reboot, as on a real machine.
pub fn plug_in(machine: &Machine, settings: &Settings) -> Result<()> {
    unplug(machine);
    let space = machine.long_name();
    run(&["ip", "netns", "add", &space])?;
    run(&["ip", "-n", &space, "link", "set", "lo", "up"])?;
    if let Some(host) = settings.host {
        plug_in_public(machine, host)?;
    }
    for nic in &settings.nics {
        private::plug_in(machine, nic)?;
    }
    // A new namespace inherits forwarding from the host; a new server does not forward.
    let forget = format!("echo 0 >{FORWARD}");
    run(&["ip", "netns", "exec", &space, "sh", "-c", &forget]).map(|_| ())
}

fn plug_in_public(machine: &Machine, host: u8) -> Result<()> {
    let (space, outer) = (machine.long_name(), link(machine));
    let (address, gateway) = (machine.lab.address(host), machine.lab.address(1));
    let [a, b, c, d] = address.octets();
    // The MAC follows from the address, so that the host's neighbour table stays right.
    let mac = format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
    let outside = [
        format!("link add {outer} type veth peer name eth0 address {mac} netns {space}"),
        format!("link set {outer} master {}", machine.lab.bridge()),
        format!("link set dev {outer} type bridge_slave isolated on"),
        format!("link set {outer} up"),
    ];
    let inside = [
        format!("address add {address}/32 dev eth0"),
        "link set eth0 up".to_owned(),
        format!("route add {gateway} dev eth0"),
        format!("route add default via {gateway}"),
    ];
    run_with(&["ip", "-batch", "-"], &outside.join("\n"))?;
    run_with(&["ip", "-n", &space, "-batch", "-"], &inside.join("\n")).map(|_| ())
}

/// Removes namespace and links. They may be absent: a machine that never started has none.
pub fn unplug(machine: &Machine) {
    private::unplug_all(machine);
    let _ = run(&["ip", "link", "delete", &link(machine)]);
    let _ = run(&["ip", "netns", "delete", &machine.long_name()]);
}

//! A bridge for the lab, and for each machine a namespace with a link into it.
//!
//! As at Hetzner a machine has its address alone (/32) and reaches everything, its neighbours too,
//! through the gateway: so the firewalls of the gateway see all there is. The address is put on the
//! link from outside, before the machine boots: nothing inside has to configure a network.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::handle::Machine;
use super::private;
use super::settings::Settings;
use crate::lab::{Lab, run, run_with};

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// What forwarding was before the first lab of this machine came; shared by all labs.
const FORWARD_BEFORE: &str = "/run/citrino-lab-ip-forward";

/// The outer end of the machine's link; link names have 15 bytes at most.
fn link(machine: &Machine) -> String {
    format!("cl{}{}", machine.lab.name, machine.number)
}

fn exists(link: &str) -> bool {
    Path::new("/sys/class/net").join(link).exists()
}

/// Makes the lab's bridge and lets its machines out.
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

/// Removes the bridge, and with the last lab the forwarding that a lab switched on.
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

/// Makes namespace and links, anew for each boot: what the machine told its kernel about the network
/// ends with the kernel, as it does with a real one.
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
    // A new namespace forwards when the host does, which a new server does not.
    let forget = format!("echo 0 >{FORWARD}");
    run(&["ip", "netns", "exec", &space, "sh", "-c", &forget]).map(|_| ())
}

fn plug_in_public(machine: &Machine, host: u8) -> Result<()> {
    let (space, outer) = (machine.long_name(), link(machine));
    let (address, gateway) = (machine.lab.address(host), machine.lab.address(1));
    let [a, b, c, d] = address.octets();
    // It follows from the address, so that what the host learned of the one before stays true.
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

/// Removes them. Absent is as good as removed, and a machine that never started has none.
pub fn unplug(machine: &Machine) {
    private::unplug_all(machine);
    let _ = run(&["ip", "link", "delete", &link(machine)]);
    let _ = run(&["ip", "netns", "delete", &machine.long_name()]);
}

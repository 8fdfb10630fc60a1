//! The verbs, and everything that the program prints.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, bail};
use rand::distr::{Alphanumeric, SampleString};

use crate::image;
use crate::lab::{Lab, check_requirements, run, write_atomic};
use crate::machine::{Machine, cgroup, firewall, network, passage, private, snapshot, volume};
use crate::serve::{self, Serving};
use crate::store::{SERVERS, Store, id_of};

/// Every file of the lab in the state folder; `down` removes nothing else.
const STATE_FILES: &[&str] = &[
    "token",
    "store.json",
    "store.new",
    "api.lock",
    "api.log",
    "operator/id_ed25519",
    "operator/id_ed25519.pub",
];
const STATE_FOLDERS: &[&str] = &["operator", "machines", "images", "volumes"];

/// Prints the result. A reader such as `head` or `grep -q` may close the pipe early, which is not an error.
fn answer(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints progress.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

pub fn complain(error: &anyhow::Error) {
    say(&format!("citrino-lab: {error:#}"));
}

/// Starts the lab, whatever state it is in.
pub fn up(lab: &Lab) -> Result<()> {
    check_requirements()?;
    image::build(lab, false, &say)?;
    fs::create_dir_all(lab.machines())
        .with_context(|| format!("could not make {}", lab.state.display()))?;
    fs::set_permissions(&lab.state, fs::Permissions::from_mode(0o700))?;
    make_token(lab)?;
    make_operator_key(lab)?;
    network::bridge_up(lab)?;
    passage::open(lab)?;
    let serving = Serving::find(lab);
    if !serving.is_some_and(|serving| serving.is_ours())
        || !serve::answers(lab)
        || has_lost_machines(lab)?
    {
        serve::stop(lab)?;
        serve::start(lab)?;
    }
    tell(lab);
    Ok(())
}

/// Whether the machine of a running server is lost: the API starts such machines when it starts.
fn has_lost_machines(lab: &Lab) -> Result<bool> {
    let store = Store::load(lab.store())?;
    Ok(store.all(SERVERS).any(|server| {
        let number = store.machines.get(&id_of(server));
        server["status"] == "running"
            && number.is_some_and(|number| Machine::new(lab, *number).is_lost())
    }))
}

fn make_token(lab: &Lab) -> Result<()> {
    let path = lab.state.join("token");
    if path.exists() {
        return Ok(());
    }
    let token = Alphanumeric.sample_string(&mut rand::rng(), 64);
    write_atomic(&path, format!("{token}\n").as_bytes())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

fn make_operator_key(lab: &Lab) -> Result<()> {
    let key = lab.operator_key();
    if key.exists() {
        return Ok(());
    }
    if let Some(folder) = key.parent() {
        fs::create_dir_all(folder)?;
    }
    run(&[
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        "citrino-lab",
        "-f",
        &key.display().to_string(),
    ])?;
    Ok(())
}

fn tell(lab: &Lab) {
    answer(&format!(
        "The lab is up: {}
  clients    eval \"$(citrino-lab env)\"   sets HCLOUD_ENDPOINT and HCLOUD_TOKEN
  token      {}
  ssh key    {}.pub   give it to POST /ssh_keys, log in with its private half
  servers    debian-12, for example cpx11 in ash; addresses {} to {}
  then       citrino-lab ls, citrino-lab down",
        lab.endpoint(),
        lab.state.join("token").display(),
        lab.operator_key().display(),
        lab.address(2),
        lab.address(254)
    ));
}

/// Removes everything but the image cache.
pub fn down(lab: &Lab) -> Result<()> {
    check_requirements()?;
    serve::stop(lab)?;
    for machine in Machine::all(lab) {
        machine.delete()?;
    }
    volume::remove_all(lab)?;
    snapshot::remove_all(lab)?;
    private::remove_all(lab)?;
    network::bridge_down(lab)?;
    passage::close(lab)?;
    firewall::remove(lab)?;
    remove_state(lab)?;
    say("the lab is down; the image stays in the cache");
    Ok(())
}

fn remove_state(lab: &Lab) -> Result<()> {
    let absent = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    let entries: Vec<_> = STATE_FILES
        .iter()
        .map(|name| (name, fs::remove_file(lab.state.join(name))))
        .collect();
    let folders = STATE_FOLDERS
        .iter()
        .map(|name| (name, fs::remove_dir(lab.state.join(name))));
    for (name, removed) in entries.into_iter().chain(folders) {
        if let Err(error) = removed
            && !absent(&error)
        {
            bail!(
                "could not remove {}: {error}",
                lab.state.join(name).display()
            );
        }
    }
    match fs::remove_dir(&lab.state) {
        Err(error) if !absent(&error) => bail!(
            "{} holds files that are not the lab's, and stays: {error}",
            lab.state.display()
        ),
        _ => Ok(()),
    }
}

pub fn ls(lab: &Lab) -> Result<()> {
    lab.token()?;
    let store = Store::load(lab.store())?;
    answer(&format!(
        "{:<8} {:<24} {:<8} {:<13} {:<15} {:>9}",
        "ID", "NAME", "TYPE", "STATUS", "IP", "MEMORY"
    ));
    for server in store.all(SERVERS) {
        let machine = store
            .machines
            .get(&id_of(server))
            .map(|number| Machine::new(lab, *number));
        let stopped = server["status"] == "running"
            && machine
                .as_ref()
                .is_some_and(|machine| !machine.is_running());
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        let status = if stopped {
            "off".to_owned()
        } else {
            text(&server["status"])
        };
        let memory = machine
            .as_ref()
            .filter(|machine| machine.is_running())
            .and_then(cgroup::memory_used);
        answer(&format!(
            "{:<8} {:<24} {:<8} {:<13} {:<15} {:>9}",
            id_of(server),
            text(&server["name"]),
            text(&server["server_type"]["name"]),
            status,
            store
                .address(id_of(server))
                .map_or("-".to_owned(), |address| address.to_string()),
            memory.map_or("-".to_owned(), |bytes| format!("{} MB", bytes >> 20)),
        ));
    }
    Ok(())
}

pub fn env(lab: &Lab) -> Result<()> {
    let token = lab.token()?;
    answer(&format!("export HCLOUD_ENDPOINT={}", lab.endpoint()));
    answer(&format!("export HCLOUD_TOKEN={token}"));
    Ok(())
}

pub fn build_image(lab: &Lab, force: bool) -> Result<()> {
    check_requirements()?;
    let image = image::build(lab, force, &say)?;
    answer(&format!("{}", image.display()));
    Ok(())
}

//! What no single value shows: keys that do not go together.

use std::path::Path;

use super::environment::{self, PASSWORD};
use super::{Issuer, Relay, RelayTls, Stack, system};
use crate::config::yaml::Document;
use crate::storage::{archive, bucket};

/// Notes every fault of a stack whose values are right one by one.
pub fn check(stack: &Stack, file: &mut Document) {
    place(stack, file);
    cloud(stack, file);
    ports(stack, file);
    connections(stack, file);
    memory(stack, file);
    demo_data(stack, file);
    variables(stack, file);
    tls(stack, file);
    alerts(stack, file);
    hardening(stack, file);
    monitoring(stack, file);
    backup(stack, file);
    repository(stack, file);
}

/// Whether it says where the stack lives, once.
fn place(stack: &Stack, file: &mut Document) {
    match (&stack.cloud, &stack.host) {
        (None, None) if !file.is_spoiled(&["host"]) => file.refuse(
            &["cloud"],
            "is missing: give `cloud` to make a server, or `host` for one that is there",
        ),
        (Some(_), Some(_)) => {
            file.refuse(
                &["host"],
                "cannot be used together with `cloud`; remove one of them",
            );
        }
        _ => {}
    }
}

fn cloud(stack: &Stack, file: &mut Document) {
    let Some(cloud) = &stack.cloud else {
        return;
    };
    if cloud.ssh_keys.is_empty() {
        file.refuse(
            &["cloud", "ssh_keys"],
            "is empty: without a key nobody could log in",
        );
    }
    if cloud.allow_ssh_from.is_empty() {
        file.refuse(
            &["cloud", "allow_ssh_from"],
            "is empty: nobody could reach the host",
        );
    }
    if let Some(why) = system::refused_image(&cloud.image) {
        file.refuse(&["cloud", "image"], why);
    }
    if !cloud.ipv4 {
        file.refuse(
            &["cloud", "ipv4"],
            "must be true: whoever has no IPv6 could not reach a host without IPv4, and this version is not tested with IPv6 alone",
        );
    }
    if stack.domain.is_address() {
        file.refuse(
            &["domain"],
            "is an address; a stack in the cloud needs a name, which points to its server",
        );
    }
    let zone = cloud.dns.as_ref().map(|dns| &dns.zone);
    if let Some(zone) = zone.filter(|zone| !stack.domain.is_within(zone))
        && !file.is_spoiled(&["domain"])
    {
        let why = format!("is `{zone}`, and `domain` {} is not in it", stack.domain);
        file.refuse(&["cloud", "dns", "zone"], why);
    }
}

/// Ports that something of the stack listens on already.
const TAKEN: [(u16, &str); 4] = [
    (22, "sshd"),
    (80, "nginx"),
    (443, "nginx"),
    (5432, "PostgreSQL"),
];

fn ports(stack: &Stack, file: &mut Document) {
    let port = *stack.app.port;
    let taken = TAKEN.iter().find(|(taken, _)| *taken == port);
    if let Some((_, by)) = taken {
        let why = format!("is {port}, which {by} listens on; choose another, such as 5001");
        file.refuse(&["app", "port"], why);
    } else if port == *stack.ssh_port() && !file.is_spoiled(&["host"]) {
        let why = format!("is {port}, and so is `host.port`, which sshd listens on");
        file.refuse(&["app", "port"], why);
    }
    let ssh = *stack.ssh_port();
    let taken = TAKEN.iter().skip(1).find(|(taken, _)| *taken == ssh);
    if let Some((_, by)) = taken {
        let why = format!("is {ssh}, which {by} listens on; sshd needs a port of its own");
        file.refuse(&["host", "port"], why);
    }
}

/// Superusers keep these for themselves.
const KEPT: u32 = 3;

/// Two slots run side by side during a deploy.
fn connections(stack: &Stack, file: &mut Document) {
    let (pool, most) = (*stack.app.pool, *stack.database.max_connections);
    if 2 * pool + KEPT > most && !file.is_spoiled(&["database", "max_connections"]) {
        let why = format!(
            "is {pool}: two slots of it do not fit into `database.max_connections` {most} with {KEPT} kept for superusers"
        );
        file.refuse(&["app", "pool"], why);
    }
}

/// What no server of that type could run with.
fn memory(stack: &Stack, file: &mut Document) {
    let misfits = stack.memory_mb().map(|memory| stack.misfits(memory));
    for misfit in misfits.into_iter().flatten() {
        if !file.is_spoiled(&misfit.path) {
            file.refuse(&misfit.path, misfit.why);
        }
    }
}

fn demo_data(stack: &Stack, file: &mut Document) {
    if stack.app.demo_data && stack.profile.commands.demo.is_none() {
        let why = format!(
            "is true, but {} has no command for example data in its profile",
            stack.profile.name
        );
        file.refuse(&["app", "demo_data"], why);
    }
}

/// The app's environment: names that are the stack's own, names that stand twice, values of many lines.
fn variables(stack: &Stack, file: &mut Document) {
    for (name, value) in &stack.app.env {
        let path = ["app", "env", &**name];
        if let Some(why) = environment::refusal(name) {
            file.refuse(&path, why);
        } else if *name == PASSWORD {
            file.refuse(&path, "is a secret; it belongs below `secrets`");
        } else if stack.secrets.contains_key(name) {
            file.refuse(&path, "is already set below `secrets`; remove one of them");
        }
        if value.contains(['\n', '\r']) {
            file.refuse(
                &path,
                "has more than one line, which the app's environment cannot hold",
            );
        }
    }
    for name in stack.secrets.keys() {
        if let Some(why) = environment::refusal(name) {
            file.refuse(&["secrets", name], why);
        }
    }
}

fn tls(stack: &Stack, file: &mut Document) {
    let tls = &stack.tls;
    if !file.is_spoiled(&["tls", "issuer"]) {
        issuer(stack, file);
    }
    if tls.issuer != Issuer::None && stack.domain.is_address() {
        file.refuse(&["domain"], "is an address; a certificate needs a name");
    }
    for (index, name) in tls.names.iter().enumerate() {
        let path = ["tls", "names", &index.to_string()];
        if name.is_address() {
            file.refuse(&path, "is an address; a certificate needs a name");
        } else if *name == stack.domain || tls.names[..index].contains(name) {
            file.refuse(
                &path,
                "stands twice, here or as `domain`; remove one of them",
            );
        }
    }
}

/// Whoever may be kept out must not be the operator; and a reboot must not cut a backup off.
fn hardening(stack: &Stack, file: &mut Document) {
    let hardening = &stack.hardening;
    if hardening.fail2ban && stack.spared().is_empty() && !file.is_spoiled(&["cloud"]) {
        file.refuse(
            &["hardening", "fail2ban"],
            "is true, and nothing says which addresses are the operators': name their networks in `hardening.spare` or `cloud.allow_ssh_from`",
        );
    }
    if !hardening.fail2ban && !hardening.spare.is_empty() {
        file.refuse(
            &["hardening", "spare"],
            "has no use without `hardening.fail2ban`; remove it",
        );
    }
    for (index, network) in hardening.spare.iter().enumerate() {
        if network.is_everybody() {
            let path = ["hardening", "spare", &index.to_string()];
            file.refuse(&path, "is everybody: nobody would be kept out");
        }
    }
    let (reboot, backup) = (&hardening.reboot, &stack.backup.at);
    if reboot.as_ref() == Some(backup) {
        let why =
            format!("is {backup}, and so is `backup.at`: the reboot would cut the backup off");
        file.refuse(&["hardening", "reboot"], why);
    }
}

/// The keys that the issuer has no use for, and those that it needs.
fn issuer(stack: &Stack, file: &mut Document) {
    let tls = &stack.tls;
    let is_acme = tls.issuer == Issuer::Acme;
    let is_asked = is_acme || tls.issuer == Issuer::Letsencrypt;
    let without_use = [
        (
            "names",
            !tls.names.is_empty() && tls.issuer == Issuer::None,
            "it is for a certificate",
        ),
        (
            "email",
            tls.email.is_some() && !is_asked,
            "it is for an ACME issuer",
        ),
        (
            "url",
            tls.url.is_some() && !is_acme,
            "it is for the issuer `acme`",
        ),
        (
            "ca",
            tls.ca.is_some() && !is_acme,
            "it is for the issuer `acme`",
        ),
    ];
    for (key, _, why) in without_use.iter().filter(|(_, is_there, _)| *is_there) {
        let why = format!("has no effect: {why}; remove it");
        file.refuse(&["tls", key], why);
    }
    match &tls.url {
        None if is_acme && !file.is_spoiled(&["tls", "url"]) => file.refuse(
            &["tls", "url"],
            "is missing: the issuer `acme` needs the directory of its server",
        ),
        Some(url) if is_acme && !url.is_https() => {
            file.refuse(&["tls", "url"], "must begin with https://: ACME needs TLS");
        }
        _ => {}
    }
}

/// Who asks for mail must have somebody who takes it; and what nobody reads is refused.
fn alerts(stack: &Stack, file: &mut Document) {
    let alerts = &stack.alerts;
    if alerts.email.is_empty() {
        for (key, is_there) in [
            ("relay", alerts.relay.is_some()),
            ("from", alerts.from.is_some()),
        ] {
            if is_there && !file.is_spoiled(&["alerts", "email"]) {
                file.refuse(
                    &["alerts", key],
                    "has no use unless `alerts.email` names who is written to",
                );
            }
        }
    } else if alerts.relay.is_none() && !file.is_spoiled(&["alerts", "relay"]) {
        file.refuse(
            &["alerts", "email"],
            "needs `alerts.relay`: the mail server that takes the mails of the host",
        );
    }
    if let Some(relay) = &alerts.relay {
        relay_login(relay, file);
    }
    for (index, notify) in stack.notify.iter().enumerate() {
        if notify.events.is_empty() {
            let index = index.to_string();
            file.refuse(
                &["notify", &index, "events"],
                "is empty: the webhook would hear of nothing",
            );
        }
    }
}

/// Figures leave the host for named readers only, encrypted and with a password; and what nobody reads is refused.
fn monitoring(stack: &Stack, file: &mut Document) {
    let monitoring = &stack.monitoring;
    let place = |key| ["monitoring", key];
    let (is_read, has_password) = (
        !monitoring.allow_from.is_empty(),
        monitoring.password.is_some(),
    );
    if !monitoring.exporters {
        for (key, is_there) in [("allow_from", is_read), ("password", has_password)] {
            if is_there && !file.is_spoiled(&place("exporters")) {
                file.refuse(
                    &place(key),
                    "has no use unless `monitoring.exporters` is true",
                );
            }
        }
        return;
    }
    if !is_read && !file.is_spoiled(&place("allow_from")) {
        file.refuse(
            &place("exporters"),
            "needs `allow_from`: the addresses of Prometheus",
        );
    }
    if !has_password && !file.is_spoiled(&place("password")) {
        file.refuse(
            &place("exporters"),
            "needs a `password`, which names where it comes from",
        );
    }
    if stack.tls.https().is_none() && !file.is_spoiled(&["tls"]) {
        file.refuse(
            &place("exporters"),
            "needs TLS: the password would be read on the way; set `tls.issuer`",
        );
    }
    for (port, by) in EXPORTERS {
        if *stack.app.port == port {
            let why = format!("is {port}, which the exporter of {by} listens on");
            file.refuse(&["app", "port"], why);
        }
    }
}

/// Where the exporters listen, as their packages have it.
const EXPORTERS: [(u16, &str); 2] = [(9100, "the system"), (9187, "PostgreSQL")];

fn relay_login(relay: &Relay, file: &mut Document) {
    let place = |key| ["alerts", "relay", key];
    match (&relay.user, &relay.password) {
        (Some(_), None) if !file.is_spoiled(&place("password")) => {
            file.refuse(
                &place("user"),
                "needs a `password`, which names where it comes from",
            );
        }
        (None, Some(_)) if !file.is_spoiled(&place("user")) => {
            file.refuse(&place("password"), "needs a `user`");
        }
        _ => {}
    }
    if relay.tls == RelayTls::None && relay.password.is_some() && !file.is_spoiled(&place("tls")) {
        file.refuse(
            &place("tls"),
            "is none: the password would be read on the way; use `starttls` or `tls`",
        );
    }
}

fn backup(stack: &Stack, file: &mut Document) {
    let backup = &stack.backup;
    for (index, key) in backup.recipients.iter().enumerate() {
        if let Err(fault) = archive::recipient(key) {
            let why = format!("has an invalid age key: {}", fault.message);
            file.refuse(&["backup", "recipients", &index.to_string()], why);
        }
    }
    if backup.pitr && *backup.keep_days == 0 {
        file.refuse(
            &["backup", "keep_days"],
            "is 0; with `pitr` it must be 1 or more",
        );
    }
    if backup.pitr_passphrase.is_some() && !backup.pitr && !file.is_spoiled(&["backup", "pitr"]) {
        file.refuse(
            &["backup", "pitr_passphrase"],
            "has no use unless `pitr` is true",
        );
    }
}

fn repository(stack: &Stack, file: &mut Document) {
    let Some(s3) = &stack.backup.s3 else {
        return;
    };
    if let Some((key, why)) = bucket::fault(&s3.bucket, None, &s3.region) {
        file.refuse(&["backup", "s3", key], why);
    }
    let endpoint = s3.endpoint.as_ref();
    if let Some(endpoint) = endpoint.filter(|at| stack.backup.pitr && !at.is_https()) {
        let why = format!(
            "is `{endpoint}`; with `pitr` it must be https, as pgBackRest speaks nothing else"
        );
        file.refuse(&["backup", "s3", "endpoint"], why);
    }
}

/// Two environments of one name would take each other for themselves: their servers, their pins and their locks are found by it.
pub fn has_a_name_of_its_own(stack: &Stack, environment: &Path, file: &mut Document) {
    let begin = format!("{}:", environment.display());
    let origin = stack.origins.get("stack");
    if origin.is_some_and(|origin| !origin.starts_with(&begin)) {
        let why = format!(
            "must be named in {} too: a stack is identified by its name",
            environment.display()
        );
        file.refuse(&["stack"], why);
    }
}

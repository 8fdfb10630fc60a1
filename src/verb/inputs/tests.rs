//! Every key of citrino.yml has an effect in the configuration that it stands in, or is refused there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use clap::Parser;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::hosts;
use crate::cli::Cli;
use crate::config::paths::ConfigPaths;
use crate::config::reference::{self, AppliedBy};
use crate::config::stack::Stack;
use crate::core::error::error_info;
use crate::core::report::{Report, Verbosity};
use crate::core::role::Roles;
use crate::facts::app::{AppFacts, Release, ReleaseState};
use crate::host::neighbours::NeighbourRecord;
use crate::operator::known_host;
use crate::planner::cloud::{self, DiskPolicy};
use crate::planner::release::{self, Data, ReleaseChange};
use crate::verb::job::Job;

/// A citrino.yml with every key, for a server at Hetzner.
const CLOUD: &str = include_str!("tests/every_key.yml");

/// Another value for each key. One that nothing reads changes nothing that would be made.
const OTHERS: &str = include_str!("tests/other_values.yml");

/// Keys that only bound or find something, and make nothing: each with the place that reads it.
const READ_ELSEWHERE: [(&str, &str); 6] = [
    ("hooks.within_s", "operator/hooks.rs: how long one may take"),
    ("cloud.endpoint", "verb/on_cloud.rs: where the API is"),
    ("cloud.token", "config/source.rs: who asks it"),
    (
        "cloud.max_monthly_eur",
        "hetzner/offer.rs: what may be ordered",
    ),
    ("backup.identity", "config/source.rs: what opens backups"),
    (
        "backup.signing_key",
        "verb/job.rs: what backups are signed with",
    ),
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
    let profile = include_str!("../../../templates/app/profile.yml");
    for name in ["ca.pem", "other-ca.pem"] {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.path().join(name), certificate.pem()).unwrap();
    }
    for (name, text) in [
        ("ana.pub", key),
        ("luis.pub", &key.replace("EiAi", "EiAj")),
        ("one", "secret one"),
        ("two", "secret two"),
        (
            "profile.yml",
            &profile.replace("checks/places.sql", "places.sql"),
        ),
        (
            "other.yml",
            &profile
                .replace("checks/places.sql", "places.sql")
                .replace("title: Citrino", "title: Shop"),
        ),
        (
            "places.sql",
            include_str!("../../../templates/app/checks/places.sql"),
        ),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// All that a stack would make.
#[derive(Clone, Debug, Default, PartialEq)]
struct Made {
    /// What is told of it here.
    names: Value,
    /// The steps of `converge`.
    site: Vec<Value>,
    health: Value,
    released: Value,
    cloud: String,
    target: String,
}

fn made(folder: &Path, wishes: &Value) -> Result<Made, String> {
    let file = folder.join("citrino.yml");
    fs::write(&file, wishes.to_string()).unwrap();
    let cli = Cli::parse_from(["citrino-ops", "-c", file.to_str().unwrap(), "validate"]);
    let mut report = Report::new(false, Verbosity::Quiet);
    let job = Job::load(&cli, &mut report).map_err(|error| error_info(&error).message)?;
    let mut made = Made {
        names: json!([
            job.stack.public_url(),
            job.stack.only_host().name,
            job.backups()
        ]),
        ..Made::default()
    };
    // No key asks what kind of host it is for.
    if let Some(facts) = hosts().into_iter().next() {
        let values = job.values_on(&facts);
        let site = job.playbooks.site(&Roles::every(), &values).unwrap();
        made.site = site.iter().map(|step| json!(step)).collect();
        made.health = json!(job.playbooks.steps("health", &values).unwrap());
        made.released = released(&job);
    }
    let birth = cloud::Bootstrap {
        user_data: crate::core::secret::Secret::new(""),
        pin: String::new(),
    };
    let cloud = cloud::provision(&job.stack, &job.keys, &birth, DiskPolicy::Refused);
    let target = job.stack.host.as_ref().map(|host| {
        let target = known_host::existing(&job.stack, &job.host.name, host);
        (
            target.address,
            target.port,
            target.user,
            target.identity,
            target.host_keys,
        )
    });
    made.cloud = format!("{cloud:?}");
    made.target = format!("{target:?}");
    Ok(made)
}

/// The steps of a first release.
fn released(job: &Job<'_>) -> Value {
    let facts = crate::facts::Facts {
        app: AppFacts {
            prepared: true,
            ..AppFacts::default()
        },
        ..crate::facts::Facts::default()
    };
    let release = Release {
        id: "r1".to_owned(),
        sha256: String::new(),
        commit: String::new(),
        built_at: String::new(),
        size_bytes: 1,
        note: None,
        state: ReleaseState::default(),
        migrations: None,
    };
    let at = OffsetDateTime::UNIX_EPOCH;
    let backup = job.backups().before_migrations(&facts, at, "/app");
    let data = Data::Migrated {
        backup: Box::new(backup),
    };
    let change = ReleaseChange {
        release: &release,
        back_from: None,
        data,
        note: None,
    };
    let cutover = release::cutover(&job.stack, &facts.app, &change, |_| Ok(Vec::new()));
    json!(cutover.unwrap().steps)
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The paths of all keys: what has another value is looked at as a whole, and all else is a section.
fn paths(of: &Value, above: &str, others: &Value, found: &mut Vec<String>) {
    let Some(entries) = of.as_object() else {
        return found.push(above.to_owned());
    };
    for (key, value) in entries {
        let path = [above, key].join(".");
        let path = path.trim_start_matches('.').to_owned();
        if others.get(&path).is_some() || is_told_of(&path) {
            found.push(path);
        } else {
            paths(value, &path, others, found);
        }
    }
}

fn put(into: &mut Value, path: &str, value: &Value) {
    let pointer = format!("/{}", path.replace('.', "/"));
    let (above, key) = pointer.rsplit_once('/').unwrap();
    into.pointer_mut(above).unwrap()[key] = value.clone();
}

fn is_told_of(key: &str) -> bool {
    READ_ELSEWHERE.iter().any(|(known, _)| *known == key)
}

/// What would be made before and after another value of a key.
struct Changed {
    key: String,
    before: Made,
    after: Made,
}

/// Each key with another value, in a file for Hetzner and in one for a host that is there.
fn changes() -> Vec<Changed> {
    let folder = folder();
    let (cloud, others) = (yaml(CLOUD), yaml(OTHERS));
    let mut host = cloud.clone();
    host.as_object_mut().unwrap().remove("cloud");
    host["host"] = json!({ "address": "203.0.113.7", "port": 22, "user": "root", "host_key": "ssh-ed25519 AAAA", "identity": "one" });
    let mut changes = Vec::new();
    for (wishes, not) in [(&cloud, "host"), (&host, "cloud")] {
        let as_written = made(folder.path(), wishes).unwrap();
        let file = ConfigPaths::find(Some(&folder.path().join("citrino.yml")), None).unwrap();
        let stack = serde_json::to_value(Stack::load(&file).unwrap()).unwrap();
        let mut keys = Vec::new();
        paths(&stack, "", &others, &mut keys);
        for key in keys.into_iter().filter(|key| !key.starts_with(not)) {
            let Some(other) = others.get(&key) else {
                assert!(
                    is_told_of(&key),
                    "{key} has no other value in other_values.yml"
                );
                continue;
            };
            let (mut base, mut before) = (wishes.clone(), as_written.clone());
            // An issuer that is not asked has no use for what an asked one is told.
            if key == "tls.issuer" {
                put(&mut base, "tls", &json!({ "issuer": "none" }));
                put(&mut base, "monitoring", &json!({}));
                before = made(folder.path(), &base).unwrap();
            }
            // Who may read figures has no use where there are none.
            if key == "monitoring.exporters" {
                put(&mut base, "monitoring", &json!({}));
            }
            // The one key that another one may not stand without.
            if key == "backup.pitr" {
                put(&mut base, "backup.pitr_passphrase", &Value::Null);
                before = made(folder.path(), &base).unwrap();
            }
            // Whom it spares has no use without it.
            if key == "hardening.fail2ban" {
                put(&mut base, "hardening.spare", &json!([]));
            }
            put(&mut base, &key, other);
            let after = made(folder.path(), &base).unwrap_or_else(|why| panic!("{key}: {why}"));
            changes.push(Changed { key, before, after });
        }
    }
    changes
}

/// What another value needs until it is in force, by the plans of before and after.
fn needs(before: &Made, after: &Made) -> BTreeSet<AppliedBy> {
    let mut needs = BTreeSet::new();
    if before.cloud != after.cloud {
        needs.insert(AppliedBy::Cloud);
    }
    let steps = before.site.iter().filter(|step| !after.site.contains(step));
    let new = after.site.iter().filter(|step| !before.site.contains(step));
    let changed: Vec<&Value> = steps.chain(new).collect();
    let files: Vec<&Value> = changed
        .iter()
        .map(|step| &step["task"]["file"]["path"])
        .collect();
    let concerns = |list: &Value| {
        list.as_array()
            .is_some_and(|list| list.iter().any(|one| files.contains(&one)))
    };
    for step in before.site.iter().chain(&after.site) {
        let service = &step["task"]["service"];
        let unit = service["unit"].as_str().unwrap_or_default();
        if unit.starts_with("postgresql@") && concerns(&service["restart_on"]) {
            needs.insert(AppliedBy::Postgresql);
        }
        if unit == "nginx.service" && concerns(&service["reload_on"]) {
            needs.insert(AppliedBy::Nginx);
        }
    }
    let released = after.released.as_array().into_iter().flatten();
    if released
        .into_iter()
        .any(|step| concerns(&step["task"]["service"]["restart_on"]))
    {
        needs.insert(AppliedBy::App);
    }
    if needs.iter().all(|need| *need == AppliedBy::Cloud) && !changed.is_empty() {
        needs.insert(AppliedBy::Host);
    }
    if needs.is_empty() && before.released != after.released {
        needs.insert(AppliedBy::Deploy);
    }
    if needs.is_empty() {
        needs.insert(AppliedBy::Here);
    }
    needs
}

/// One test for both: to render all plans for each key takes its time.
#[test]
fn every_key_changes_what_is_made_or_says_who_reads_it_and_needs_what_the_reference_says() {
    let changes = changes();
    let silent = changes.iter().filter(|one| one.before == one.after);
    let silent: Vec<&str> = silent.map(|one| one.key.as_str()).collect();
    assert_eq!(silent, [""; 0], "these keys are read and have no effect");

    let pages = reference::keys();
    let mut found: BTreeMap<&str, BTreeSet<AppliedBy>> = BTreeMap::new();
    for one in &changes {
        let needs = needs(&one.before, &one.after);
        found.entry(&one.key).or_default().extend(needs);
    }
    let mut wrong = Vec::new();
    for (key, needs) in found {
        let page = pages.iter().find(|page| page.key == key).unwrap();
        let told: BTreeSet<AppliedBy> = page.applied_by.iter().copied().collect();
        if told != needs {
            wrong.push(format!("{key}: told {told:?}, needs {needs:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// The content of a file, as a host gets it.
fn content(steps: &Value, path: &str) -> String {
    let files = steps.as_array().unwrap().iter();
    let mut found = files.filter(|step| step["task"]["file"]["path"] == path);
    let content = &found.next().unwrap()["task"]["file"]["content"];
    content.as_str().unwrap().to_owned()
}

/// The steps for a host that the stack has alone, and for one that was there before; `edit` may change what is known of the latter.
fn alone_and_shared(edit: impl Fn(&mut crate::facts::Facts)) -> (Value, Value) {
    let folder = folder();
    let file = folder.path().join("citrino.yml");
    fs::write(&file, yaml(CLOUD).to_string()).unwrap();
    let cli = Cli::parse_from(["citrino-ops", "-c", file.to_str().unwrap(), "validate"]);
    let mut report = Report::new(false, Verbosity::Quiet);
    let job = Job::load(&cli, &mut report).unwrap();
    let site = |facts: &crate::facts::Facts| {
        let values = job.values_on(facts);
        json!(job.playbooks.site(&Roles::every(), &values).unwrap())
    };
    let mut facts = super::shared();
    edit(&mut facts);
    (site(&hosts()[2]), site(&facts))
}

#[test]
fn the_sites_of_others_are_served_on() {
    let (alone, shared) = alone_and_shared(|_| {});
    let nginx = content(&shared, "/etc/nginx/nginx.conf");
    assert_eq!(
        nginx
            .matches("include /etc/nginx/sites-enabled/shop;")
            .count(),
        1
    );
    assert!(
        !nginx.contains("default_server") && !nginx.contains("[::]:"),
        "{nginx}"
    );
    let nginx = content(&alone, "/etc/nginx/nginx.conf");
    assert!(
        nginx.contains("listen 80 default_server;")
            && nginx.contains("listen [::]:80 default_server;")
    );
    assert!(!nginx.contains("sites-enabled"));
}

/// What others have stays in force, after the stack's own, and keeps out of the app's database.
#[test]
fn who_may_log_in_to_the_databases_of_others_still_may() {
    let (alone, shared) = alone_and_shared(|_| {});
    let hba = content(&shared, "/etc/postgresql/15/main/pg_hba.conf");
    let at = |text: &str| {
        hba.find(text)
            .unwrap_or_else(|| panic!("{text} is not in {hba}"))
    };
    let reject = |names: &str| at(&format!("{names}  all  all  reject"));
    let theirs = at("host tienda tienda 127.0.0.1/32 scram-sha-256");
    let names = hba
        .lines()
        .find(|line| line.ends_with("all  reject"))
        .unwrap();
    let names = names
        .trim_start_matches("local")
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    assert!(reject(&names) < theirs && at("citrino_reader,citrino_metrics  all  reject") < theirs);
    assert!(at("peer map=") < reject(&names));
    assert!(!content(&alone, "/etc/postgresql/15/main/pg_hba.conf").contains("reject"));
}

#[test]
fn sshd_is_as_strict_as_it_was() {
    let (alone, shared) = alone_and_shared(|_| {});
    let sshd = content(&shared, "/etc/ssh/sshd_config.d/10-citrino.conf");
    assert!(
        sshd.contains("\nPermitRootLogin no\n")
            && sshd.contains("\nCiphers aes256-gcm@openssh.com\n"),
        "{sshd}"
    );
    let sshd = content(&alone, "/etc/ssh/sshd_config.d/10-citrino.conf");
    assert!(
        sshd.contains("\nPermitRootLogin prohibit-password\n")
            && sshd.contains("\nCiphers -3des-cbc,aes*-cbc\n"),
        "{sshd}"
    );
}

#[test]
fn postgresql_listens_where_others_reach_it() {
    let listens = |steps: &Value| {
        let text = content(steps, "/etc/postgresql/15/main/conf.d/citrino.conf");
        text.lines()
            .find(|line| line.starts_with("listen_addresses"))
            .unwrap()
            .to_owned()
    };
    let (alone, shared) = alone_and_shared(|_| {});
    assert_eq!(listens(&alone), "listen_addresses = 'localhost'");
    assert_eq!(listens(&shared), "listen_addresses = '*'");
    let (_, lonely) = alone_and_shared(|facts| *facts.neighbours = NeighbourRecord::default());
    assert_eq!(listens(&lonely), "listen_addresses = '127.0.0.1'");
}

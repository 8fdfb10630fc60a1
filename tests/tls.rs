//! What `tls:` of citrino.yml makes: the steps, nginx's configuration, and the certificate by the
//! playbook's own program in a folder of the test's.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

mod need;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use citrino_ops::config::playbook::Playbooks;
use citrino_ops::config::stack::Stack;
use citrino_ops::config::template::{Templates, Values};
use citrino_ops::core::plan::Step;
use citrino_ops::facts::{CONTAINERS, Facts};
use citrino_ops::planner::certificate::{self, renewed};
use citrino_ops::task::Task;
use citrino_ops::task::certificate::Renew;
use citrino_ops::task::file::FileContent;

const LEAST: &str = "stack: prod\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\n";
const LIVE: &str = "/etc/citrino/tls/live";

/// What the playbooks are told of a stack, as a job does.
fn values(domain: &str, tls: &str) -> Values {
    let stack = Stack::parse(
        &format!("{LEAST}domain: {domain}\ntls: {tls}\n"),
        "citrino.yml",
    )
    .unwrap();
    Values::new(&[])
        .with("domain", &stack.domain)
        .with("tls", &stack.tls)
        .with("https", &stack.tls.https())
        .with("certificate_settings", &certificate::settings(&stack, None))
        .with("hardening", &[""; 0])
        .with("app", &stack.app)
        .with("profile", &*stack.profile)
        .with("backup", &stack.backup)
        .with("database", &stack.database)
        .with("ssh_port", &stack.ssh_port())
        .with("facts", &Facts::default())
        .with("data_tables", &[""; 0])
        .with("containers", &CONTAINERS)
        .with("hardening_settings", &stack.hardening)
        .with("alerts_wanted", &false)
        .with("monitoring", &stack.monitoring)
        .with("metrics_login", &None::<String>)
        .with("alerts", &stack.alerts)
}

fn steps(playbook: &str, values: &Values) -> Vec<Step<Task>> {
    Playbooks::own().unwrap().steps(playbook, values).unwrap()
}

fn nginx(values: &Values) -> String {
    let rendered = Templates::own()
        .unwrap()
        .render("nginx/nginx.conf.tera", values)
        .unwrap();
    match rendered {
        FileContent::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_an_issuer_that_makes_one_there_is_no_certificate() {
    for tls in ["{}", "{ issuer: none }"] {
        let values = values("example.com", tls);
        assert!(steps("tls", &values).is_empty(), "{tls}");
        let conf = nginx(&values);
        assert!(
            conf.contains("listen 80 ") && !conf.contains("443") && !conf.contains("ssl_"),
            "{conf}"
        );
        let questions = steps("health", &values);
        assert!(questions.iter().all(|step| !step.name.contains("TLS")));
    }
}

#[test]
fn with_one_all_but_challenges_goes_over_tls() {
    let values = values("example.com", "{ issuer: self_signed }");
    let conf = nginx(&values);
    for part in [
        "listen 443 ssl http2 ",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "return 308 https://example.com$request_uri;",
        "location /.well-known/acme-challenge/",
        "listen 127.0.0.1:5001;",
        &format!("ssl_certificate {LIVE}/fullchain.pem;"),
        &format!("ssl_certificate_key {LIVE}/privkey.pem;"),
    ] {
        assert!(conf.contains(part), "no `{part}` in {conf}");
    }
    let plain = conf.split("server {").nth(1).unwrap();
    assert!(
        plain.contains("listen 80 ") && !plain.contains("proxy_pass"),
        "{plain}"
    );
    assert_eq!(conf.matches('{').count(), conf.matches('}').count());
    // Whoever asks by another name chooses nothing: not even where a redirect leads to.
    assert!(!conf.contains("$host$"), "{conf}");
    assert_eq!(conf.matches("return 444;").count(), 2);
    let questions = steps("health", &values);
    assert_eq!(
        questions
            .iter()
            .filter(|step| step.name.contains("TLS") || step.name.contains("certificate"))
            .count(),
        2
    );
}

/// A browser that was told so would refuse the site for two years when nobody vouches for it: what tells it so lies beside the
/// certificate, and `tests/certificates` has what puts it there.
#[test]
fn only_what_lies_beside_a_certificate_binds_browsers_to_it() {
    for tls in ["{ issuer: self_signed }", "{ issuer: letsencrypt }"] {
        let conf = nginx(&values("example.com", tls));
        assert!(!conf.contains("Strict-Transport-Security"));
        assert_eq!(
            conf.matches(&format!("include {LIVE}/hsts*.conf;")).count(),
            1
        );
    }
}

/// An issuer looks for its proof under every name, without TLS; who comes to read is sent on to the one name.
#[test]
fn further_names_lead_to_the_one() {
    let tls = "{ issuer: letsencrypt, names: [www.example.com, old.example.net] }";
    let values = values("example.com", tls);
    let conf = nginx(&values);
    assert_eq!(
        conf.matches("server_name www.example.com old.example.net;")
            .count(),
        2
    );
    assert_eq!(
        conf.matches("location /.well-known/acme-challenge/ {")
            .count(),
        2
    );
    assert_eq!(
        conf.matches("return 308 https://example.com$request_uri;")
            .count(),
        3
    );
    assert_eq!(
        conf.matches("include /etc/citrino/tls/live/hsts*.conf;")
            .count(),
        1
    );
    assert_eq!(conf.matches('{').count(), conf.matches('}').count());
}

/// What nginx was given to read is the same for `converge` and for the timer: or a renewal would be a change to the next `converge`.
#[test]
fn a_renewal_is_no_change_to_the_next_converge() {
    let values = values("example.com", "{ issuer: letsencrypt }");
    let read = |steps: Vec<Step<Task>>| {
        let lists = steps.into_iter().filter_map(|step| match step.task {
            Task::Service(service) if service.unit == "nginx.service" => Some(service.reload_on),
            _ => None,
        });
        lists.collect::<Vec<_>>()
    };
    let by_timer = read(renewed(Renew::Due));
    assert_eq!(by_timer.len(), 1);
    assert_eq!(read(steps("nginx", &values)), by_timer);
    assert_eq!(read(steps("certificate", &values)), by_timer);
}

/// The playbook's certificate for a domain, with a folder of the test's in the place of the host's.
struct Certificate {
    folder: PathBuf,
    run: Vec<String>,
    check: Vec<String>,
}

impl Certificate {
    fn of(domain: &str, folder: &Path) -> Self {
        let steps = steps("tls", &values(domain, "{ issuer: self_signed }"));
        let command = steps
            .into_iter()
            .find_map(|step| match step.task {
                Task::Command(command) => Some(command),
                _ => None,
            })
            .unwrap();
        let owner = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout);
        let here = |argv: Vec<String>| {
            argv.iter()
                .map(|word| {
                    word.replace("/etc/citrino/tls", folder.to_str().unwrap())
                        .replace(
                            "= 600.0",
                            &format!("= 600.{}", owner.as_ref().unwrap().trim()),
                        )
                })
                .collect()
        };
        Self {
            folder: folder.to_owned(),
            run: here(command.run),
            check: here(command.check),
        }
    }

    fn make(&self) {
        let output = Command::new(&self.run[0])
            .args(&self.run[1..])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(self.why_not(), "", "what was made is not as wished");
    }

    /// What the check misses; empty when nothing.
    fn why_not(&self) -> String {
        let output = Command::new(&self.check[0])
            .args(&self.check[1..])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap().trim().to_owned();
        assert_eq!(output.status.success(), said.is_empty(), "{said}");
        said
    }

    fn live(&self, name: &str) -> PathBuf {
        self.folder.join("live").join(name)
    }
}

fn is_openssl_there() -> bool {
    let is_there = Command::new("openssl").arg("version").output().is_ok();
    if !is_there {
        need::skipped("openssl is not installed");
    }
    is_there
}

#[test]
fn the_host_makes_its_certificate_and_another_when_it_no_longer_does() {
    if !is_openssl_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::of("example.com", folder.path());
    assert_eq!(certificate.why_not(), "it does not exist");
    certificate.make();
    let key = fs::metadata(certificate.live("privkey.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let first = fs::read(certificate.live("fullchain.pem")).unwrap();

    let other = Certificate::of("www.example.com", folder.path());
    assert_eq!(other.why_not(), "it is for another domain");
    other.make();
    assert_ne!(first, fs::read(other.live("fullchain.pem")).unwrap());
    // The old one is gone, and the link is no folder of its own.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);

    fs::set_permissions(other.live("privkey.pem"), PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(other.why_not(), "its key can be read by others");
    fs::write(other.live("fullchain.pem"), first).unwrap();
    assert_eq!(certificate.why_not(), "its key does not match");
    certificate.make();
}

#[test]
fn a_certificate_is_renewed_a_month_before_it_ends() {
    if !is_openssl_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut certificate = Certificate::of("example.com", folder.path());
    let lasting = std::mem::take(&mut certificate.run[2]);
    certificate.run[2] = lasting.replace("-days 397", "-days 29");
    assert_ne!(certificate.run[2], lasting);
    let made = Command::new("sh")
        .args(&certificate.run[1..])
        .output()
        .unwrap();
    assert!(made.status.success());
    assert_eq!(certificate.why_not(), "it ends in less than 30 days");
    certificate.run[2] = lasting;
    certificate.make();
}

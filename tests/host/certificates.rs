//! A site whose certificate an issuer makes: `up` ends well before its name leads here, the timer's unit renews under load without a
//! failed request, and nothing of it is drift.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use citrino_ops::facts::certificate::CertificateFacts;
use citrino_ops::host::system::System;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::pebble::{Pebble, is_installed};
use crate::stack::{Said, Stack, binary, untouched};

const NAME: &str = "citrino.example.com";

#[test]
fn a_certificate_comes_when_the_name_does_and_is_renewed_under_load() {
    if !is_installed() {
        return crate::need::skipped("pebble is not installed");
    }
    let Some(stack) = untouched() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    story(&stack, &runtime);
}

fn story(stack: &Stack, runtime: &Runtime) {
    stack.wish();
    ends_with(stack, &["provision", "--yes"], 0);
    let address = stack.address();
    let (network, _) = address.rsplit_once('.').unwrap();
    let gateway = format!("{network}.1");
    let pebble = runtime.block_on(Pebble::start(&gateway, 8053, &address));
    let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    stack.write("ca.pem", &pebble.certificate);
    let tls = format!(
        "tls: {{ issuer: acme, url: \"{}\", ca: ca.pem }}\n",
        pebble.directory()
    );
    stack.write("citrino.yml", &format!("{wishes}{tls}"));

    let app = binary("citrino-app");
    let up = ends_with(
        stack,
        &["up", "--yes", "--artifact", app.to_str().unwrap()],
        0,
    );
    says(
        &up,
        "No certificate from the issuer yet (E0460): citrino.example.com",
    );
    says(
        &ends_with(stack, &["tls", "status"], 0),
        "the host itself, which no browser trusts",
    );
    ends_with(stack, &["converge", "--check"], 0);
    let refused = ends_with(stack, &["tls", "renew"], 1);
    says(&refused, "E0460");

    // The record is set; the timer's unit finds it.
    stack.on_host(&format!("echo {address} {NAME} >>/etc/hosts"));
    stack.on_host("systemctl start citrino-certificate.service");
    let first = certificate(stack);
    assert_eq!(first["names"], json!([NAME]));
    assert_eq!(first["refusal"], Value::Null);
    ends_with(stack, &["converge", "--check"], 0);
    stack.is_healthy();

    let load = Load::begin(runtime, &runtime.block_on(pebble.root()), &address);
    for renewal in ["the timer's", "an operator's"] {
        let before = certificate(stack);
        if renewal == "the timer's" {
            its_time_has_come(stack);
            stack.on_host("systemctl start citrino-certificate.service");
        } else {
            ends_with(stack, &["tls", "renew"], 0);
        }
        let after = certificate(stack);
        assert_ne!(before["begins"], after["begins"], "{renewal}");
        ends_with(stack, &["converge", "--check"], 0);
    }
    // Nothing is due any more: the unit ends at once, and leaves no line in the audit.
    let audit = "wc -l </var/log/citrino/audit.ndjson";
    let lines = stack.on_host(audit);
    stack.on_host("systemctl start citrino-certificate.service");
    assert_eq!(lines, stack.on_host(audit));
    runtime.block_on(load.lost_nothing());
    let open = "find /etc/citrino/acme /etc/citrino/tls ! -type l -perm /077";
    assert_eq!(stack.on_host(open), "");
    stack.is_healthy();
}

/// As the issuer would say it: a moment that has passed. The certificate is one of some days ago.
fn its_time_has_come(stack: &Stack) {
    let disk = stack.disk();
    let live = CertificateFacts::gather(&System::at(&disk)).unwrap();
    let live = live.live.unwrap();
    let issued = disk
        .join("etc/citrino/tls")
        .join(live.folder)
        .join("issued.json");
    let mut text: Value = serde_json::from_str(&fs::read_to_string(&issued).unwrap()).unwrap();
    text["at"] = json!("2019-01-01T00:00:00Z");
    fs::write(issued, text.to_string()).unwrap();
    let renewal = json!({
        "serial": live.leaf.serial, "at": "2020-01-01T00:00:00Z", "ask_after": "2099-01-01T00:00:00Z",
    });
    let state = json!({ "renewal": renewal }).to_string();
    fs::write(disk.join("var/lib/citrino/certificate.json"), state).unwrap();
}

fn certificate(stack: &Stack) -> Value {
    let said = ends_with(stack, &["--json", "tls", "status"], 0);
    let lines = said
        .text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut found = lines.filter(|line| line["kind"] == "certificate");
    found.next().unwrap()["data"].clone()
}

/// Visitors who trust the issuer and come all the time: over kept connections of HTTP/1.1 and of HTTP/2, and each time over a new one.
struct Load {
    goes_on: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    visitors: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn begin(runtime: &Runtime, root: &str, address: &str) -> Self {
        let (goes_on, asked) = (Arc::new(AtomicBool::new(true)), Arc::default());
        let place = (address.parse::<std::net::IpAddr>().unwrap(), 0).into();
        let client = || {
            let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
            let client = reqwest::Client::builder().tls_built_in_root_certs(false);
            let client = client.add_root_certificate(root).resolve(NAME, place);
            client.timeout(Duration::from_secs(20))
        };
        let clients = [
            client().http1_only(),
            client().http2_prior_knowledge(),
            client().pool_max_idle_per_host(0),
        ];
        let visitors = clients.map(|client| {
            let client = client.build().unwrap();
            runtime.spawn(visit(client, Arc::clone(&goes_on), Arc::clone(&asked)))
        });
        Self {
            goes_on,
            asked,
            visitors: visitors.into(),
        }
    }

    async fn lost_nothing(self) {
        self.goes_on.store(false, Ordering::Relaxed);
        for visitor in self.visitors {
            let failed = visitor.await.unwrap();
            assert!(
                failed.is_empty(),
                "{} failed, the first: {}",
                failed.len(),
                failed[0]
            );
        }
        let asked = self.asked.load(Ordering::Relaxed);
        assert!(asked > 100, "only {asked} requests");
    }
}

/// A file that nginx itself serves: the app says 429 to one address that asks so often.
async fn visit(
    client: reqwest::Client,
    goes_on: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut failed = Vec::new();
    while goes_on.load(Ordering::Relaxed) {
        match client
            .get(format!("https://{NAME}/robots.txt"))
            .send()
            .await
        {
            Ok(answer) if answer.status() == 200 => {}
            Ok(answer) => failed.push(answer.status().to_string()),
            Err(error) => failed.push(format!("{error:?}")),
        }
        asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    failed
}

fn ends_with(stack: &Stack, arguments: &[&str], code: i32) -> Said {
    let said = stack.citrino(arguments);
    assert_eq!(said.code, code, "{arguments:?}: {}", said.text);
    said
}

fn says(said: &Said, part: &str) {
    assert!(said.text.contains(part), "{part} is not in:\n{}", said.text);
}

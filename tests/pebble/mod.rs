//! A real ACME server on an address of the test's: pebble, and the name service that it asks. Its certificates last ten days, and each
//! order has to prove its names.

#![allow(dead_code)] // every crate that includes it uses a part of it

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

/// Where it serves.
pub const PORT: u16 = 14000;
const MANAGEMENT: u16 = 15000;
const NAMES: u16 = 8055;

pub struct Pebble {
    pub folder: tempfile::TempDir,
    /// What its own server is trusted by.
    pub certificate: String,
    address: String,
    server: Child,
    names: Child,
    dns: u16,
    client: reqwest::Client,
}

impl Pebble {
    /// The name service answers on this port, and every name leads to `site`.
    pub async fn start(address: &str, dns: u16, site: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([address.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("cert.pem"), &certificate).unwrap();
        fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        let config = json!({ "pebble": {
            "listenAddress": format!("{address}:{PORT}"),
            "managementListenAddress": format!("{address}:{MANAGEMENT}"),
            "certificate": path("cert.pem"), "privateKey": path("key.pem"),
            "httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": 864_000,
        }});
        fs::write(path("config.json"), config.to_string()).unwrap();
        let names = quiet(
            Command::new("pebble-challtestsrv")
                .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
                .args(["-dns01", &format!("{address}:{dns}")])
                .args(["-management", &format!("{address}:{NAMES}")])
                .args(["-defaultIPv4", site, "-defaultIPv6", ""]),
        );
        let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .add_root_certificate(root)
            .build();
        let pebble = Self {
            server: server(&folder, address, dns),
            folder,
            certificate,
            address: address.to_owned(),
            names,
            dns,
            client: client.unwrap(),
        };
        pebble.answers().await;
        pebble
    }

    pub fn directory(&self) -> String {
        format!("https://{}:{PORT}/dir", self.address)
    }

    /// What its certificates are trusted by.
    pub async fn root(&self) -> String {
        let url = format!("https://{}:{MANAGEMENT}/roots/0", self.address);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// It forgets its accounts and orders.
    pub async fn begin_anew(&mut self) {
        self.stop();
        self.server = server(&self.folder, &self.address, self.dns);
        self.answers().await;
    }

    pub fn stop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// The name service says another thing: `add-a`, `add-aaaa`, `set-servfail`…
    pub async fn names(&self, what: &str, told: Value) {
        let url = format!("http://{}:{NAMES}/{what}", self.address);
        let answer = self.client.post(url).body(told.to_string()).send().await;
        assert!(answer.unwrap().status().is_success(), "{what}");
    }

    async fn answers(&self) {
        let names = format!("http://{}:{NAMES}/", self.address);
        for url in [self.directory(), names] {
            until_answered(&self.client, &url).await;
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.names] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until something answers there, whatever it says.
pub async fn until_answered(client: &reqwest::Client, url: &str) {
    for _ in 0..1200 {
        if client.get(url).send().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{url} does not answer");
}

fn server(folder: &tempfile::TempDir, address: &str, dns: u16) -> Child {
    let config = folder.path().join("config.json");
    quiet(
        Command::new("pebble")
            .args(["-config", config.to_str().unwrap(), "-strict"])
            .args(["-dnsserver", &format!("{address}:{dns}")])
            .envs([
                ("PEBBLE_VA_NOSLEEP", "1"),
                ("PEBBLE_AUTHZREUSE", "0"),
                ("PEBBLE_WFE_NONCEREJECT", "0"),
            ]),
    )
}

pub fn quiet(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().unwrap()
}

/// Whether its programs are on this machine.
pub fn is_installed() -> bool {
    let is_there = |program: &str| {
        let found = Command::new("which").arg(program).output();
        found.is_ok_and(|found| found.status.success())
    };
    ["pebble", "pebble-challtestsrv"].into_iter().all(is_there)
}

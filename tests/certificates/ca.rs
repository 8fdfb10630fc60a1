//! An issuer: a real ACME server, the name service that it and the host ask, and what stands before it to spoil its answers.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

const SERVER: u16 = 14000;
const FRONT: u16 = 14443;
const CONTROL: u16 = 14444;
const NAMES: u16 = 8055;
const SHOP: &str = "127.0.0.1";

pub struct Ca {
    folder: tempfile::TempDir,
    server: Child,
    _front: Child,
    _names: Child,
    /// What both trust.
    pub certificate: String,
    client: reqwest::Client,
}

impl Ca {
    /// Certificates of ten days; every name leads to the site.
    pub async fn started() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("cert.pem"), &certificate).unwrap();
        fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{SERVER}"), "managementListenAddress": "127.0.0.1:15000",
            "certificate": path("cert.pem"), "privateKey": path("key.pem"),
            "httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": 864_000,
        }});
        fs::write(path("config.json"), config.to_string()).unwrap();
        let names = quiet(
            Command::new("pebble-challtestsrv")
                .args([
                    "-http01",
                    "",
                    "-https01",
                    "",
                    "-tlsalpn01",
                    "",
                    "-dns01",
                    "127.0.0.1:53",
                ])
                .args([
                    "-management",
                    &format!("127.0.0.1:{NAMES}"),
                    "-defaultIPv4",
                    SHOP,
                    "-defaultIPv6",
                    "",
                ]),
        );
        let front = quiet(
            Command::new("python3")
                .arg(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/tests/certificates/front.py"
                ))
                .args([FRONT, SERVER].map(|port| port.to_string()))
                .args([path("cert.pem"), path("key.pem"), CONTROL.to_string()]),
        );
        let ca = Self {
            server: server(&folder),
            _front: front,
            _names: names,
            folder,
            certificate,
            client: reqwest::Client::new(),
        };
        ca.answers().await;
        ca
    }

    pub fn directory() -> String {
        format!("https://127.0.0.1:{FRONT}/dir")
    }

    /// It forgets its accounts and orders.
    pub async fn begin_anew(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        self.server = server(&self.folder);
        self.answers().await;
    }

    pub fn stop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// The `at`-th call from now on is spoiled; every one, when that is 0. Gives how many calls came since this was said last.
    pub async fn spoil(&self, fault: &str, at: usize) -> usize {
        let url = format!("http://127.0.0.1:{CONTROL}/{fault}/{at}");
        let said = self
            .client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        said.parse().unwrap()
    }

    /// The name service says another thing: `add-a`, `add-aaaa`, `add-caa`, `set-servfail`…
    pub async fn names(&self, what: &str, told: serde_json::Value) {
        let url = format!("http://127.0.0.1:{NAMES}/{what}");
        let answer = self.client.post(url).body(told.to_string()).send().await;
        assert!(answer.unwrap().status().is_success(), "{what}");
    }

    async fn answers(&self) {
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .add_root_certificate(root)
            .build()
            .unwrap();
        let url = Self::directory();
        for _ in 0..600 {
            let is_up = client.get(&url).send().await;
            let names = self
                .client
                .get(format!("http://127.0.0.1:{NAMES}/"))
                .send()
                .await;
            if is_up.is_ok_and(|answer| answer.status().is_success()) && names.is_ok() {
                self.spoil("none", 0).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the ACME server does not answer");
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self._front, &mut self._names] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Authorizations are not used again: each order has to prove its names.
fn server(folder: &tempfile::TempDir) -> Child {
    let config = folder.path().join("config.json");
    quiet(
        Command::new("pebble")
            .args([
                "-config",
                config.to_str().unwrap(),
                "-dnsserver",
                "127.0.0.1:53",
                "-strict",
            ])
            .envs([
                ("PEBBLE_VA_NOSLEEP", "1"),
                ("PEBBLE_AUTHZREUSE", "0"),
                ("PEBBLE_WFE_NONCEREJECT", "0"),
            ]),
    )
}

fn quiet(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().unwrap()
}

//! An API for one test: the program that `up` starts, on a free port, without machines. Its calls go through a
//! proxy that checks them; a call that differs from Hetzner's document fails the test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hcloud::apis::configuration::Configuration;
use serde_json::{Value, json};

use crate::checking_proxy::CheckingProxy;

pub const TOKEN: &str = "0123456789012345678901234567890123456789012345678901234567890123";
pub const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB";

/// The API of one test, which ends with the test.
pub struct Api {
    process: Child,
    state: tempfile::TempDir,
    /// Where the API itself listens, without `/v1`.
    base: String,
    proxy: CheckingProxy,
    /// The proxy's address, with `/v1`.
    pub endpoint: String,
    pub client: reqwest::Client,
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let complaints = self.proxy.complaints();
        assert!(
            complaints.is_empty() || std::thread::panicking(),
            "{complaints}"
        );
    }
}

fn program(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_citrino-lab"));
    command
        .args(arguments)
        .env("CITRINO_LAB_STATE", state)
        .env("CITRINO_LAB_PORT", "0")
        .env("CITRINO_LAB_NAME", "apitest");
    command
}

/// Starts it on a port that nobody has, and waits until it listens.
fn spawn(state: &Path) -> (Child, String) {
    let mut process = program(state, &["serve", "--no-machines"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the lab's program starts");
    let mut said = String::new();
    let output = process.stdout.take().expect("its output");
    BufReader::new(output)
        .read_line(&mut said)
        .expect("its endpoint");
    let base = said.strip_suffix("/v1\n");
    let base = base.expect("the API did not start; it said why above");
    (process, base.to_owned())
}

impl Api {
    pub fn start() -> Self {
        let state = tempfile::tempdir().expect("a folder");
        std::fs::write(state.path().join("token"), TOKEN).expect("a token");
        let (process, base) = spawn(state.path());
        let proxy = CheckingProxy::start(&base);
        let endpoint = format!("http://127.0.0.1:{}/v1", proxy.port);
        Self {
            process,
            state,
            base,
            proxy,
            endpoint,
            client: reqwest::Client::new(),
        }
    }

    /// Kills the process and starts another on the same state.
    pub fn restart(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
        (self.process, self.base) = spawn(self.state.path());
        self.proxy.moved(&self.base);
    }

    /// The lab's program for another verb.
    pub fn program(&self, arguments: &[&str]) -> Command {
        program(self.state.path(), arguments)
    }

    /// A URL of the API itself, around the proxy.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn crate_configuration(&self) -> Configuration {
        let mut configuration = Configuration::new();
        configuration.base_path_mapping.insert(
            "https://api.hetzner.cloud/v1".to_owned(),
            self.endpoint.clone(),
        );
        configuration.bearer_access_token = Some(TOKEN.to_owned());
        configuration
    }

    /// Status and body of a call.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.endpoint);
        let answer = self.send(method, &url, body).await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// What the lab has of its own, under `/_lab`.
    pub async fn order(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = self.url(&format!("/_lab{path}"));
        let answer = self.send(method, &url, body).await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// A call of any address.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        body: Value,
    ) -> reqwest::Result<reqwest::Response> {
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, url).bearer_auth(TOKEN);
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await
    }

    /// Creates a server and waits for its actions.
    pub async fn server(&self, wish: Value) -> u64 {
        let (status, body) = self.call("POST", "/servers", wish).await;
        assert_eq!(status, 201, "{body}");
        self.settle(&body["action"]).await;
        for action in body["next_actions"].as_array().expect("a list") {
            self.settle(action).await;
        }
        body["server"]["id"].as_u64().expect("an id")
    }

    /// Waits until an action is over; it must have gone well.
    pub async fn settle(&self, action: &Value) {
        let ended = self.ended(action).await;
        assert_eq!(ended["status"], "success", "{ended}");
    }

    /// Waits until an action is over, and tells how.
    pub async fn ended(&self, action: &Value) -> Value {
        let path = format!("/actions/{}", action["id"]);
        let mut body = Value::Null;
        until("the action is over", async || {
            body = self.call("GET", &path, Value::Null).await.1;
            body["action"]["status"] != "running"
        })
        .await;
        body["action"].clone()
    }
}

/// Asks again and again until the answer is yes. The end is for what never comes, on whatever machine.
pub async fn until(what: &str, mut yes: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !yes().await {
        assert!(
            begun.elapsed() < Duration::from_mins(5),
            "not in five minutes: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The plainest server.
pub fn wish(name: &str) -> Value {
    json!({ "name": name, "server_type": "cpx11", "image": "debian-12", "location": "ash" })
}

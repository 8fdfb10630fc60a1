//! An API of a test's own: the program that `up` starts, on a free port, without machines. What a test
//! asks of it goes through a witness, and a call that is not as Hetzner's document has it fails the test.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use hcloud::apis::configuration::Configuration;
use serde_json::{Value, json};

use crate::witness::Witness;

pub const TOKEN: &str = "0123456789012345678901234567890123456789012345678901234567890123";
pub const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB";

/// An API of the test's own, gone with it.
pub struct Api {
    process: Child,
    state: tempfile::TempDir,
    port: u16,
    witness: Witness,
    /// Where the witness listens, with `/v1`.
    pub endpoint: String,
    pub client: reqwest::Client,
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let complaints = self.witness.complaints();
        assert!(
            complaints.is_empty() || std::thread::panicking(),
            "{complaints}"
        );
    }
}

fn program(state: &Path, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_citrino-lab"));
    command
        .args(arguments)
        .env("CITRINO_LAB_STATE", state)
        .env("CITRINO_LAB_PORT", port.to_string())
        .env("CITRINO_LAB_NAME", "apitest");
    command
}

fn spawn(state: &Path, port: u16) -> Child {
    program(state, port, &["serve", "--no-machines"])
        .stdout(Stdio::null())
        .spawn()
        .expect("the lab's program starts")
}

/// A port that nobody has. It is below those that the kernel gives away, so that nobody is given it
/// before the API has it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 1000).expect("below 1000") * 10;
    loop {
        let port = 18_000 + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % 14_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Api {
    pub async fn start() -> Self {
        let state = tempfile::tempdir().expect("a folder");
        std::fs::write(state.path().join("token"), TOKEN).expect("a token");
        let port = free_port();
        let process = spawn(state.path(), port);
        let witness = Witness::start(&format!("http://127.0.0.1:{port}"));
        let endpoint = format!("http://127.0.0.1:{}/v1", witness.port);
        let api = Self {
            process,
            state,
            port,
            witness,
            endpoint,
            client: reqwest::Client::new(),
        };
        api.wait().await;
        api
    }

    pub async fn wait(&self) {
        let begun = Instant::now();
        while self
            .client
            .get(self.url("/v1/locations"))
            .send()
            .await
            .is_err()
        {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "the API does not answer"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills the process and starts another on the same state.
    pub async fn restart(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
        self.process = spawn(self.state.path(), self.port);
        self.wait().await;
    }

    /// The lab's program for another verb.
    pub fn program(&self, arguments: &[&str]) -> Command {
        program(self.state.path(), self.port, arguments)
    }

    /// A path of the API itself, past the witness.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
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

    pub async fn settle(&self, action: &Value) {
        let begun = Instant::now();
        loop {
            let (_, body) = self
                .call("GET", &format!("/actions/{}", action["id"]), Value::Null)
                .await;
            match body["action"]["status"].as_str() {
                Some("running") => assert!(begun.elapsed() < Duration::from_secs(10), "{body}"),
                other => return assert_eq!(other, Some("success"), "{body}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The plainest server.
pub fn wish(name: &str) -> Value {
    json!({ "name": name, "server_type": "cpx11", "image": "debian-12", "location": "ash" })
}

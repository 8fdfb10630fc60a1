//! The lab's API without machines, as the Hetzner world's double: it keeps state, refuses as the
//! API does, and fails when it is told to.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use citrino_ops::hetzner::{Hetzner, Pace};
use citrino_ops::secret::Secret;
use serde_json::{Value, json};

pub const TOKEN: &str = "sentinel0token0123456789012345678901234567890123456789012345678a";
/// Waits short enough for a test.
pub const FAST: Pace = Pace {
    first_poll: Duration::from_millis(1),
    longest_poll: Duration::from_millis(5),
    first_retry: Duration::from_millis(1),
    longest_retry: Duration::from_millis(20),
    answer: Duration::from_millis(500),
    in_use: Duration::from_millis(50),
    shutdown: Duration::from_secs(2),
};

pub struct Double {
    process: Child,
    _state: tempfile::TempDir,
    port: u16,
}

impl Drop for Double {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that no other double of this process has been given, however many start at once.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The workspace's other binaries lie beside ours.
fn binary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_citrino-ops")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build -p {name}`, or `cargo test --workspace`",
        path.display()
    );
    path
}

impl Double {
    pub fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("token"), TOKEN).unwrap();
        let port = free_port();
        let process = Command::new(binary("citrino-lab"))
            .args(["serve", "--no-machines"])
            .env("CITRINO_LAB_STATE", state.path())
            .env("CITRINO_LAB_PORT", port.to_string())
            .env("CITRINO_LAB_NAME", "double")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let double = Self {
            process,
            _state: state,
            port,
        };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "no answer");
            std::thread::sleep(Duration::from_millis(5));
        }
        double
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub fn api(&self) -> Hetzner {
        self.api_with(TOKEN)
    }

    pub fn api_with(&self, token: &str) -> Hetzner {
        Hetzner::connect_paced(&self.endpoint(), &Secret::new(token), FAST).unwrap()
    }

    /// Asks the API; `/_lab` paths are its backstage.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let place = if path.starts_with("/_lab") { "" } else { "/v1" };
        let url = format!("http://127.0.0.1:{}{place}{path}", self.port);
        let method: reqwest::Method = method.parse().unwrap();
        let run = async {
            let mut request = reqwest::Client::new()
                .request(method.clone(), &url)
                .bearer_auth(TOKEN);
            if !body.is_null() {
                request = request.json(body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            assert!(status.is_success(), "{method} {path}: {status} {text}");
            serde_json::from_str(&text).unwrap_or(Value::Null)
        };
        // A thread of its own: the caller may be in a runtime already.
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    runtime.block_on(run)
                })
                .join()
                .unwrap()
        })
    }

    pub fn fault(&self, fault: &Value) {
        self.call("POST", "/_lab/faults", fault);
    }

    pub fn no_faults(&self) {
        self.call("DELETE", "/_lab/faults", &Value::Null);
    }

    /// Method and path of every call since it was last asked to forget them.
    pub fn calls(&self) -> Vec<String> {
        let calls = self.call("GET", "/_lab/calls", &Value::Null);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let calls = calls["calls"].as_array().unwrap().iter();
        calls
            .map(|call| format!("{} {}", text(&call["method"]), text(&call["path"])))
            .collect()
    }

    pub fn forget_calls(&self) {
        self.call("DELETE", "/_lab/calls", &Value::Null);
    }

    /// All of a kind.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        let path = format!("/{kind}?per_page=50");
        self.call("GET", &path, &Value::Null)[kind]
            .as_array()
            .unwrap()
            .clone()
    }

    /// The only one of a kind.
    pub fn only(&self, kind: &str) -> Value {
        let mut all = self.all(kind);
        assert_eq!(all.len(), 1, "{kind}: {all:?}");
        all.remove(0)
    }
}

/// Does something of the server by hand, and waits for it.
impl Double {
    pub fn by_hand(&self, path: &str, body: &Value) {
        let answer = self.call("POST", path, body);
        let action = answer["action"]["id"].clone();
        let begun = Instant::now();
        while !action.is_null()
            && self.call("GET", &format!("/actions/{action}"), &json!(null))["action"]["status"]
                == "running"
        {
            assert!(begun.elapsed() < Duration::from_secs(10), "{path}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

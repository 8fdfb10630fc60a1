//! The lab's API without machines: it keeps state, refuses as the API does, and fails when it is told to.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use citrino_ops::core::secret::Secret;
use citrino_ops::hetzner::{Hetzner, Pace};
use serde_json::{Value, json};

pub const TOKEN: &str = "sentinel0token0123456789012345678901234567890123456789012345678a";
/// Between two looks it waits as short as a test wants it. What it waits for in all is as long as in
/// earnest: a machine may be slow.
pub const FAST: Pace = Pace {
    first_poll: Duration::from_millis(1),
    longest_poll: Duration::from_millis(5),
    first_retry: Duration::from_millis(20),
    longest_retry: Duration::from_millis(160),
    answer: Duration::from_secs(30),
    in_use: Duration::from_mins(1),
    shutdown: Duration::from_mins(1),
    patience: 1.0,
};

/// Gives an answer up that never comes, and now and then one that is only slow.
pub const IMPATIENT: Pace = Pace {
    answer: Duration::from_millis(500),
    ..FAST
};

pub struct FakeApi {
    process: Child,
    _state: tempfile::TempDir,
    base: String,
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
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

/// Asks again and again until the answer is yes. The end is for what never comes, on whatever machine.
pub fn until(what: &str, mut yes: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !yes() {
        assert!(
            begun.elapsed() < Duration::from_mins(5),
            "not in five minutes: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl FakeApi {
    /// On a port that nobody has.
    pub fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("token"), TOKEN).unwrap();
        let mut process = Command::new(binary("citrino-lab"))
            .args(["serve", "--no-machines"])
            .env("CITRINO_LAB_STATE", state.path())
            .env("CITRINO_LAB_PORT", "0")
            .env("CITRINO_LAB_NAME", "fake")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut endpoint = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut endpoint).unwrap();
        let base = endpoint.strip_suffix("/v1\n");
        let base = base.unwrap_or_else(|| panic!("the fake did not start; it said why above"));
        Self {
            process,
            _state: state,
            base: base.to_owned(),
        }
    }

    pub fn endpoint(&self) -> String {
        format!("{}/v1", self.base)
    }

    pub fn api(&self) -> Hetzner {
        self.api_with(TOKEN)
    }

    pub fn api_with(&self, token: &str) -> Hetzner {
        Hetzner::connect_paced(&self.endpoint(), &Secret::new(token), FAST).unwrap()
    }

    pub fn api_paced(&self, pace: Pace) -> Hetzner {
        Hetzner::connect_paced(&self.endpoint(), &Secret::new(TOKEN), pace).unwrap()
    }

    /// Asks the API; `/_lab` paths are its backstage.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let place = if path.starts_with("/_lab") { "" } else { "/v1" };
        let url = format!("{}{place}{path}", self.base);
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

    /// Whoever waits for a late answer has it now.
    pub fn no_faults(&self) {
        self.call("DELETE", "/_lab/faults", &Value::Null);
    }

    /// Whether the fault that was ordered first has met a call.
    pub fn struck(&self) -> bool {
        self.call("GET", "/_lab/faults", &Value::Null)["faults"][0]["struck"] == 1
    }

    /// What was begun is over: a run that failed does not wait for it.
    pub fn comes_to_rest(&self) {
        // The lab lists the actions of all kinds here.
        until("no action runs", || {
            let running = self.call("GET", "/servers/actions?status=running", &Value::Null);
            running["actions"] == json!([])
        });
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
impl FakeApi {
    pub fn by_hand(&self, path: &str, body: &Value) {
        self.call("POST", path, body);
        self.comes_to_rest();
    }
}

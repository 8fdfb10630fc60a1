//! The binary: run to its end, or serving and asked over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::Database;

/// How long to wait for what must come, on a machine that does much else meanwhile.
const PATIENCE: Duration = Duration::from_mins(2);

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs a verb to its end.
pub fn citrino(database: &Database, arguments: &[&str]) -> Run {
    let output = command(&database.url()).args(arguments).output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn command(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_citrino-app"));
    command
        .env_clear()
        .env("DATABASE_URL", url)
        .env("CITRINO_RELEASE", "prueba-1");
    command
}

/// A serving process, killed when it goes out of scope.
pub struct App {
    child: Child,
    /// Where it listens.
    pub address: String,
    log: Arc<Mutex<Vec<Value>>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl App {
    /// Serves on a free port of the loopback.
    pub fn start(database: &Database) -> Self {
        Self::start_with(&database.url(), "")
    }

    /// Serves with settings, which may name a `bind`.
    pub fn start_with(url: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("app.yml");
        let bind = if settings.contains("bind:") {
            ""
        } else {
            "bind: 127.0.0.1:0\n"
        };
        std::fs::write(&config, format!("{bind}{settings}")).unwrap();
        let mut child = command(url)
            .arg("serve")
            .arg("--config")
            .arg(config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let line = lines
                .next()
                .expect("the server says where it listens")
                .unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            let bind = line["bind"].as_str().map(str::to_owned);
            said.push(line);
            if let Some(bind) = bind {
                break bind;
            }
        };
        let log = Arc::new(Mutex::new(said));
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("every line of the log is JSON");
                kept.lock().unwrap().push(line);
            }
        });
        App {
            child,
            address,
            log,
        }
    }

    /// Waits until it can do its work.
    pub fn wait_until_ready(&self) {
        eventually("it is ready", || self.get("/api/ready").status == 200);
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(
            "POST",
            path,
            &["content-type: application/json"],
            &body.to_string(),
        )
    }

    /// Any request, on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = self.connect();
        let mut all = headers.to_vec();
        all.push("connection: close");
        write_request(&mut stream, method, path, &all, body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, text) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head[9..12].parse().unwrap();
        Answer {
            status,
            head: head.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Only the head of the answer to a GET, whose body may be no text.
    pub fn head(&self, path: &str, headers: &[&str]) -> String {
        let mut stream = self.connect();
        write_request(
            &mut stream,
            "GET",
            path,
            &[headers, &["connection: close"]].concat(),
            "",
        );
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split_once("\r\n\r\n").unwrap().0.to_owned()
    }

    /// A connection. What it waits for comes, or the test fails.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Bytes of memory that it takes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kilobytes.parse::<u64>().unwrap() * 1024
    }

    /// Asks it to stop, as systemd does.
    pub fn terminate(&self) {
        assert!(
            Command::new("kill")
                .args(["-TERM", &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until it has left.
    pub fn wait(&mut self) -> ExitStatus {
        let mut left = None;
        eventually("the server leaves", || {
            left = self.child.try_wait().unwrap();
            left.is_some()
        });
        left.unwrap()
    }

    /// Whether a line of the log, so far, says this.
    pub fn said(&self, message: &str) -> bool {
        self.log().iter().any(|line| line["message"] == message)
    }

    /// The log's lines so far.
    pub fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }
}

/// Writes a request and leaves the connection open.
pub fn write_request(
    stream: &mut impl Write,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) {
    let headers: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: prueba\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until it holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

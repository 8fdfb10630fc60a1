//! The stand-in over its socket, healthy and with each of its faults.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

const ASK_READY: &str = "GET /api/ready HTTP/1.1\r\nhost: app\r\n\r\n";

/// A copy of it with an order.
struct Build {
    folder: tempfile::TempDir,
}

impl Build {
    fn new(order: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let build = Self { folder };
        let mut bytes = fs::read(env!("CARGO_BIN_EXE_citrino-stand-in")).unwrap();
        if !order.is_null() {
            bytes.extend(format!("\nstand-in: {order}").as_bytes());
        }
        fs::write(build.path("citrino-app"), bytes).unwrap();
        fs::set_permissions(build.path("citrino-app"), Permissions::from_mode(0o755)).unwrap();
        fs::write(build.path("app.yml"), "").unwrap();
        build
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(self.path("citrino-app"));
        command
            .args(line.split_whitespace())
            .env("CITRINO_RELEASE", "r1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn types(&self, line: &str) -> Output {
        self.spawn(line).wait_with_output().unwrap()
    }

    /// Another test may start a program in this very moment, which has the file still open for writing until it runs.
    fn spawn(&self, line: &str) -> Child {
        loop {
            match self.command(line).spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
                started => return started.unwrap(),
            }
        }
    }

    /// Starts it, and waits for its first line.
    fn start(&self, line: &str) -> Running {
        let mut child = self.spawn(line);
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, output };
        assert_ne!(running.says(), "", "it ended without a word");
        running
    }

    fn serve_line(&self) -> String {
        let (config, socket) = (self.path("app.yml"), self.path("app.sock"));
        format!(
            "serve --config {} --bind unix:{}",
            config.display(),
            socket.display()
        )
    }

    fn serve(&self) -> Running {
        self.start(&self.serve_line())
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(self.path("app.sock")).unwrap()
    }

    /// Status and body.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: app\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        answer(&mut stream)
    }

    /// Others are answered, and this one is not until the process has ended in its good time.
    fn never_answers(&self, question: &str) {
        let mut serving = self.serve();
        let mut stream = self.connect();
        stream.write_all(question.as_bytes()).unwrap();
        assert_eq!(self.ask("GET", "/api/health", "").0, 200);
        serving.signal(Signal::SIGTERM);
        assert_eq!(serving.end().code(), Some(0));
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert_eq!(said, b"");
    }
}

/// What a connection says to its end.
fn answer(stream: &mut UnixStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// A process of a test, gone with it.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    /// Its next line.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn json_of(answer: &(u16, String)) -> Value {
    serde_json::from_str(&answer.1).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

#[test]
fn without_an_order_it_is_healthy() {
    let build = Build::new(&Value::Null);
    for line in [
        "migrate",
        "migrate --check",
        "load --demo",
        "load --demo --check",
    ] {
        assert_eq!(build.types(line).status.code(), Some(0), "{line}");
    }
    assert_eq!(build.types("dance").status.code(), Some(2));
    let _serving = build.serve();
    assert_eq!(
        json_of(&build.ask("GET", "/api/health", ""))["release"],
        "r1"
    );
    assert_eq!(
        json_of(&build.ask("GET", "/api/ready", ""))["estado"],
        "listo"
    );
    assert!(build.ask("GET", "/", "").1.starts_with("<!doctype html>"));
    let found = json_of(&build.ask("GET", "/api/buscar", ""));
    assert_eq!(found["propiedades"][0]["zona"], "Equipetrol");
    let wish = r#"{"zona_preferida":"Equipetrol","limite":5}"#;
    let told = json_of(&build.ask("POST", "/api/recomendar", wish));
    assert_eq!(told["recomendaciones"].as_array().unwrap().len(), 1);
}

#[test]
fn on_sigterm_it_finishes_what_it_began() {
    let build = Build::new(&json!({ "build": 2 }));
    let mut serving = build.serve();
    let mut idle = build.connect();
    idle.write_all(ASK_READY.as_bytes()).unwrap();
    assert!(idle.read(&mut [0; 4096]).unwrap() > 0);
    // The body of this one comes late; that it is asked for says that the request is being answered.
    let mut late = build.connect();
    late.write_all(b"POST /api/recomendar HTTP/1.1\r\nhost: app\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n").unwrap();
    let mut asked = [0; 25];
    late.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    serving.signal(Signal::SIGTERM);
    while UnixStream::connect(build.path("app.sock")).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    late.write_all(b"{}").unwrap();
    assert_eq!(answer(&mut late).0, 200);
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert_eq!(serving.end().code(), Some(0));
    // Its socket is no obstacle to the next one.
    build.serve();
}

#[test]
fn each_fault_is_its_own() {
    let with = |fault: &str| Build::new(&json!({ "fault": fault, "message": "no luck today" }));
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();

    let build = with("does_not_start");
    let ended = build.types(&build.serve_line());
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(said(&ended), "citrino-app: no luck today\n");
    assert_eq!(build.types("migrate --check").status.code(), Some(0));

    let build = with("is_never_ready");
    let _serving = build.serve();
    let unready = build.ask("GET", "/api/ready", "");
    assert_eq!(
        (unready.0, &json_of(&unready)["estado"]),
        (503, &json!("no_listo"))
    );
    assert_eq!(build.ask("GET", "/api/health", "").0, 200);

    let build = with("fails_to_recommend");
    let _serving = build.serve();
    assert_eq!(build.ask("GET", "/api/ready", "").0, 200);
    assert_eq!(build.ask("POST", "/api/recomendar", "{}").0, 500);

    let build = with("ready_hangs");
    build.never_answers(ASK_READY);

    let build = with("hangs_behind_nginx");
    build.never_answers(
        "GET /api/health HTTP/1.1\r\nhost: app\r\nx-forwarded-for: 192.0.2.1\r\n\r\n",
    );
}

#[test]
fn one_dies_after_it_was_ready() {
    let build = Build::new(&json!({ "fault": "dies_after", "seconds": 1 }));
    let mut serving = build.serve();
    assert_eq!(serving.end().signal(), Some(Signal::SIGABRT as i32));
    // It is as healthy as any until then.
    let build = Build::new(&json!({ "fault": "dies_after", "seconds": 3600 }));
    let _serving = build.serve();
    assert_eq!(build.ask("GET", "/api/ready", "").0, 200);
}

#[test]
fn migrations_fail_wait_and_are_deaf() {
    let with = |fault: &str| Build::new(&json!({ "fault": fault }));
    for fault in ["migrate_fails", "migrate_waits", "migrate_is_deaf"] {
        assert_eq!(
            with(fault).types("migrate --check").status.code(),
            Some(3),
            "{fault}"
        );
    }
    assert_eq!(
        with("migrate_fails").types("migrate").status.code(),
        Some(1)
    );

    let build = with("migrate_waits");
    let mut waiting = build.start("migrate");
    waiting.signal(Signal::SIGTERM);
    assert_eq!(waiting.end().signal(), Some(Signal::SIGTERM as i32));

    let build = with("migrate_is_deaf");
    let mut deaf = build.start("migrate");
    for _ in ["once", "again"] {
        deaf.signal(Signal::SIGTERM);
        assert_eq!(deaf.says(), "told to end, and waiting on\n");
    }
}

#[test]
fn it_prints_what_it_is_told_to_and_refuses_a_wrong_order() {
    let order = json!({ "prints": { "migrate --describe": { "newest": 4 } } });
    let told = Build::new(&order).types("migrate --describe");
    assert_eq!(String::from_utf8_lossy(&told.stdout), "{\"newest\":4}\n");
    let wrong = Build::new(&json!({ "fault": "sulks" })).types("migrate --check");
    assert_eq!(wrong.status.code(), Some(2));
}

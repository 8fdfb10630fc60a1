//! One stack on one lab, and the operator's machine sealed off: a folder as home, no variables.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::lab::{PATIENCE, TestLab, claim, until, within};
use crate::need::skipped;

/// Must never be found anywhere but where it belongs.
pub const PASSWORD: &str = "sentinel-of-the-database-7f3a";
pub const KEY: &str = "sentinel-of-the-provider-91bc";

/// While it is not there, a run is held up.
pub const GO_ON: &str = "/var/tmp/go-on";

/// The stack that serves, for one test at a time; none where no lab can be.
///
/// The tests of a ring share it, each in a process of its own. One that failed says so itself; the others find what it
/// left, and mend it or fail too.
pub fn serving() -> Option<Turn> {
    let ring = Ring::of_this_test()?;
    let folder = std::env::temp_dir().join(format!("citrino-ring-{}", ring.name));
    claim(&folder);
    let turn = File::create(folder.join("turn")).unwrap();
    turn.lock().unwrap();
    let lab = TestLab::of_the_run(&binary("citrino-lab"), ring.name, ring.port, ring.subnet)?;
    let stack = Stack::found(lab, &folder);
    Some(Turn { stack, _turn: turn })
}

/// A stack that nothing was done with yet, for the only test of its ring.
pub fn untouched() -> Option<Stack> {
    let ring = Ring::of_this_test()?;
    let folder = std::env::temp_dir().join(format!("citrino-ring-{}", ring.name));
    claim(&folder);
    let lab = TestLab::of_the_run(&binary("citrino-lab"), ring.name, ring.port, ring.subnet)?;
    let home = folder.join("home");
    let _ = fs::remove_dir_all(&home);
    Some(Stack {
        lab,
        home,
        said: String::new(),
    })
}

/// A test's time with the stack.
pub struct Turn {
    stack: Stack,
    /// Its lock ends with the test.
    _turn: File,
}

impl Deref for Turn {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

pub struct Stack {
    pub lab: TestLab,
    /// The operator's home, with citrino.yml in it.
    pub home: PathBuf,
    /// What `up` printed.
    pub said: String,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    /// What it printed on both.
    pub text: String,
}

/// The workspace's other binaries lie beside ours.
pub fn binary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_citrino-ops")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo test --workspace`",
        path.display()
    );
    path
}

/// A lab with a stack for a part of the tests: `.config/nextest.toml` says for which, and the parts run side by side.
struct Ring {
    name: &'static str,
    port: u16,
    subnet: &'static str,
}

impl Ring {
    fn of_this_test() -> Option<Self> {
        let group = std::env::var("NEXTEST_TEST_GROUP");
        let (name, port, subnet) = match group.as_deref() {
            Ok("host-data") => ("data", 8495, "10.83.0.0/24"),
            Ok("host-rescue") => ("rescue", 8497, "10.85.0.0/24"),
            Ok("host-change") => ("change", 8496, "10.84.0.0/24"),
            Ok("host-other") => ("other", 8500, "10.86.0.0/24"),
            Ok("host-first") => ("first", 8501, "10.88.0.0/24"),
            Ok("host-takeover") => ("takeover", 8499, "10.87.0.0/24"),
            Ok("host-neighbours") => ("there", 8503, "10.96.0.0/24"),
            Ok("host-alerts") => ("alerts", 8507, "10.99.0.0/24"),
            Ok("host-posture") => ("posture", 8509, "10.101.0.0/24"),
            Ok("host-rest") => ("host", 8494, "10.82.0.0/24"),
            _ => {
                skipped("a test of the host ring takes minutes: `make test-host` runs it");
                return None;
            }
        };
        Some(Self { name, port, subnet })
    }
}

impl Stack {
    fn on(lab: TestLab, folder: &Path) -> Self {
        let (home, said) = (folder.join("home"), String::new());
        Self { lab, home, said }
    }

    /// The stack that an earlier test of this run has left in the folder, or a new one.
    fn found(lab: TestLab, folder: &Path) -> Self {
        let mut stack = Self::on(lab, folder);
        let (begun, said) = (folder.join("begun"), folder.join("said"));
        let token = stack.lab.token();
        if fs::read_to_string(&begun).is_ok_and(|begun| begun == token) {
            stack.said = fs::read_to_string(&said).expect("the `up` of this run has failed");
            return stack;
        }
        for old in [&said, &begun] {
            let _ = fs::remove_file(old);
        }
        let _ = fs::remove_dir_all(&stack.home);
        fs::write(&begun, token).unwrap();
        stack.up();
        fs::write(&said, &stack.said).unwrap();
        stack
    }

    fn up(&mut self) {
        self.wish();
        let app = binary("citrino-app");
        let up = self.citrino(&["up", "--yes", "--artifact", app.to_str().unwrap()]);
        assert_eq!(up.code, 0, "{}", up.text);
        self.said = up.text;
    }

    /// Writes what all rings wish for.
    pub fn wish(&self) {
        self.write("key", KEY);
        let text = format!(
            "stack: rehearsal\ndomain: citrino.example.com\ncloud:\n  endpoint: {}\n  token: {{ file: {} }}\n  server_type: cpx11\n  location: ash\n  image: debian-12\n  ssh_keys: [{}.pub]\napp: {{ demo_data: true, min_healthy_s: 1 }}\nsecrets: {{ DB_PASSWORD: {{ env: THE_PASSWORD }}, ZAI_API_KEY: {{ file: key }} }}\n",
            self.lab.endpoint(),
            self.lab.token_file().display(),
            self.lab.operator_key().display(),
        );
        self.write("citrino.yml", &text);
    }

    /// Writes a file beside citrino.yml.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Takes a file or folder beside citrino.yml away.
    pub fn remove(&self, name: &str) {
        let path = self.home.join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_citrino-ops")), arguments)
    }

    /// The same of another binary.
    pub fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &self.home)
            .env("USER", "ana")
            .env("THE_PASSWORD", PASSWORD)
            .current_dir(&self.home)
            .stdin(Stdio::null());
        command
    }

    /// Types a command, and reads what it says.
    pub fn citrino(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// The same in the background, its events as they come.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Self::spawn(self.command(&[&["--json"], arguments].concat()))
    }

    /// The same of a command that has more said to it.
    pub fn spawn(mut command: Command) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { child, lines }
    }

    /// Runs a line on the host, which must end well.
    pub fn on_host(&self, line: &str) -> String {
        let said = self.citrino(&["ssh", line]);
        assert_eq!(said.code, 0, "`{line}`: {}", said.text);
        said.text
    }

    /// Runs a line on the host with a file of `on_host` as its input; what it said.
    pub fn on_host_with(&self, line: &str, file: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/on_host");
        let input = fs::File::open(folder.join(file)).unwrap();
        let said = said(self.command(&["ssh", line]).stdin(input));
        assert_eq!(said.code, 0, "`{line}`: {}", said.text);
        said.text
    }

    /// A hash of every row of every table, geometry included. What does not come to its end says nothing of the database.
    pub fn fingerprint(&self) -> String {
        let psql = "cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d citrino_prod";
        let mut said = String::new();
        until("the fingerprint comes to its end", || {
            said = self.on_host_with(psql, "fingerprint.sql");
            said.ends_with("complete\n")
        });
        said
    }

    /// Asks the database as its superuser.
    pub fn sql(&self, query: &str) -> String {
        let line =
            format!("cd / && runuser -u postgres -- psql -XAtq -d citrino_prod -c \"{query}\"");
        self.on_host(&line).trim().to_owned()
    }

    /// The server as the API tells of it.
    pub fn server(&self) -> Value {
        let (_, list) = self
            .lab
            .call("GET", "/servers?name=rehearsal", &Value::Null);
        list["servers"][0].clone()
    }

    pub fn address(&self) -> String {
        self.server()["public_net"]["ipv4"]["ip"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Asks nginx of the host, as everybody does: status and body.
    pub fn http(&self, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, _, text) = self.ask(path, body);
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The same, asked for its headers.
    pub fn heads(&self, path: &str) -> HeaderMap {
        self.ask(path, None).1
    }

    /// The same, asked for its text.
    pub fn text(&self, path: &str) -> String {
        self.ask(path, None).2
    }

    fn ask(&self, path: &str, body: Option<&Value>) -> (u16, HeaderMap, String) {
        let url = format!("http://{}{path}", self.address());
        let client = reqwest::Client::new();
        let request = body.map_or_else(|| client.get(&url), |body| client.post(&url).json(body));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, heads) = (answer.status().as_u16(), answer.headers().clone());
            (status, heads, answer.text().await.unwrap_or_default())
        })
    }

    /// Overrides a playbook with one that holds the run up after the step of this name, until
    /// `let_go`.
    pub fn hold_after(&self, step: &str, playbook: &str) {
        let text = fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("playbooks/{playbook}.yml")),
        )
        .unwrap();
        let named = text.find(&format!("- name: {step}\n")).unwrap();
        let next = text[named..].find("\n\n").unwrap() + 2;
        let (before, after) = text.split_at(named + next);
        let held = "- name: the run is held up\n  command: { run: [sh, -c, \"until test -e /var/tmp/go-on; do sleep 0.02; done\"], check: [test, -e, /var/tmp/go-on] }\n\n";
        self.write(
            &format!("playbooks/{playbook}.yml"),
            &format!("{before}{held}{after}"),
        );
        self.on_host(&format!("rm -f {GO_ON}"));
    }

    /// Lets the held run go on.
    pub fn let_go(&self) {
        self.on_host(&format!("touch {GO_ON}"));
    }

    /// The host's disk, as this machine sees it.
    pub fn disk(&self) -> PathBuf {
        self.disk_at(&self.address())
    }

    /// That of a machine with this address.
    pub fn disk_at(&self, address: &str) -> PathBuf {
        let number = address.rsplit_once('.').unwrap().1;
        self.lab.state().join("machines").join(number).join("root")
    }

    /// The process ids of agents that apply now.
    pub fn agents(&self) -> Vec<String> {
        // Our own question runs an agent of no kind, so `pgrep` sees the others only.
        let pids = self
            .citrino(&["ssh", "pgrep -f '/var/lib/citrino/agent/[0-9a-f]* agent'"])
            .text;
        pids.lines()
            .filter(|line| line.chars().all(|c| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect()
    }

    /// Nothing is left to wish.
    pub fn is_as_wished(&self) {
        let plan = self.citrino(&["plan"]);
        assert_eq!(plan.code, 0, "{}", plan.text);
    }

    /// Every answer is within its limit. One of them is the load of the processors, which the machine
    /// shares with whatever else goes on around it, so it is asked again.
    pub fn is_healthy(&self) {
        let mut said = String::new();
        let healthy = within(PATIENCE, || {
            let health = self.citrino(&["health"]);
            said = health.text;
            health.code == 0
        });
        assert!(healthy, "the host is not healthy:\n{said}");
    }

    /// The host's lock is free again.
    pub fn until_idle(&self) {
        until("the host's lock is free", || {
            self.citrino(&["ssh", "flock -n /var/lib/citrino/lock true"])
                .code
                == 0
        });
    }
}

/// A command in the background.
pub struct Running {
    pub child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Reads events until one of this kind comes with this name.
    pub fn until(&mut self, event: &str, name: &str) {
        loop {
            let seen = self
                .next()
                .unwrap_or_else(|| panic!("the run ended before {event} of \"{name}\""));
            if seen["event"] == event && seen["name"] == name {
                return;
            }
        }
    }

    /// The same until this is noted.
    pub fn until_note(&mut self, text: &str) {
        loop {
            let seen = self
                .next()
                .unwrap_or_else(|| panic!("the run ended before it noted \"{text}\""));
            if seen["event"] == "note" && seen["text"].as_str().unwrap().contains(text) {
                return;
            }
        }
    }

    /// The same until something of this kind is told; what it says.
    pub fn until_datum(&mut self, kind: &str) -> Value {
        loop {
            let seen = self
                .next()
                .unwrap_or_else(|| panic!("the run ended before it told its {kind}"));
            if seen["kind"] == kind {
                return seen["data"].clone();
            }
        }
    }

    /// Reads to the end: the exit code, and every event.
    pub fn events(mut self) -> (i32, Vec<Value>) {
        let events = std::iter::from_fn(|| self.next()).collect();
        (self.child.wait().unwrap().code().unwrap_or(-1), events)
    }

    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).ok()?;
        crate::json::holds(&event);
        Some(event)
    }

    /// Reads to the end: the exit code, and the summary.
    pub fn finish(mut self) -> (i32, Value) {
        let mut last = Value::Null;
        while let Some(event) = self.next() {
            last = event;
        }
        (self.child.wait().unwrap().code().unwrap_or(-1), last)
    }

    /// The operator's machine is gone from one moment to the next.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Said {
        code: output.status.code().unwrap_or(-1),
        text: text.concat(),
    }
}

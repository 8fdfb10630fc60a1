//! A lab of the tests' own, with real machines, under a name, a port and a subnet that no other has.
//!
//! A small shell watches over it and takes it down when its standard input ends, which the kernel
//! sees to however the tests end. It holds a lock meanwhile, so a run that follows at once, or beside,
//! waits until the lab before it is gone; what a killed watcher left goes before the next start.
//! nextest has a process for each test: a lab that outlives the first one is taken down when the run ends.
//!
//! Tests of other crates include this file by its path, so it uses nothing of the crate around it but
//! `reqwest`, `serde_json` and `tokio`, and `tests/need`, which each of them includes as `need`.

#![allow(dead_code)] // every crate that includes it uses a part of it

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A lab that is up.
pub struct TestLab {
    binary: PathBuf,
    name: String,
    port: u16,
    state: PathBuf,
    environment: Vec<(String, String)>,
    /// None where the lab is not this process's alone.
    watcher: Option<Child>,
}

impl TestLab {
    /// Brings a lab up, or says why it cannot be, and tests are skipped.
    ///
    /// `binary` is `citrino-lab`; name (1 to 8 letters or digits), port and subnet (a /24) must be
    /// those of no other lab on this machine.
    pub fn start(binary: &Path, name: &str, port: u16, subnet: &str) -> Option<Self> {
        let mut lab = Self::named(binary, name, port, subnet)?;
        lab.watcher = Some(lab.watched(None));
        Some(lab)
    }

    /// The same for all tests of a run, which may have a process each: the first one brings the lab up, the others
    /// find it, and it goes down when the run has ended. The caller sees to it that they come one after the other.
    #[expect(
        clippy::zombie_processes,
        reason = "the lab ends with the run, not with this process"
    )]
    pub fn of_the_run(binary: &Path, name: &str, port: u16, subnet: &str) -> Option<Self> {
        let lab = Self::named(binary, name, port, subnet)?;
        let (run, ends_with) = test_run();
        let mark = PathBuf::from(format!("/run/citrino-lab-{name}.run"));
        if fs::read_to_string(&mark).is_ok_and(|found| found == run) {
            return Some(lab);
        }
        lab.watched(Some(ends_with));
        fs::write(mark, run).expect("a mark for the others");
        Some(lab)
    }

    fn named(binary: &Path, name: &str, port: u16, subnet: &str) -> Option<Self> {
        if let Some(why) = obstacle() {
            crate::need::skipped(&format!("no lab of real machines: {why}"));
            return None;
        }
        let state = std::env::temp_dir().join(format!("citrino-lab-{name}"));
        claim(&state);
        let environment = [
            ("CITRINO_LAB_NAME", name.to_owned()),
            ("CITRINO_LAB_PORT", port.to_string()),
            ("CITRINO_LAB_SUBNET", subnet.to_owned()),
            ("CITRINO_LAB_STATE", state.display().to_string()),
        ];
        Some(Self {
            binary: binary.to_owned(),
            name: name.to_owned(),
            port,
            state,
            environment: environment
                .map(|(key, value)| (key.to_owned(), value))
                .to_vec(),
            watcher: None,
        })
    }

    /// Brings it up under a shell that takes it down: when this process ends, or when another one does.
    fn watched(&self, ends_with: Option<u32>) -> Child {
        let mut watcher = Command::new("/bin/sh")
            .args(["-c", WATCH, "watch"])
            .arg(&self.binary)
            .arg(lock_file(&self.name))
            .args(ends_with.map(|pid| pid.to_string()))
            .envs(self.environment.clone())
            .current_dir("/")
            // A signal to the tests' group does not reach it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let mut line = String::new();
        let output = watcher.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(
            line, "ready\n",
            "the lab did not come up; it said why above"
        );
        watcher
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clients take as `HCLOUD_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// What clients take as `HCLOUD_TOKEN`.
    pub fn token(&self) -> String {
        let token = fs::read_to_string(self.token_file()).expect("the lab's token");
        token.trim().to_owned()
    }

    pub fn token_file(&self) -> PathBuf {
        self.state.join("token")
    }

    /// The private half of the operator's key; the public one has `.pub` behind it.
    pub fn operator_key(&self) -> PathBuf {
        self.state.join("operator/id_ed25519")
    }

    /// The folder with everything that the lab keeps.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Runs `citrino-lab` for this lab.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        command.args(arguments).envs(self.environment.clone());
        command.output().expect("the lab's program starts")
    }

    /// Status and body of a call of the API.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.try_call(method, path, body).expect("an answer")
    }

    /// The same, where the API may not be there.
    pub fn try_call(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> reqwest::Result<(u16, Value)> {
        // What is behind the scenes has no version.
        let endpoint = self.endpoint();
        let place = if path.starts_with("/_lab") {
            endpoint.trim_end_matches("/v1")
        } else {
            &endpoint
        };
        let (url, token) = (format!("{place}{path}"), self.token());
        let asking = || {
            let method = method.parse().expect("a method");
            let mut request = reqwest::Client::new()
                .request(method, url)
                .timeout(Duration::from_mins(5))
                .bearer_auth(token);
            if !body.is_null() {
                request = request.json(body);
            }
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let answer = request.send().await?;
                let status = answer.status().as_u16();
                // Not every answer has a body.
                Ok((status, answer.json().await.unwrap_or(Value::Null)))
            })
        };
        // On a thread of its own, so that it may be called from within a runtime too.
        std::thread::scope(|scope| scope.spawn(asking).join().expect("no panic"))
    }

    /// Waits until every action of an answer is over; each must have gone well.
    pub fn settle(&self, answer: &Value) {
        let lists = ["actions", "next_actions"].map(|key| answer[key].as_array());
        let actions = lists.into_iter().flatten().flatten();
        for action in actions.chain(answer.get("action")) {
            let id = &action["id"];
            assert!(id.is_u64(), "no action: {answer}");
            let now =
                || self.call("GET", &format!("/actions/{id}"), &Value::Null).1["action"].clone();
            until(&format!("action {action} is over"), || {
                now()["status"] != "running"
            });
            assert_eq!(now()["status"], "success", "{}", now());
        }
    }

    /// `ssh` to root of a machine as the operator; only a host key of that file will do.
    pub fn ssh(&self, address: &str, known_hosts: &Path) -> Command {
        let mut command = Command::new("ssh");
        command
            .args([
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "IdentitiesOnly=yes",
            ])
            .args(["-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR"])
            // A busy machine may need seconds for each step of a connection.
            .args(["-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=10"])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
            .arg("-i")
            .arg(self.operator_key())
            .arg(format!("root@{address}"))
            .stdin(Stdio::null());
        command
    }

    /// Takes it down now, and waits until it is gone; dropping it does so too, and asks nothing.
    pub fn down(mut self) {
        let log = lock_file(&self.name);
        assert!(self.end(), "the lab did not go down; see {}", log.display());
    }

    fn end(&mut self) -> bool {
        let Some(watcher) = &mut self.watcher else {
            return true;
        };
        drop(watcher.stdin.take());
        watcher.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        self.end();
    }
}

/// The end is for what never comes, on whatever machine.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// Asks again and again until the answer is yes.
pub fn until(what: &str, yes: impl FnMut() -> bool) {
    assert!(within(PATIENCE, yes), "not in five minutes: {what}");
}

/// The same; whether the answer was yes in time.
pub fn within(time: Duration, mut yes: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !yes() {
        if begun.elapsed() > time {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// The run of tests that this one is part of, and the process that ends with it: nextest's, or our own.
fn test_run() -> (String, u32) {
    let own = std::process::id();
    match std::env::var("NEXTEST_RUN_ID") {
        Ok(run) => (run, std::os::unix::process::parent_id()),
        Err(_) => (own.to_string(), own),
    }
}

/// $1 the program, $2 the lock, which is the log of the end as well, $3 the process to outlive, when it is another
/// than ours. What outlives the watcher must not have the lock's descriptor.
const WATCH: &str = r#"
trap '' INT PIPE
exec 9>>"$2"
flock -n 9 || { echo "waiting for the end of the lab that has $2" >&2; flock 9; }
said=$("$1" down 2>&1 9>&-) || { echo "$said" >&2; exit 1; }
"$1" up >/dev/null 9>&- || exit 1
echo ready
exec >"$2" 2>&1
if [ $# = 3 ]; then tail --pid="$3" -f /dev/null 9>&-; else cat; fi
"$1" down 9>&-
"#;

/// In a folder that is root's alone, and empty after a start of the machine.
fn lock_file(name: &str) -> PathBuf {
    PathBuf::from(format!("/run/citrino-lab-{name}.lock"))
}

/// Where everybody may write, somebody else's folder may lie under our name.
pub fn claim(folder: &Path) {
    let _ = fs::DirBuilder::new().mode(0o700).create(folder);
    let found = fs::symlink_metadata(folder).expect("a folder for the lab");
    assert!(
        found.is_dir() && found.uid() == 0,
        "{} is not ours",
        folder.display()
    );
}

/// Why no lab can be here, when that is so.
fn obstacle() -> Option<String> {
    let ours = fs::metadata("/proc/self").map_or(1, |meta| meta.uid());
    if ours != 0 {
        return Some("they need root".to_owned());
    }
    let folders = [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/local/sbin",
        "/usr/local/bin",
    ];
    ["systemd-nspawn", "mmdebstrap", "nft", "ip", "ssh", "flock"]
        .into_iter()
        .find(|program| {
            !folders
                .iter()
                .any(|folder| Path::new(folder).join(program).exists())
        })
        .map(|program| format!("`{program}` is not installed"))
}

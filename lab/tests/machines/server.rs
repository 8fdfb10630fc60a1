//! The lab that the tests share one after the other, and servers whose host key is known in advance.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::{TestLab, until};

static LAB: Mutex<Option<TestLab>> = Mutex::new(None);

/// The lab, for one test at a time.
pub struct Shared(MutexGuard<'static, Option<TestLab>>);

impl Shared {
    /// Brings it up when it is not; none where tests are skipped.
    pub fn lab() -> Option<Self> {
        let mut lab = LAB.lock().unwrap_or_else(PoisonError::into_inner);
        if lab.is_none() {
            let binary = Path::new(env!("CARGO_BIN_EXE_citrino-lab"));
            *lab = Some(TestLab::start(binary, "t", 8493, "10.81.0.0/24")?);
        }
        Some(Self(lab))
    }

    /// Takes it away from the tests that follow, which have a new one once this one is dropped.
    pub fn take(mut self) -> (Self, TestLab) {
        let lab = self.0.take().unwrap();
        (self, lab)
    }
}

impl Deref for Shared {
    type Target = TestLab;

    fn deref(&self) -> &TestLab {
        self.0.as_ref().unwrap()
    }
}

/// A server that ssh knows by the host key that its `user_data` gave it.
pub struct Server {
    pub id: u64,
    pub name: String,
    pub address: String,
    keys: tempfile::TempDir,
}

impl Server {
    /// Orders one, and answers what the API said. `wish` and `config` are laid over the plainest
    /// order and over the cloud-config with the host key.
    pub fn order(lab: &TestLab, wish: &Value, config: &Value) -> (Self, Value) {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("m{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let keys = tempfile::tempdir().unwrap();
        let (private, public) = key_pair(keys.path());
        let mut born =
            json!({ "ssh_keys": { "ed25519_private": private, "ed25519_public": public } });
        lay(&mut born, config);
        let mut order = json!({
            "name": name, "server_type": "cpx11", "image": "debian-12", "location": "ash",
            "ssh_keys": [operator(lab)], "user_data": format!("#cloud-config\n{born}\n"),
        });
        lay(&mut order, wish);
        let (status, answer) = lab.call("POST", "/servers", &order);
        assert_eq!(status, 201, "{answer}");
        let address = answer["server"]["public_net"]["ipv4"]["ip"]
            .as_str()
            .unwrap()
            .to_owned();
        fs::write(
            keys.path().join("known_hosts"),
            format!("{address} {public}"),
        )
        .unwrap();
        let id = answer["server"]["id"].as_u64().unwrap();
        (
            Self {
                id,
                name,
                address,
                keys,
            },
            answer,
        )
    }

    /// One whose machine was started; who needs more waits.
    pub fn started(lab: &TestLab) -> Self {
        let (server, answer) = Self::order(lab, &json!({}), &json!({}));
        lab.settle(&answer);
        server
    }

    /// One that lets the operator in.
    pub fn create(lab: &TestLab, wish: &Value) -> Self {
        let (server, answer) = Self::order(lab, wish, &json!({}));
        lab.settle(&answer);
        server.wait(lab);
        server
    }

    /// Waits until the operator is let in.
    pub fn wait(&self, lab: &TestLab) {
        until(&format!("ssh lets us into {}", self.address), || {
            self.ssh(lab, "true").status.success()
        });
    }

    /// Runs a command in it.
    pub fn ssh(&self, lab: &TestLab, command: &str) -> Output {
        lab.ssh(&self.address, &self.known_hosts())
            .arg(command)
            .output()
            .unwrap()
    }

    /// The same one at another address.
    pub fn at(self, address: &str) -> Self {
        let known = fs::read_to_string(self.known_hosts()).unwrap();
        fs::write(self.known_hosts(), known.replace(&self.address, address)).unwrap();
        let address = address.to_owned();
        Self { address, ..self }
    }

    /// The file with its host key, made before the server.
    pub fn known_hosts(&self) -> PathBuf {
        self.keys.path().join("known_hosts")
    }

    /// What a command in it says; it must go well.
    pub fn says(&self, lab: &TestLab, command: &str) -> String {
        let output = self.ssh(lab, command);
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Which start of the machine this is.
    pub fn boot_id(&self, lab: &TestLab) -> String {
        self.says(lab, "cat /proc/sys/kernel/random/boot_id")
    }

    /// The server as the API shows it.
    pub fn shown(&self, lab: &TestLab) -> Value {
        lab.call("GET", &format!("/servers/{}", self.id), &Value::Null)
            .1["server"]
            .clone()
    }

    /// Waits for a status.
    pub fn becomes(&self, lab: &TestLab, status: &str) {
        until(&format!("{} is {status}", self.name), || {
            self.shown(lab)["status"] == status
        });
    }

    /// Does something to it, and waits until it is done.
    pub fn act(&self, lab: &TestLab, action: &str) {
        let path = format!("/servers/{}/actions/{action}", self.id);
        let (status, answer) = lab.call("POST", &path, &json!({}));
        assert_eq!(status, 201, "{answer}");
        assert_eq!(answer["action"]["status"], "running", "{answer}");
        lab.settle(&answer);
    }

    /// Deletes it, and waits until it is gone.
    pub fn delete(&self, lab: &TestLab) {
        let (status, answer) = lab.call("DELETE", &format!("/servers/{}", self.id), &Value::Null);
        assert_eq!(status, 200, "{answer}");
        lab.settle(&answer);
    }

    /// The last byte of its address, by which the lab numbers machines.
    pub fn number(&self) -> &str {
        self.address.rsplit('.').next().unwrap()
    }

    /// Whether something takes a connection on a port of it, asked from here.
    pub fn takes(&self, port: u16) -> bool {
        let address = SocketAddr::new(self.address.parse().unwrap(), port);
        TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
    }
}

/// Lays the keys of one object over another.
fn lay(under: &mut Value, over: &Value) {
    under
        .as_object_mut()
        .unwrap()
        .extend(over.as_object().unwrap().clone());
}

fn key_pair(folder: &Path) -> (String, String) {
    let path = folder.join("host");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    (read(&path), read(&path.with_extension("pub")))
}

/// The operator's key, given to the API when it is not there yet.
fn operator(lab: &TestLab) -> &'static str {
    let public = fs::read_to_string(lab.operator_key().with_extension("pub")).unwrap();
    let body = json!({ "name": "operator", "public_key": public });
    let (status, answer) = lab.call("POST", "/ssh_keys", &body);
    assert!([201, 409].contains(&status), "{answer}");
    "operator"
}

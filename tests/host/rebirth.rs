//! A second stack in the same lab: made, rescaled, rebuilt, adopted, and taken away.

use std::process::Command;

use serde_json::{Value, json};

use crate::lab::until;
use crate::stack::{Said, Stack, serving};

const FILE: &str = "rebirth.yml";
const SECOND: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9gK0vArJOLJ2TPiI4IZP4gEHaSoyBqXxMFYh+a9dyB second";

/// The stack beside the one that serves.
struct Beside<'s>(&'s Stack);

impl Beside<'_> {
    fn wish(&self, cloud: &str) {
        self.wish_with("", cloud);
    }

    /// `more` follows the operator's own in the list of keys.
    fn wish_with(&self, more: &str, cloud: &str) {
        let stack = self.0;
        let text = format!(
            "stack: rebirth\ndomain: rebirth.example.com\ncloud:\n  endpoint: {}\n  token: {{ file: {} }}\n  location: ash\n  image: debian-12\n  ssh_keys: [{}.pub{more}]\n{cloud}",
            stack.lab.endpoint(),
            stack.lab.token_file().display(),
            stack.lab.operator_key().display(),
        );
        stack.write(FILE, &text);
    }

    fn types(&self, line: &str) -> Said {
        let words: Vec<&str> = line.split(' ').collect();
        self.0.citrino(&[&["-c", FILE], words.as_slice()].concat())
    }

    fn does(&self, line: &str) -> String {
        let said = self.types(line);
        assert_eq!(said.code, 0, "`{line}`: {}", said.text);
        said.text
    }

    fn on_host(&self, line: &str) -> String {
        let said = self.0.citrino(&["-c", FILE, "ssh", line]);
        assert_eq!(said.code, 0, "`{line}`: {}", said.text);
        said.text.trim().to_owned()
    }

    fn server(&self) -> Value {
        let list = self
            .0
            .lab
            .call("GET", "/servers?name=rebirth", &Value::Null)
            .1;
        list["servers"][0].clone()
    }

    /// How many audits of hosts that are no more are kept here.
    fn seen_before(&self) -> usize {
        let folder = self.0.home.join(".local/state/citrino-ops/rebirth");
        let files = std::fs::read_dir(folder).unwrap();
        let files = files.filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("audit.until-")
        });
        files.count()
    }

    fn key_on_disk(&self) -> String {
        self.on_host("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    }
}

impl Drop for Beside<'_> {
    /// However it ended: what it had is gone, so that the lab is as before.
    fn drop(&mut self) {
        self.types("destroy --unprotect");
        self.types("destroy --yes --snapshots");
        self.0.remove(FILE);
    }
}

#[test]
fn a_host_is_rescaled_and_rebuilt_at_its_address_and_its_volume_stays() {
    let Some(stack) = serving() else { return };
    let beside = Beside(&stack);
    beside.wish("  server_type: cpx11\n  volume_gb: 10\n");
    beside.does("provision --yes");
    beside.does("converge");
    let first = beside.server();
    let key = beside.key_on_disk();
    beside.on_host("mountpoint /var/lib/postgresql");
    let sql = "cd / && runuser -u postgres -- psql -XAtq -d citrino_prod -c";
    beside.on_host(&format!("{sql} 'CREATE TABLE kept AS SELECT 42 AS answer'"));
    assert_eq!(beside.types("plan").code, 0);

    // The address of a host that is rescaled stays, and so does all that is on it.
    stack.write("second.pub", SECOND);
    beside.wish_with(", second.pub", "  server_type: cpx21\n  volume_gb: 10\n");
    let plan = beside.types("plan");
    assert!(
        plan.text
            .contains("a snapshot is taken, the server is off for some minutes"),
        "{}",
        plan.text
    );
    beside.does("provision --yes");
    assert_eq!(beside.server()["server_type"]["name"], "cpx21");
    assert_eq!(
        beside.on_host(&format!("{sql} 'SELECT answer FROM kept'")),
        "42"
    );
    assert_eq!(beside.key_on_disk(), key);

    // A rebuild is refused while it is protected, and gives a new disk at the same address.
    assert_eq!(beside.types("rebuild --yes").code, 7);
    beside.does("destroy --unprotect");
    beside.on_host("touch /root/lost");
    let aside = beside.seen_before();
    let rebuilt = beside.does("rebuild --yes");
    let reborn = beside.server();
    assert_eq!(reborn["id"], first["id"]);
    assert_eq!(
        reborn["public_net"]["ipv4"]["ip"],
        first["public_net"]["ipv4"]["ip"]
    );
    let labels = reborn["labels"].as_object().unwrap();
    let keys: Vec<_> = labels
        .keys()
        .filter(|name| name.ends_with("-key"))
        .collect();
    assert_eq!(keys, ["citrino-ops/host-key"], "the rotation is at its end");
    assert_ne!(beside.key_on_disk(), key);
    let born =
        beside.on_host("grep -A1 ed25519_public: /var/lib/cloud/instance/user-data.txt | head -1");
    assert!(
        !born.contains(beside.key_on_disk().split(' ').nth(1).unwrap()),
        "{born}"
    );
    beside.on_host("test ! -e /root/lost");
    // The new disk begins another audit, and what was seen of the old one is kept.
    assert_eq!(beside.seen_before(), aside + 1);
    assert!(!rebuilt.contains("alarm"), "{rebuilt}");
    beside.does("audit verify");
    let keys = beside.on_host("cat /root/.ssh/authorized_keys");
    assert!(
        keys.contains(SECOND),
        "who was added since the first birth can log in: {keys}"
    );

    // The database was on the volume.
    beside.does("converge");
    assert_eq!(
        beside.on_host(&format!("{sql} 'SELECT answer FROM kept'")),
        "42"
    );
    assert_eq!(beside.types("plan").code, 0);
}

#[test]
fn a_server_that_somebody_else_made_is_adopted() {
    let Some(stack) = serving() else { return };
    let beside = Beside(&stack);
    beside.wish("  server_type: cpx11\n");
    let keys = stack.lab.call("GET", "/ssh_keys", &Value::Null).1;
    let wish = json!({"name": "by-hand", "server_type": "cpx11", "location": "ash", "image": "debian-12",
        "ssh_keys": [keys["ssh_keys"][0]["id"]]});
    let made = stack.lab.call("POST", "/servers", &wish).1;
    stack.lab.settle(&made);
    let ip = made["server"]["public_net"]["ipv4"]["ip"]
        .as_str()
        .unwrap()
        .to_owned();
    // As the server's console would print it.
    let mut key = String::new();
    until("its sshd answers", || {
        let scan = Command::new("ssh-keyscan")
            .args(["-t", "ed25519", &ip])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&scan.stdout).into_owned();
        key = text
            .split_once(' ')
            .map(|(_, key)| key.trim().to_owned())
            .unwrap_or_default();
        key.starts_with("ssh-ed25519 ")
    });
    let refused = beside.types("adopt --yes --server by-hand");
    assert_eq!(refused.code, 2, "{}", refused.text);
    let adopt = stack.citrino(&[
        "-c",
        FILE,
        "adopt",
        "--yes",
        "--server",
        "by-hand",
        "--host-key",
        &key,
    ]);
    assert_eq!(adopt.code, 0, "{}", adopt.text);
    beside.does("provision --yes");
    let server = beside.server();
    assert_eq!(server["id"], made["server"]["id"]);
    assert_eq!(
        server["public_net"]["ipv4"]["ip"],
        ip.as_str(),
        "its address stays"
    );
    assert_eq!(beside.on_host("hostname"), "by-hand");
    assert_eq!(beside.types("provision --check").code, 0);
}

//! What a lab has on this machine, by kind, and that nothing of it is left.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::lab::TestLab;
use crate::server::{Server, Shared};

/// A lab, or one machine of it.
pub struct Owner {
    lab: String,
    state: PathBuf,
    number: Option<String>,
}

/// What was found, by kind.
pub type Found = BTreeMap<&'static str, Vec<String>>;

impl Owner {
    pub fn lab(lab: &TestLab) -> Self {
        let (state, lab) = (lab.state().to_owned(), lab.name().to_owned());
        Self {
            lab,
            state,
            number: None,
        }
    }

    pub fn machine(lab: &TestLab, server: &Server) -> Self {
        Self {
            number: Some(server.number().to_owned()),
            ..Self::lab(lab)
        }
    }

    /// Everything that it has.
    pub fn found(&self) -> Found {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let point = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
        let nspawn = Path::new("/run/systemd/nspawn/propagate");
        let mut found = BTreeMap::from([
            ("control groups", self.groups()),
            ("files", names(&self.folder())),
            (
                "links",
                kept(names(Path::new("/sys/class/net")), |name| {
                    self.is_link(name)
                }),
            ),
            (
                "mounts",
                kept(mounts.lines().map(point).collect(), |path| {
                    self.is_path(path)
                }),
            ),
            (
                "namespaces",
                kept(names(Path::new("/run/netns")), |name| {
                    self.is_long_name(name)
                }),
            ),
            (
                "nspawn's files",
                kept(names(nspawn), |name| self.is_long_name(name)),
            ),
            (
                "processes",
                kept(names(Path::new("/proc")), |pid| self.is_process(pid)),
            ),
        ]);
        if self.number.is_none() {
            found.insert("rules", self.rules());
            found.insert("block devices", self.block_devices());
        }
        found
    }

    /// That there is some of each kind: a look that finds nothing would prove nothing afterwards.
    pub fn assert_has_all(&self) {
        let found = self.found();
        assert!(found.values().all(|kind| !kind.is_empty()), "{found:#?}");
    }

    pub fn assert_has_nothing(&self) {
        let found = self.found();
        assert!(found.values().all(Vec::is_empty), "{found:#?}");
        assert!(!self.folder().exists());
    }

    fn folder(&self) -> PathBuf {
        match &self.number {
            Some(number) => self.state.join("machines").join(number),
            None => self.state.clone(),
        }
    }

    /// As namespaces and control groups are called.
    fn is_long_name(&self, name: &str) -> bool {
        let number = name.strip_prefix(&format!("clab-{}-", self.lab));
        number.is_some_and(|number| self.number.as_ref().is_none_or(|ours| ours == number))
    }

    fn is_link(&self, name: &str) -> bool {
        if name.starts_with(&format!("cn{}-", self.lab)) {
            return self.number.is_none();
        }
        if let Some(rest) = name.strip_prefix(&format!("cv{}-", self.lab)) {
            let number = rest.trim_end_matches(|c: char| c.is_ascii_lowercase());
            return self.number.as_ref().is_none_or(|ours| ours == number);
        }
        let number = name
            .strip_prefix(&format!("cl{}", self.lab))
            .filter(|rest| rest.parse::<u8>().is_ok());
        match &self.number {
            Some(ours) => number == Some(ours),
            None => number.is_some() || name == format!("clab-{}", self.lab),
        }
    }

    fn is_path(&self, path: &str) -> bool {
        Path::new(path).starts_with(self.folder())
            || path.split('/').any(|part| self.is_long_name(part))
    }

    /// All that runs in its control groups, and the lab's own programs for it.
    fn is_process(&self, pid: &str) -> bool {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let text = |file: &str| String::from_utf8_lossy(&read(file)).into_owned();
        let (command, environment) = (text("cmdline"), text("environ"));
        // What died and was not waited for yet has none, and is its parent's affair.
        if command.is_empty() {
            return false;
        }
        if text("cgroup")
            .lines()
            .any(|line| line.split('/').any(|part| self.is_long_name(part)))
        {
            return true;
        }
        let words: Vec<&str> = command.split('\0').collect();
        let state = format!("CITRINO_LAB_STATE={}", self.state.display());
        let about = |number: &String| words[1..].starts_with(&["machine", number]);
        words[0].ends_with("citrino-lab")
            && environment.split('\0').any(|line| line == state)
            && self.number.as_ref().is_none_or(about)
    }

    /// Of the whole of nftables, what speaks of the lab.
    pub fn rules(&self) -> Vec<String> {
        let listed = Command::new("nft")
            .args(["list", "ruleset"])
            .output()
            .unwrap();
        let text = String::from_utf8(listed.stdout).unwrap();
        let is_ours = |word: &str| {
            word == format!("clab_{}", self.lab) || word == format!("clab-{}", self.lab)
        };
        let speaks = |line: &str| line.split([' ', '"']).any(is_ours);
        text.lines()
            .filter(|line| speaks(line))
            .map(str::to_owned)
            .collect()
    }

    /// Those over files of the lab.
    fn block_devices(&self) -> Vec<String> {
        let files = names(Path::new("/sys/block"))
            .into_iter()
            .map(|name| format!("/sys/block/{name}/loop/backing_file"))
            .filter_map(|path| fs::read_to_string(path).ok());
        kept(files.collect(), |file| {
            Path::new(file).starts_with(&self.state)
        })
    }

    /// In every hierarchy: with version 2 the root is one, with version 1 each folder below it.
    fn groups(&self) -> Vec<String> {
        let root = Path::new("/sys/fs/cgroup");
        let deep = names(root)
            .into_iter()
            .flat_map(|folder| names(&root.join(folder)));
        kept(names(root).into_iter().chain(deep).collect(), |name| {
            self.is_long_name(name)
        })
    }
}

fn kept(mut names: Vec<String>, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    names.retain(|name| wanted(name));
    names
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Whether the kernel forwards, and what it did before the first lab of this machine.
fn forwarding() -> (String, Option<String>) {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned());
    let now = read("/proc/sys/net/ipv4/ip_forward").unwrap();
    (now, read("/run/citrino-lab-ip-forward").ok())
}

#[test]
fn a_lab_that_is_down_left_nothing() {
    let Some(lab) = Shared::lab() else { return };
    let (_alone, lab) = lab.take();
    let subnets = json!([{ "type": "cloud", "network_zone": "us-east" }]);
    let network = json!({ "name": "n", "ip_range": "10.90.0.0/16", "subnets": subnets });
    let volume = json!({ "name": "v", "size": 10, "location": "ash" });
    let made = ["/networks", "/volumes"].map(|path| {
        let wish = if path == "/networks" {
            &network
        } else {
            &volume
        };
        lab.call("POST", path, wish).1
    });
    lab.settle(&made[1]);
    let wish = json!({
        "networks": [made[0]["network"]["id"]], "volumes": [made[1]["volume"]["id"]],
    });
    let kept = Server::create(&lab, &wish);
    kept.act(&lab, "create_image");
    let off = Server::started(&lab);
    off.act(&lab, "poweroff");
    let owner = Owner::lab(&lab);
    owner.assert_has_all();
    let root = fs::metadata(
        lab.state()
            .join("machines")
            .join(kept.number())
            .join("root"),
    )
    .unwrap();
    let nspawn_lock = format!(
        "/run/systemd/nspawn/locks/inode-{}:{}",
        root.dev(),
        root.ino()
    );
    assert!(Path::new(&nspawn_lock).exists());
    let (forwards, before) = forwarding();
    assert_eq!(forwards, "1");
    // One that is being born must not slip through.
    Server::order(&lab, &json!({}), &json!({}));

    for _ in ["the first time", "again"] {
        let output = lab.run(&["down"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        owner.assert_has_nothing();
    }
    assert!(!Path::new(&nspawn_lock).exists());
    let others = names(Path::new("/sys/class/net"));
    if !others.iter().any(|link| link.starts_with("clab-")) {
        assert_eq!(forwarding(), (before.unwrap_or(forwards), None));
    }
    for verb in ["ls", "env"] {
        let output = lab.run(&[verb]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains("is not up"),
            "{said}"
        );
    }
    lab.down();
}

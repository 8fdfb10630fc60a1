//! A host as it is logged in to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};
use crate::core::value::{Address, HostName, Login};
use crate::operator::cache;
use crate::operator::mirror::Mirror;

/// Nothing but the pin says which host it is: no list of the machine's, no program, no name service. What an older ssh does not
/// know, it cannot do either.
const ONLY_THE_PIN: [(&str, &str); 6] = [
    ("IgnoreUnknown", "KnownHostsCommand"),
    ("GlobalKnownHostsFile", "/dev/null"),
    ("KnownHostsCommand", "none"),
    ("VerifyHostKeyDNS", "no"),
    ("NoHostAuthenticationForLocalhost", "no"),
    ("UpdateHostKeys", "no"),
];

/// The first word on an option counts, so the user's settings come last. The host gets no way back to this machine: no agent, no
/// port, no display, no command.
const SSH_CONFIG: &str = "\
# citrino-ops writes this file before it connects.
IgnoreUnknown KnownHostsCommand
GlobalKnownHostsFile /dev/null
KnownHostsCommand none
VerifyHostKeyDNS no
NoHostAuthenticationForLocalhost no
UpdateHostKeys no
ForwardAgent no
ForwardX11 no
ClearAllForwardings yes
Tunnel no
PermitLocalCommand no
RemoteCommand none
Include ~/.ssh/config
Include /etc/ssh/ssh_config
";

/// Where and as whom to log in, and which host keys are the right ones.
#[derive(Clone, Debug)]
pub struct Target {
    pub host: HostName,
    pub address: Address,
    pub port: u16,
    pub user: Login,
    pub identity: Option<PathBuf>,
    /// Public keys, `ssh-ed25519 AAAA…`: the pins.
    pub host_keys: Vec<String>,
    /// Whether citrino.yml names it (`host:`): then Hetzner knows nothing of it.
    pub is_existing: bool,
    /// A file of the host's own; the user's known_hosts is neither asked nor written.
    pub known_hosts: PathBuf,
    /// The app on it.
    pub profile: Arc<AppProfile>,
    /// What this machine has seen of the host's audit.
    pub mirror: Mirror,
}

impl Target {
    /// The name under which ssh looks the pins up, whatever the address and the port are.
    fn alias(&self) -> String {
        format!("citrino-ops.{}", self.host)
    }

    /// Where the pins are, and under which name, as ssh's settings say it.
    fn pinned(&self) -> [(&'static str, String); 2] {
        [
            ("HostKeyAlias", self.alias()),
            ("UserKnownHostsFile", as_setting(&self.known_hosts)),
        ]
    }

    /// Of the keys that ssh's agent holds only the one that is named is offered: a host lets nobody try them all.
    fn only_identity(&self) -> Option<(&'static str, &'static str)> {
        self.identity.as_ref().map(|_| ("IdentitiesOnly", "yes"))
    }

    /// Writes the pins where ssh reads them: the next connection must match one.
    pub fn pin(&self) -> Result<()> {
        let place = self.alias();
        let lines: Vec<String> = self
            .host_keys
            .iter()
            .map(|key| format!("{place} {key}\n"))
            .collect();
        cache::put(&self.known_hosts, lines.concat().as_bytes())
            .with_context(|| format!("could not write {}", self.known_hosts.display()))
    }

    /// Writes all that ssh reads of ours before it connects.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn prepare(&self) -> Result<()> {
        self.pin()?;
        let path = self.ssh_config();
        cache::put(&path, self.settings().as_bytes())
            .with_context(|| format!("could not write {}", path.display()))
    }

    fn settings(&self) -> String {
        let pinned = self.pinned().map(|(key, value)| format!("{key} {value}\n"));
        let only = self
            .only_identity()
            .map(|(key, value)| format!("{key} {value}\n"));
        let own = pinned.concat() + &only.unwrap_or_default();
        SSH_CONFIG.replacen("IgnoreUnknown", &format!("{own}IgnoreUnknown"), 1)
    }

    /// What ssh reads instead of the user's settings: ours, and then the user's, of which jumps and proxies still count.
    pub fn ssh_config(&self) -> PathBuf {
        self.known_hosts.with_file_name("ssh_config")
    }

    /// The arguments with which plain `ssh` makes the same connection. It is the operator's own, so that it may forward ports.
    pub fn ssh_arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let pinned = self.pinned().map(|(key, value)| format!("{key}={value}"));
        // A host that drops packets would be waited for as long as the kernel tries.
        let within = super::CONNECT_TIMEOUT.as_secs();
        let options = pinned.into_iter().chain([
            "StrictHostKeyChecking=yes".to_owned(),
            format!("ConnectTimeout={within}"),
        ]);
        let own = ONLY_THE_PIN
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let only = self
            .only_identity()
            .map(|(key, value)| format!("{key}={value}"));
        for option in own.chain(options).chain(only) {
            arguments.extend(["-o".to_owned(), option]);
        }
        arguments.extend(["-p".to_owned(), self.port.to_string()]);
        if let Some(identity) = &self.identity {
            arguments.extend(["-i".to_owned(), identity.display().to_string()]);
        }
        arguments.extend(["--".to_owned(), format!("{}@{}", self.user, self.address)]);
        arguments
    }

    /// What ssh said, as a sentence.
    pub(super) fn unreachable(&self, error: &openssh::Error) -> Fault {
        let mut said = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            said = format!("{said}: {inner}");
            cause = inner.source();
        }
        let place = format!("{}@{} port {}", self.user, self.address, self.port);
        if said.contains("host key is known for") {
            return Fault::new(Code::E0525, format!("{place} offers no host key of the pinned kind; nothing was sent"))
                .hint("the host lost its ed25519 key, or another machine answers at this address: look at the server's console (`citrino-ops explain E0525`)");
        }
        if said.contains("Host key verification failed")
            || said.contains("HOST IDENTIFICATION HAS CHANGED")
        {
            return Fault::new(Code::E0502, format!("{place} answers with a host key that is not the pinned one; nothing was sent"))
                .hint("another machine answers at this address, or somebody intercepts the connection: find out before you go on (`citrino-ops explain E0502`)");
        }
        if said.contains("Permission denied (") || said.contains("Too many authentication failures")
        {
            return Fault::new(Code::E0526, format!("{place} accepts none of your ssh keys; nothing was sent"))
                .hint("`ssh-add -l` shows the keys that were offered: check cloud.ssh_keys and your ssh agent (`citrino-ops explain E0526`)");
        }
        Fault::new(
            Code::E0501,
            format!("could not connect to {place}: {}", self.reason(&said)),
        )
        .hint(self.if_unreachable())
    }

    /// Why ssh did not come through, without the place, which the message names already.
    fn reason<'s>(&self, said: &'s str) -> &'s str {
        let place = format!("ssh: connect to host {} port {}: ", self.address, self.port);
        let reason = said.rsplit_once(&place).map_or(said, |(_, why)| why);
        reason.trim()
    }

    fn if_unreachable(&self) -> &'static str {
        if self.is_existing {
            "check `host.address` and `host.port`, and that sshd runs on the machine"
        } else {
            "`citrino-ops provision` starts the server and corrects its firewall; if that does not help, open its console at Hetzner"
        }
    }
}

/// A path as one word of ssh's settings: in quotes, and without what ssh would put in the place of `%`.
fn as_setting(path: &Path) -> String {
    let text = path.display().to_string();
    let quoted = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{quoted}\"")
}

/// A known_hosts file for the host in the user's cache: it is written anew for every connection,
/// from the pins that the cloud's labels or citrino.yml hold, so losing it loses nothing.
pub fn known_hosts_path(host: &HostName) -> PathBuf {
    cache::folder(host).join("known_hosts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(folder: &Path) -> Target {
        let host: HostName = "two".parse().unwrap();
        Target {
            mirror: Mirror::of(&host),
            host,
            address: Address::try_from("192.0.2.1".to_owned()).unwrap(),
            port: 22,
            user: Login::root(),
            identity: None,
            is_existing: true,
            host_keys: vec!["ssh-ed25519 AAAA".into()],
            known_hosts: folder.join("cache/known_hosts"),
            profile: Arc::default(),
        }
    }

    #[test]
    fn what_ssh_said_is_told_by_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path());
        for (said, code) in [
            (
                "root@192.0.2.1: Permission denied (publickey).",
                Code::E0526,
            ),
            (
                "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures",
                Code::E0526,
            ),
            ("Host key verification failed.", Code::E0502),
            (
                "No ED25519 host key is known for h and you have requested strict checking.",
                Code::E0525,
            ),
            (
                "ssh: connect to host 192.0.2.1 port 22: Connection refused",
                Code::E0501,
            ),
            ("could not open a file: Permission denied", Code::E0501),
        ] {
            let error = openssh::Error::Connect(std::io::Error::other(said));
            assert_eq!(target.unreachable(&error).code, code, "{said}");
        }
    }

    #[test]
    fn who_is_not_reached_is_told_once_why_and_what_to_check() {
        let folder = tempfile::tempdir().unwrap();
        let mut target = target(folder.path());
        let said = "ssh: connect to host 192.0.2.1 port 22: Connection refused\r\n";
        let error = openssh::Error::Connect(std::io::Error::other(said));
        let fault = target.unreachable(&error);
        assert_eq!(
            fault.message,
            "could not connect to root@192.0.2.1 port 22: Connection refused"
        );
        assert!(fault.hint.unwrap().contains("`host.address`"));
        target.is_existing = false;
        let hint = target.unreachable(&error).hint.unwrap();
        assert!(hint.contains("`citrino-ops provision`"), "{hint}");
        // A jump on the way is another place than the host.
        let said = "ssh: connect to host jump.example port 22: Connection refused";
        let error = openssh::Error::Connect(std::io::Error::other(said));
        let message = target.unreachable(&error).message;
        assert!(message.contains("jump.example"), "{message}");
    }

    #[test]
    fn nothing_but_the_pin_says_which_host_it_is_whatever_the_user_has_set() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path());
        target.prepare().unwrap();
        let config = std::fs::read_to_string(target.ssh_config()).unwrap();
        let first_include = config.find("Include").unwrap();
        for (key, value) in ONLY_THE_PIN {
            let at = config.find(&format!("{key} {value}\n")).unwrap();
            assert!(
                at < first_include,
                "{key} comes after what the user has set"
            );
        }
        for option in [
            "ForwardAgent no",
            "ClearAllForwardings yes",
            "PermitLocalCommand no",
        ] {
            assert!(config.find(option).unwrap() < first_include, "{option}");
        }
        let arguments = target.ssh_arguments();
        assert!(arguments.contains(&"GlobalKnownHostsFile=/dev/null".to_owned()));
        assert_eq!(arguments[arguments.len() - 2..], ["--", "root@192.0.2.1"]);
    }

    #[test]
    fn a_key_that_is_named_is_the_only_one_that_is_offered() {
        let folder = tempfile::tempdir().unwrap();
        let mut target = target(folder.path());
        assert!(!target.settings().contains("IdentitiesOnly"));
        target.identity = Some(PathBuf::from("/keys/ana.pub"));
        let settings = target.settings();
        let first_include = settings.find("Include").unwrap();
        assert!(settings.find("IdentitiesOnly yes\n").unwrap() < first_include);
        let arguments = target.ssh_arguments();
        assert!(arguments.contains(&"IdentitiesOnly=yes".to_owned()));
    }

    /// ssh opens the very file, whatever is in its path, and looks for one name in it.
    #[test]
    fn ssh_finds_the_pin_whatever_the_path_of_the_cache_is() {
        for name in [
            "My Cache",
            "100%done",
            "Ana María",
            "a\"b",
            "a'b",
            "a#b",
            "%h",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut target = target(&folder.path().join(name));
            target.port = 2222;
            target.prepare().unwrap();
            let config = std::fs::read_to_string(target.ssh_config()).unwrap();
            let config = config.replace("Include", "#");
            let file = folder.path().join("ours");
            std::fs::write(&file, config).unwrap();
            let mut way = std::process::Command::new("ssh");
            let output = way
                .args(["-G", "-F"])
                .arg(&file)
                .args(["-p", "2222", "192.0.2.1"])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let path = target.known_hosts.display().to_string();
            let is_path = |line: &str| line == format!("userknownhostsfile {path}");
            assert!(said.lines().any(is_path), "{path}:\n{said}");
            assert!(
                said.lines()
                    .any(|line| line == "hostkeyalias citrino-ops.two"),
                "{said}"
            );
        }
    }

    /// Asks ssh itself, without a connection, what it would do with settings of the user that say otherwise.
    #[test]
    fn ssh_itself_takes_ours_before_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path());
        let user = folder.path().join("user");
        let theirs = "Host *\n  GlobalKnownHostsFile /tmp/x\n  ForwardAgent yes\n  LocalForward 9 127.0.0.1:9\n  ProxyJump jump.example\n  RemoteCommand id\n  PermitLocalCommand yes\n  LocalCommand touch /tmp/x\n  HostKeyAlias theirs\n  UserKnownHostsFile /tmp/theirs\n";
        std::fs::write(&user, theirs).unwrap();
        let ours = target
            .settings()
            .replace("~/.ssh/config", &user.display().to_string());
        let config = folder.path().join("ssh_config");
        std::fs::write(&config, ours).unwrap();
        let output = std::process::Command::new("ssh")
            .arg("-G")
            .arg("-F")
            .arg(&config)
            .arg("192.0.2.1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for line in [
            "globalknownhostsfile /dev/null",
            "forwardagent no",
            "clearallforwardings yes",
            "proxyjump jump.example",
            "permitlocalcommand no",
            "hostkeyalias citrino-ops.two",
        ] {
            assert!(said.lines().any(|said| said == line), "{line}:\n{said}");
        }
        assert!(!said.contains("remotecommand id"), "{said}");
        assert!(target.ssh_config().ends_with("ssh_config"));
    }

    #[test]
    fn whoever_reads_the_pins_while_another_command_writes_them_reads_them_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path());
        target.pin().unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..2000).try_for_each(|_| target.pin()));
            while !writer.is_finished() {
                let read = std::fs::read_to_string(&target.known_hosts).unwrap();
                assert_eq!(read, "citrino-ops.two ssh-ed25519 AAAA\n");
            }
            writer.join().unwrap().unwrap();
        });
    }
}

//! Who logs in to the host, and how strict sshd is about it.

use anyhow::Result;

use super::Neighbours;
use crate::host::neighbours::{SshdLimits, is_ours};
use crate::host::system::{Cmd, Ids, Output, System};
use crate::task::program::run_if_there;

/// The stack's own settings.
const OWN_SETTINGS: &str = "/etc/ssh/sshd_config.d/10-citrino.conf";
/// Shells that let nobody in.
const NO_SHELLS: [&str; 5] = ["nologin", "false", "sync", "halt", "shutdown"];

/// A line of /etc/passwd.
struct LoginAccount {
    name: String,
    ids: Ids,
    home: String,
    shell: String,
}

impl LoginAccount {
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, shell, ..] = fields[..] else {
            return None;
        };
        let ids = Ids {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        };
        let [name, home, shell] = [name, home, shell].map(str::to_owned);
        Some(Self {
            name,
            ids,
            home,
            shell,
        })
    }

    fn has_shell(&self) -> bool {
        let program = self.shell.rsplit('/').next().unwrap_or_default();
        !NO_SHELLS.contains(&program)
    }

    /// A key or a password opens it; what cannot be looked at may.
    fn opens(&self, system: &System) -> bool {
        let keys = format!("{}/.ssh/authorized_keys", self.home);
        let keys = system.of(Some(self.ids)).stat(keys);
        let has_keys = keys.map_or(true, |found| found.is_some_and(|found| found.bytes > 0));
        let shadow = system.find_account("/etc/shadow", &self.name);
        let hash = shadow
            .ok()
            .flatten()
            .and_then(|fields| fields.get(1).cloned());
        has_keys || hash.is_some_and(|hash| hash.starts_with(['$', '_']))
    }
}

/// # Errors
/// When the accounts cannot be read.
pub async fn look(system: &System, task: &Neighbours, is_first: bool) -> Result<Vec<String>> {
    let text = system.read_text("/etc/passwd")?.unwrap_or_default();
    let accounts = text.lines().filter_map(LoginAccount::parse);
    let settings = system.read_text(OWN_SETTINGS)?.unwrap_or_default();
    let asks_sshd = !is_ours(&settings);
    let said = if asks_sshd {
        effective(system, &[]).await?.unwrap_or_default()
    } else {
        String::new()
    };
    let mut sentences = Vec::new();
    for account in accounts.filter(LoginAccount::has_shell) {
        let name = &account.name;
        if task.users.contains(name) {
            if is_first && account.opens(system) {
                sentences.push(format!(
                    "account {name} can log in; it would become the app's, and lose its shell"
                ));
            }
        } else if asks_sshd && *name != task.login && lets_in(&said, name) && account.opens(system)
        {
            let login = &task.login;
            sentences.push(format!(
                "ssh: account {name} can log in; sshd would let in only {login}"
            ));
        }
    }
    Ok(sentences)
}

/// Whether sshd lets this account in as it is.
fn lets_in(said: &str, name: &str) -> bool {
    if name == "root" && value(said, "permitrootlogin") == Some("no") {
        return false;
    }
    let mut allowed = said
        .lines()
        .filter_map(|line| line.strip_prefix("allowusers "))
        .peekable();
    allowed.peek().is_none()
        || allowed.any(|allowed| allowed == name || allowed.contains(['*', '?', '@']))
}

/// What sshd goes by; none where there is no sshd, or it does not say.
async fn effective(system: &System, more: &[&str]) -> Result<Option<String>> {
    let words = [&["/usr/sbin/sshd", "-T"], more].concat();
    let output = run_if_there(system, &Cmd::new(words)).await?;
    Ok(output.filter(Output::ok).map(|output| output.stdout))
}

/// The stricter of what sshd goes by and what the stack wishes for.
///
/// # Errors
/// When sshd cannot be started.
pub async fn limits(system: &System) -> Result<SshdLimits> {
    let settings = system.read_text(OWN_SETTINGS)?.unwrap_or_default();
    if is_ours(&settings) {
        return Ok(SshdLimits::default());
    }
    let Some(said) = effective(system, &[]).await? else {
        return Ok(SshdLimits::default());
    };
    let bare = effective(system, &["-f", "/dev/null"]).await?;
    Ok(stricter(&said, &bare.unwrap_or_default()))
}

fn stricter(said: &str, bare: &str) -> SshdLimits {
    let own = SshdLimits::default();
    let number = |name, own: u32| {
        let number = value(said, name).and_then(|text| text.parse().ok());
        number
            .filter(|number| *number > 0)
            .map_or(own, |number: u32| number.min(own))
    };
    let root = value(said, "permitrootlogin")
        .filter(|root| matches!(*root, "no" | "forced-commands-only"));
    SshdLimits {
        max_auth_tries: number("maxauthtries", own.max_auth_tries),
        login_grace_time: number("logingracetime", own.login_grace_time),
        permit_root_login: root.map_or(own.permit_root_login, str::to_owned),
        kex: narrowed(said, bare, "kexalgorithms"),
        ciphers: narrowed(said, bare, "ciphers"),
        macs: narrowed(said, bare, "macs"),
    }
}

/// A list that somebody made narrower than OpenSSH's own.
fn narrowed(said: &str, bare: &str, name: &str) -> Option<String> {
    let (list, all) = (value(said, name)?, value(bare, name)?);
    let all: Vec<&str> = all.split(',').collect();
    let words: Vec<&str> = list.split(',').collect();
    let is_narrower = words.len() < all.len() && words.iter().all(|word| all.contains(word));
    is_narrower.then(|| list.to_owned())
}

fn value<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = said.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "permitrootlogin prohibit-password\nmaxauthtries 6\nlogingracetime 120\nciphers a,b,c\nmacs m,n\nkexalgorithms k\n";

    #[test]
    fn the_stricter_of_both_is_kept() {
        assert_eq!(stricter(BARE, BARE), SshdLimits::default());
        let said = "permitrootlogin no\nmaxauthtries 3\nlogingracetime 20\nciphers a,b\nmacs m,n,old\nkexalgorithms k\n";
        let expected = SshdLimits {
            permit_root_login: "no".to_owned(),
            max_auth_tries: 3,
            login_grace_time: 20,
            ciphers: Some("a,b".to_owned()),
            ..SshdLimits::default()
        };
        assert_eq!(stricter(said, BARE), expected);
        // No limit at all is none that is stricter, and neither is a login by password.
        let open = "permitrootlogin yes\nmaxauthtries 10\nlogingracetime 0\n";
        assert_eq!(stricter(open, BARE), SshdLimits::default());
        assert_eq!(
            stricter("permitrootlogin without-password\n", BARE),
            SshdLimits::default()
        );
    }

    #[test]
    fn only_who_gets_in_now_can_be_locked_out() {
        assert!(lets_in("permitrootlogin without-password\n", "root"));
        assert!(!lets_in("permitrootlogin no\n", "root"));
        let some = "allowusers deploy\nallowusers ana\n";
        assert!(lets_in(some, "ana") && !lets_in(some, "luis"));
    }
}

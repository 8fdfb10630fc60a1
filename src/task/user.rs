//! A user with this home, shell and groups.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, Kind, System};

/// The mode of a home that this kind makes, as adduser(8) of Debian 12 makes them. A later
/// `directory` step may wish for another.
const HOME_MODE: u32 = 0o700;

/// What is not named is left as it is. Files of an old home are not moved, and groups are added
/// only: leaving a group is a thing for a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub name: String,
    /// The main group; one named as the user when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Made when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Chooses the range of the number when the user is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub system: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// No password opens the account; keys still do. A user that is made has none either way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lock_password: bool,
}

/// The fields of a line of /etc/passwd that matter here.
struct Account {
    gid: String,
    home: String,
    shell: String,
}

impl User {
    /// The account as it is now; none when there is none.
    pub fn as_is(&self, system: &System) -> Result<Option<Self>> {
        let Some(account) = self.account(system)? else {
            return Ok(None);
        };
        let mut was = Self {
            name: self.name.clone(),
            group: system.name_of_group(&account.gid)?,
            home: Some(account.home),
            shell: Some(account.shell),
            system: false,
            groups: Vec::new(),
            lock_password: false,
        };
        // None is made where there was none.
        if was.missing_home(system)?.is_some() {
            was.home = None;
        }
        Ok(Some(was))
    }

    fn account(&self, system: &System) -> Result<Option<Account>> {
        let Some(fields) = system.find_account("/etc/passwd", &self.name)? else {
            return Ok(None);
        };
        let field = |index: usize| fields.get(index).cloned().unwrap_or_default();
        Ok(Some(Account {
            gid: field(3),
            home: field(5),
            shell: field(6),
        }))
    }

    /// What `usermod` has to change: the sentence, and its arguments.
    fn changes(&self, system: &System, found: &Account) -> Result<Vec<(String, Vec<String>)>> {
        let mut changes = Vec::new();
        let mut change = |what: String, option: &str, value: &str| {
            changes.push((what, vec![option.to_owned(), value.to_owned()]));
        };
        if let Some(group) = &self.group {
            let gid = system
                .find_account("/etc/group", group)?
                .and_then(|fields| fields.get(2).cloned());
            if gid.as_ref() != Some(&found.gid) {
                change(
                    format!("main group is {}, expected {group}", found.gid),
                    "--gid",
                    group,
                );
            }
        }
        if let Some(home) = self.home.as_ref().filter(|home| **home != found.home) {
            change(
                format!("home is {}, expected {home}", found.home),
                "--home",
                home,
            );
        }
        if let Some(shell) = self.shell.as_ref().filter(|shell| **shell != found.shell) {
            change(
                format!("shell is {}, expected {shell}", found.shell),
                "--shell",
                shell,
            );
        }
        for group in &self.groups {
            if !self.is_member(system, group)? {
                changes.push((
                    format!("{} is not in group {group}", self.name),
                    vec!["--append".to_owned(), "--groups".to_owned(), group.clone()],
                ));
            }
        }
        if self.lock_password && !self.is_locked(system)? {
            changes.push((
                format!("{} can log in with a password", self.name),
                vec!["--lock".to_owned()],
            ));
        }
        Ok(changes)
    }

    fn is_member(&self, system: &System, group: &str) -> Result<bool> {
        let fields = system.find_account("/etc/group", group)?;
        let members = fields.and_then(|fields| fields.get(3).cloned());
        Ok(members
            .unwrap_or_default()
            .split(',')
            .any(|member| member == self.name))
    }

    /// shadow(5): a field that starts with `!` or `*` is no hash that a password could have.
    pub fn is_locked(&self, system: &System) -> Result<bool> {
        let fields = system.find_account("/etc/shadow", &self.name)?;
        let hash = fields.and_then(|fields| fields.get(1).cloned());
        Ok(hash.is_none_or(|hash| hash.starts_with(['!', '*'])))
    }

    /// The home that is wished for and not there.
    ///
    /// # Errors
    /// E0408 when a file is there.
    fn missing_home(&self, system: &System) -> Result<Option<&str>> {
        let Some(home) = &self.home else {
            return Ok(None);
        };
        let Some(found) = system.stat(system.resolve(home)?)? else {
            return Ok(Some(home));
        };
        if found.kind == Kind::Folder {
            return Ok(None);
        }
        Err(Fault::new(
            Code::E0408,
            format!("{home} is a file, expected a home directory"),
        )
        .hint("move it away by hand if it is not needed")
        .into())
    }

    async fn add(&self, system: &System) -> Result<()> {
        let mut argv = vec!["useradd", "--no-create-home"];
        if self.system {
            argv.push("--system");
        }
        let own_group = system.find_account("/etc/group", &self.name)?.is_some();
        match &self.group {
            Some(group) => argv.extend(["--gid", group]),
            // useradd refuses to make a group that is there.
            None if own_group => argv.extend(["--gid", &self.name]),
            None => argv.push("--user-group"),
        }
        if let Some(home) = &self.home {
            argv.extend(["--home-dir", home]);
        }
        if let Some(shell) = &self.shell {
            argv.extend(["--shell", shell]);
        }
        let groups = self.groups.join(",");
        if !groups.is_empty() {
            argv.extend(["--groups", &groups]);
        }
        argv.extend(["--", &self.name]);
        system.run(&Cmd::new(argv)).await?.success()?;
        Ok(())
    }

    async fn modify(&self, system: &System, found: &Account) -> Result<()> {
        for (_, options) in self.changes(system, found)? {
            let mut argv = vec!["usermod".to_owned()];
            argv.extend(options);
            argv.extend(["--".to_owned(), self.name.clone()]);
            system.run(&Cmd::new(argv)).await?.success()?;
        }
        Ok(())
    }
}

impl Wish<System> for User {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let Some(found) = self.account(system)? else {
            self.missing_home(system)?;
            return Ok(CheckResult::differs(format!(
                "user {} does not exist",
                self.name
            )));
        };
        let changes = self.changes(system, &found)?;
        let mut what: Vec<String> = changes.into_iter().map(|(what, _)| what).collect();
        if let Some(home) = self.missing_home(system)? {
            what.push(format!("{home} does not exist"));
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        match self.account(system)? {
            None => self.add(system).await?,
            Some(found) => self.modify(system, &found).await?,
        }
        if let Some(home) = self.missing_home(system)? {
            system.make_directory(home, HOME_MODE, system.ids(&self.name)?)?;
        }
        Ok(())
    }
}

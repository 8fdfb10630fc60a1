//! A program to run: its arguments, who it runs as, and what it finds in its environment.
//!
//! An environment may come from a file that its app can write, and some names in it change what a program does before its
//! first line: `LD_PRELOAD`. So it is set after the change of user, by the child itself or by systemd. No program of root
//! starts with it and changes the user afterwards, as runuser(1) would.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::process::Command;

use super::System;
use crate::core::error::{Code, Fault};
use crate::host::own::SANDBOX_UNIT;
use crate::host::sandbox;

/// How long a program may run when nothing else is said. An `apt-get install` of PostgreSQL on a
/// slow mirror takes minutes; nothing that we run takes a quarter of an hour.
const DEADLINE: Duration = Duration::from_mins(15);

/// How long a program may take to end when it is told to.
pub(super) const GRACE: Duration = Duration::from_secs(5);

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// systemd.exec(5): "The actual process execution failed".
const EXIT_EXEC: i32 = 203;

/// A program to run: an argument list, never a line for a shell.
#[derive(Clone, Debug, Default)]
pub struct Cmd {
    argv: Vec<String>,
    env: Vec<(String, String)>,
    /// What only the host knows, asked when the program starts; `env` goes before it.
    asked: Vec<(&'static str, AskedVariable)>,
    user: Option<String>,
    sandbox: Option<Sandbox>,
    stdin: Option<Vec<u8>>,
    cwd: Option<PathBuf>,
    deadline: Option<Duration>,
}

/// What a variable is on this host; none leaves it out.
pub type AskedVariable = fn(&System) -> Result<Option<String>>;

/// A transient unit with the properties of the app's own.
#[derive(Clone, Debug)]
struct Sandbox {
    unit: String,
    properties: Vec<String>,
}

/// Who a program runs as, from the host's own files.
struct RunsAs {
    uid: u32,
    gid: u32,
    home: String,
}

/// Programs speak English, whatever language the host or whoever logs in has chosen: with a locale that is not `C` itself,
/// `LANGUAGE` goes before it.
const ENGLISH: [(&str, &str); 2] = [("LC_ALL", "C.UTF-8"), ("LANGUAGE", "")];

impl Cmd {
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Runs as this user instead of root, in its first group alone. It inherits no environment.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Runs as the user that is named, in the sandbox of the app, for `run` alone. systemd reads the environment from these
    /// files of root's; of two that set a name the later one counts. One that is absent says nothing.
    pub fn in_sandbox(mut self, system: &System, environment: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let files = environment.iter();
        let mut properties = sandbox::of_app(system.app());
        properties.extend(files.map(|file| format!("EnvironmentFile=-{file}")));
        self.sandbox = Some(Sandbox {
            unit: format!("{SANDBOX_UNIT}-{process}-{count}.service"),
            properties,
        });
        self
    }

    /// Goes to the program's standard input: the way for anything secret.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// A variable whose value only the host knows.
    pub fn asked_env(mut self, key: &'static str, ask: AskedVariable) -> Self {
        self.asked.push((key, ask));
        self
    }

    pub fn envs(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(variables);
        self
    }

    pub fn cwd(mut self, path: impl Into<PathBuf>) -> Self {
        self.cwd = Some(path.into());
        self
    }

    /// How long it may take, instead of 15 minutes.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline.unwrap_or(DEADLINE)
    }

    pub(super) fn input(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// The unit that it runs in, when it has one of its own.
    pub(super) fn unit(&self) -> Option<&str> {
        self.sandbox.as_ref().map(|sandbox| sandbox.unit.as_str())
    }

    /// For people: the program itself, without what starts it.
    pub(super) fn line(&self) -> String {
        self.argv.join(" ")
    }

    /// What systemd means by an exit code of a program that was never started.
    pub(super) fn why_not_started(&self, code: i32) -> Option<&'static str> {
        let is_it = self.sandbox.is_some() && code == EXIT_EXEC;
        is_it.then_some("the program cannot be executed")
    }

    pub(super) fn build(&self, system: &System) -> Result<Command> {
        let mut command = match (&self.sandbox, &self.user) {
            (Some(sandbox), user) => self.in_unit(system, sandbox, user.as_deref())?,
            (None, Some(user)) => self.as_user(system, user)?,
            (None, None) => self.with_environment(system, Command::new(self.program()))?,
        };
        if self.sandbox.is_none() {
            command.args(self.argv.iter().skip(1));
        }
        command
            .current_dir(self.cwd.as_deref().unwrap_or(Path::new("/")))
            // A group of its own: what it starts is stopped with it.
            .process_group(0)
            .stdin(if self.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    fn program(&self) -> &str {
        self.argv.first().map_or("false", String::as_str)
    }

    fn with_environment(&self, system: &System, mut command: Command) -> Result<Command> {
        for (key, ask) in &self.asked {
            if let Some(value) = ask(system)? {
                command.env(key, value);
            }
        }
        command
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .envs(ENGLISH)
            .env("PATH", PATH);
        Ok(command)
    }

    /// The child leaves root's groups, changes group and user, and then becomes the program: nothing but the program itself
    /// sees the environment.
    fn as_user(&self, system: &System, user: &str) -> Result<Command> {
        let who = RunsAs::of(system, user)?;
        let mut command = Command::new(self.program());
        command.uid(who.uid).gid(who.gid).env_clear().envs([
            ("HOME", who.home.as_str()),
            ("USER", user),
            ("LOGNAME", user),
        ]);
        self.with_environment(system, command)
    }

    /// # Errors
    /// E0404 when the program is not on the host: systemd would only say so in the journal.
    fn in_unit(&self, system: &System, sandbox: &Sandbox, user: Option<&str>) -> Result<Command> {
        let program = self.program();
        if system.stat(program)?.is_none() {
            let why = format!(
                "`{}` could not be started: {program} does not exist",
                self.line()
            );
            return Err(Fault::new(Code::E0404, why).into());
        }
        let mut command = Command::new("systemd-run");
        command.args(["--quiet", "--collect", "--wait", "--pipe"]);
        command.arg(format!("--unit={}", sandbox.unit));
        let limits = [
            user.map(|user| format!("User={user}")),
            Some(format!("TimeoutStopSec={}", GRACE.as_secs())),
            // When nobody is left to stop it.
            Some(format!(
                "RuntimeMaxSec={}",
                (self.deadline() + GRACE * 2).as_secs()
            )),
        ];
        let properties = sandbox.properties.iter().chain(limits.iter().flatten());
        command.args(properties.map(|property| format!("--property={property}")));
        command.arg("--").args(&self.argv);
        command.envs(ENGLISH).env("PATH", PATH);
        Ok(command)
    }
}

impl RunsAs {
    /// # Errors
    /// E0406 when there is no such user.
    fn of(system: &System, user: &str) -> Result<Self> {
        /// passwd(5): where the home stands in a line.
        const HOME: usize = 5;
        let ids = system.ids(user)?;
        let line = system
            .find_account("/etc/passwd", user)?
            .unwrap_or_default();
        let home = line.get(HOME).cloned().unwrap_or_default();
        let (uid, gid) = (ids.uid, ids.gid);
        Ok(Self { uid, gid, home })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// Whether this test can become another user.
    fn is_root() -> bool {
        let is_root = nix::unistd::geteuid().is_root();
        let must = std::env::var_os("CITRINO_REQUIRE_ALL").is_some();
        assert!(
            is_root || !must,
            "CITRINO_REQUIRE_ALL is set, and this needs root"
        );
        is_root
    }

    /// The loader writes what it does into a file for each process that it starts, when the environment asks for it.
    #[tokio::test]
    async fn no_process_of_root_sees_the_environment_of_another_user() {
        use std::os::unix::fs::PermissionsExt;
        if !is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let said = folder.path().join("loader");
        let cmd = Cmd::new(["sh", "-c", "id -u; id -G; env"])
            .user("nobody")
            .env("LD_DEBUG", "files")
            .env("LD_DEBUG_OUTPUT", said.display().to_string());
        let output = System::host().run(&cmd).await.unwrap().success().unwrap();
        let lines: Vec<&str> = output.stdout.lines().collect();
        assert_eq!(lines[..2], ["65534", "65534"], "{lines:?}");
        let inherited = lines.iter().find(|line| line.starts_with("CARGO"));
        assert_eq!(inherited, None);
        let owners: Vec<u32> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().uid())
            .collect();
        assert!(!owners.is_empty(), "the loader wrote nothing");
        assert!(owners.iter().all(|uid| *uid == 65534), "{owners:?}");
    }

    #[tokio::test]
    async fn a_program_hears_of_no_language() {
        let cmd = Cmd::new(["sh", "-c", "echo $LC_ALL:${LANGUAGE-inherited}"]);
        let output = System::host().run(&cmd).await.unwrap();
        assert_eq!(output.stdout, "C.UTF-8:\n");
    }

    #[tokio::test]
    async fn a_user_that_the_host_does_not_have_is_an_error_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let error = system
            .run(&Cmd::new(["true"]).user("ana"))
            .await
            .unwrap_err();
        assert_eq!(crate::core::error::code(&error), Code::E0406);
    }
}

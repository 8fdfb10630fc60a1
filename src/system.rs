//! All that a task may touch of a host: files below a root, and programs by argument list.

use std::ffi::OsStr;
use std::fs::{self, Metadata, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::error::Fault;

/// How long a program may run when nothing else is said. An `apt-get install` of PostgreSQL on a
/// slow mirror takes minutes; nothing that we run takes a quarter of an hour.
const DEADLINE: Duration = Duration::from_mins(15);
/// How long a program may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// What is passed on to or from a program at a time: the host's memory is small.
const PIECE: usize = 64 * 1024;
/// How much of a program's words goes into an error.
const LAST_LINES: usize = 12;

/// One host, seen from inside.
pub struct System {
    root: PathBuf,
}

/// A program to run: an argument list, never a line for a shell.
#[derive(Clone, Debug, Default)]
pub struct Cmd {
    argv: Vec<String>,
    env: Vec<(String, String)>,
    user: Option<String>,
    stdin: Option<Vec<u8>>,
    cwd: Option<PathBuf>,
    deadline: Option<Duration>,
}

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    /// The exit code; 128 + the signal when a signal ended it, as shells count.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    what: String,
}

/// Who a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    pub uid: u32,
    pub gid: u32,
}

impl Cmd {
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Runs as this user instead of root, by `runuser`.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
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

    pub fn envs(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(variables);
        self
    }

    pub fn cwd(mut self, path: impl Into<PathBuf>) -> Self {
        self.cwd = Some(path.into());
        self
    }

    /// How long it may take, instead of [`DEADLINE`].
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    fn build(&self) -> Command {
        let mut argv: Vec<&str> = Vec::new();
        if let Some(user) = &self.user {
            argv.extend(["runuser", "-u", user, "--"]);
        }
        argv.extend(self.argv.iter().map(String::as_str));
        let mut command = Command::new(argv.first().copied().unwrap_or("false"));
        command
            .args(&argv[1.min(argv.len())..])
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .env("LC_ALL", "C.UTF-8")
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
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
        command
    }
}

impl Output {
    pub fn ok(&self) -> bool {
        self.code == 0
    }

    /// The output when the program succeeded.
    ///
    /// # Errors
    /// E0402 with the end of what the program said, when it did not.
    pub fn success(self) -> Result<Self> {
        if self.ok() {
            return Ok(self);
        }
        let (what, code, words) = (&self.what, self.code, self.last_words());
        Err(Fault::new("E0402", format!("`{what}` ended with {code}: {words}")).into())
    }

    /// The end of what the program said.
    pub fn last_words(&self) -> String {
        let said = if self.stderr.trim().is_empty() {
            &self.stdout
        } else {
            &self.stderr
        };
        tail(said)
    }
}

/// The last lines of a text.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

impl System {
    /// The host that this process runs on.
    pub fn host() -> Self {
        Self::at("/")
    }

    /// A host whose files lie below `root`: for tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The content of a file; `None` when there is none.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
        let path = self.path(path);
        absent(fs::read(&path)).with_context(|| format!("could not read {}", path.display()))
    }

    pub fn read_text(&self, path: impl AsRef<Path>) -> Result<Option<String>> {
        Ok(self
            .read(path)?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// What is at the path itself, links not followed.
    pub fn stat(&self, path: impl AsRef<Path>) -> Result<Option<Metadata>> {
        let path = self.path(path);
        absent(fs::symlink_metadata(&path))
            .with_context(|| format!("could not look at {}", path.display()))
    }

    /// Puts content in place by a rename: it is whole, with mode and owner, or it is not there.
    /// `validate` gets the path of the new file before it takes its place.
    pub async fn write_atomic(
        &self,
        path: impl AsRef<Path>,
        content: &[u8],
        mode: u32,
        ids: Option<Ids>,
        validate: &[String],
    ) -> Result<()> {
        let path = self.path(path);
        let context = || format!("could not write {}", path.display());
        let parent = path.parent().unwrap_or(Path::new("/"));
        let name = path.file_name().unwrap_or(OsStr::new("file"));
        // A folder of its own, so that the new file already has its final name: checkers such as
        // systemd-analyze go by it.
        let folder = draft(parent).with_context(context)?;
        if !validate.is_empty() {
            fs::set_permissions(folder.path(), Permissions::from_mode(0o755))
                .with_context(context)?;
        }
        let fresh = folder.path().join(name);
        write_private(&fresh, content, mode, ids).with_context(context)?;
        if !validate.is_empty() {
            self.validate(&fresh, validate).await?;
        }
        fs::rename(&fresh, &path).with_context(context)?;
        fs::File::open(parent)
            .and_then(|folder| folder.sync_all())
            .with_context(context)
    }

    async fn validate(&self, fresh: &Path, validate: &[String]) -> Result<()> {
        let fresh = fresh.display().to_string();
        let argv: Vec<String> = validate
            .iter()
            .map(|word| word.replace("{file}", &fresh))
            .collect();
        self.run(&Cmd::new(argv)).await?.success().map_err(|error| {
            anyhow::Error::from(
                Fault::new("E0403", "the new content was refused by its own program, and the file was left as it was")
                    .hint("mend the template or the value in citrino.yml that the message names"),
            )
            .context(format!("{error:#}"))
        })?;
        Ok(())
    }

    /// Takes away what processes that are no more left half made in a folder.
    pub fn sweep(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        for entry in fs::read_dir(self.path(folder)).into_iter().flatten() {
            let name = entry?.file_name();
            let maker = name
                .to_str()
                .and_then(|name| name.strip_prefix(DRAFT)?.split_once('-'));
            if maker.is_some_and(|(pid, _)| !Path::new("/proc").join(pid).exists()) {
                self.remove(folder.join(&name))?;
            }
        }
        Ok(())
    }

    pub fn remove(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = self.path(path);
        let context = || format!("could not remove {}", path.display());
        let Some(found) = absent(fs::symlink_metadata(&path)).with_context(context)? else {
            return Ok(());
        };
        if found.is_dir() {
            fs::remove_dir_all(&path).with_context(context)
        } else {
            fs::remove_file(&path).with_context(context)
        }
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it could not be started or did not end in time; its exit code is in the output.
    pub async fn run(&self, cmd: &Cmd) -> Result<Output> {
        let mut child = spawn(cmd, &mut cmd.build())?;
        if let (Some(bytes), Some(mut pipe)) = (&cmd.stdin, child.stdin.take()) {
            // A program may end without reading all of it; its exit code tells then.
            match pipe.write_all(bytes).await {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
                _ => drop(pipe),
            }
        }
        let group = child.id();
        let mut waiting = pin!(child.wait_with_output());
        let deadline = cmd.deadline.unwrap_or(DEADLINE);
        if let Ok(output) = tokio::time::timeout(deadline, &mut waiting).await {
            return Ok(ended(cmd, &output?));
        }
        let output = stop(group, waiting).await;
        let last = output.map(|output| ended(cmd, &output));
        Err(too_long(cmd, deadline, last.as_ref()).into())
    }

    /// Starts a program that is spoken with; it ends when it is dropped.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn start(&self, cmd: &Cmd) -> Result<Child> {
        Ok(spawn(cmd, cmd.build().stdin(Stdio::piped()))?)
    }

    /// Runs two programs at once, what the first says going into the second, to the end of both.
    ///
    /// # Errors
    /// As `run`; E0402 when one of them failed, with the words of whichever did.
    pub async fn pipe(&self, from: &Cmd, into: &Cmd) -> Result<()> {
        let mut source = spawn(from, &mut from.build())?;
        let stream: Stdio = source
            .stdout
            .take()
            .context("a program has no output")?
            .try_into()?;
        let sink = spawn(into, into.build().stdin(stream))?;
        let both = async { tokio::try_join!(source.wait_with_output(), sink.wait_with_output()) };
        let (first, second) = tokio::time::timeout(DEADLINE, both)
            .await
            .map_err(|_| too_long(into, DEADLINE, None))??;
        match (
            ended(from, &first).success(),
            ended(into, &second).success(),
        ) {
            (Ok(_), Ok(_)) => Ok(()),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Err(first), Err(second)) => Err(second.context(format!("{first:#}"))),
        }
    }

    /// Runs a program to its end, what it says going into `sink` as it comes.
    ///
    /// # Errors
    /// As `run`; E0402 when it failed.
    pub async fn drain(&self, cmd: &Cmd, sink: &mut impl Write) -> Result<()> {
        let mut child = spawn(cmd, &mut cmd.build())?;
        let group = child.id();
        let mut said = child.stdout.take().context("a program has no output")?;
        let copied = async {
            let mut piece = vec![0; PIECE];
            loop {
                match said.read(&mut piece).await? {
                    0 => return anyhow::Ok(child.wait_with_output().await?),
                    length => sink.write_all(&piece[..length])?,
                }
            }
        };
        let output = tokio::time::timeout(cmd.deadline.unwrap_or(DEADLINE), copied)
            .await
            .map_err(|_| kill(cmd, group))??;
        ended(cmd, &output).success().map(drop)
    }

    /// Runs a program to its end, with all of `source` said to it; gives what it says.
    ///
    /// # Errors
    /// As `run`; E0402 when it failed.
    pub async fn feed(&self, cmd: &Cmd, source: &mut impl Read) -> Result<Output> {
        let mut child = spawn(cmd, cmd.build().stdin(Stdio::piped()))?;
        let group = child.id();
        let mut ear = child.stdin.take().context("a program has no input")?;
        let fed = async {
            let mut piece = vec![0; PIECE];
            loop {
                let length = source.read(&mut piece)?;
                // A program may end without reading all of it; its exit code tells then.
                match ear.write_all(&piece[..length]).await {
                    Ok(()) if length > 0 => {}
                    Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
                    _ => break,
                }
            }
            drop(ear);
            Ok(())
        };
        let both = async { tokio::try_join!(fed, child.wait_with_output()) };
        let ((), output) = tokio::time::timeout(cmd.deadline.unwrap_or(DEADLINE), both)
            .await
            .map_err(|_| kill(cmd, group))??;
        ended(cmd, &output).success()
    }

    /// The ids of an owner given as `user` or `user:group`, or by two numbers, from the host's own files: a static
    /// binary must not ask libc, whose name service would want shared libraries.
    pub fn ids(&self, owner: &str) -> Result<Ids> {
        let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
        if let (Ok(uid), Ok(gid)) = (user.parse(), group.parse()) {
            return Ok(Ids { uid, gid });
        }
        let fields = self.account("/etc/passwd", user)?;
        let uid = number(&fields, 2)?;
        let gid = if group.is_empty() {
            number(&fields, 3)?
        } else {
            number(&self.account("/etc/group", group)?, 2)?
        };
        Ok(Ids { uid, gid })
    }

    fn account(&self, file: &str, name: &str) -> Result<Vec<String>> {
        self.find_account(file, name)?.ok_or_else(|| {
            Fault::new("E0406", format!("there is no `{name}` in {file}"))
                .hint("put the step that makes the user or group before this one")
                .into()
        })
    }

    /// The fields of a line of /etc/passwd or /etc/group; `None` when the name is not there.
    pub fn find_account(&self, file: &str, name: &str) -> Result<Option<Vec<String>>> {
        let text = self.read_text(file)?.unwrap_or_default();
        Ok(text
            .lines()
            .map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>())
            .find(|fields| fields[0] == name))
    }
}

/// How the folder of something half made is called; then comes who makes it.
pub const DRAFT: &str = ".citrino-";

/// A folder for something new, beside the place that it will take.
pub fn draft(parent: &Path) -> std::io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("{DRAFT}{}-", std::process::id()))
        .tempdir_in(parent)
}

fn spawn(cmd: &Cmd, command: &mut Command) -> Result<Child, Fault> {
    command.spawn().map_err(|error| {
        let what = cmd.argv.join(" ");
        Fault::new("E0404", format!("`{what}` could not be started: {error}"))
    })
}

/// Ends a program and what it has started: it is told to, and who does not listen is killed. What it said until then, when
/// it did end.
async fn stop(
    group: Option<u32>,
    mut waiting: Pin<&mut impl Future<Output = std::io::Result<std::process::Output>>>,
) -> Option<std::process::Output> {
    let group = Pid::from_raw(group?.cast_signed());
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        // A group that is gone needs no ending.
        let _ = killpg(group, signal);
        if let Ok(output) = tokio::time::timeout(GRACE, &mut waiting).await {
            return output.ok();
        }
    }
    None
}

/// Ends a program at once that is in the middle of what it says or is told.
fn kill(cmd: &Cmd, group: Option<u32>) -> Fault {
    if let Some(group) = group {
        // One that is gone needs no ending.
        let _ = killpg(Pid::from_raw(group.cast_signed()), Signal::SIGKILL);
    }
    too_long(cmd, cmd.deadline.unwrap_or(DEADLINE), None)
}

fn too_long(cmd: &Cmd, deadline: Duration, last: Option<&Output>) -> Fault {
    let (what, seconds) = (cmd.argv.join(" "), deadline.as_secs());
    // `runuser` adds that it was told to end to what the program itself said.
    let words = last.map_or(String::new(), |last| {
        tail(&format!("{}\n{}", last.stdout, last.stderr))
    });
    let message = format!("`{what}` did not end within {seconds} s and was stopped: {words}");
    Fault::new("E0405", message.trim_end_matches([':', ' ']))
}

fn ended(cmd: &Cmd, output: &std::process::Output) -> Output {
    Output {
        code: exit_code(output.status),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        what: cmd.argv.join(" "),
    }
}

/// Permission bits of a file.
pub fn mode_of(found: &Metadata) -> u32 {
    found.mode() & 0o7777
}

pub fn ids_of(found: &Metadata) -> Ids {
    Ids {
        uid: found.uid(),
        gid: found.gid(),
    }
}

/// "Not there" as a value; every other failure stays one.
fn absent<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Creates a file that is 0600 before it has content, and gets owner and mode before its name.
fn write_private(path: &Path, content: &[u8], mode: u32, ids: Option<Ids>) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    if let Some(ids) = ids {
        std::os::unix::fs::fchown(&file, Some(ids.uid), Some(ids.gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

fn number(fields: &[String], index: usize) -> Result<u32> {
    fields
        .get(index)
        .and_then(|field| field.parse().ok())
        .with_context(|| format!("an account line has no number in field {}", index + 1))
}

fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_is_stopped_with_what_it_started() {
        let mark = format!("1000.{}", std::process::id());
        let cmd = Cmd::new(["sh", "-c", &format!("sleep {mark} & wait")])
            .within(Duration::from_millis(300));
        let error = System::host().run(&cmd).await.unwrap_err().to_string();
        assert!(
            error.ends_with("did not end within 0 s and was stopped"),
            "{error}"
        );
        let runs = |entry: std::io::Result<fs::DirEntry>| {
            let line = fs::read_to_string(entry.unwrap().path().join("cmdline"));
            line.is_ok_and(|line| line.contains(&mark))
        };
        assert!(!fs::read_dir("/proc").unwrap().any(runs));
    }

    #[test]
    fn only_what_the_dead_left_half_made_is_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let ours = draft(folder.path()).unwrap();
        // No process has so large a number.
        for name in [".citrino-999999999-x", "999999999-x", ".citrino-notes"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        System::at(folder.path()).sweep("/").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        let mut wished = vec![
            ours.path().file_name().unwrap().to_owned(),
            ".citrino-notes".into(),
            "999999999-x".into(),
        ];
        wished.sort();
        assert_eq!(left, wished);
    }
}

//! The operator's own programs around a change of release: `hooks/pre-deploy` and the like, beside citrino.yml.

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::ctrl_c;

use crate::config::sealed;
use crate::config::source;
use crate::config::stack::{SecretSource, Stack};
use crate::core::error::{Code, Fault};
use crate::core::event::Event;
use crate::core::plain;
use crate::core::plan::HookWaits;

/// Beside citrino.yml.
pub const FOLDER: &str = "hooks";
/// The commands that have hooks.
const VERBS: [&str; 2] = ["deploy", "rollback"];
/// How much of a text goes into a variable.
const LONGEST: usize = 1000;
/// How much of a line of its output is told at a time.
const LONGEST_LINE: u64 = 16 << 10;

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookPoint {
    Before,
    After,
    Failed,
}

impl HookPoint {
    const ALL: [Self; 3] = [Self::Before, Self::After, Self::Failed];

    /// How its file is called.
    pub fn file(self, verb: &str) -> String {
        match self {
            Self::Before => format!("pre-{verb}"),
            Self::After => format!("post-{verb}"),
            Self::Failed => format!("{verb}-failed"),
        }
    }
}

/// The hooks of one command, and what they are told.
#[derive(Clone, Debug)]
pub struct Hooks {
    folder: PathBuf,
    verb: &'static str,
    within_s: u32,
    variables: Vec<(&'static str, String)>,
    hidden: Vec<String>,
}

impl Hooks {
    pub fn of(stack: &Stack, verb: &'static str) -> Self {
        Self {
            folder: stack.folder.clone(),
            verb,
            within_s: *stack.hooks.within_s,
            variables: Vec::new(),
            hidden: hidden(stack),
        }
    }

    /// The same, which are also told this. What is known of a host is one line there.
    pub fn told(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, as_variable(value)));
        self
    }

    /// Those that are there.
    pub fn names(&self) -> Vec<String> {
        let points = HookPoint::ALL.into_iter();
        let files = points.map(|point| point.file(self.verb));
        files.filter(|file| self.path(file).is_file()).collect()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(FOLDER).join(file)
    }

    /// How long the host waits for them.
    pub fn waits(&self) -> HookWaits {
        let is_there = |point: HookPoint| self.path(&point.file(self.verb)).is_file();
        let after = is_there(HookPoint::After) || is_there(HookPoint::Failed);
        HookWaits {
            before_s: is_there(HookPoint::Before).then_some(self.within_s),
            after_s: after.then_some(self.within_s),
        }
    }

    /// Runs one, where it is there, and tells what it prints.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn run(
        &self,
        point: HookPoint,
        more: &[(&'static str, String)],
        tell: &mut impl FnMut(Event),
    ) -> Result<(), String> {
        let file = point.file(self.verb);
        if !self.path(&file).is_file() {
            return Ok(());
        }
        let mut child = self.start(&file, more)?;
        let group = child.id();
        let tell = RefCell::new(tell);
        let ended = tokio::select! {
            ended = heard(&mut child, &file, &tell) => ended,
            () = tokio::time::sleep(Duration::from_secs(self.within_s.into())) => {
                Err(format!("took longer than {} s, and was stopped", self.within_s))
            }
            _ = ctrl_c() => Err("was stopped by Ctrl-C".to_owned()),
        };
        // What it has started and left goes with it.
        stop(group);
        let status = ended.map_err(|why| format!("hook {file} {why}"))?;
        if status.success() {
            return Ok(());
        }
        Err(format!("hook {file} ended with {}", told(status)))
    }

    fn start(&self, file: &str, more: &[(&'static str, String)]) -> Result<Child, String> {
        let path = std::path::absolute(self.path(file)).map_err(|error| error.to_string())?;
        let mut command = Command::new(path);
        for name in &self.hidden {
            command.env_remove(name);
        }
        command
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .envs(more.iter().map(|(name, value)| (*name, as_variable(value))))
            .env("HOOK_NAME", file)
            .env("HOOK_VERB", self.verb)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("hook {file} could not be started: {error}"))
    }
}

/// Tells its lines as they come, until it and whoever has its output have ended.
async fn heard(
    child: &mut Child,
    file: &str,
    tell: &RefCell<&mut impl FnMut(Event)>,
) -> Result<ExitStatus, String> {
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let line = |line: &str| {
        let note = Event::note(format!("{file}: {}", plain::line(line)));
        let mut tell = tell.borrow_mut();
        (*tell)(note);
    };
    let (status, (), ()) = tokio::join!(
        child.wait(),
        tell_each(output, &line),
        tell_each(errors, &line)
    );
    status.map_err(|error| error.to_string())
}

/// Each line, a longer one in pieces.
async fn tell_each(from: Option<impl AsyncRead + Unpin>, tell: &impl Fn(&str)) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        let mut piece = (&mut from).take(LONGEST_LINE);
        let read = piece.read_until(b'\n', &mut line).await;
        if !read.is_ok_and(|length| length > 0) {
            return;
        }
        tell(String::from_utf8_lossy(&line).trim_end());
    }
}

fn stop(group: Option<u32>) {
    let group = group.and_then(|id| i32::try_from(id).ok());
    if let Some(group) = group {
        // Mostly nobody is left in it.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

fn told(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit {code}"),
        None => "a signal".to_owned(),
    }
}

fn as_variable(value: &str) -> String {
    plain::at_most(&plain::line(value), LONGEST).into_owned()
}

/// The variables that are secrets of the stack, or open them: no hook needs them to be told of a deploy.
fn hidden(stack: &Stack) -> Vec<String> {
    let sources = source::all(stack).into_iter();
    let named = sources.filter_map(|(_, source)| match source {
        SecretSource::Env(name) => Some(name.clone()),
        _ => None,
    });
    let own = [source::TOKEN, sealed::KEY_VARIABLE].map(str::to_owned);
    named.chain(own).collect()
}

/// Refuses what is in the folder and would never run. A name with a dot is no hook: notes and examples may lie there.
///
/// # Errors
/// E0102 with the first of them.
pub fn check(stack: &Stack) -> Result<()> {
    let folder = stack.folder.join(FOLDER);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if let Some(why) = unfit(&path) {
            let message = format!("{} {why}", path.display());
            return Err(Fault::new(Code::E0102, message)
                .hint("nothing was changed; `citrino-ops docs hooks` names the hooks")
                .into());
        }
    }
    Ok(())
}

fn unfit(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    if name.contains('.') || path.is_dir() {
        return None;
    }
    let of = |verb| HookPoint::ALL.map(|point| point.file(verb));
    if !VERBS.into_iter().flat_map(of).any(|known| known == name) {
        return Some("is no hook, and would never run");
    }
    let mode = path
        .metadata()
        .map_or(0, |found| found.permissions().mode());
    (mode & 0o100 == 0).then_some("is not executable, so it would never run")
}

#[cfg(test)]
mod tests;

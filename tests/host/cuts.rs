//! A run that is cut off anywhere: its agent killed at every boundary of a step, its connection gone at every message. One
//! known release answers all the time, and what comes next makes the host as if nothing had happened.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::backups;
use crate::import;
use crate::lab::until;
use crate::need::skipped;
use crate::stack::{Stack, Turn, binary, serving};
use crate::stand_in::{Seen, User, build};

const AGENT: &str = "/var/lib/citrino/agent";
const ORDER: &str = "/run/citrino-order";

/// The agent's place on the host, taken by a program that lets tests in.
struct Door<'s> {
    stack: &'s Stack,
}

impl<'s> Door<'s> {
    fn open(stack: &'s Stack) -> Self {
        // The agent of this very binary is the only one there.
        stack.citrino(&["status"]);
        stack.on_host(&format!(
            "set -eu; cd {AGENT}; ls >/root/its-name; mv * /root/the-agent"
        ));
        let put = format!(
            "set -eu; cd {AGENT}; cat >door; chmod 700 door; mv door $(cat /root/its-name)"
        );
        stack.on_host_with(&put, "agent.py");
        // A second of waiting is as good as none: nothing is cut off in it that is not cut off before and after it.
        let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
        assert!(wishes.contains(HEALTHY), "{wishes}");
        stack.write(HASTY, &wishes.replace(HEALTHY, "min_healthy_s: 0"));
        Self { stack }
    }

    fn order(&self, words: &str) {
        self.stack.on_host(&format!(
            "rm -f {ORDER}.*; echo '{words}' >{ORDER}.new; mv {ORDER}.new {ORDER}"
        ));
    }

    /// Waits until no agent works any more: whether the connection was cut as it was ordered.
    fn has_cut(&self) -> bool {
        let line = format!("pgrep -f '{AGENT}/[0-9a-f]* agent' || ls {ORDER}.done 2>&1 || true");
        let mut said = String::new();
        until("the agent has ended", || {
            said = self.stack.on_host(&line);
            said.contains(ORDER)
        });
        !said.contains("No such file")
    }
}

/// However the test ends: the others need the agent.
impl Drop for Door<'_> {
    fn drop(&mut self) {
        let line = format!("rm -f {ORDER}*; mv /root/the-agent {AGENT}/$(cat /root/its-name)");
        let closed = self.stack.citrino(&["ssh", &line]);
        if closed.code != 0 {
            eprintln!("the agent is not in its place again: {}", closed.text);
        }
    }
}

/// From one place where a run is cut off to the next. All of them take a quarter of an hour, so the ring takes some: no
/// multiple of the number of ways on, so that each place has its turn with another way. `make cuts` takes all.
fn stride() -> usize {
    match std::env::var_os("CITRINO_EVERY_CUT") {
        Some(_) => 1,
        None => 11,
    }
}

/// How long a release of the ring must be healthy.
const HEALTHY: &str = "min_healthy_s: 1";
/// The wishes without it.
const HASTY: &str = "hasty.yml";

/// All that a deploy can change on the host.
fn manifest(stack: &Stack) -> String {
    stack.on_host_with("python3 -", "manifest.py")
}

/// The words of a command, for its n-th time.
type Words<'w> = &'w dyn Fn(usize) -> Vec<String>;

fn types(stack: &Stack, words: &[String]) -> crate::stack::Said {
    stack.citrino(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What the agent does before and after each step: it makes a word of the journal safe.
const STEPS: &str = "fdatasync";
/// What it does inside of them: it starts programs.
const PROGRAMS: &str = "clone,clone3,vfork";
/// How it gives things their names, and takes them away.
const NAMES: &str = "rename,renameat,renameat2,unlink,unlinkat";

/// The stack that serves, where an agent's calls can be counted.
fn traced() -> Option<Turn> {
    if Command::new("strace").arg("-V").output().is_err() {
        skipped("`strace` is not installed");
        return None;
    }
    serving()
}

/// Kills the agent as it comes to the n-th of these calls. Whether it came so far.
fn killed_at(door: &Door, calls: &str, n: usize, words: &[String]) -> bool {
    let stack = door.stack;
    let word = format!("{}-{n}", stack.address());
    // Agents before the one that does it: they look what would be given up, and what is there to begin with.
    let words_of: Vec<&str> = words.iter().map(String::as_str).collect();
    let looks = match words_of[..] {
        ["restore", ..] | ["backup", "prune", "--aside", ..] => 1,
        // Whether a release serves, what is there, and what would be given up.
        ["db", ..] => 3,
        _ => 0,
    };
    let when = "next ".repeat(looks);
    door.order(&format!("{when}hold {word}"));
    let run = stack.start(&words_of);
    let mut pid = None;
    until("the agent is held", || {
        pid = held(&word);
        pid.is_some()
    });
    let pid = pid.unwrap();
    let log = stack.home.join("strace");
    let mut strace = Command::new("strace")
        .args(["-qq", "-e", &format!("trace={calls}"), "-e"])
        .arg(format!("inject={calls}:signal=KILL:when={n}"))
        .arg("-o")
        .arg(&log)
        .args(["-p", &pid.to_string()])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    until("the agent is traced", || {
        status(pid, "TracerPid").is_some_and(|tracer| tracer != "0")
    });
    let to = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(to, nix::sys::signal::Signal::SIGCONT).unwrap();
    let (code, summary) = run.finish();
    strace.wait().unwrap();
    let killed = fs::read_to_string(log)
        .unwrap()
        .contains("killed by SIGKILL");
    assert!(code == 0 || killed && code == 1, "{summary}");
    killed
}

/// The process, by its number outside of the machine, that stopped itself when it had this order.
fn held(word: &str) -> Option<i32> {
    let all = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut stopped =
        all.filter(|pid: &i32| status(*pid, "State").is_some_and(|state| state.starts_with('T')));
    stopped.find(|pid| {
        let order = fs::read_to_string(format!("/proc/{pid}/root{ORDER}.taken"));
        order.is_ok_and(|order| order.trim() == format!("hold {word}"))
    })
}

/// A line of /proc/PID/status; none when there is no such process any more.
fn status(pid: i32, key: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(":\t"));
    line.map(str::to_owned)
}

/// What comes after a run that was cut off.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The same command again.
    Again,
    Resume,
    /// `--abort`, and the same command again.
    Abort,
}

/// Ends what was cut off. Where nothing is left to resume or to undo, the host says so, and the command again ends it.
fn ends(stack: &Stack, next: Next, words: &[String]) {
    let code_of = |said: &crate::stack::Said, codes: &[&str]| {
        codes.iter().any(|code| said.text.contains(code))
    };
    match next {
        Next::Again => {}
        Next::Resume => {
            let resume = stack.citrino(&["deploy", "--resume"]);
            if resume.code == 0 {
                return;
            }
            assert!(code_of(&resume, &["E0515"]), "{}", resume.text);
        }
        Next::Abort => {
            let abort = stack.citrino(&["deploy", "--abort"]);
            assert!(
                abort.code == 0 || code_of(&abort, &["E0515", "E0516"]),
                "{}",
                abort.text
            );
        }
    }
    let again = types(stack, words);
    assert_eq!(again.code, 0, "{}", again.text);
}

/// All good answers, of these releases.
fn saw_only(seen: &Seen, releases: [&Value; 2], why: &str) {
    assert!(
        seen.failures.is_empty() && seen.answers > 0,
        "{why}: {seen:?}"
    );
    for release in &seen.releases {
        assert!(
            releases.contains(&&json!(release)),
            "{why}: {release} is none of {releases:?}"
        );
    }
}

fn live(stack: &Stack) -> Value {
    stack.http("/api/health", None).1["release"].clone()
}

/// Kills the agent in a command of these words at the first boundary of a step, at the second, and so on until it comes to
/// its end. After each, one of the two releases of before and after answers; when it was ended in one of these ways, the
/// host is `wished`: as the command leaves it uninterrupted.
fn killed_everywhere(door: &Door, words: Words, wished: &str, ways: &[Next]) {
    let stack = door.stack;
    let mut n = 1;
    loop {
        let (before, words) = (live(stack), words(n));
        let user = User::comes(stack);
        let killed = killed_at(door, STEPS, n, &words);
        let next = ways[n % ways.len()];
        if killed {
            ends(stack, next, &words);
        }
        let (seen, after) = (user.leaves(), live(stack));
        let why = format!("killed at {n}, then {next:?}");
        assert_ne!(before, after, "{why}");
        saw_only(&seen, [&before, &after], &why);
        is_like(&manifest(stack), wished, &why);
        if !killed {
            break;
        }
        n += stride();
    }
    // Before and after each of a dozen steps at least.
    assert!(n > 24, "it came to its end after {n} boundaries");
}

/// Cuts the connection when one message of that side has passed, when two have, and so on; how many there are. What holds
/// after each is what holds after a kill.
fn cut_everywhere(door: &Door, words: Words, wished: &str, side: &str) -> usize {
    let stack = door.stack;
    for n in (1..).step_by(stride()) {
        let (before, words) = (live(stack), words(n));
        let why = format!("cut when {n} messages of the {side} had passed");
        let user = User::comes(stack);
        door.order(&format!("cut {side} {n}"));
        let deploy = types(stack, &words);
        let cut = door.has_cut();
        // Of a connection that is cut right after the last word, nobody need notice.
        assert!(
            deploy.code == 0 || cut && deploy.code == 1,
            "{why}: {}",
            deploy.text
        );
        ends(stack, Next::Again, &words);
        let (seen, after) = (user.leaves(), live(stack));
        assert_ne!(before, after, "{why}");
        saw_only(&seen, [&before, &after], &why);
        is_like(&manifest(stack), wished, &why);
        if !cut {
            return n;
        }
    }
    unreachable!("messages come to an end")
}

/// How the command leaves the host, when it is left alone so many times; compared with the time before, since what is
/// compared must be what stays.
fn uninterrupted(stack: &Stack, words: Words, times: usize) -> String {
    let mut last = String::new();
    for n in 1..=times {
        let run = types(stack, &words(1000 + n));
        assert_eq!(run.code, 0, "{}", run.text);
        if n + 1 >= times {
            let now = manifest(stack);
            if n == times {
                is_like(&now, &last, "left alone");
            }
            last = now;
        }
    }
    last
}

/// So many that retention has something to take away each time.
const DEPLOYS: usize = 7;
/// One there and one back: nothing is added, and nothing taken away.
const ROLLBACKS: usize = 2;

fn is_like(is: &str, wished: &str, why: &str) {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (is, wished) = (lines(is), lines(wished));
    let more: Vec<_> = is.iter().filter(|line| !wished.contains(line)).collect();
    let less: Vec<_> = wished.iter().filter(|line| !is.contains(line)).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "{why}: more {more:#?}, less {less:#?}"
    );
}

/// The n-th of small releases.
fn deploy(stack: &Stack, n: usize) -> Vec<String> {
    let path = build(
        stack,
        "citrino-stand-in",
        "small",
        &json!({ "build": format!("{n:05}") }),
    );
    ["-c", HASTY, "deploy", "--artifact", path.to_str().unwrap()]
        .map(str::to_owned)
        .into()
}

fn back_to_the_app(stack: &Stack) {
    let app = binary("citrino-app");
    let back = stack.citrino(&["deploy", "--artifact", app.to_str().unwrap()]);
    assert_eq!(back.code, 0, "{}", back.text);
    stack.is_as_wished();
}

#[test]
fn a_deploy_that_is_cut_off_anywhere_costs_nothing() {
    let Some(stack) = traced() else { return };
    let door = Door::open(&stack);
    let words = |n| deploy(&stack, n);
    let wished = uninterrupted(&stack, &words, DEPLOYS);
    killed_everywhere(
        &door,
        &words,
        &wished,
        &[Next::Again, Next::Resume, Next::Abort],
    );
    let mut messages = 0;
    for side in ["operator", "agent"] {
        messages += cut_everywhere(&door, &|n| words(5000 + messages + n), &wished, side);
    }
    assert!(messages > 30, "only {messages} messages passed");
    drop(door);
    back_to_the_app(&stack);
}

/// Back to the other one of the two newest releases, by its name: so that the same words again mean the same.
fn rollback(stack: &Stack) -> Vec<String> {
    let (live, listed) = (live(stack), stack.citrino(&["releases"]).text);
    let ids = listed
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next());
    let other = ids.take(2).find(|id| live != *id).unwrap();
    ["-c", HASTY, "rollback", other].map(str::to_owned).into()
}

#[test]
fn a_rollback_whose_agent_is_killed_anywhere_costs_nothing() {
    let Some(stack) = traced() else { return };
    let door = Door::open(&stack);
    for n in [2001, 2002] {
        let run = types(&stack, &deploy(&stack, n));
        assert_eq!(run.code, 0, "{}", run.text);
    }
    let words = |_| rollback(&stack);
    let wished = uninterrupted(&stack, &words, ROLLBACKS);
    killed_everywhere(&door, &words, &wished, &[Next::Resume, Next::Again]);
    drop(door);
    back_to_the_app(&stack);
}

/// Kills the agent in a command of these words at the first of these calls, at the second, and so on. After each, the site
/// answers with the rows of before; the same command again leaves nothing half-done. What is called a backup at the end is
/// one.
fn killed_inside(door: &Door, calls: &str, words: &[&str], prepare: impl Fn(&Stack)) {
    let stack = door.stack;
    let rows = stack.fingerprint();
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut n = 1;
    loop {
        prepare(stack);
        let user = User::comes(stack);
        let killed = killed_at(door, calls, n, &words);
        let why = format!("{words:?} killed at {n} of {calls}");
        backups_are_whole(stack, &why);
        until("the app reaches its data", || {
            stack.http("/api/ready", None).0 == 200
        });
        // What the command again does to the rows is seen after the next kill; the last round has none.
        assert_eq!(stack.fingerprint(), rows, "{why}");
        if killed {
            ends(stack, Next::Again, &words);
        }
        let seen = user.leaves();
        assert!(
            seen.failures.is_empty() && seen.answers > 0,
            "{why}: {seen:?}"
        );
        nothing_is_half_done(stack, &why);
        if !killed {
            break;
        }
        n += stride();
    }
    assert!(
        n > stride(),
        "{words:?} came to its end after {n} of {calls}"
    );
}

fn backups_are_whole(stack: &Stack, why: &str) {
    let verify = stack.citrino(&["backup", "verify"]);
    assert_eq!(verify.code, 0, "{why}: {}", verify.text);
}

/// Neither files beside the backups nor databases beside the live one.
fn nothing_is_half_done(stack: &Stack, why: &str) {
    let left = stack.on_host("ls -A /home/citrino/database/backups | grep -Ev '^citrino_[0-9_]*[.](json|proof[.]json|(dump[.]zst|sql[.]gz|globals[.]sql[.]zst)([.]age)?)$' || true");
    assert_eq!(left.trim(), "", "{why}");
    let made = stack.sql("SELECT string_agg(datname, ' ') FROM pg_database WHERE datname IN ('citrino_prod_restoring', 'citrino_prod_rehearsal')");
    assert_eq!(made, "", "{why}");
}

#[test]
fn an_agent_killed_inside_work_on_backups_leaves_nothing_half_done() {
    let Some(stack) = traced() else { return };
    let door = Door::open(&stack);
    assert_eq!(stack.citrino(&["backup"]).code, 0);
    for calls in [PROGRAMS, NAMES] {
        killed_inside(&door, calls, &["backup"], |_| {});
        killed_inside(&door, calls, &["backup", "drill"], |_| {});
        killed_inside(&door, calls, &["restore", "latest", "--yes"], |_| {});
        killed_inside(
            &door,
            calls,
            &["backup", "prune", "--aside", "--yes"],
            backups::grow_old,
        );
    }
    drop(door);
    stack.is_as_wished();
}

#[test]
fn an_agent_killed_inside_an_import_leaves_what_is_live() {
    let Some(stack) = traced() else { return };
    let door = Door::open(&stack);
    let (dump, _) = import::dump(&stack, "killed.dump", "SELECT 1", "-Fc");
    let words = ["db", "import", dump.to_str().unwrap(), "--yes"];
    for calls in [PROGRAMS, NAMES] {
        killed_inside(&door, calls, &words, |_| {});
    }
    drop(door);
    let pruned = stack.citrino(&["backup", "prune", "--aside", "--yes"]);
    assert_eq!(pruned.code, 0, "{}", pruned.text);
    stack.is_as_wished();
}

//! secrets.age by the real binary: what is written, what is shown, and what is left when a command is broken off.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::LEAST;

/// Must never be found in what is printed, nor in a file.
const VALUE: &str = "sentinel-of-a-secret-41c7";

/// An operator's home, with the least citrino.yml.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let named = format!("{LEAST}secrets: {{ ZAI_API_KEY: {{ age: ZAI_API_KEY }} }}\n");
        fs::write(home.path("citrino.yml"), named).unwrap();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command_of(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.0.path())
            .env("USER", "ana")
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn command(&self, line: &str) -> Command {
        let words: Vec<&str> = line.split(' ').collect();
        self.command_of(env!("CARGO_BIN_EXE_citrino-ops"), &words)
    }

    pub fn told(&self, line: &str, input: &str) -> (i32, String) {
        told(self.command(line), input)
    }

    pub fn told_words(&self, words: &[&str], input: &str) -> (i32, String) {
        told(
            self.command_of(env!("CARGO_BIN_EXE_citrino-ops"), words),
            input,
        )
    }

    fn editor(&self, script: &str) -> String {
        let path = self.path("editor");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// The folder that the editor was given is gone.
    fn nothing_is_open(&self) {
        let opened = fs::read_to_string(self.path("opened")).unwrap();
        let opened = PathBuf::from(opened.trim());
        assert!(opened.starts_with("/dev/shm"), "{}", opened.display());
        let folder = opened.parent().unwrap();
        until("the decrypted file is gone", || !folder.exists());
    }

    fn holds_no_secret(&self) {
        let found = Command::new("grep")
            .args(["-rlF", VALUE])
            .arg(self.0.path())
            .output()
            .unwrap();
        assert!(
            found.stdout.is_empty(),
            "{}",
            String::from_utf8_lossy(&found.stdout)
        );
    }
}

fn told(mut command: Command, input: &str) -> (i32, String) {
    let mut child = command.spawn().unwrap();
    // One that needs no input may be gone.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.contains(VALUE), "a secret was printed: {said}");
    (output.status.code().unwrap_or(-1), said)
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(2), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_secret_is_set_listed_and_read_and_shown_nowhere() {
    let home = Home::new();
    let (code, said) = home.told("secrets list", "");
    assert!(
        code == 2 && said.contains("there is no secrets.age"),
        "{said}"
    );
    let (code, said) = home.told("secrets set ZAI_API_KEY", &format!("{VALUE}\n"));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("keep a copy"), "{said}");
    let mode = |name: &str| fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".config/citrino-ops/age.key"), 0o600);
    let sealed = fs::read_to_string(home.path("secrets.age")).unwrap();
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    assert_eq!(home.told("validate", "").0, 0);
    let (code, said) = home.told("secrets set OTHER", "x\n");
    assert!(
        code == 0 && said.contains("`OTHER: { age: OTHER }`"),
        "{said}"
    );
    let (code, said) = home.told("--json secrets list", "");
    assert!(code == 0 && said.contains("\"resolves\":true"), "{said}");
    assert_eq!(home.told("config show", "").0, 0);
    home.holds_no_secret();
    for wrong in ["", "\n", " a", "a\nb\n"] {
        let (code, said) = home.told("secrets set ZAI_API_KEY", wrong);
        assert!(code == 2 && said.contains("E0103"), "{wrong:?}: {said}");
    }
    for line in ["secrets rotate NOT_NAMED", "secrets rotate ZAI_API_KEY"] {
        // Nothing is asked of the host before it is known that the value can be stored, and is one.
        let (code, said) = home.told(line, "");
        assert!(matches!(code, 2 | 7), "{code} {said}");
    }
}

#[test]
fn only_who_is_listed_reads_it_and_nobody_writes_what_he_could_not_read() {
    let home = Home::new();
    home.told("secrets set ZAI_API_KEY", VALUE);
    let key = home.path(".config/citrino-ops/age.key");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let (code, said) = home.told("secrets list", "");
    assert!(
        code == 2 && said.contains("chmod 600") || said.contains("by others"),
        "{said}"
    );
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    // In an environment without a home the key itself is given.
    let text = fs::read_to_string(&key).unwrap();
    fs::rename(&key, home.path("mine")).unwrap();
    assert_eq!(home.told("secrets list", "").0, 2);
    let mut command = home.command("secrets list");
    command.env("CITRINO_AGE_KEY", text.lines().last().unwrap());
    assert_eq!(told(command, "").0, 0);
    // Another operator's key opens nothing, and does not take the file's place.
    let other = Home::new();
    other.told("secrets set X", "x");
    fs::copy(other.path(".config/citrino-ops/age.key"), &key).unwrap();
    let before = fs::read(home.path("secrets.age")).unwrap();
    let (code, said) = home.told("secrets set ZAI_API_KEY", "new");
    assert!(
        code == 2 && said.contains("other keys than yours"),
        "{said}"
    );
    assert_eq!(fs::read(home.path("secrets.age")).unwrap(), before);
    fs::rename(home.path("mine"), &key).unwrap();
    fs::copy(other.path("secrets.age.pub"), home.path("secrets.age.pub")).unwrap();
    let (code, said) = home.told("secrets set ZAI_API_KEY", "new");
    assert!(
        code == 2 && said.contains("does not list your key"),
        "{said}"
    );
    assert_eq!(fs::read(home.path("secrets.age")).unwrap(), before);
}

#[test]
fn an_editor_has_it_in_memory_and_however_it_ends_nothing_is_left() {
    let home = Home::new();
    home.told("secrets set ZAI_API_KEY", VALUE);
    let edit = |script: &str| {
        let editor = home.editor(&format!("echo \"$1\" >opened; cp \"$1\" \"$1~\"; {script}"));
        let mut command = home.command("secrets edit");
        command.env("EDITOR", editor);
        command
    };
    let before = fs::read(home.path("secrets.age")).unwrap();
    let (code, said) = told(edit("true"), "");
    assert!(code == 0 && said.contains("is unchanged"), "{said}");
    home.nothing_is_open();
    for fails in ["exit 3", "echo no-pair >>\"$1\"", "rm \"$1\""] {
        let (code, said) = told(edit(fails), "");
        assert_ne!(code, 0, "{fails}: {said}");
        assert_eq!(
            fs::read(home.path("secrets.age")).unwrap(),
            before,
            "{fails}"
        );
        home.nothing_is_open();
    }
    let mut child = edit("exec sleep 600").spawn().unwrap();
    fs::remove_file(home.path("opened")).unwrap();
    until("the editor is open", || home.path("opened").exists());
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert!(!child.wait().unwrap().success());
    home.nothing_is_open();
    let (code, said) = told(edit("echo MORE=1 >>\"$1\""), "");
    assert_eq!(code, 0, "{said}");
    home.nothing_is_open();
    assert!(home.told("secrets list", "").1.contains("MORE"));
    home.holds_no_secret();
}

/// A command in a terminal, which is heard and answered.
pub struct Conversation {
    child: std::process::Child,
    said: String,
    heard: usize,
}

impl Conversation {
    pub fn begin(home: &Home, line: &str) -> Self {
        let line = format!("{} {line}", env!("CARGO_BIN_EXE_citrino-ops"));
        let mut command = home.command_of("script", &["-qefc", &line, "/dev/null"]);
        let child = command.env("TERM", "xterm").spawn().unwrap();
        Self {
            child,
            said: String::new(),
            heard: 0,
        }
    }

    /// Waits until this is shown, after what was waited for before.
    pub fn hear(&mut self, part: &str) {
        let mut piece = [0; 512];
        loop {
            if let Some(at) = self.said[self.heard..].find(part) {
                self.heard += at + part.len();
                return;
            }
            let length = self
                .child
                .stdout
                .as_mut()
                .unwrap()
                .read(&mut piece)
                .unwrap();
            assert_ne!(length, 0, "{part} was not shown: {}", self.said);
            self.said += &String::from_utf8_lossy(&piece[..length]);
        }
    }

    pub fn say(&mut self, keys: &str) {
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Ctrl-C until it has ended. In the moment between a question and the terminal's being its own, one goes by unheard: a
    /// person presses again.
    pub fn break_off(mut self) -> String {
        while self.child.try_wait().unwrap().is_none() {
            // It may have ended since.
            let _ = self.child.stdin.as_mut().unwrap().write_all(b"\x03");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        self.end()
    }

    /// All that was shown until the end.
    pub fn end(mut self) -> String {
        let mut rest = Vec::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut rest)
            .unwrap();
        self.child.wait().unwrap();
        self.said + &String::from_utf8_lossy(&rest)
    }
}

#[test]
fn what_is_typed_is_not_shown() {
    let home = Home::new();
    let mut talk = Conversation::begin(&home, "secrets set ZAI_API_KEY");
    talk.hear("(it is not shown):");
    talk.say(&format!("{VALUE}\n"));
    let said = talk.end();
    assert!(
        said.contains("is set in secrets.age") && !said.contains(VALUE),
        "{said}"
    );
    assert_eq!(home.told("secrets list", "").0, 0);
}

//! What stands around a command on an operator's machine: a pipe that somebody closes, a proxy, an odd folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::LEAST;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";

fn command(home: &std::path::Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_citrino-ops"));
    command
        .args(line.split(' '))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// `| head -1`: it ends well and says nothing of it.
#[test]
fn a_reader_that_goes_is_no_error() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("citrino.yml"), LEAST).unwrap();
    for line in [
        "config docs",
        "config schema",
        "--json config show",
        "docs",
        "explain",
        "completions bash",
        "--help",
        "restore --help",
        "validate",
    ] {
        let mut child = command(home.path(), line).spawn().unwrap();
        let mut first = [0];
        let mut stdout = child.stdout.take().unwrap();
        let _ = stdout.read(&mut first).unwrap();
        drop(stdout);
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(
            (ended.status.code(), said.as_str()),
            (Some(0), ""),
            "{line}"
        );
    }
}

/// A variable of the shell that is not set: each name of a release or a backup begins with an empty text.
#[test]
fn an_empty_name_is_no_part_of_any() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("citrino.yml"), LEAST).unwrap();
    for line in [
        "rollback ",
        "backup verify ",
        "backup drill ",
        "backup pull ",
        "restore --yes ",
        "rebuild --from-backup ",
    ] {
        let ended = command(home.path(), line).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            ended.status.code() == Some(2) && said.contains("the name is empty"),
            "{line}: {said}"
        );
    }
}

/// What is asked of it first, where it answers nothing good.
fn proxy() -> (u16, thread::JoinHandle<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let asked = thread::spawn(move || {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_mins(1) {
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            stream.set_nonblocking(false).unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let _ = (&stream).write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
            if line.starts_with("CONNECT done") {
                return None;
            }
            return Some(line);
        }
        None
    });
    (port, asked)
}

/// A company's way out is taken; what is on this machine is not asked through it.
#[test]
fn a_proxy_is_asked_for_the_world_and_not_for_this_machine() {
    for (endpoint, expected) in [
        (
            "https://api.example.com/v1",
            Some("CONNECT api.example.com:443 HTTP/1.1\r\n"),
        ),
        ("http://127.0.0.1:9/v1", None),
    ] {
        let home = tempfile::tempdir().unwrap();
        let text = "stack: prod\ndomain: example.com\ncloud: { server_type: cpx11, location: ash, image: debian-12, ssh_keys: [key.pub] }\n";
        std::fs::write(home.path().join("citrino.yml"), text).unwrap();
        std::fs::write(home.path().join("key.pub"), KEY).unwrap();
        let (port, asked) = proxy();
        let at = format!("http://127.0.0.1:{port}");
        let ended = command(home.path(), "cost")
            .env("HCLOUD_ENDPOINT", endpoint)
            .env("HCLOUD_TOKEN", "x".repeat(64))
            .env("HTTPS_PROXY", &at)
            .env("HTTP_PROXY", &at)
            .env("http_proxy", &at)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            ended.status.code() == Some(1) && said.contains("error[E03"),
            "{said}"
        );
        // Whoever was not asked hears that it is over.
        if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) {
            let _ = stream.write_all(b"CONNECT done\r\n");
        }
        assert_eq!(asked.join().unwrap().as_deref(), expected, "{said}");
    }
}

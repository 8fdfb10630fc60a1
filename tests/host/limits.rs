//! What a process on the host can do when it does what somebody else wants: the app, a release that is tried, a service, a
//! visitor who never ends a request.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::need::skipped;
use crate::stack::{Stack, serving};
use crate::stand_in::build;
use crate::venv;

const ENVIRONMENT: &str = "/home/citrino/citrino/.env";
/// More than nginx once had connections and files in all.
const CONNECTIONS: usize = 2300;

/// A file for each process that the loader starts with the app's environment, if it is a process of the host's own.
const MARKS: &str = "/var/tmp/the-loader";

/// The app's environment as one who can write it would have it. The loader writes a file of the user that it works for.
#[test]
fn no_process_of_another_user_starts_with_what_the_app_wrote_into_its_environment() {
    let Some(stack) = serving() else { return };
    let marks = |stack: &Stack| stack.on_host(&format!("ls -ln {MARKS}.* 2>/dev/null || true"));
    stack.on_host(&format!(
        "LD_DEBUG=files LD_DEBUG_OUTPUT={MARKS} /bin/true; ls {MARKS}.*; rm {MARKS}.*"
    ));
    stack.on_host(&format!(
        "printf 'LD_DEBUG=files\nLD_DEBUG_OUTPUT={MARKS}\n' >>{ENVIRONMENT}; chown citrino {ENVIRONMENT}; chmod 0666 {ENVIRONMENT}"
    ));
    let artifact = build(
        &stack,
        "citrino-app",
        "marked",
        &json!({ "build": "marked" }),
    );
    let artifact = artifact.display().to_string();
    for words in [
        ["status"].as_slice(),
        &["releases"],
        &["backup"],
        &["backup", "drill"],
        &["deploy", "--artifact", &artifact],
        &["rollback", "--yes"],
    ] {
        let said = stack.citrino(words);
        assert_eq!(said.code, 0, "{words:?}: {}", said.text);
        assert_eq!(marks(&stack), "", "{words:?}");
    }
    for unit in ["citrino-backup", "citrino-drill"] {
        stack.on_host(&format!("systemctl start {unit}.service"));
        assert_eq!(marks(&stack), "", "{unit}");
    }
    let converge = stack.citrino(&["converge"]);
    assert_eq!(converge.code, 0, "{}", converge.text);
    assert_eq!(marks(&stack), "");
    assert_eq!(
        stack
            .on_host(&format!("stat -c '%a %U' {ENVIRONMENT}"))
            .trim(),
        "600 root"
    );
    stack.is_as_wished();
}

/// Watches the processes of the app's binary until it is asked.
struct Watch(Child);

impl Watch {
    fn begin(stack: &Stack) -> Self {
        stack.on_host_with("cat >/root/processes.py", "processes.py");
        let mut command = stack.command(&["ssh", "python3 /root/processes.py citrino-app"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        Self(child.unwrap())
    }

    fn end(mut self) -> Vec<Value> {
        drop(self.0.stdin.take());
        let said = self.0.wait_with_output().unwrap();
        let text = String::from_utf8(said.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn number(stack: &Stack, user: &str) -> String {
    stack.on_host(&format!("id -u {user}")).trim().to_owned()
}

#[test]
fn whatever_runs_the_apps_binary_is_in_the_one_sandbox() {
    let Some(stack) = serving() else { return };
    let (app, trial) = (number(&stack, "citrino"), number(&stack, "citrino-trial"));
    let watch = Watch::begin(&stack);
    let artifact = build(
        &stack,
        "citrino-app",
        "watched",
        &json!({ "build": "watched" }),
    );
    let artifact = artifact.display().to_string();
    for words in [
        ["deploy", "--artifact", &artifact].as_slice(),
        &["status"],
        &["backup"],
        &["backup", "drill"],
    ] {
        let said = stack.citrino(words);
        assert_eq!(said.code, 0, "{words:?}: {}", said.text);
    }
    let seen = watch.end();
    let mut told = BTreeSet::new();
    for process in &seen {
        let what = format!("{process}");
        assert_eq!(process["NoNewPrivs"], "1", "{what}");
        assert_eq!(process["Seccomp"], "2", "{what}");
        assert_eq!(process["CapBnd"], "0000000000000000", "{what}");
        assert_eq!(process["CapEff"], "0000000000000000", "{what}");
        let closed = process["closed"].as_array().unwrap();
        for path in ["/home/citrino/database/backups", "/var/lib/citrino"] {
            assert!(closed.contains(&json!(path)), "{path}: {what}");
        }
        told.insert((
            process["Uid"].as_str().unwrap().to_owned(),
            process["words"][0].as_str().unwrap_or_default().to_owned(),
        ));
    }
    // One that serves of each kind lives long enough to be seen in any case.
    for user in [&app, &trial] {
        assert!(
            told.contains(&(user.clone(), "serve".to_owned())),
            "{told:?}"
        );
    }
    let users: BTreeSet<&String> = told.iter().map(|(user, _)| user).collect();
    assert_eq!(users, BTreeSet::from([&app, &trial]), "{told:?}");
    let rehearsed = seen.iter().filter(|process| {
        let words = process["words"].to_string();
        process["Uid"] == json!(app) && words.contains("citrino-rehearsal")
    });
    assert_eq!(rehearsed.count(), 0, "a trial is the user that serves");
}

#[test]
fn a_release_that_is_tried_cannot_reach_the_live_database_or_the_socket_of_the_one_that_serves() {
    let Some(stack) = serving() else { return };
    let psql = "cd / && runuser -u citrino-trial -- psql -XAtqc 'SELECT 1' -U citrino_user -d citrino_prod";
    let said = stack.citrino(&["ssh", psql]);
    assert!(
        said.code != 0 && said.text.contains("Peer authentication failed"),
        "{}",
        said.text
    );
    let socket = "/home/citrino/citrino/live/app.sock";
    let found = stack.on_host(&format!("stat -c '%a %U:%G' {socket}"));
    assert_eq!(found.trim(), "660 citrino:www-data");
    let ask = |user: &str| {
        let curl = format!(
            "runuser -u {user} -- curl -s -o /dev/null --unix-socket {socket} http://app/api/health"
        );
        stack.citrino(&["ssh", &curl]).code
    };
    assert_eq!(ask("www-data"), 0);
    // curl(1): could not connect.
    for user in ["citrino-trial", "nobody", "postgres"] {
        assert_eq!(ask(user), 7, "{user}");
    }
}

/// systemd's own opinion, from 0 (closed) to 10.
pub fn score(stack: &Stack, unit: &str) -> f64 {
    let line = format!("systemd-analyze security --no-pager {unit} | tail -1");
    let said = stack.on_host(&line);
    let score = said.split("level for").nth(1);
    let score = score.and_then(|rest| rest.split_whitespace().nth(1));
    let score = score.and_then(|word| word.parse().ok());
    score.unwrap_or_else(|| panic!("{unit}: {said}"))
}

/// Of every service that is the product's, or that the product is made of.
pub fn scores_are_low(stack: &Stack, more: &[&str]) {
    let live = stack.on_host("basename $(readlink /home/citrino/citrino/live)");
    let app = format!("citrino@{}.service", live.trim());
    assert!(score(stack, &app) <= 1.5, "{app}: {}", score(stack, &app));
    let ours = [
        "nginx.service",
        "postgresql@15-main.service",
        "citrino-backup.service",
        "citrino-drill.service",
        "citrino-guard-at-boot.service",
    ];
    for unit in ours.iter().chain(more) {
        let score = score(stack, unit);
        assert!(score <= 4.0, "{unit}: {score}");
    }
}

#[test]
fn services_have_no_more_power_than_they_need_and_have_it_from_their_first_start() {
    let Some(stack) = serving() else { return };
    scores_are_low(&stack, &[]);
    for pid in [
        "$(cat /run/nginx.pid)",
        "$(cat /run/postgresql/15-main.pid)",
    ] {
        let status = stack.on_host(&format!(
            "grep -E '^(NoNewPrivs|Seccomp):' /proc/{pid}/status"
        ));
        let words: Vec<&str> = status.split_whitespace().collect();
        assert_eq!(words, ["NoNewPrivs:", "1", "Seccomp:", "2"], "{pid}");
    }
}

/// As somebody would who had become one of them: with a key in its home, over the network.
#[test]
fn nobody_logs_in_but_who_is_to() {
    let Some(stack) = serving() else { return };
    let key = std::fs::read_to_string(stack.lab.operator_key().with_extension("pub")).unwrap();
    let home = "/var/lib/postgresql/.ssh";
    stack.on_host(&format!(
        "install -d -o postgres -m 700 {home}; echo '{}' >{home}/authorized_keys; chown postgres {home}/authorized_keys; usermod -s /bin/bash postgres",
        key.trim()
    ));
    let login = |user: &str| {
        let mut ssh = Command::new("ssh");
        ssh.args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
        ]);
        ssh.args([
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "IdentitiesOnly=yes",
            "-i",
        ]);
        ssh.arg(stack.lab.operator_key());
        ssh.arg(format!("{user}@{}", stack.address())).arg("true");
        ssh.output().unwrap()
    };
    let (root, postgres) = (login("root"), login("postgres"));
    stack.on_host(&format!("rm -r {home}"));
    assert!(root.status.success(), "{root:?}");
    let said = String::from_utf8_lossy(&postgres.stderr).into_owned();
    assert!(said.contains("Permission denied"), "{said}");
}

/// As a stranger who looks for weak algorithms sees it.
#[test]
fn ssh_audit_finds_nothing_to_fail() {
    let Some(stack) = serving() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let venv = runtime.block_on(venv::with(&folder.join("requirements-ssh-audit.txt")));
    let venv = match venv {
        Ok(venv) => venv,
        Err(why) => return skipped(&why),
    };
    let mut audit = Command::new(venv.join("bin/ssh-audit"));
    let said = audit
        .args(["--no-colors", &stack.address()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(text.contains("# key exchange algorithms"), "{text}");
    assert!(!text.contains("[fail]"), "{text}");
}

/// Connections that say half a request, until they are dropped.
struct Slow(Child);

impl Slow {
    fn come(address: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/on_host/slow.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args([address, &CONNECTIONS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "all are open\n");
        Self(child)
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn connections_that_say_nothing_do_not_take_the_site_from_others() {
    let Some(stack) = serving() else { return };
    let address = stack.address();
    let slow = Slow::come(&address);
    // The host asks itself by its own address, which is another one than that of the slow.
    let ask = format!(
        "for n in $(seq 20); do curl -s -m 5 -o /dev/null -w '%{{http_code}} ' http://{address}/api/health; done"
    );
    let others = stack.on_host(&ask);
    let same: Vec<u16> = (0..20)
        .map(|_| status(&address, Duration::from_secs(5)))
        .collect();
    let deploy = stack.citrino(&["status"]);
    drop(slow);
    assert_eq!(others.trim(), ["200"; 20].join(" "));
    // From their own address there is an answer too: that of the site, or that there are too many.
    assert!(
        same.iter().all(|status| [200, 429].contains(status)),
        "{same:?}"
    );
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    stack.is_as_wished();
}

/// What the site says within a time; 0 for nothing.
fn status(address: &str, within: Duration) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(within);
        let ask = client
            .build()
            .unwrap()
            .get(format!("http://{address}/api/health"));
        ask.send()
            .await
            .map_or(0, |answer| answer.status().as_u16())
    })
}

/// Whatever comes back for a request that says this.
fn raw(stack: &Stack, request: &str) -> String {
    use std::io::Read;
    let mut connection = std::net::TcpStream::connect((stack.address(), 80)).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut said = Vec::new();
    // A connection that is reset has said nothing.
    let _ = connection.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn only_the_sites_own_names_are_answered() {
    let Some(stack) = serving() else { return };
    let address = stack.address();
    for (host, answered) in [
        ("citrino.example.com", true),
        (&address, true),
        ("evil.example", false),
        ("citrino.example.com.evil.example", false),
        ("", false),
    ] {
        let request =
            format!("GET /api/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let said = raw(&stack, &request);
        assert_eq!(said.starts_with("HTTP/1.1 200"), answered, "{host}: {said}");
        assert!(
            answered || said.is_empty() || said.starts_with("HTTP/1.1 400"),
            "{host}: {said}"
        );
    }
}

/// nginx reads all of a body before the app sees any of it, so both must have the same limit, and say the same.
#[test]
fn a_body_that_is_too_large_is_told_so_each_time() {
    let Some(stack) = serving() else { return };
    let body = json!({ "zona": "x".repeat(200_000) });
    for _ in 0..20 {
        let (status, said) = stack.http("/api/buscar", Some(&body));
        assert_eq!(status, 413, "{said}");
        assert_eq!(said["error"]["codigo"], "cuerpo_demasiado_grande");
        assert_eq!(said["error"]["solicitud"].as_str().unwrap().len(), 32);
    }
    let just = json!({ "zona": "x".repeat(60_000) });
    assert_ne!(stack.http("/api/buscar", Some(&just)).0, 413);
}

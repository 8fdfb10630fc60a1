//! What an operator does by hand: a command as the app, SQL, a forwarded port. All of it is in the audit.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::lab::until;
use crate::stack::{KEY, PASSWORD, Said, Stack, said, serving};

/// Types it with this as its input; what is printed for a program that reads it.
fn told(stack: &Stack, words: &[&str], input: &str) -> Said {
    let mut command = stack.command(words);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        text: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

/// Types it in a terminal, and the keys when this is shown.
fn in_a_terminal(stack: &Stack, line: &str, prompt: &str, keys: &str) -> Said {
    let program = env!("CARGO_BIN_EXE_citrino-ops");
    let line = format!("{program} {line}");
    let words = ["-qefc", &line, "/dev/null"];
    let mut command = stack.command_of(std::path::Path::new("script"), &words);
    let command = command
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut text, mut piece) = (String::new(), [0; 512]);
    while !text.contains(prompt) {
        let length = stdout.read(&mut piece).unwrap();
        assert_ne!(length, 0, "{prompt} was not shown: {text}");
        text += &String::from_utf8_lossy(&piece[..length]);
    }
    stdin.write_all(keys.as_bytes()).unwrap();
    stdout.read_to_string(&mut text).unwrap();
    let code = child.wait().unwrap().code().unwrap();
    Said { code, text }
}

#[test]
fn a_command_runs_as_the_app_in_its_sandbox_and_its_exit_code_is_passed_on() {
    let Some(stack) = serving() else { return };
    let look = "id -un; echo $DB_NAME; test -n \"$DB_PASSWORD\" && echo knows; touch /home/citrino/x 2>/dev/null || echo closed; ls /root /var/lib/citrino 2>/dev/null; exit 7";
    let said = told(&stack, &["exec", "--", "sh", "-c", look], "");
    assert_eq!(said.code, 7, "{}", said.text);
    assert_eq!(said.text, "citrino\ncitrino_prod\nknows\nclosed\n");
    let odd = "a  $HOME ${HOME} 'b' \"c\" %n \\";
    assert_eq!(
        told(&stack, &["exec", "--", "printf", "%s", odd], "").text,
        odd
    );
    assert_eq!(
        told(&stack, &["exec", "--", "cat"], "in\n\u{1b}[2J").text,
        "in\n\u{1b}[2J"
    );
    let root = ["exec", "--as-root", "--", "id", "-un"];
    assert_eq!(told(&stack, &root, "").text, "root\n");
    assert_ne!(told(&stack, &["exec", "--", "no-such-program"], "").code, 0);

    let said = in_a_terminal(&stack, "exec -- sh -c 'tty; id -un; exit 9'", "", "");
    assert_eq!(said.code, 9, "{}", said.text);
    assert!(
        said.text.contains("/dev/pts/") && said.text.contains("citrino"),
        "{}",
        said.text
    );
    // In a pipe nobody would be asked, and nothing of a terminal comes.
    let said = stack.citrino(&["--json", "exec", "--", "sh", "-c", "printf '\\033[2Jx\\n'"]);
    assert!(
        !said.text.contains('\u{1b}') && said.text.contains("output_line"),
        "{}",
        said.text
    );
}

#[test]
fn psql_speaks_as_the_apps_role_and_only_reads_until_it_is_told() {
    let Some(stack) = serving() else { return };
    let ask = |words: &[&str]| told(&stack, &[&["psql"], words].concat(), "");
    let who = ask(&["--", "-Atc", "SELECT current_user, pg_is_in_recovery()"]);
    assert_eq!((who.code, &*who.text), (0, "citrino_user|f\n"));
    let refused = stack.citrino(&["psql", "--", "-c", "CREATE TABLE by_hand (a int)"]);
    assert_ne!(refused.code, 0, "{}", refused.text);
    assert!(
        refused.text.contains("read-only transaction"),
        "{}",
        refused.text
    );
    let change = "CREATE TABLE by_hand (a int); DROP TABLE by_hand;\n";
    let written = told(&stack, &["psql", "--write"], change);
    assert_eq!(written.code, 0, "{}", written.text);
    // The first statement that fails ends a script.
    assert_eq!(
        told(&stack, &["psql"], "SELECT 1/0;\nSELECT 'after';\n").code,
        3
    );

    // A terminal of no size would have the pager wait for keys.
    let said = in_a_terminal(
        &stack,
        "psql",
        "citrino_prod=>",
        "\\pset pager off\nSELECT 6 * 7 AS answer;\n\\q\n",
    );
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(
        said.text.contains("citrino_prod=>") && said.text.contains("42"),
        "{}",
        said.text
    );
}

#[test]
fn a_port_of_this_machine_leads_to_what_the_stack_runs() {
    let Some(stack) = serving() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for (to, request, answer) in [
        ("app", "GET /api/health HTTP/1.0\r\n\r\n", "200"),
        ("metrics", "GET /metrics HTTP/1.0\r\n\r\n", "200"),
        ("nginx", "GET /api/health HTTP/1.0\r\n\r\n", "200"),
        // SSLRequest, which a server answers with one letter.
        ("database", "\0\0\0\u{8}\u{4}\u{d2}\u{16}\u{2f}", ""),
    ] {
        let mut proxy = stack.start(&["proxy", &format!("{port}:{to}")]);
        let told = proxy.until_datum("proxy");
        assert_eq!(told["leads_to"], to);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let request: Vec<u8> = request.chars().map(|c| c as u8).collect();
        stream.write_all(&request).unwrap();
        let mut said = [0; 64];
        let length = stream.read(&mut said).unwrap();
        let said = String::from_utf8_lossy(&said[..length]);
        assert!(!said.is_empty() && said.contains(answer), "{to}: {said}");
        kill(
            Pid::from_raw(proxy.child.id().cast_signed()),
            Signal::SIGINT,
        )
        .unwrap();
        let (code, summary) = proxy.finish();
        assert_eq!(code, 0, "{summary}");
        until("the port is free again", || {
            std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
        });
    }
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().port();
    let refused = stack.citrino(&["proxy", &format!("{taken}:app")]);
    assert!(
        refused.code == 1 && refused.text.contains("E0805"),
        "{}",
        refused.text
    );
}

#[test]
fn a_session_is_in_the_audit_with_who_and_what_and_not_what_it_said() {
    let Some(stack) = serving() else { return };
    let typed = ["exec", "--", "sh", "-c", "echo $DB_PASSWORD"];
    assert!(stack.citrino(&typed).text.contains(PASSWORD));
    let (code, events) = stack.start(&["audit", "-n", "3"]).events();
    assert_eq!(code, 0);
    let lines: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "audit")
        .collect();
    let line = lines.last().unwrap();
    assert_eq!(line["did"], "session");
    assert_eq!(line["command"], json!("exec -- sh -c 'echo $DB_PASSWORD'"));
    assert!(line["who"].as_str().unwrap().starts_with("ana@"), "{line}");
    assert!(
        !stack
            .on_host("cat /var/log/citrino/audit.ndjson")
            .contains(PASSWORD)
    );
    let sound = said(&mut stack.command(&["audit", "verify"]));
    assert_eq!(sound.code, 0, "{}", sound.text);
}

/// A password gives the app's role its way in over loopback, or does not.
fn lets_in(stack: &Stack, password: &str) -> bool {
    let ask = "psql -h 127.0.0.1 -U citrino_user -d citrino_prod -Atqc 'SELECT 1'";
    let line = format!("PGPASSWORD={password} {ask} 2>/dev/null || echo refused");
    stack.on_host(&line).trim() == "1"
}

#[test]
fn secrets_are_rotated_while_everybody_is_served() {
    let Some(stack) = serving() else { return };
    let yml = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let yml = yml
        .replace("{ env: THE_PASSWORD }", "{ age: DB_PASSWORD }")
        .replace("{ file: key }", "{ age: ZAI_API_KEY }");
    stack.write("sealed.yml", &yml);
    let does = |line: &str, input: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        told(&stack, &[&["-c", "sealed.yml"], &*words].concat(), input)
    };
    for (name, value) in [("DB_PASSWORD", PASSWORD), ("ZAI_API_KEY", KEY)] {
        assert_eq!(does(&format!("secrets set {name}"), value).code, 0);
    }
    assert_eq!(does("plan", "").code, 0);
    let has = |name: &str| {
        let said = told(&stack, &["exec", "--", "printenv", name], "");
        said.text.trim().to_owned()
    };
    // What users ask is asked all the while, from the host and from here.
    let rotates = |line: &str, input: &str, code: i32| {
        let said = does(&format!("--json secrets rotate {line}"), input);
        assert_eq!(said.code, code, "{}", said.text);
        let events = said
            .text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let outages: Vec<Value> = events.filter(|event| event["event"] == "outage").collect();
        assert!(!outages.is_empty(), "{}", said.text);
        for outage in outages {
            assert!(
                outage["failed"] == 0 && outage["requests"].as_u64().unwrap() > 3,
                "{outage}"
            );
        }
    };
    assert!(lets_in(&stack, PASSWORD));

    rotates("DB_PASSWORD", "", 0);
    let new = has("DB_PASSWORD");
    assert!(new.len() == 43 && has("DB_HOST") == "127.0.0.1", "{new}");
    assert!(lets_in(&stack, &new) && !lets_in(&stack, PASSWORD));
    assert_eq!(does("plan", "").code, 0, "secrets.age has the new one");
    rotates("ZAI_API_KEY", "another-key\n", 0);
    assert_eq!(has("ZAI_API_KEY"), "another-key");

    // The app cannot start in the free slot: everything is as it was, in secrets.age too.
    let free = "for slot in blue green; do systemctl is-active -q citrino@$slot || echo citrino@$slot.service; done";
    let free = stack.on_host(free).trim().to_owned();
    stack.on_host(&format!("systemctl mask --runtime {free}"));
    rotates("DB_PASSWORD", "", 6);
    stack.on_host(&format!("systemctl unmask --runtime {free}"));
    assert!(has("DB_PASSWORD") == new && has("DB_HOST") == "127.0.0.1" && lets_in(&stack, &new));
    assert_eq!(
        does("plan", "").code,
        0,
        "secrets.age has the one of before"
    );

    rotates("DB_PASSWORD --from-stdin", PASSWORD, 0);
    rotates("ZAI_API_KEY --from-stdin", KEY, 0);
    assert!(lets_in(&stack, PASSWORD) && !lets_in(&stack, &new));
    for name in ["sealed.yml", "secrets.age", "secrets.age.pub", ".config"] {
        stack.remove(name);
    }
    stack.is_as_wished();
}

#[test]
fn a_locked_stack_is_changed_by_timers_alone_until_it_is_unlocked() {
    let Some(stack) = serving() else { return };
    let why = "moving the zone";
    let locked = stack.citrino(&["lock", "--message", why]);
    assert_eq!(locked.code, 0, "{}", locked.text);
    let refused = |words: &[&str]| {
        let said = stack.citrino(words);
        let tells =
            said.text.contains("E0527") && said.text.contains(why) && said.text.contains("ana@");
        assert!(said.code == 7 && tells, "{words:?}: {}", said.text);
    };
    for words in [
        &["converge", "--yes"][..],
        &["rollback"],
        &["backup"],
        &["maintenance", "on"],
        &["lock", "--message", "again"],
        // At Hetzner, too.
        &["destroy", "--unprotect"],
    ] {
        refused(words);
    }
    // Whoever asks the agent itself, and says nothing of what it knows, is refused under the lock.
    let file = "/var/lib/citrino/freeze.json";
    assert!(stack.on_host(&format!("cat {file}")).contains(why));
    for (verb, code) in [
        ("status", 0),
        ("health", 0),
        ("lock", 0),
        ("converge --check", 0),
    ] {
        let words: Vec<&str> = verb.split(' ').collect();
        let said = stack.citrino(&words);
        assert!(
            said.code == code && said.text.contains(why),
            "{verb}: {}",
            said.text
        );
    }
    let ran = stack.on_host("systemctl start citrino-backup.service && echo it-ran");
    assert!(ran.contains("it-ran"), "{ran}");
    let mut other = stack.command(&["unlock"]);
    let asked = said(other.env("USER", "eva"));
    assert!(
        asked.code == 7 && asked.text.contains("E0801"),
        "{}",
        asked.text
    );
    let unlocked = stack.citrino(&["unlock"]);
    assert_eq!(unlocked.code, 0, "{}", unlocked.text);
    assert!(stack.citrino(&["lock"]).text.contains("not locked"));
    let audit = stack.citrino(&["audit", "-n", "20"]);
    assert!(
        audit.text.contains(&format!("note: {why}")),
        "{}",
        audit.text
    );
    // What is written there by whatever else locks as well: somebody meant it.
    stack.on_host(&format!("echo x >{file}"));
    let said = stack.citrino(&["backup"]);
    assert!(
        said.code == 7 && said.text.contains("cannot be read"),
        "{}",
        said.text
    );
    assert_eq!(stack.citrino(&["unlock", "--yes"]).code, 0);
    stack.is_as_wished();
}

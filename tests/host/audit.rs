//! Who did what on the host stands in its audit, and nobody takes it out again unnoticed.

use std::fs;

use serde_json::Value;

use crate::lab::until;
use crate::stack::{KEY, PASSWORD, Said, Stack, binary, said, serving};

const PATH: &str = "/var/log/citrino/audit.ndjson";
const HELD: &str = "the run is held up";
const ROBOTS: &str = "rm -f /var/www/citrino/robots.txt";

/// The lines that `audit` shows, newest last.
fn lines(stack: &Stack) -> Vec<Value> {
    let (code, events) = stack.start(&["audit", "-n", "1000"]).events();
    assert_eq!(code, 0, "{events:?}");
    let mut lines = events;
    lines.retain(|event| event["event"] == "audit");
    lines
}

fn on_host(stack: &Stack) -> String {
    stack.on_host(&format!("cat {PATH}"))
}

fn mirror(stack: &Stack) -> String {
    let path = ".local/state/citrino-ops/rehearsal/audit.ndjson";
    fs::read_to_string(stack.home.join(path)).unwrap()
}

fn does(stack: &Stack, words: &[&str]) -> Said {
    let said = stack.citrino(words);
    assert_eq!(said.code, 0, "{}", said.text);
    said
}

/// `audit verify` ends with 1 and says all of this.
fn finds(stack: &Stack, parts: &[&str]) {
    let said = stack.citrino(&["audit", "verify"]);
    assert_eq!(said.code, 1, "{}", said.text);
    for part in parts {
        assert!(said.text.contains(part), "{part} is not in: {}", said.text);
    }
}

fn is_sound(stack: &Stack) -> Said {
    let said = does(stack, &["audit", "verify"]);
    assert!(said.text.contains("lines since 20"), "{}", said.text);
    said
}

/// The step of the playbook that makes the file again.
fn robots_step() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/nginx.yml");
    let text = fs::read_to_string(path).unwrap();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- name: "))
        .collect();
    names[1].to_owned()
}

#[test]
fn a_run_stands_in_it_with_who_what_and_how_it_ended_and_a_look_does_not() {
    let Some(stack) = serving() else { return };
    stack.on_host(ROBOTS);
    does(&stack, &["converge"]);
    // It came with the run itself, so nothing had to be asked for.
    assert_eq!(mirror(&stack), on_host(&stack));

    let seen = lines(&stack);
    let (begun, ended) = (&seen[seen.len() - 2], &seen[seen.len() - 1]);
    assert_eq!(
        (&begun["did"], &ended["did"]),
        (&"begun".into(), &"ended".into())
    );
    assert_eq!(begun["run"], ended["run"]);
    assert_eq!(
        (&begun["host"], &ended["host"]),
        (&"rehearsal".into(), &"rehearsal".into())
    );
    assert_eq!(ended["verb"], "converge");
    assert!(
        ended["who"].as_str().unwrap().starts_with("ana@"),
        "{ended}"
    );
    assert_eq!(
        ended["changed"],
        Value::from(vec![robots_step()]),
        "{ended}"
    );
    let told = does(&stack, &["audit", "-n", "1"]).text;
    assert!(
        told.contains("converge by ana@")
            && told.contains(&format!("ended; 1 changed: {}", robots_step())),
        "{told}"
    );
    // The first `up` brought a release.
    assert!(seen.iter().any(|line| line["live"].is_string()), "{seen:?}");

    let before = on_host(&stack);
    for looks in [
        &["plan"][..],
        &["status"],
        &["releases"],
        &["converge", "--check"],
    ] {
        does(&stack, looks);
    }
    assert_eq!(on_host(&stack), before);
    assert_eq!(
        stack.on_host(&format!("stat -c '%a %U' {PATH}")),
        "600 root\n"
    );
    for sentinel in [PASSWORD, KEY] {
        assert!(!before.contains(sentinel), "{sentinel}");
    }
    is_sound(&stack);
    let seen = does(&stack, &["audit", "verify", "--mirror"]);
    assert!(seen.text.contains("lines since 20"), "{}", seen.text);
}

#[test]
fn a_run_names_its_host_in_json_and_in_the_journal() {
    let Some(stack) = serving() else { return };
    stack.on_host(ROBOTS);
    let (code, events) = stack.start(&["converge"]).events();
    assert_eq!(code, 0, "{events:?}");
    let journal = stack.on_host("tail -n 1000 /var/log/citrino/journal.ndjson");
    let kept: Vec<Value> = journal
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let run = events
        .iter()
        .find(|event| event["event"] == "end")
        .map(|end| end["run"].clone())
        .unwrap();
    for told in [events, kept] {
        let of_run = |event: &&Value| event["run"] == run;
        let of_run: Vec<&Value> = told.iter().filter(of_run).collect();
        assert!(of_run.len() > 100, "{told:?}");
        for event in of_run {
            assert_eq!(event["host"], "rehearsal", "{event}");
        }
    }
    assert!(!does(&stack, &["plan"]).text.contains("rehearsal"));
}

#[test]
fn a_deploy_that_failed_stands_in_it_with_its_step_as_undone() {
    let Some(stack) = serving() else { return };
    // A static program for this machine that knows none of the app's verbs.
    let wrong = binary("citrino-ops");
    let deploy = stack.citrino(&["deploy", "--artifact", wrong.to_str().unwrap()]);
    assert_eq!(deploy.code, 6, "{}", deploy.text);
    let seen = lines(&stack);
    let last = seen.last().unwrap();
    assert_eq!(
        (&last["verb"], &last["did"]),
        (&"deploy".into(), &"undone".into())
    );
    let told = does(&stack, &["audit", "-n", "1"]).text;
    let step = last["step"].as_str().unwrap();
    assert!(told.contains(&format!("undone after \"{step}\"")), "{told}");
    assert!(last["code"].is_string() && last["live"].is_null(), "{last}");
    is_sound(&stack);
}

/// What somebody does to the chain, by a line on the host, and what is said of it.
#[test]
fn what_is_edited_removed_or_moved_on_the_host_is_found_by_its_number() {
    let Some(stack) = serving() else { return };
    // So that there are six lines, whichever test comes first.
    does(&stack, &["converge"]);
    is_sound(&stack);
    stack.on_host(&format!("cp -p {PATH} /root/audit.kept"));
    let seen = mirror(&stack);
    let cases = [
        ("sed -i '3s/ana@/eva@/'", "E0520", "line 3 was edited"),
        ("sed -i 4d", "E0520", "line 4 was removed"),
        ("sed -i '4{h;d};5G'", "E0520", "line 4 was reordered"),
        ("sed -i '$d'", "E0522", "was truncated"),
        ("truncate -s 0", "E0522", "it ends with line 0"),
        ("rm", "E0522", "it ends with line 0"),
        ("truncate -s -9", "E0521", "is incomplete"),
    ];
    for (line, code, sentence) in cases {
        stack.on_host(&format!("{line} {PATH}"));
        finds(&stack, &[code, sentence]);
        // This machine has seen another file, whatever the chain says of itself.
        finds(&stack, &["E0522"]);
        stack.on_host(&format!("cp -p /root/audit.kept {PATH}"));
        assert_eq!(mirror(&stack), seen, "{line}");
        is_sound(&stack);
    }

    // A run after the end was cut off goes well, and says that this machine knows more.
    stack.on_host(&format!("sed -i '$d' {PATH}"));
    let run = does(&stack, &["converge"]);
    assert!(run.text.contains("alarm[E0522]"), "{}", run.text);
    assert_eq!(mirror(&stack), seen);
    let shown = stack.citrino(&["audit", "-n", "1"]);
    assert_eq!(shown.code, 1, "{}", shown.text);
    let last: Value = serde_json::from_str(seen.lines().last().unwrap()).unwrap();
    assert!(
        shown.text.contains("E0522") && shown.text.contains(last["at"].as_str().unwrap()),
        "{}",
        shown.text
    );
    stack.on_host(&format!("mv /root/audit.kept {PATH}"));
    is_sound(&stack);
}

#[test]
fn a_run_that_was_killed_is_told_by_the_next_and_a_torn_line_is_closed() {
    let Some(stack) = serving() else { return };
    stack.hold_after("folder for static files", "nginx");
    let mut run = stack.start(&["converge"]);
    run.until("begin", HELD);
    let agents = stack.agents();
    assert_eq!(agents.len(), 1, "{agents:?}");
    stack.on_host(&format!(
        "kill -9 {}; pkill -9 -f '[g]o-on' || true",
        agents[0]
    ));
    assert_eq!(run.finish().0, 1);
    stack.remove("playbooks");
    // As if it had been killed while it wrote.
    stack.on_host(&format!("printf '{{\"n\":99,\"at' >> {PATH}"));
    finds(&stack, &["E0521", "11 bytes after line"]);

    does(&stack, &["converge"]);
    let seen = lines(&stack);
    let [.., killed, torn, begun, ended] = &seen[..] else {
        panic!("{seen:?}")
    };
    let dids: Vec<&str> = [killed, torn, begun, ended]
        .map(|line| line["did"].as_str().unwrap())
        .to_vec();
    assert_eq!(dids, ["begun", "torn", "begun", "ended"]);
    let found = begun["found"].as_str().unwrap();
    assert!(
        found.contains(killed["run"].as_str().unwrap())
            && found.contains(&format!("was cut off at \"{HELD}\"")),
        "{found}"
    );
    let sound = is_sound(&stack);
    assert!(
        sound.text.contains(&format!(
            "the line before line {} is incomplete after a crash",
            torn["n"]
        )),
        "{}",
        sound.text
    );
    assert_eq!(mirror(&stack), on_host(&stack));
    stack.is_as_wished();
}

#[test]
fn the_dead_mans_switch_stands_in_it_whichever_way_it_went() {
    let Some(stack) = serving() else { return };
    does(&stack, &["converge"]);
    let own =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/nginx/nginx.conf.tera");
    let own = fs::read_to_string(own).unwrap();
    stack.write(
        "templates/nginx/nginx.conf.tera",
        &format!("# mended\n{own}"),
    );
    does(&stack, &["converge"]);
    stack.remove("templates");
    does(&stack, &["converge"]);
    let seen = lines(&stack);
    let [.., begun, ended, disarmed] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(ended["did"], "ended", "{ended}");
    assert_eq!(disarmed["did"], "disarmed", "{disarmed}");
    assert_eq!(disarmed["run"], begun["run"]);
    assert!(disarmed["who"].as_str().unwrap().starts_with("ana@"));

    stack.write(
        "templates/nginx/nginx.conf.tera",
        "events {}\nhttp { server { listen 80 default_server; return 503; } }\n",
    );
    let mut command = stack.command(&["converge"]);
    command.env("CITRINO_GUARD_S", "3");
    let went_off = said(&mut command);
    stack.remove("templates");
    assert_eq!(went_off.code, 1, "{}", went_off.text);
    until("nothing is armed", || {
        stack
            .citrino(&["ssh", "test ! -e /var/lib/citrino/guard/armed.json"])
            .code
            == 0
    });
    let seen = lines(&stack);
    let [.., ended, back, put_back] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(ended["did"], "ended", "{ended}");
    assert_eq!(
        (&back["verb"], &back["did"]),
        (&"guard".into(), &"begun".into())
    );
    assert_eq!(put_back["did"], "ended", "{put_back}");
    let named = put_back["changed"].as_array().unwrap();
    assert!(!named.is_empty(), "{put_back}");
    is_sound(&stack);
    stack.is_as_wished();
}

//! The host's side goes on alone, one run at a time, and heals what a crash left.

use std::fs;

use crate::lab::until;
use crate::stack::{GO_ON, serving};

const HELD: &str = "the run is held up";

#[test]
fn a_killed_agent_leaves_nothing_that_the_next_run_does_not_mend() {
    let Some(stack) = serving() else { return };
    stack.on_host("sed -i 's/^work_mem = .*/work_mem = 5MB/' /etc/postgresql/15/main/conf.d/citrino.conf && systemctl restart postgresql@15-main");
    let started = || stack.sql("SELECT pg_postmaster_start_time()");
    let before = started();

    // Between the step that writes PostgreSQL's settings and the one that restarts it.
    stack.hold_after("PostgreSQL configuration", "postgres");
    let mut run = stack.start(&["converge"]);
    run.until("begin", HELD);
    let agents = stack.agents();
    assert_eq!(agents.len(), 1, "{agents:?}");
    stack.on_host(&format!(
        "kill -9 {}; pkill -9 -f '[g]o-on' || true",
        agents[0]
    ));
    let (code, summary) = run.finish();
    assert_eq!(
        (code, summary["error"]["code"].as_str()),
        (1, Some("E0503")),
        "{summary}"
    );
    assert_eq!(
        started(),
        before,
        "it was restarted too early to prove anything"
    );
    assert!(
        stack
            .on_host("cat /etc/postgresql/15/main/conf.d/citrino.conf")
            .contains("work_mem = 4MB")
    );

    stack.remove("playbooks");
    let next = stack.citrino(&["converge"]);
    assert_eq!(next.code, 0, "{}", next.text);
    assert!(
        next.text
            .contains(&format!("was interrupted at \"{HELD}\"")),
        "{}",
        next.text
    );
    assert_ne!(started(), before);
    assert_eq!(stack.sql("SHOW work_mem"), "4MB");
    stack.is_as_wished();
}

#[test]
fn a_cut_connection_changes_nothing_for_the_host() {
    let Some(stack) = serving() else { return };
    stack.on_host("rm -f /var/www/citrino/robots.txt");
    stack.hold_after("folder for static files", "nginx");
    let mut run = stack.start(&["converge"]);
    run.until("begin", HELD);
    run.kill();
    assert_eq!(stack.agents().len(), 1, "the agent went with its operator");

    let meanwhile = stack.citrino(&["plan"]);
    assert!(
        meanwhile
            .text
            .contains(&format!(", step \"{HELD}\"), so this may be out of date")),
        "{}",
        meanwhile.text
    );

    stack.let_go();
    stack.until_idle();
    until("the agent has ended", || stack.agents().is_empty());
    stack.remove("playbooks");
    let next = stack.citrino(&["plan"]);
    assert_eq!(next.code, 0, "{}", next.text);
    assert!(
        next.text
            .contains("The last run on the host: converge by ana@")
            && next.text.contains("continued alone and succeeded"),
        "{}",
        next.text
    );
}

#[test]
fn two_runs_at_once_are_one_run_and_a_refusal() {
    let Some(stack) = serving() else { return };
    stack.hold_after("folder for static files", "nginx");
    let mut first = stack.start(&["converge"]);
    first.until("begin", HELD);
    let second = stack.citrino(&["converge"]);
    assert_eq!(second.code, 5, "{}", second.text);
    for wished in ["E0504", "locked by ana@", "since 20", "converge", HELD] {
        assert!(
            second.text.contains(wished),
            "{wished} is not in: {}",
            second.text
        );
    }
    stack.let_go();
    let (code, summary) = first.finish();
    assert_eq!(code, 0, "{summary}");
    stack.remove("playbooks");
    stack.is_as_wished();
}

#[test]
fn a_network_that_hangs_does_not_hold_the_host_up() {
    let Some(stack) = serving() else { return };
    let number = stack.address().rsplit_once('.').unwrap().1.to_owned();
    let set = |state: &str| {
        let link = format!("clhost{number}");
        let status = std::process::Command::new("ip")
            .args(["link", "set", &link, state])
            .status()
            .unwrap();
        assert!(status.success());
    };
    stack.on_host("rm -f /var/www/citrino/50x.html");
    stack.hold_after("folder for static files", "nginx");
    let mut run = stack.start(&["converge"]);
    run.until("begin", HELD);
    set("down");
    // Nobody can reach it any more: what happens on its disk is seen from beside it.
    let disk = stack.disk();
    let ends = || {
        let journal = fs::read_to_string(disk.join("var/log/citrino/journal.ndjson")).unwrap();
        journal.matches("\"event\":\"end\"").count()
    };
    let before = ends();
    fs::write(disk.join(GO_ON.trim_start_matches('/')), "").unwrap();
    until("the host ends its run alone", || ends() > before);
    set("up");
    run.kill();
    stack.remove("playbooks");
    stack.until_idle();
    assert!(stack.on_host("ls /var/www/citrino").contains("50x.html"));
    stack.is_as_wished();
}

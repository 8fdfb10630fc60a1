//! Releases come, serve, and when they fail the one before goes on.

use std::fs;

use crate::stack::{binary, serving};

/// The app's binary as another release: what follows an ELF file's sections is not loaded.
fn another_build(stack: &crate::stack::Stack, mark: &str) -> String {
    let mut bytes = fs::read(binary("citrino-app")).unwrap();
    bytes.extend_from_slice(mark.as_bytes());
    let path = stack.home.join(format!("citrino-app-{mark}"));
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn release(stack: &crate::stack::Stack) -> String {
    stack.http("/api/health", None).1["release"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_new_release_takes_over_and_the_same_one_changes_nothing() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    let build = another_build(&stack, "second");
    let deploy = stack.citrino(&["deploy", "--artifact", &build]);
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    let after = release(&stack);
    assert_ne!(before, after);
    let releases = stack.citrino(&["releases"]).text;
    assert!(
        releases
            .lines()
            .any(|line| line.starts_with(&after) && line.contains("serves")),
        "{releases}"
    );
    assert!(
        releases
            .lines()
            .any(|line| line.starts_with(&before) && line.contains("good")),
        "{releases}"
    );

    let again = stack.citrino(&["deploy", "--artifact", &build]);
    assert_eq!(again.code, 0, "{}", again.text);
    assert!(
        again.text.contains("serves already") && !again.text.contains("changed"),
        "{}",
        again.text
    );
    stack.is_as_wished();

    // Back to the one before, which sends no bytes: the host has it.
    let back = stack.citrino(&[
        "deploy",
        "--artifact",
        binary("citrino-app").to_str().unwrap(),
    ]);
    assert_eq!(back.code, 0, "{}", back.text);
    assert_eq!(release(&stack), before);
    stack.is_as_wished();
}

#[test]
fn a_release_that_does_not_run_leaves_the_old_one_serving() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    // A static program for this machine that knows none of the app's verbs.
    let wrong = binary("citrino-ops");
    let deploy = stack.citrino(&["deploy", "--artifact", wrong.to_str().unwrap()]);
    assert_eq!(deploy.code, 6, "{}", deploy.text);
    assert!(
        deploy.text.contains("E0602")
            && deploy.text.contains(&format!("{before} serves as before")),
        "{}",
        deploy.text
    );
    assert_eq!(release(&stack), before);
    stack.is_healthy();
    stack.is_as_wished();
}

#[test]
fn a_release_that_is_never_ready_leaves_the_old_one_serving() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    let build = another_build(&stack, "never-ready");
    // Rows that the app counts are gone from its sight until the deploy has given up.
    stack.sql("ALTER TABLE agentes RENAME TO agentes_away");
    let deploy = stack.citrino(&["deploy", "--artifact", &build]);
    stack.sql("ALTER TABLE agentes_away RENAME TO agentes");
    assert_eq!(deploy.code, 6, "{}", deploy.text);
    assert_eq!(release(&stack), before);
    stack.is_healthy();
    stack.is_as_wished();
}

/// Nobody on the host gets an answer through nginx: so the last probe of a deploy waits.
const DEAF: &str = "iptables -I INPUT -i lo -p tcp --dport 5001 -j REJECT";
const NO_LONGER: &str = "iptables -D INPUT -i lo -p tcp --dport 5001 -j REJECT";
const LAST_PROBE: &str = "it answers through nginx";

#[test]
fn a_release_that_fails_after_the_switch_gives_way_to_the_old_one() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    let build = another_build(&stack, "deaf");
    stack.on_host(DEAF);
    let mut deploy = stack.start(&["deploy", "--artifact", &build]);
    deploy.until("step", LAST_PROBE);
    stack.on_host(NO_LONGER);
    let (code, summary) = deploy.finish();
    assert_eq!(
        (code, summary["error"]["code"].as_str()),
        (6, Some("E0602")),
        "{summary}"
    );
    assert_eq!(release(&stack), before);
    stack.is_as_wished();
}

#[test]
fn a_deploy_that_was_cut_off_at_its_switch_does_not_cost_the_old_release() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    stack.on_host(DEAF);
    let mut deploy = stack.start(&["deploy", "--artifact", &another_build(&stack, "cut")]);
    deploy.until("begin", LAST_PROBE);
    let agents = stack.agents();
    assert_eq!(agents.len(), 1, "{agents:?}");
    stack.on_host(&format!("kill -9 {}", agents[0]));
    assert_eq!(deploy.finish().0, 1);

    // The next one fails at the same place: what went well last serves, not what was cut off.
    let mut next = stack.start(&["deploy", "--artifact", &another_build(&stack, "next")]);
    next.until("step", LAST_PROBE);
    stack.on_host(NO_LONGER);
    let (code, summary) = next.finish();
    assert_eq!(
        (code, summary["error"]["code"].as_str()),
        (6, Some("E0602")),
        "{summary}"
    );
    assert_eq!(release(&stack), before);

    let same = stack.citrino(&[
        "deploy",
        "--artifact",
        binary("citrino-app").to_str().unwrap(),
    ]);
    assert_eq!(same.code, 0, "{}", same.text);
    assert_eq!(release(&stack), before);
    stack.is_as_wished();
}

#[test]
fn what_no_host_could_run_is_refused_before_anything_is_sent() {
    let Some(stack) = serving() else { return };
    for (path, why) in [
        ("/bin/sh", "not static"),
        ("citrino.yml", "no Linux program"),
        ("absent", "No such file"),
    ] {
        let deploy = stack.citrino(&["deploy", "--artifact", path]);
        assert_eq!(deploy.code, 1, "{}", deploy.text);
        assert!(
            deploy.text.contains("E0601") && deploy.text.contains(why),
            "{}",
            deploy.text
        );
    }
}

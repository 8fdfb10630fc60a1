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
    assert_eq!(stack.citrino(&["health"]).code, 0);
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
    assert_eq!(stack.citrino(&["health"]).code, 0);
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

//! Releases come, serve, and when they fail the one before goes on.

use std::fs;

use serde_json::Value;

use crate::stack::{binary, serving};

/// The app's binary as another release: what follows an ELF file's sections is not loaded.
pub fn another_build(stack: &crate::stack::Stack, mark: &str) -> String {
    let mut bytes = fs::read(binary("citrino-app")).unwrap();
    bytes.extend_from_slice(mark.as_bytes());
    let path = stack.home.join(format!("citrino-app-{mark}"));
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// The release of the app as it was built serves, whatever was there before.
pub fn plain(stack: &crate::stack::Stack) -> String {
    let build = binary("citrino-app");
    let deploy = stack.citrino(&["deploy", "--artifact", build.to_str().unwrap()]);
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    release(stack)
}

pub fn release(stack: &crate::stack::Stack) -> String {
    stack.http("/api/health", None).1["release"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_new_release_takes_over_and_the_same_one_changes_nothing() {
    let Some(stack) = serving() else { return };
    let before = plain(&stack);
    let build = another_build(&stack, "second");
    let note = "the second of the day";
    let deploy = stack.citrino(&["deploy", "--artifact", &build, "--note", note]);
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    let after = release(&stack);
    assert_ne!(before, after);
    let audit = stack.citrino(&["audit", "-n", "4"]).text;
    assert!(audit.contains(&format!("note: {note}")), "{audit}");
    let releases = stack.citrino(&["releases"]).text;
    assert!(releases.contains(note), "{releases}");
    assert!(
        releases
            .lines()
            .any(|line| line.starts_with(&after) && line.contains("live")),
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
        again.text.contains("is live already") && !again.text.contains("changed"),
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
            && deploy.text.contains(&format!("{before} is live as before")),
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

/// A sentence of the app's manual, and another of its length.
const OLD_WORDS: &[u8] = b"Bring the schema up to this release";
const NEW_WORDS: &str = "Bring the schema up to THAT release";

#[test]
fn a_binary_with_one_changed_string_sends_less_than_a_tenth_of_its_size() {
    let Some(stack) = serving() else { return };
    let before = plain(&stack);
    let mut bytes = fs::read(binary("citrino-app")).unwrap();
    let mut places = bytes.windows(OLD_WORDS.len());
    let at = places.position(|window| window == OLD_WORDS).unwrap();
    bytes[at..at + NEW_WORDS.len()].copy_from_slice(NEW_WORDS.as_bytes());
    let build = stack.home.join("citrino-app-one-string");
    fs::write(&build, &bytes).unwrap();

    let deploy = stack.citrino(&["--json", "deploy", "--artifact", build.to_str().unwrap()]);
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    let events: Vec<Value> = deploy
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sent = events.iter().find(|event| event["event"] == "sent");
    let sent = sent.unwrap_or_else(|| panic!("nothing was sent: {}", deploy.text));
    assert_eq!(sent["of_bytes"], bytes.len());
    assert!(
        sent["bytes"].as_u64().unwrap() * 10 < bytes.len() as u64,
        "{sent}"
    );
    assert_eq!(sent["bytes"], events[events.len() - 1]["sent_bytes"]);
    let releases = stack.citrino(&["releases"]).text;
    assert!(
        releases.contains(sent["base"].as_str().unwrap()),
        "{sent}: {releases}"
    );

    let after = release(&stack);
    assert_ne!(after, before);
    let manual = stack.on_host(&format!(
        "/home/citrino/citrino/releases/{after}/citrino-app --help"
    ));
    assert!(manual.contains(NEW_WORDS), "{manual}");

    // Back to the one before, which sends no bytes at all.
    let plain = binary("citrino-app");
    let back = stack.citrino(&["--json", "deploy", "--artifact", plain.to_str().unwrap()]);
    assert_eq!(back.code, 0, "{}", back.text);
    assert!(back.text.contains("\"sent_bytes\":0"), "{}", back.text);
    assert_eq!(release(&stack), before);
    stack.is_as_wished();
}

/// Nobody on the host gets an answer through nginx: so the last probe of a deploy waits.
const DEAF: &str = "iptables -I INPUT -i lo -p tcp --dport 5001 -j REJECT";
const NO_LONGER: &str = "iptables -D INPUT -i lo -p tcp --dport 5001 -j REJECT";
const LAST_PROBE: &str = "answer through nginx";

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
    let before = plain(&stack);
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

    assert_eq!(plain(&stack), before);
    stack.is_as_wished();
}

#[test]
fn what_no_host_could_run_is_refused_before_anything_is_sent() {
    let Some(stack) = serving() else { return };
    for (path, exit, code, why) in [
        ("/bin/sh", 1, "E0601", "not static"),
        ("citrino.yml", 1, "E0601", "not a Linux program"),
        ("absent", 2, "E0609", "No such file"),
    ] {
        let deploy = stack.citrino(&["deploy", "--artifact", path]);
        assert_eq!(deploy.code, exit, "{}", deploy.text);
        assert!(
            deploy.text.contains(code) && deploy.text.contains(why),
            "{}",
            deploy.text
        );
    }
}

/// What the last deploy tells of what users saw.
fn outages(events: &[serde_json::Value]) -> Vec<&serde_json::Value> {
    let is_outage = |event: &&serde_json::Value| event["event"] == "outage";
    events.iter().filter(is_outage).collect()
}

#[test]
fn nobody_notices_a_deploy() {
    let Some(stack) = serving() else { return };
    for mark in ["unnoticed-a", "unnoticed-b"] {
        let (code, events) = stack
            .start(&["deploy", "--artifact", &another_build(&stack, mark)])
            .events();
        assert_eq!(code, 0, "{:?}", events.last());
        let seen = outages(&events);
        let sides: Vec<_> = seen.iter().map(|event| &event["side"]).collect();
        assert_eq!(sides, ["host", "operator"], "{seen:?}");
        for outage in seen {
            assert_eq!(outage["failed"], 0, "{outage}");
            assert!(outage["requests"].as_u64().unwrap() > 3, "{outage}");
        }
    }
    stack.is_as_wished();
}

/// The way through nginx fails for a moment, whoever asks, while the host's own health server does not.
const AWAY: &str = "iptables -I INPUT -i lo -p tcp --dport 80 -j REJECT --reject-with tcp-reset";
const BACK: &str = "iptables -D INPUT -i lo -p tcp --dport 80 -j REJECT --reject-with tcp-reset";

#[test]
fn a_deploy_that_users_notice_says_so() {
    let Some(stack) = serving() else { return };
    stack.on_host(DEAF);
    let mut deploy = stack.start(&["deploy", "--artifact", &another_build(&stack, "noticed")]);
    deploy.until("begin", LAST_PROBE);
    // An outage has a length: requests are made every few milliseconds.
    stack.on_host(&format!("{AWAY}; sleep 0.5; {BACK}; {NO_LONGER}"));
    let (code, summary) = deploy.finish();
    assert_eq!(
        (code, summary["error"]["code"].as_str()),
        (1, Some("E0607")),
        "{summary}"
    );
    stack.is_healthy();
    stack.is_as_wished();
}

#[test]
fn a_deploy_whose_agent_was_killed_is_resumed_or_undone() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    for (mark, way) in [("resumed", "--resume"), ("undone", "--abort")] {
        let was = release(&stack);
        stack.on_host(DEAF);
        let mut deploy = stack.start(&["deploy", "--artifact", &another_build(&stack, mark)]);
        deploy.until("begin", LAST_PROBE);
        let agents = stack.agents();
        assert_eq!(agents.len(), 1, "{agents:?}");
        stack.on_host(&format!("kill -9 {}", agents[0]));
        assert_eq!(deploy.finish().0, 1);
        stack.on_host(NO_LONGER);
        // Night falls before anybody comes back.
        stack.on_host("systemctl start citrino-backup.service");

        let attach = stack.citrino(&["deploy", "--attach"]);
        assert_eq!(attach.code, 1, "{}", attach.text);
        assert!(attach.text.contains("E0517"), "{}", attach.text);
        let end = stack.citrino(&["deploy", way]);
        assert_eq!(end.code, 0, "{}", end.text);
        let now = release(&stack);
        assert_eq!(now == was, way == "--abort", "{}", end.text);
        stack.is_as_wished();

        let again = stack.citrino(&["deploy", way]);
        assert_eq!(again.code, 1, "{}", again.text);
        assert!(again.text.contains("E0515"), "{}", again.text);
    }
    assert_ne!(release(&stack), before);
}

#[test]
fn a_lost_operator_can_listen_again() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    stack.on_host(DEAF);
    let mut deploy = stack.start(&["deploy", "--artifact", &another_build(&stack, "listen")]);
    deploy.until("begin", LAST_PROBE);
    deploy.kill();
    let mut attach = stack.start(&["deploy", "--attach"]);
    attach.until("begin", LAST_PROBE);
    stack.on_host(NO_LONGER);
    let (code, summary) = attach.finish();
    assert_eq!(code, 0, "{summary}");
    assert_ne!(release(&stack), before);
    stack.until_idle();
    stack.is_as_wished();
}

#[test]
fn ctrl_c_turns_a_deploy_back() {
    let Some(stack) = serving() else { return };
    let before = release(&stack);
    stack.on_host(DEAF);
    let mut deploy = stack.start(&["deploy", "--artifact", &another_build(&stack, "halted")]);
    deploy.until("begin", LAST_PROBE);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(deploy.child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    // The host was told when it is noted here.
    deploy.until_note("asking the host to stop");
    stack.on_host(NO_LONGER);
    let (code, summary) = deploy.finish();
    assert_eq!(
        (code, summary["error"]["code"].as_str()),
        (1, Some("E0804")),
        "{summary}"
    );
    assert_eq!(release(&stack), before);
    stack.is_as_wished();
}

#[test]
fn old_releases_go_and_those_in_use_stay() {
    let Some(stack) = serving() else { return };
    for number in 0..6 {
        let build = another_build(&stack, &format!("many-{number}"));
        let deploy = stack.citrino(&["deploy", "--artifact", &build]);
        assert_eq!(deploy.code, 0, "{}", deploy.text);
    }
    let releases = stack.citrino(&["releases"]).text;
    let count = |state: &str| releases.lines().filter(|line| line.contains(state)).count();
    assert_eq!((count("  live "), count("  good ")), (1, 4), "{releases}");
    assert!(count("  failed ") <= 2, "{releases}");
    stack.is_as_wished();
}

/// What a look could have changed: on the host, and of releases on this machine. Of a folder its time says nothing: what a release
/// is asked with comes and goes.
fn traces(stack: &crate::stack::Stack) -> String {
    let host = stack.on_host(
        "find /etc/citrino /etc/systemd /home/citrino /var/lib/citrino /var/lib/citrino-asked /var/log/citrino \
         -path /var/lib/citrino/agent -prune -o -path /var/lib/citrino/alerts -prune \
         -o -type d -printf '%p %m %u\\n' -o -printf '%p %T@ %s %l\\n' 2>&1 | sort",
    );
    let mut here = Vec::new();
    for entry in fs::read_dir(stack.home.join(".cache/citrino-ops")).unwrap() {
        let releases = entry.unwrap().path().join("releases");
        let entries = fs::read_dir(releases).into_iter().flatten();
        here.extend(entries.map(|entry| entry.unwrap().path().display().to_string()));
    }
    here.sort();
    host + &here.join("\n")
}

#[test]
fn a_check_of_a_release_says_what_would_happen_and_leaves_no_trace() {
    let Some(stack) = serving() else { return };
    let before = plain(&stack);
    let build = another_build(&stack, "looked-at");
    let seen = |words: &[&str]| {
        let said = stack.citrino(&[&["--json"], words].concat());
        let events: Vec<Value> = said
            .text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let forecast = events.iter().find(|e| e["kind"] == "release_forecast");
        let forecast = forecast.unwrap_or_else(|| panic!("{}", said.text));
        (said.code, forecast["data"].clone())
    };
    // The first connection may bring the agent.
    assert_eq!(stack.citrino(&["releases"]).code, 0);
    let untouched = traces(&stack);
    let (code, data) = seen(&["deploy", "--artifact", &build, "--check"]);
    assert_eq!(
        (code, &data["serves"], &data["on_host"]),
        (3, &false.into(), &false.into())
    );
    assert_eq!(data["instead_of"], before);
    // It was asked, in the sandbox: an empty list is an answer.
    assert_eq!(data["migrations"], serde_json::json!([]), "{data}");
    let own = binary("citrino-app");
    let (code, data) = seen(&["deploy", "--artifact", own.to_str().unwrap(), "--check"]);
    assert_eq!((code, &data["serves"]), (0, &true.into()), "{data}");
    // Another program describes nothing, which is no empty list.
    let wrong = binary("citrino-ops");
    let (_, data) = seen(&["deploy", "--artifact", wrong.to_str().unwrap(), "--check"]);
    assert!(
        data["migrations"].is_null() && data["migrations_unknown"].is_string(),
        "{data}"
    );
    let back = stack.citrino(&["rollback", "--check"]);
    assert!(
        back.code == 3 || back.text.contains("E0703"),
        "{}",
        back.text
    );
    assert_eq!(traces(&stack), untouched);
    assert_eq!(release(&stack), before);
}

#[test]
fn hooks_run_under_the_lock_and_a_refusal_changes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let Some(stack) = serving() else { return };
    let before = plain(&stack);
    fs::create_dir_all(stack.home.join("hooks")).unwrap();
    let hook = |name: &str, lines: &str| {
        let path = stack.home.join("hooks").join(name);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let read = |name: &str| fs::read_to_string(stack.home.join(name)).unwrap_or_default();
    let program = env!("CARGO_BIN_EXE_citrino-ops");
    let build = another_build(&stack, "hooked");
    hook("pre-deploy", "exit 5");
    hook("deploy-failed", "touch failed");
    let brought = || stack.on_host("ls /home/citrino/citrino/releases");
    let there = brought();
    let refused = stack.citrino(&["deploy", "--artifact", &build]);
    assert!(
        refused.code == 7 && refused.text.contains("E0528"),
        "{}",
        refused.text
    );
    assert_eq!(release(&stack), before);
    assert_eq!(brought(), there);

    // Nobody else changes the host meanwhile, before and after.
    let tries = format!("{program} backup >/dev/null 2>&1; echo $? >>tried");
    hook("pre-deploy", &tries);
    hook(
        "post-deploy",
        &format!("{tries}; echo $HOOK_PREVIOUS $HOOK_RELEASE $HOOK_CHANGED >told"),
    );
    let deploy = stack.citrino(&["deploy", "--artifact", &build]);
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    let after = release(&stack);
    assert_eq!(read("tried"), "5\n5\n");
    let told = read("told");
    assert!(told.starts_with(&format!("{before} {after} ")), "{told}");
    hook("pre-rollback", "exit 0");
    hook("post-rollback", "exit 1");
    let back = stack.citrino(&["rollback"]);
    assert!(
        back.code == 8 && back.text.contains("E0529"),
        "{}",
        back.text
    );
    assert_eq!(release(&stack), before);
    hook("pre-deploy", "exit 0");
    let wrong = binary("citrino-ops");
    let failed = stack.citrino(&["deploy", "--artifact", wrong.to_str().unwrap()]);
    assert!(
        failed.code == 6 && stack.home.join("failed").exists(),
        "{}",
        failed.text
    );
    fs::remove_dir_all(stack.home.join("hooks")).unwrap();
    stack.is_as_wished();
}

//! What could lock its own operator out is put back when nobody comes back.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::lab::until;
use crate::stack::{Said, Stack, said, serving};

const HELD: &str = "the run is held up";
/// So short that a test need not wait for it.
const SHORT: &str = "3";
/// So long that it is never over in a test.
const LONG: &str = "3600";

fn converge(stack: &Stack, within_s: &str) -> Command {
    let mut command = stack.command(&["--json", "converge"]);
    command.env("CITRINO_GUARD_S", within_s);
    command
}

/// The product's own file, to be changed.
fn own(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// All that the guarded steps may change, as a text.
fn state(stack: &Stack) -> String {
    stack.on_host("cd /etc; sha256sum ssh/sshd_config.d/* nginx/nginx.conf ufw/*.rules ufw/ufw.conf default/ufw systemd/system/citrino@.service; stat -c '%a %U:%G %n' ssh/sshd_config.d/* nginx/nginx.conf; iptables -S")
}

fn error(said: &Said) -> Value {
    let last = said.text.lines().last().unwrap_or_default();
    let summary: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{}", said.text));
    summary["error"].clone()
}

/// Nothing is armed, and nothing waits for its time.
fn is_disarmed(stack: &Stack) {
    let line = "test ! -e /var/lib/citrino/guard/armed.json && ! systemctl is-active citrino-guard.timer citrino-guard.service";
    until("nothing is armed", || {
        stack.citrino(&["ssh", line]).code == 0
    });
}

/// A converge with this override ends with this code, and the host is as before it.
fn heals(path: &str, text: &str, code: &str, step: &str) {
    let Some(stack) = serving() else { return };
    stack.is_as_wished();
    let before = state(&stack);
    stack.write(path, text);
    let run = said(&mut converge(&stack, SHORT));
    stack.remove(path.split('/').next().unwrap());
    assert_eq!(run.code, 1, "{}", run.text);
    let error = error(&run);
    assert_eq!(error["code"], code, "{}", run.text);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains(step) && message.contains("reverted"),
        "{message}"
    );
    assert_eq!(state(&stack), before);
    is_disarmed(&stack);
    let plan = stack.citrino(&["plan"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(plan.text.contains("the dead man's switch"), "{}", plan.text);
    assert_eq!(stack.http("/api/health", None).0, 200);
}

#[test]
fn a_firewall_that_keeps_ssh_out_heals_itself() {
    heals(
        "playbooks/firewall.yml",
        "- name: only the web comes in\n  guard: true\n  firewall: { allow: [{ port: 80, proto: tcp }, { port: 443, proto: tcp }] }\n",
        "E0510",
        "only the web comes in",
    );
}

#[test]
fn an_sshd_that_lets_nobody_in_heals_itself() {
    heals(
        "templates/ssh/sshd.conf.tera",
        &format!("DenyUsers root\n{}", own("templates/ssh/sshd.conf.tera")),
        "E0510",
        "sshd configuration",
    );
}

#[test]
fn an_nginx_that_refuses_everybody_heals_itself() {
    heals(
        "templates/nginx/nginx.conf.tera",
        "events {}\nhttp { server { listen 80 default_server; return 503; } }\n",
        "E0511",
        "nginx configuration",
    );
}

const MARK: &str = "# a change that is good\n";

fn write_good_change(stack: &Stack) {
    let text = format!("{MARK}{}", own("templates/nginx/nginx.conf.tera"));
    stack.write("templates/nginx/nginx.conf.tera", &text);
}

fn has_good_change(stack: &Stack) -> bool {
    stack.on_host("cat /etc/nginx/nginx.conf").starts_with(MARK)
}

#[test]
fn a_good_change_is_disarmed_and_stays() {
    let Some(stack) = serving() else { return };
    write_good_change(&stack);
    let run = said(&mut converge(&stack, LONG));
    assert_eq!(run.code, 0, "{}", run.text);
    is_disarmed(&stack);
    assert!(has_good_change(&stack));
    stack.is_as_wished();

    stack.remove("templates");
    let back = stack.citrino(&["converge"]);
    assert_eq!(back.code, 0, "{}", back.text);
    is_disarmed(&stack);
    assert!(!has_good_change(&stack));
}

/// Work after a guarded step may take longer than anybody has to come back: the time begins with the end of the run.
#[test]
fn a_run_that_takes_longer_than_the_switch_is_kept() {
    let Some(stack) = serving() else { return };
    write_good_change(&stack);
    let slow = "\n- name: slow\n  command: { check: [test, -e, /run/slow], run: [sh, -c, 'sleep 9; touch /run/slow'] }\n";
    let text = format!("{}{slow}", own("playbooks/alerts.yml"));
    stack.write("playbooks/alerts.yml", &text);
    let run = said(&mut converge(&stack, "5"));
    assert_eq!(run.code, 0, "{}", run.text);
    is_disarmed(&stack);
    assert!(has_good_change(&stack));

    stack.remove("templates");
    stack.remove("playbooks");
    let back = stack.citrino(&["converge"]);
    assert_eq!(back.code, 0, "{}", back.text);
    stack.is_as_wished();
}

/// How often somebody has logged in.
fn logins(stack: &Stack) -> u64 {
    let said =
        stack.on_host("journalctl --sync; journalctl -q -u ssh | grep -c 'Accepted publickey'");
    said.trim().parse().unwrap()
}

#[test]
fn only_a_guarded_change_costs_another_connection() {
    let Some(stack) = serving() else { return };
    stack.is_as_wished();
    // Beside the one that counts.
    let begin = logins(&stack);
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    assert_eq!(logins(&stack) - begin, 2);

    let begin = logins(&stack);
    write_good_change(&stack);
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    assert_eq!(logins(&stack) - begin, 3);
    stack.remove("templates");
    assert_eq!(stack.citrino(&["converge"]).code, 0);
}

/// A good change, and an operator who is killed before the run ends: nobody comes back.
fn nobody_comes_back(stack: &Stack, within_s: &str) {
    write_good_change(stack);
    stack.hold_after("nginx configuration", "nginx");
    let mut run = Stack::spawn(converge(stack, within_s));
    run.until("begin", HELD);
    run.kill();
    stack.let_go();
    stack.remove("playbooks");
}

fn is_put_back(stack: &Stack) {
    until("the switch has put back", || {
        let plan = stack.citrino(&["plan"]).text;
        plan.contains("the dead man's switch") && plan.contains("reverted that run's guarded steps")
    });
    stack.remove("templates");
    assert!(!has_good_change(stack));
    is_disarmed(stack);
    stack.is_as_wished();
}

#[test]
fn a_change_that_nobody_comes_back_to_is_put_back() {
    let Some(stack) = serving() else { return };
    nobody_comes_back(&stack, SHORT);
    is_put_back(&stack);
}

#[test]
fn a_reboot_in_the_armed_time_puts_back() {
    let Some(stack) = serving() else { return };
    nobody_comes_back(&stack, LONG);
    stack.until_idle();
    assert!(has_good_change(&stack));
    let id = stack.server()["id"].clone();
    let path = format!("/servers/{id}/actions/reboot");
    let (_, answer) = stack.lab.call("POST", &path, &Value::Null);
    stack.lab.settle(&answer);
    is_put_back(&stack);
    stack.is_healthy();
}

#[test]
fn while_it_is_armed_only_who_comes_back_goes_on() {
    let Some(stack) = serving() else { return };
    nobody_comes_back(&stack, LONG);
    stack.until_idle();
    let app = crate::stack::binary("citrino-app");
    let refused = stack.citrino(&["deploy", "--artifact", app.to_str().unwrap()]);
    assert_eq!(refused.code, 5, "{}", refused.text);
    for wished in ["E0513", "converge by ana@", "will be reverted in"] {
        assert!(refused.text.contains(wished), "{wished}: {}", refused.text);
    }
    assert!(has_good_change(&stack));

    let next = stack.citrino(&["converge"]);
    assert_eq!(next.code, 0, "{}", next.text);
    is_disarmed(&stack);
    assert!(has_good_change(&stack));
    stack.remove("templates");
    let back = stack.citrino(&["converge"]);
    assert_eq!(back.code, 0, "{}", back.text);
    stack.is_as_wished();
}

//! A host that defends itself: who tries to log in again and again is kept out, the operator never is, and updates reboot it when
//! that is wanted. With `CITRINO_AUDIT` strangers' programs judge the host too, before and after.

use std::path::Path;
use std::process::{Command, Output};

use crate::lab::until;
use crate::limits::score;
use crate::need::skipped;
use crate::offsite::gateway;
use crate::stack::{Stack, binary, untouched};
use crate::venv;

/// More wrong logins than anybody may have.
const TRIES: usize = 6;
const BANNED: &str = "fail2ban-client status sshd";

#[test]
fn who_tries_to_log_in_again_and_again_is_kept_out_and_the_operator_is_not() {
    let Some(stack) = untouched() else { return };
    wish(&stack, "");
    let provisioned = stack.citrino(&["provision", "--yes"]);
    assert_eq!(provisioned.code, 0, "{}", provisioned.text);
    if std::env::var_os("CITRINO_AUDIT").is_some() {
        judge(&stack, "before: Debian 12 as the image has it");
    }
    let operator = gateway(&stack);
    let hardening =
        format!("hardening: {{ reboot: \"04:30\", fail2ban: true, spare: [{operator}/32] }}\n");
    wish(&stack, &hardening);
    let app = binary("citrino-app");
    let up = stack.citrino(&["up", "--yes", "--artifact", app.to_str().unwrap()]);
    assert_eq!(up.code, 0, "{}", up.text);
    stack.is_as_wished();
    stack.is_healthy();

    let stranger = Stranger::beside(&stack, &operator);
    for _ in 0..TRIES {
        wrong_login(&stack, &operator);
        wrong_login(&stack, &stranger.address);
    }
    until("the stranger is kept out", || {
        stack.on_host(BANNED).contains(&stranger.address)
    });
    assert!(!stranger.reaches(&stack, 22), "the stranger is only listed");
    assert!(stranger.reaches(&stack, 443), "the site is everybody's");
    assert!(!stack.on_host(BANNED).contains(&operator));
    // A run of the tool changes nothing of it.
    stack.is_as_wished();
    assert!(stack.on_host(BANNED).contains(&stranger.address));

    a_reboot_that_waits_is_set_for_the_night(&stack);
    if std::env::var_os("CITRINO_AUDIT").is_some() {
        judge(&stack, "after: `up` with `hardening`");
        println!("{}", stack.citrino(&["health"]).text);
    }
    // What is no longer wanted keeps nobody out.
    wish(&stack, "");
    let without = stack.citrino(&["converge"]);
    assert_eq!(without.code, 0, "{}", without.text);
    stack.on_host(
        "test ! -e /etc/fail2ban/jail.d/citrino.local && ! systemctl is-active --quiet fail2ban",
    );
    assert!(stranger.reaches(&stack, 22));
    stack.is_as_wished();
}

fn wish(stack: &Stack, more: &str) {
    stack.wish();
    let kept = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    // The disk is that of the machine that tests.
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/health.yml");
    let checklist = std::fs::read_to_string(own).unwrap();
    stack.write(
        "playbooks/health.yml",
        &checklist.replace("max_percent: 70", "max_percent: 98"),
    );
    stack.write(
        "citrino.yml",
        &format!("{kept}tls: {{ issuer: self_signed }}\n{more}"),
    );
}

/// An address of this machine that the host has never heard of, on the lab's network.
struct Stranger {
    address: String,
    device: String,
}

impl Stranger {
    fn beside(stack: &Stack, operator: &str) -> Self {
        let route = ran(Command::new("ip").args(["-o", "route", "get", &stack.address()]));
        let words = String::from_utf8(route.stdout).unwrap();
        let device = words.split(" dev ").nth(1).unwrap();
        let device = device.split_whitespace().next().unwrap().to_owned();
        let (network, _) = operator.rsplit_once('.').unwrap();
        let address = format!("{network}.77");
        let _ = Command::new("ip")
            .args(["address", "add", &format!("{address}/24"), "dev", &device])
            .output();
        Self { address, device }
    }

    fn reaches(&self, stack: &Stack, port: u16) -> bool {
        let url = format!("telnet://{}:{port}", stack.address());
        let mut curl = Command::new("curl");
        curl.args([
            "-s",
            "-m",
            "5",
            "--interface",
            &self.address,
            "-o",
            "/dev/null",
        ]);
        curl.args(["--connect-timeout", "3", "-w", "%{time_connect}", &url]);
        let said = curl.stdin(std::process::Stdio::null()).output().unwrap();
        let seconds = String::from_utf8(said.stdout).unwrap();
        seconds.trim().parse::<f64>().unwrap() > 0.0
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let address = format!("{}/24", self.address);
        let _ = Command::new("ip")
            .args(["address", "del", &address, "dev", &self.device])
            .output();
    }
}

/// As somebody who guesses names.
fn wrong_login(stack: &Stack, from: &str) {
    // Who is kept out in the middle of a login gets no answer any more.
    let mut ssh = Command::new("timeout");
    ssh.args(["15", "ssh", "-F", "none", "-b", from, "-o", "BatchMode=yes"]);
    ssh.args([
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
    ]);
    ssh.args([
        "-o",
        "ConnectTimeout=5",
        &format!("intruder@{}", stack.address()),
        "true",
    ]);
    assert!(!ssh.output().unwrap().status.success());
}

fn a_reboot_that_waits_is_set_for_the_night(stack: &Stack) {
    stack.on_host("touch /run/reboot-required && unattended-upgrade && grep MODE=reboot /run/systemd/shutdown/scheduled && date -d @$(( $(sed -n 's/^USEC=//p' /run/systemd/shutdown/scheduled) / 1000000 )) +%H:%M | grep -x 04:30");
    let health = stack.citrino(&["health"]);
    assert_eq!(health.code, 0, "{}", health.text);
    assert!(
        health.text.contains("h until the reboot"),
        "{}",
        health.text
    );
    stack.on_host("shutdown -c; rm /run/reboot-required");
}

fn ran(command: &mut Command) -> Output {
    let said = command.output().unwrap();
    assert!(said.status.success(), "{command:?}: {said:?}");
    said
}

/// What strangers' programs say, as lines for docs/security.md.
fn judge(stack: &Stack, when: &str) {
    println!("\n## {when}");
    stack.on_host("export DEBIAN_FRONTEND=noninteractive; lynis='apt-get install -y --no-install-recommends lynis'; ($lynis || { apt-get update; $lynis; }) >/dev/null 2>&1 || true");
    let lynis = stack.on_host("lynis audit system --quick --no-colors 2>/dev/null | grep -E 'Hardening index|Tests performed'; for what in suggestion warning; do echo $what $(grep -c ^$what /var/log/lynis-report.dat); done; true");
    println!(
        "lynis: {}",
        lynis.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    for unit in [
        "ssh",
        "nginx",
        "postgresql@15-main",
        "citrino@blue",
        "citrino-backup",
        "fail2ban",
    ] {
        let known = stack.on_host(&format!(
            "systemctl show -p LoadState --value {unit}.service"
        ));
        if known.trim() == "loaded" {
            println!(
                "systemd-analyze security {unit}: {}",
                score(stack, &format!("{unit}.service"))
            );
        }
    }
    ssh_audit(stack);
    testssl(stack);
}

fn ssh_audit(stack: &Stack) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let venv = match runtime.block_on(venv::with(&folder.join("requirements-ssh-audit.txt"))) {
        Ok(venv) => venv,
        Err(why) => return skipped(&why),
    };
    let mut audit = Command::new(venv.join("bin/ssh-audit"));
    let said = audit
        .args(["--no-colors", &stack.address()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let (fail, warn) = (
        text.matches("[fail]").count(),
        text.matches("[warn]").count(),
    );
    println!("ssh-audit: {fail} fail, {warn} warn");
}

/// Nothing where no site is yet, or where the program is not.
fn testssl(stack: &Stack) {
    let mut testssl = Command::new("testssl");
    testssl.args(["--quiet", "--color", "0", "--fast", "--warnings", "off"]);
    testssl.args(["-p", "-s", "-U", "--sneaky"]);
    testssl.args(["--ip", &stack.address(), "https://citrino.example.com"]);
    match testssl.output() {
        Ok(said) => {
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            let count = |word: &str| text.lines().filter(|line| line.contains(word)).count();
            let offered = text.lines().filter(|line| {
                line.trim_start().starts_with("TLS 1.") && line.contains("offered (OK)")
            });
            let offered: Vec<&str> = offered
                .map(|line| line.trim().split("  ").next().unwrap_or_default())
                .collect();
            if offered.is_empty() {
                return println!("testssl: no TLS is offered");
            }
            println!(
                "testssl: offers {}, {} VULNERABLE, {} NOT ok",
                offered.join(" and "),
                count("VULNERABLE"),
                count("NOT ok")
            );
        }
        Err(why) => println!("testssl: is not here ({why})"),
    }
}

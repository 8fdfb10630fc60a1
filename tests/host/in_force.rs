//! Files that are right and count for nothing, and settings that cannot run.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::lab::until;
use crate::stack::{Stack, serving};

fn own(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What somebody else did, how it is told, and how it is taken back.
struct Meddling {
    does: &'static str,
    told: &'static str,
    undone: &'static str,
}

const MEDDLINGS: [Meddling; 4] = [
    Meddling {
        does: "printf 'PasswordAuthentication yes\\n' > /etc/ssh/sshd_config.d/00-hosting.conf; systemctl reload ssh",
        told: "PasswordAuthentication is yes, expected no: /etc/ssh/sshd_config.d/00-hosting.conf line 1 says `PasswordAuthentication yes` and is read first",
        undone: "rm /etc/ssh/sshd_config.d/00-hosting.conf; systemctl reload ssh",
    },
    Meddling {
        does: "cd /; runuser -u postgres -- psql -qc \"ALTER SYSTEM SET work_mem = '16MB'\"; systemctl reload postgresql@15-main",
        told: "expected 4MB: /var/lib/postgresql/15/main/postgresql.auto.conf line 3 is read last",
        undone: "cd /; runuser -u postgres -- psql -qc 'ALTER SYSTEM RESET work_mem'; systemctl reload postgresql@15-main",
    },
    Meddling {
        does: "printf 'APT::Periodic::Unattended-Upgrade \"0\";\\n' > /etc/apt/apt.conf.d/99hosting; systemctl disable --now apt-daily-upgrade.timer",
        told: "APT::Periodic::Unattended-Upgrade is 0, expected 1: /etc/apt/apt.conf.d/99hosting says \"0\" and is read later",
        undone: "rm /etc/apt/apt.conf.d/99hosting",
    },
    Meddling {
        does: "mkdir -p /etc/systemd/system/citrino@.service.d; printf '[Service]\\nProtectSystem=no\\n' > /etc/systemd/system/citrino@.service.d/override.conf; systemctl daemon-reload",
        told: "/etc/systemd/system/citrino@.service.d/override.conf line 2 says `ProtectSystem=no`, expected strict",
        undone: "rm -r /etc/systemd/system/citrino@.service.d; systemctl daemon-reload",
    },
];

/// Cases 12, 13 and 14: nothing of it was seen.
#[test]
fn what_is_in_the_way_of_a_file_is_named_by_plan_converge_and_health() {
    let Some(stack) = serving() else { return };
    stack.is_as_wished();
    for meddling in &MEDDLINGS {
        stack.on_host(meddling.does);
    }
    let plan = stack.citrino(&["plan"]);
    let health = stack.citrino(&["health"]);
    let converge = stack.citrino(&["converge"]);
    for meddling in &MEDDLINGS {
        stack.on_host(meddling.undone);
        for said in [&plan, &health] {
            assert!(
                flat(&said.text).contains(meddling.told),
                "{}: {}",
                meddling.told,
                said.text
            );
        }
    }
    assert_eq!(plan.code, 3, "{}", plan.text);
    assert_eq!(health.code, 4, "{}", health.text);
    assert!(
        converge.code == 1 && converge.text.contains("E0411"),
        "{}",
        converge.text
    );
    // What the tool can mend without a question to anybody, it did.
    assert!(
        plan.text.contains("apt-daily-upgrade.timer is disabled"),
        "{}",
        plan.text
    );
    stack.is_as_wished();
}

/// Lines are broken where the terminal ends.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A converge with this template fails by this code in this step, and the host is as before at once.
fn has_what_it_had(template: &str, text: &str, (code, step): (&str, &str)) {
    let Some(stack) = serving() else { return };
    stack.is_as_wished();
    let before = state(&stack);
    assert_ne!(text, own(template));
    stack.write(template, text);
    let run = stack.citrino(&["converge", "--yes"]);
    stack.remove("templates");
    assert_eq!(run.code, 1, "{}", run.text);
    for part in [code, step, "undo: revert guarded changes"] {
        assert!(run.text.contains(part), "{part}: {}", run.text);
    }
    assert_eq!(state(&stack), before);
    until("the app has its database again", || {
        stack.http("/api/ready", None).0 == 200
    });
    let left =
        "test ! -e /var/lib/citrino/guard/armed.json && ! systemctl is-active citrino-guard.timer";
    assert_eq!(stack.citrino(&["ssh", left]).code, 0);
    stack.is_as_wished();
}

fn state(stack: &Stack) -> String {
    stack.on_host("cd /etc; sha256sum postgresql/15/main/conf.d/* postgresql/15/main/pg_hba.conf nginx/nginx.conf /home/citrino/citrino/.env; pg_lsclusters -h; readlink /home/citrino/citrino/live")
}

/// Case 20: the database was down, and left down.
#[test]
fn a_postgresql_that_does_not_start_has_its_settings_back() {
    let path = "templates/postgresql/citrino.conf.tera";
    let text = format!(
        "{}shared_preload_libraries = 'no_such_library'\n",
        own(path)
    );
    has_what_it_had(path, &text, ("E0402", "PostgreSQL service"));
}

/// Case 19 in its kind: an environment that the app cannot run with.
#[test]
fn an_app_that_does_not_answer_has_its_environment_back() {
    let path = "templates/app/env.tera";
    let text = own(path).replace("DB_PORT={{ facts.cluster_port }}", "DB_PORT=5499");
    has_what_it_had(path, &text, ("E0407", "app settings in slot"));
}

#[test]
fn an_nginx_that_does_not_take_its_configuration_has_the_old_one_back() {
    let Some(stack) = serving() else { return };
    stack.on_host("systemd-run --quiet --unit=tester-port python3 -m http.server 8099; for i in $(seq 200); do ss -Hltn sport = :8099 | grep -q . && break; sleep 0.1; done");
    drop(stack);
    let path = "templates/nginx/nginx.conf.tera";
    let text = own(path).replacen(
        "listen 80 default_server;",
        "listen 80 default_server; listen 8099;",
        1,
    );
    let tried =
        std::panic::catch_unwind(|| has_what_it_had(path, &text, ("E0412", "0.0.0.0:8099")));
    if let Some(stack) = serving() {
        stack.on_host("systemctl stop tester-port");
    }
    tried.unwrap();
}

/// Case 39: the rules were put in force, and the host was never reached again.
#[test]
fn the_clouds_firewall_keeps_its_maker_in() {
    let Some(stack) = serving() else { return };
    let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let closed = wishes.replace("cloud:", "cloud:\n  allow_ssh_from: [198.51.100.0/24]");
    assert_ne!(closed, wishes);
    stack.write("citrino.yml", &closed);
    let said = [
        &["plan"][..],
        &["provision", "--yes"],
        &["converge", "--yes"],
    ]
    .map(|line| stack.citrino(line));
    stack.write("citrino.yml", &wishes);
    for refused in &said[..2] {
        assert_eq!(refused.code, 7, "{}", refused.text);
        for part in [
            "E0315",
            "reaches the host from 10.",
            "198.51.100.0/24",
            "/32` to it",
        ] {
            assert!(refused.text.contains(part), "{part}: {}", refused.text);
        }
    }
    let (_, list) = stack
        .lab
        .call("GET", "/firewalls?name=rehearsal", &json!(null));
    let rules = list["firewalls"][0]["rules"].to_string();
    assert!(!rules.contains("198.51.100"), "{rules}");
    stack.is_as_wished();
}

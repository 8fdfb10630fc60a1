//! Whom the operator's side believes, and what it keeps to itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::backups::key;
use crate::stack::{KEY, PASSWORD, said, serving};

#[test]
fn a_host_with_another_key_is_refused() {
    let Some(stack) = serving() else { return };
    let server = stack.server();
    let labels = server["labels"].as_object().unwrap().clone();
    assert!(
        !labels.contains_key("citrino-ops/bootstrap-key"),
        "the first key is still pinned: {labels:?}"
    );
    let mut changed = labels.clone();
    changed.insert(
        "citrino-ops/host-key".into(),
        json!(format!("ed25519.{}.v1", "A".repeat(43))),
    );
    let path = format!("/servers/{}", server["id"]);
    assert_eq!(
        stack
            .lab
            .call("PUT", &path, &json!({ "labels": changed }))
            .0,
        200
    );
    let converge = stack.citrino(&["converge"]);
    assert_eq!(
        stack.lab.call("PUT", &path, &json!({ "labels": labels })).0,
        200
    );
    assert_eq!(converge.code, 1, "{}", converge.text);
    assert!(
        converge.text.contains("E0502") && converge.text.contains("nothing was sent"),
        "{}",
        converge.text
    );
    stack.is_as_wished();
}

#[test]
fn the_key_in_the_user_data_opens_nothing_any_more() {
    let Some(stack) = serving() else { return };
    let born =
        stack.on_host("grep -A1 ed25519_public: /var/lib/cloud/instance/user-data.txt | head -1");
    let served = stack.on_host("cat /etc/ssh/ssh_host_ed25519_key.pub");
    let key = served.split_whitespace().nth(1).unwrap();
    assert!(
        born.contains("ssh-ed25519 AAAA") && !born.contains(key),
        "{born}\n{served}"
    );
    let pin = stack.server()["labels"]["citrino-ops/host-key"].clone();
    assert!(pin.is_string(), "{pin}");
}

#[test]
fn an_unreachable_host_is_a_sentence() {
    let Some(stack) = serving() else { return };
    let wishes = "stack: nowhere\ndomain: example.com\nhost: { address: 127.0.0.1, port: 9, host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV }\n";
    stack.write("nowhere.yml", wishes);
    let converge = stack.citrino(&["-c", "nowhere.yml", "converge"]);
    stack.remove("nowhere.yml");
    assert_eq!(converge.code, 1, "{}", converge.text);
    assert!(
        converge.text.contains("E0501") && converge.text.contains("127.0.0.1 port 9"),
        "{}",
        converge.text
    );
}

#[test]
fn what_the_api_refuses_is_a_sentence_and_changes_nothing() {
    let Some(stack) = serving() else { return };
    let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let servers = || {
        stack
            .lab
            .call("GET", "/servers", &serde_json::Value::Null)
            .1["servers"]
            .to_string()
    };
    let before = servers();
    stack.write("wrong-token", &"x".repeat(64));
    let token = format!("token: {{ file: {} }}", stack.lab.token_file().display());
    for (change, verb, code, wished) in [
        (
            wishes.replace(&token, "token: { file: wrong-token }"),
            "plan",
            1,
            "E0301",
        ),
        (
            wishes
                .replace("location: ash", "location: fsn1")
                .replace("stack: rehearsal", "stack: other"),
            "provision",
            2,
            "cpx11 cannot be ordered in fsn1 since",
        ),
        (
            wishes
                .replace("cpx11", "cpx99")
                .replace("stack: rehearsal", "stack: other"),
            "provision",
            2,
            "there is no server type `cpx99`",
        ),
        (
            wishes.replace("stack: rehearsal", "stack: other"),
            "converge",
            1,
            "E0309",
        ),
        (
            wishes.replace("location: ash", "location: hil"),
            "provision",
            7,
            "cannot move the server from ash to hil",
        ),
        (
            wishes.replace("location: ash", "location: ash\n  max_monthly_eur: 1"),
            "provision",
            0,
            "over the limit of 1.00",
        ),
    ] {
        stack.write("wrong.yml", &change);
        let yes: &[&str] = if verb == "provision" { &["--yes"] } else { &[] };
        let said = stack.citrino(&[&["-c", "wrong.yml", verb], yes].concat());
        assert_eq!(said.code, code, "{}", said.text);
        assert!(
            said.text.contains(wished),
            "{wished} is not in: {}",
            said.text
        );
    }
    stack.remove("wrong.yml");
    assert_eq!(servers(), before);
}

#[test]
fn secrets_are_nowhere_but_where_they_belong() {
    let Some(stack) = serving() else { return };
    // They are there, so that looking for them means something.
    let environment =
        stack.on_host("cat /home/citrino/citrino/.env; stat -c %a /home/citrino/citrino/.env");
    assert!(
        environment.contains(PASSWORD)
            && environment.contains(KEY)
            && environment.trim().ends_with("600"),
        "{environment}"
    );
    stack.on_host("sed -i 's/^ZAI_API_KEY.*/ZAI_API_KEY=other/' /home/citrino/citrino/.env");
    let told = [
        "--json plan",
        "-v plan",
        "-v converge",
        "--json health",
        "validate",
        "logs ops",
        "logs app",
    ]
    .map(|line| stack.citrino(&line.split(' ').collect::<Vec<_>>()).text)
    .concat();
    assert!(told.contains("app environment"), "{told}");
    let swept = stack.on_host(
        "journalctl --no-pager -o export; cat /var/log/citrino/* /var/log/postgresql/* /var/log/nginx/* /var/log/syslog /var/log/cloud-init* /var/lib/citrino/stamps/* 2>/dev/null; ls -R /var/lib/citrino; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; done 2>/dev/null; true",
    );
    assert!(swept.contains("citrino-app"), "the sweep saw nothing");
    let signing = key(&stack).line();
    for secret in [PASSWORD, KEY, signing.trim()] {
        assert!(!stack.said.contains(secret), "up told a secret");
        assert!(!told.contains(secret), "a verb told a secret");
        assert!(
            !swept.contains(secret),
            "the host keeps a secret where it should not"
        );
        let grep = Command::new("grep")
            .args(["-rlF", secret])
            .arg(&stack.home)
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&grep.stdout).into_owned();
        let places: Vec<&str> = found
            .lines()
            .filter(|path| !path.ends_with("/key") && !path.ends_with("/rehearsal/stack.key"))
            .collect();
        assert!(places.is_empty(), "{places:?}");
    }
    assert!(
        fs::read_to_string(Path::new(&stack.home).join("key"))
            .unwrap()
            .contains(KEY)
    );
    stack.is_as_wished();
}

/// Whoever's home is called so reaches the host as everybody does; nobody is told of another machine.
#[test]
fn the_pin_is_found_whatever_the_operators_folder_is_called() {
    let Some(stack) = serving() else { return };
    for name in ["My Cache", "100%done", "a\"b"] {
        let cache = stack.home.join(name);
        for words in [&["status"][..], &["ssh", "true"]] {
            let mut command = stack.command(words);
            let said = said(command.env("XDG_CACHE_HOME", &cache));
            assert_eq!(said.code, 0, "{name}: {}", said.text);
        }
        stack.remove(name);
    }
}

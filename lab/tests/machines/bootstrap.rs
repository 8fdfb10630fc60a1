//! How a new machine is set up: by real cloud-init, from the unchanged `user_data` of the call.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::lab::TestLab;
use crate::server::{Server, Shared};

#[test]
fn a_machine_is_born_as_its_user_data_says() {
    let Some(lab) = Shared::lab() else { return };
    let config = json!({
        "write_files": [{ "path": "/root/written", "content": "by write_files" }],
        "runcmd": [["sh", "-c", "echo by runcmd >/root/run"]],
    });
    let (server, answer) = Server::order(&lab, &json!({}), &config);
    assert_eq!(answer["server"]["status"], "initializing");
    lab.settle(&answer);
    assert_eq!(server.shown(&lab)["status"], "running");
    // Only the key of the user_data will do, from the first connection on.
    server.wait(&lab);
    assert!(
        server
            .says(&lab, "cloud-init status --wait")
            .contains("status: done")
    );
    assert_eq!(
        server.says(&lab, "cat /root/written /root/run"),
        "by write_filesby runcmd"
    );
    assert_eq!(server.says(&lab, "hostname"), server.name);
    assert_eq!(
        server.says(&lab, "systemctl is-system-running --wait"),
        "running"
    );

    // And no other one will.
    let (stranger, _) = Server::order(&lab, &json!({ "start_after_create": false }), &json!({}));
    let key = fs::read_to_string(stranger.known_hosts()).unwrap();
    let wrong = stranger.known_hosts().with_extension("wrong");
    fs::write(&wrong, key.replace(&stranger.address, &server.address)).unwrap();
    let refused = lab
        .ssh(&server.address, &wrong)
        .arg("true")
        .output()
        .unwrap();
    assert!(!refused.status.success(), "ssh took another host key");
    assert_eq!(stranger.shown(&lab)["status"], "off");
    stranger.delete(&lab);

    is_a_machine_of_its_type(&lab, &server);
    server.delete(&lab);
}

/// Its own PID 1, network and memory.
fn is_a_machine_of_its_type(lab: &TestLab, server: &Server) {
    assert_eq!(server.says(lab, "cat /proc/1/comm"), "systemd");
    assert!(
        server
            .says(lab, "cat /etc/os-release")
            .contains("VERSION_ID=\"12\"")
    );
    let ours = fs::read_link("/proc/self/ns/net")
        .unwrap()
        .display()
        .to_string();
    assert_ne!(server.says(lab, "readlink /proc/self/ns/net"), ours);
    let addresses = server.says(lab, "ip -4 -oneline address show scope global");
    assert!(
        addresses.contains(&format!(" {}/32 ", server.address)),
        "{addresses}"
    );
    assert_eq!(addresses.lines().count(), 1, "{addresses}");

    // A cpx11 has 2 GB: the machine can read it, and the kernel holds it to that.
    let limit = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true";
    assert_eq!(server.says(lab, limit), (2_u64 << 30).to_string());
    let group = format!("clab-{}-{}", lab.name(), server.number());
    let held = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"]
        .iter()
        .any(|root| {
            ["memory.max", "memory.limit_in_bytes"].iter().any(|file| {
                let path = Path::new(root).join(&group).join(file);
                fs::read_to_string(path).is_ok_and(|text| text.trim() == (2_u64 << 30).to_string())
            })
        });
    assert!(held, "no control group {group} with 2 GB");
}

#[test]
fn two_machines_run_at_once_and_ls_shows_them_with_their_memory() {
    let Some(lab) = Shared::lab() else { return };
    let servers = [0, 1].map(|_| Server::started(&lab));
    let [one, two] = &servers;
    for server in &servers {
        server.wait(&lab);
    }
    assert_ne!(one.address, two.address);
    assert_ne!(one.boot_id(&lab), two.boot_id(&lab));
    let machine_id = |server: &Server| server.says(&lab, "cat /etc/machine-id");
    assert_ne!(machine_id(one), machine_id(two));
    two.act(&lab, "poweroff");
    let listed = String::from_utf8(lab.run(&["ls"]).stdout).unwrap();
    let words = |server: &Server| -> Vec<String> {
        let line = listed
            .lines()
            .find(|line| line.contains(&format!(" {} ", server.name)));
        line.unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let id = one.id.to_string();
    let line = words(one);
    assert_eq!(
        line[..5],
        [&id, &one.name, "cpx11", "running", &one.address],
        "{listed}"
    );
    let megabytes: u64 = line[5].parse().unwrap();
    assert!(
        (10..2048).contains(&megabytes) && line[6] == "MB",
        "{listed}"
    );
    assert_eq!(words(two)[3..], ["off", &two.address, "-"], "{listed}");
    for server in &servers {
        server.delete(&lab);
    }
}

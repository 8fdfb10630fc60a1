//! What machines survive: the end of the API's process, and what comes back after their own.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::lab::{TestLab, until};
use crate::leavings::Owner;
use crate::server::{Server, Shared};

fn read_pid(path: &Path) -> i32 {
    let text = fs::read_to_string(path).unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// kill -9, and waits until the kernel has done it.
fn end(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    // What died and was not waited for yet has no program any more.
    until("a killed process is gone", || {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|text| text.is_empty())
            || !Path::new(&format!("/proc/{pid}")).exists()
    });
}

fn end_api(lab: &TestLab) {
    let pid = read_pid(&lab.state().join("api.lock"));
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(command.contains("\0serve"), "{command}");
    end(pid);
    assert!(lab.try_call("GET", "/servers", &Value::Null).is_err());
}

fn up(lab: &TestLab) {
    let output = lab.run(&["up"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn machines_survive_the_api() {
    let Some(lab) = Shared::lab() else { return };
    let servers = [0, 1].map(|_| Server::started(&lab));
    servers[1].act(&lab, "poweroff");
    servers[0].wait(&lab);
    let list = || lab.call("GET", "/servers", &Value::Null).1["servers"].clone();
    let (before, boot) = (list(), servers[0].boot_id(&lab));
    end_api(&lab);
    assert_eq!(servers[0].boot_id(&lab), boot);
    up(&lab);
    assert_eq!(list(), before);
    assert_eq!(servers[0].boot_id(&lab), boot);
    servers[1].act(&lab, "poweron");
    servers[1].wait(&lab);
    for server in servers {
        server.delete(&lab);
    }
}

#[test]
fn an_order_that_the_api_did_not_live_to_fill_is_told_and_can_be_deleted() {
    let Some(lab) = Shared::lab() else { return };
    let (server, answer) = Server::order(&lab, &json!({}), &json!({}));
    end_api(&lab);
    up(&lab);
    for id in [&answer["action"]["id"], &answer["next_actions"][0]["id"]] {
        let action = lab.call("GET", &format!("/actions/{id}"), &Value::Null).1["action"].clone();
        assert_ne!(action["status"], "running", "{action}");
    }
    server.delete(&lab);
    Owner::machine(&lab, &server).assert_has_nothing();
}

/// The processes of a machine: its supervisor, nspawn, and its PID 1.
fn processes(lab: &TestLab, server: &Server) -> [i32; 3] {
    let folder: PathBuf = lab.state().join("machines").join(server.number());
    let nspawn = read_pid(&folder.join("nspawn.pid"));
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).unwrap();
    let first = children.split_whitespace().next().unwrap().parse().unwrap();
    let status = fs::read_to_string(format!("/proc/{nspawn}/status")).unwrap();
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap();
    [parent.trim().parse().unwrap(), nspawn, first]
}

#[test]
fn a_lost_machine_comes_back() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    server.says(&lab, "echo kept >/root/file");
    // First all of it is lost, then its supervisor alone.
    for lost in [3, 1] {
        let (boot, all) = (server.boot_id(&lab), processes(&lab, &server));
        for pid in all.iter().take(lost) {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        server.becomes(&lab, "off");
        up(&lab);
        server.becomes(&lab, "running");
        server.wait(&lab);
        assert_ne!(server.boot_id(&lab), boot);
        assert_eq!(server.says(&lab, "cat /root/file"), "kept");
        let now = processes(&lab, &server);
        for pid in all {
            assert!(!now.contains(&pid));
            let left = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            assert!(left.is_empty(), "{pid} of the lost machine runs on");
        }
    }
    server.delete(&lab);
}

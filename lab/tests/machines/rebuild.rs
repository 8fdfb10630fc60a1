//! Rebuild, snapshots, change of type, and addresses that outlive their server.

use serde_json::{Value, json};

use crate::lab::TestLab;
use crate::server::{Server, Shared};

/// Does an action with a body, waits for its end, and answers what the API said.
fn act(lab: &TestLab, server: &Server, action: &str, body: &Value) -> Value {
    let path = format!("/servers/{}/actions/{action}", server.id);
    let (status, answer) = lab.call("POST", &path, body);
    assert_eq!(status, 201, "{action}: {answer}");
    lab.settle(&answer);
    answer
}

#[test]
fn a_rebuilt_machine_is_as_new_and_where_it_was() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    let machine_id = server.says(&lab, "echo old >/root/file; cat /etc/machine-id");
    act(&lab, &server, "rebuild", &json!({ "image": "debian-12" }));
    assert_eq!(server.shown(&lab)["status"], "running");
    // By the host key of its user_data, which it was given again.
    server.wait(&lab);
    assert_eq!(
        server.says(&lab, "ls /root; cloud-init status --wait | tail -1"),
        "status: done"
    );
    assert_ne!(server.says(&lab, "cat /etc/machine-id"), machine_id);
    server.delete(&lab);
}

#[test]
fn a_snapshot_is_a_disk_for_others_and_for_itself() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    server.says(
        &lab,
        "echo kept >/root/file; rm /etc/issue.net; mkdir /root/empty; useradd --create-home somebody",
    );
    let wish = json!({ "description": "before", "labels": { "app": "x" } });
    let image = act(&lab, &server, "create_image", &wish)["image"]["id"].clone();
    let path = format!("/images/{image}");
    let (_, shown) = lab.call("GET", &path, &Value::Null);
    assert_eq!(shown["image"]["status"], "available", "{shown}");
    server.says(&lab, "echo changed >/root/file");

    let other = Server::create(&lab, &json!({ "image": image }));
    let seen = "cat /root/file; ls -d /root/empty; ls /etc/issue.net 2>&1 | wc -w; id -u somebody; hostname";
    let found = other.says(&lab, seen);
    assert!(found.starts_with("kept\n/root/empty\n"), "{found}");
    assert!(found.ends_with(&other.name), "{found}");
    assert!(other.ssh(&lab, "test -e /etc/issue.net").status.code() == Some(1));
    other.delete(&lab);

    act(&lab, &server, "rebuild", &json!({ "image": image }));
    server.wait(&lab);
    assert_eq!(server.says(&lab, "cat /root/file"), "kept");
    let folder = lab.state().join("images").join(image.to_string());
    assert!(folder.exists());
    assert_eq!(lab.call("DELETE", &path, &Value::Null).0, 204);
    assert!(!folder.exists());
    // Its disk does not stand on the image.
    assert_eq!(server.says(&lab, "cat /root/file"), "kept");
    server.delete(&lab);
}

#[test]
fn a_new_password_is_that_of_root() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    let before = server.says(&lab, "getent shadow root");
    let answer = act(&lab, &server, "reset_password", &json!({}));
    let word = answer["root_password"].as_str().unwrap();
    let after = server.says(&lab, "getent shadow root");
    assert_ne!(after, before);
    let hash = after.split(':').nth(1).unwrap();
    // As PAM would: the same salt gives the same hash.
    let again =
        format!("python3 -W ignore -c 'import crypt; print(crypt.crypt(\"{word}\", \"{hash}\"))'");
    assert_eq!(server.says(&lab, &again), hash);
    server.delete(&lab);
}

#[test]
fn a_changed_type_has_its_memory_and_the_same_disk() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    let limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max";
    assert_eq!(server.says(&lab, limit), (2_u64 << 30).to_string());
    server.says(&lab, "echo kept >/root/file");
    server.act(&lab, "poweroff");
    let wish = json!({ "server_type": "cpx21", "upgrade_disk": false });
    act(&lab, &server, "change_type", &wish);
    let shown = server.shown(&lab);
    assert_eq!(
        (
            &shown["status"],
            &shown["server_type"]["name"],
            &shown["primary_disk_size"]
        ),
        (&json!("off"), &json!("cpx21"), &json!(40))
    );
    server.act(&lab, "poweron");
    server.wait(&lab);
    assert_eq!(server.says(&lab, limit), (4_u64 << 30).to_string());
    assert_eq!(server.says(&lab, "cat /root/file"), "kept");
    server.delete(&lab);
}

#[test]
fn a_kept_address_is_that_of_the_next_server() {
    let Some(lab) = Shared::lab() else { return };
    let wish = json!({ "name": "kept", "type": "ipv4", "location": "ash" });
    let (status, made) = lab.call("POST", "/primary_ips", &wish);
    assert_eq!(status, 201, "{made}");
    let (ip, address) = (
        made["primary_ip"]["id"].clone(),
        made["primary_ip"]["ip"].clone(),
    );
    // Another address than the one that a machine would have got.
    let before = Server::started(&lab);
    assert_ne!(json!(before.address), address);
    let net = json!({ "public_net": { "ipv4": ip } });
    for _ in ["the first", "the next"] {
        let server = Server::create(&lab, &net);
        assert_eq!(json!(server.address), address);
        let inside = server.says(&lab, "ip -4 -oneline address show eth0");
        assert!(inside.contains(&server.address), "{inside}");
        server.delete(&lab);
        let (_, left) = lab.call("GET", &format!("/primary_ips/{ip}"), &Value::Null);
        assert_eq!(left["primary_ip"]["assignee_type"], "unassigned", "{left}");
    }
    // One that is off can be given another address.
    before.act(&lab, "poweroff");
    let (_, all) = lab.call(
        "GET",
        &format!("/primary_ips?ip={}", before.address),
        &Value::Null,
    );
    let own = all["primary_ips"][0]["id"].clone();
    for (id, action) in [(&own, "unassign"), (&ip, "assign")] {
        let path = format!("/primary_ips/{id}/actions/{action}");
        let body = json!({ "assignee_id": before.id, "assignee_type": "server" });
        let (status, answer) = lab.call("POST", &path, &body);
        assert_eq!(status, 201, "{answer}");
        lab.settle(&answer);
    }
    before.act(&lab, "poweron");
    let moved = before.at(address.as_str().unwrap());
    moved.wait(&lab);
    moved.delete(&lab);
    for id in [own, ip] {
        let path = format!("/primary_ips/{id}");
        assert_eq!(lab.call("DELETE", &path, &Value::Null).0, 204);
    }
}

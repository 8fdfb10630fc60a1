//! Machines reach what their host reaches, in its name.

use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use serde_json::json;

use crate::lab::{TestLab, until};
use crate::server::{Server, Shared};

fn ip(words: &str) {
    let output = Command::new("ip").args(words.split(' ')).output().unwrap();
    assert!(
        output.status.success(),
        "ip {words}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A listener on another network, which knows the host's address and none of the machines. With
/// the listener the kernel removes all of it.
fn abroad() -> TcpListener {
    let listener = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        ip("link set lo up");
        ip(&format!(
            "link add eth0 type veth peer name clabroad netns {}",
            std::process::id()
        ));
        ip("address add 198.18.81.2/30 dev eth0");
        ip("link set eth0 up");
        TcpListener::bind("198.18.81.2:0").unwrap()
    });
    let listener = listener.join().unwrap();
    ip("address add 198.18.81.1/30 dev clabroad");
    ip("link set clabroad up");
    listener
}

/// Connects from a machine to a listener, and answers whom the listener sees; none when the machine
/// does not get there in three seconds. A busy one may need more: see `arrives`.
fn visit(lab: &TestLab, server: &Server, listener: &TcpListener) -> Option<IpAddr> {
    let there = listener.local_addr().unwrap();
    let connect = format!(
        "timeout 3 bash -c '</dev/tcp/{}/{}'",
        there.ip(),
        there.port()
    );
    let arrived = server.ssh(lab, &connect).status.success();
    arrived.then(|| listener.accept().unwrap().1.ip())
}

/// The same of a machine that gets there.
fn arrives(lab: &TestLab, server: &Server, listener: &TcpListener) -> String {
    let mut seen = None;
    until("the machine gets there", || {
        seen = visit(lab, server, listener);
        seen.is_some()
    });
    seen.unwrap().to_string()
}

#[test]
fn a_machine_reaches_its_gateway_and_beyond() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    let gateway = TcpListener::bind("10.81.0.1:0").unwrap();
    assert_eq!(arrives(&lab, &server, &gateway), server.address);
    // Out there only the host is known.
    let abroad = abroad();
    assert_eq!(arrives(&lab, &server, &abroad), "198.18.81.1");
    server.delete(&lab);
}

/// What else runs here is none of a machine's business: not what listens everywhere, not what belongs to another lab.
#[test]
fn a_machine_does_not_reach_what_was_not_meant_for_it() {
    let Some(lab) = Shared::lab() else { return };
    let server = Server::create(&lab, &json!({}));
    let ours = TcpListener::bind("10.81.0.1:0").unwrap();
    arrives(&lab, &server, &ours);
    // Of all addresses, and of one of the host's that is not the lab's.
    ip("link add clab-elsewhere type bridge");
    ip("address add 10.81.99.1/24 dev clab-elsewhere");
    ip("link set clab-elsewhere up");
    let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    let other = TcpListener::bind("10.81.99.1:0").unwrap();
    let visits = |address: &str, listener: &TcpListener| {
        let port = listener.local_addr().unwrap().port();
        let connect = format!("timeout 3 bash -c '</dev/tcp/{address}/{port}'");
        server.ssh(&lab, &connect).status.success()
    };
    let seen = [
        visits("10.81.0.1", &everywhere),
        visits("10.81.99.1", &everywhere),
        visits("10.81.99.1", &other),
    ];
    // Another lab's machine is behind its bridge: the host forwards nothing there.
    ip("netns add clabelse");
    ip("link add clabe type veth peer name eth0 netns clabelse");
    ip("link set clabe master clab-elsewhere");
    ip("link set clabe up");
    for words in [
        "-n clabelse link set lo up",
        "-n clabelse link set eth0 up",
        "-n clabelse address add 10.81.99.2/24 dev eth0",
        "-n clabelse route add default via 10.81.99.1",
    ] {
        ip(words);
    }
    let mut neighbour = Command::new("ip")
        .args([
            "netns",
            "exec",
            "clabelse",
            "python3",
            "-m",
            "http.server",
            "8080",
        ])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let there = "10.81.99.2:8080".parse().unwrap();
    until("the other lab's machine is there", || {
        TcpStream::connect_timeout(&there, Duration::from_secs(1)).is_ok()
    });
    let connect = "timeout 3 bash -c '</dev/tcp/10.81.99.2/8080'";
    let reached = server.ssh(&lab, connect).status.success();
    neighbour.kill().unwrap();
    neighbour.wait().unwrap();
    ip("netns delete clabelse");
    ip("link delete clab-elsewhere");
    assert_eq!(seen, [false; 3]);
    assert!(!reached);
    server.delete(&lab);
}

/// Rules of the host that drop what it forwards, as Docker and ufw have it; here for our lab alone.
struct Dropping;

const DROP: &str = r#"
add table ip clabdrop
delete table ip clabdrop
table ip clabdrop {
    chain FORWARD {
        type filter hook forward priority 0; policy drop;
        iifname != "clab-t" oifname != "clab-t" accept
    }
}
"#;

fn nft(rules: &str) -> String {
    let output = Command::new("nft").arg(rules).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

impl Dropping {
    fn start() -> Self {
        nft(DROP);
        Self
    }
}

impl Drop for Dropping {
    fn drop(&mut self) {
        nft("delete table ip clabdrop");
    }
}

#[test]
fn a_host_that_drops_what_it_forwards_lets_machines_through() {
    let Some(lab) = Shared::lab() else { return };
    let (_alone, lab) = lab.take();
    let server = Server::create(&lab, &json!({}));
    let abroad = abroad();
    let _dropping = Dropping::start();
    assert_eq!(visit(&lab, &server, &abroad), None);
    for _ in ["the first time", "again"] {
        assert!(lab.run(&["up"]).status.success());
    }
    arrives(&lab, &server, &abroad);
    assert!(nft("list table ip clabdrop").contains("comment \"clab_t\""));
    lab.down();
    let left = nft("list table ip clabdrop");
    assert!(!left.contains("comment \"clab_t\""), "{left}");
}

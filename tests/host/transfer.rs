//! Files of any size over the connection, which is cut, and over parts that are not what they should be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citrino_ops::core::digest::sha256;
use citrino_ops::core::error::{Code, error_info};
use citrino_ops::core::value::{Address, HostName, Login, Sha256};
use citrino_ops::operator::mirror::Mirror;
use citrino_ops::operator::remote::{Moved, Remote, Target};

use crate::lab::until;
use crate::stack::{GO_ON, Stack, serving};

/// Of the file: not a multiple of any piece.
const LENGTH: usize = 3_000_001;
const THERE: &str = "/root/moved/file";

/// How much of it a connection bears.
const CUT: u64 = 1_000_000;

/// What cuts the connection that a program was started over: its parent is the sshd of that one alone.
const KILL: &str = "kill -9 $PPID";

/// Puts a program before one of the host's that it runs so.
fn instead(stack: &Stack, program: &str, line: &str) {
    let line = line.replace('\'', "'\\''");
    stack.on_host(&format!(
        "cd /usr/local/bin && printf '#!/bin/sh\n%s\n' '{line}' >{program} && chmod 755 {program}"
    ));
}

fn target(stack: &Stack) -> Target {
    let key = stack.on_host("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub");
    let host: HostName = "moved".parse().unwrap();
    Target {
        mirror: Mirror::of(&host),
        host,
        address: Address::try_from(stack.address()).unwrap(),
        port: 22,
        user: Login::root(),
        identity: Some(stack.lab.operator_key()),
        is_existing: true,
        host_keys: vec![key.trim().to_owned()],
        known_hosts: stack.home.join("known_hosts"),
        profile: Arc::default(),
    }
}

/// Bytes of which no piece is another.
fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()
    };
    std::iter::repeat_with(next)
        .flatten()
        .take(LENGTH)
        .collect()
}

struct Both<'s> {
    stack: &'s Stack,
    target: Target,
    /// On this machine.
    here: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Both<'_> {
    fn up(&self) -> anyhow::Result<Moved> {
        self.runtime.block_on(async {
            let remote = Remote::open(&self.target).await?;
            let moved = remote.upload(&self.here, THERE).await;
            remote.close().await;
            moved
        })
    }

    fn down(&self) -> anyhow::Result<Moved> {
        self.runtime.block_on(async {
            let remote = Remote::open(&self.target).await?;
            let source = remote.source(THERE).await?;
            let moved = remote.fetch(THERE, &source, &self.here).await;
            remote.close().await;
            moved
        })
    }

    /// How many bytes were sent until the host had it.
    fn sends_up(&self) -> u64 {
        let moved = self.up().unwrap();
        let said = self.stack.on_host(&format!(
            "stat -c %a {THERE}; sha256sum <{THERE}; ls /root/moved"
        ));
        assert_eq!(said, format!("600\n{}  -\nfile\n", moved.sha256));
        moved.sent
    }
}

fn is_cut(moved: anyhow::Result<Moved>) {
    let trouble = error_info(&moved.unwrap_err());
    assert_eq!(trouble.code, Code::E0435, "{}", trouble.message);
}

#[test]
fn a_file_goes_on_where_it_was_cut_in_both_directions() {
    let Some(stack) = serving() else { return };
    let bytes = content();
    let both = Both {
        target: target(&stack),
        here: stack.home.join("file"),
        stack: &stack,
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
    };
    fs::write(&both.here, &bytes).unwrap();
    refuses_what_has_no_room(&both);
    goes_up(&both, &bytes);
    fs::remove_file(&both.here).unwrap();
    comes_down(&both, &bytes);
    stack.on_host("rm -r /root/moved");
    stack.remove("file");
    stack.remove("known_hosts");
}

fn refuses_what_has_no_room(both: &Both) {
    let stack = both.stack;
    let refused = error_info(&both.up().unwrap_err());
    assert!(
        refused.code == Code::E0402 && refused.message.contains("/root/moved"),
        "{}",
        refused.message
    );
    stack.on_host(&format!(
        "mkdir /root/moved; mount -t tmpfs -o size={LENGTH} tmpfs /root/moved"
    ));
    let refused = error_info(&both.up().unwrap_err());
    assert!(
        refused.code == Code::E0442
            && refused
                .message
                .contains("less than 5 % of its disk would be free"),
        "{}",
        refused.message
    );
    assert_eq!(stack.on_host("ls -A /root/moved; umount /root/moved"), "");
}

/// Cut at a place, it goes on from there; a part that is not one of it is found out.
fn goes_up(both: &Both, bytes: &[u8]) {
    let stack = both.stack;
    let (all, rest) = (LENGTH as u64, LENGTH as u64 - CUT);
    let line = format!("head -c {CUT} | /usr/bin/dd \"$@\"; {KILL}");
    instead(stack, "dd", &line);
    is_cut(both.up());
    stack.on_host("rm /usr/local/bin/dd");
    let part = format!("{THERE}.{}.part", &sha256(bytes)[..16]);
    assert_eq!(
        stack.on_host(&format!("stat -c %s {part}; ls /root/moved | wc -l")),
        "1000000\n1\n"
    );
    assert_eq!(both.sends_up(), rest);
    assert_eq!(both.sends_up(), 0);
    // What is there is another thing; a part is spoiled, one is of another source.
    stack.on_host(&format!("printf x | dd of={THERE} bs=1 seek=7 conv=notrunc status=none; echo old >{THERE}.0123456789abcdef.part"));
    assert_eq!(both.sends_up(), all);
    stack.on_host(&format!("rm {THERE}; head -c 500 /dev/urandom >{part}"));
    assert_eq!(both.sends_up(), all);
    stack.on_host(&format!("rm {THERE}; head -c 4000000 /dev/urandom >{part}"));
    assert_eq!(both.sends_up(), all);
}

/// The same the other way; and what has changed, or has nothing in it, comes as it is.
fn comes_down(both: &Both, bytes: &[u8]) {
    let stack = both.stack;
    let (all, rest) = (LENGTH as u64, LENGTH as u64 - CUT);
    let part: &Path = &stack
        .home
        .join(format!("file.{}.part", &sha256(bytes)[..16]));
    let line = format!(
        "/usr/bin/tail \"$@\" | head -c {CUT}; until test -e {GO_ON}; do sleep 0.02; done; {KILL}"
    );
    instead(stack, "tail", &line);
    stack.on_host(&format!("rm -f {GO_ON}"));
    std::thread::scope(|scope| {
        let down = scope.spawn(|| both.down());
        until("as much as is said is here", || {
            fs::metadata(part).is_ok_and(|found| found.len() == CUT)
        });
        stack.let_go();
        is_cut(down.join().unwrap());
    });
    stack.on_host("rm /usr/local/bin/tail");
    assert!(!both.here.exists());
    assert_eq!(both.down().unwrap().sent, rest);
    assert_eq!(fs::read(&both.here).unwrap(), bytes);
    assert_eq!(both.down().unwrap().sent, 0);
    fs::remove_file(&both.here).unwrap();
    fs::write(part, vec![0; LENGTH + 9]).unwrap();
    assert_eq!(
        both.down().unwrap(),
        Moved {
            sha256: Sha256::of(bytes),
            bytes: all,
            sent: all
        }
    );
    // A source that has changed begins anew.
    fs::write(part, &bytes[..1000]).unwrap();
    stack.on_host(&format!("echo another >{THERE}"));
    assert_eq!(both.down().unwrap().sent, 8);
    assert!(!part.exists());
    // Nothing in it is a file too.
    stack.on_host(&format!(": >{THERE}"));
    assert_eq!(both.down().unwrap().sent, 0);
    assert_eq!(fs::read(&both.here).unwrap(), b"");
    assert_eq!(both.sends_up(), 0);
}

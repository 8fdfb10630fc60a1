//! `postgres` and `citrino` do their worst with the files and folders that they have: root follows them nowhere, waits for
//! nothing of theirs, and says a sentence.

use std::io::Read;
use std::process::{Child, Stdio};

use crate::deploy::{another_build, plain};
use crate::lab::within;
use crate::stack::{Said, Stack, serving};

/// Longer than any verb takes here; what hangs does not end at all.
const ENDS_WITHIN: std::time::Duration = std::time::Duration::from_mins(3);

/// What an attacker would like to have touched: files and folders that only root can change.
const VICTIM: &str = "mkdir -p /srv/victim/folder && cd /srv/victim && echo kept >precious && echo kept >folder/precious && chmod 600 precious folder/precious";
/// All that can be seen of it.
const SEEN: &str = "cd /srv/victim && find . -printf '%p %y %m %U:%G %s %T@ %n\\n' | sort && cat precious folder/precious";

/// What is theirs and may be swapped while the database runs: its own folders are not for root to look into at all.
const THEIRS: &str = "find /etc /home /srv /opt /usr/local /var/log /var/lib/citrino /var/www /run/citrino /run/postgresql -xdev \\( -user postgres -o -user citrino \\) -printf '%y %p\\n' | sort";

/// What takes the place of what is theirs; `$1` is the place.
const KINDS: [(&str, &str); 5] = [
    ("a link to a file", "ln -s /srv/victim/precious \"$1\""),
    ("a link to a folder", "ln -s /srv/victim/folder \"$1\""),
    ("a FIFO", "mkfifo \"$1\""),
    ("a device", "mknod \"$1\" c 1 5"),
    ("a huge file", "truncate -s 1T \"$1\""),
];

/// A way in which an earlier version left a host, and what its owner makes of it.
struct Scene {
    name: &'static str,
    /// As root, since only the earlier version gave the folders away; `as postgres` begins what the attacker does himself.
    attack: &'static str,
    put_back: &'static str,
    /// How `converge` ends while it stands so, and with which words.
    converge: (i32, &'static str),
}

const SCENES: [Scene; 5] = [
    Scene {
        name: "conf.d leads to another folder",
        attack: "chown postgres:postgres /etc/postgresql /etc/postgresql/15 /etc/postgresql/15/main /etc/postgresql/15/main/conf.d
runuser -u postgres -- sh -ec 'cd /etc/postgresql/15/main; mv conf.d conf.d.old; ln -s /srv/victim/folder conf.d'",
        put_back: "cd /etc/postgresql/15/main; rm conf.d; mv conf.d.old conf.d",
        converge: (1, "/etc/postgresql/15/main/conf.d exists and is not a directory"),
    },
    Scene {
        name: "the settings of the cluster lead to a file",
        attack: "chown postgres:postgres /etc/postgresql/15/main
runuser -u postgres -- sh -ec 'cd /etc/postgresql/15/main; mv pg_hba.conf kept.old; ln -s /srv/victim/precious pg_hba.conf'",
        put_back: "rm -f /etc/postgresql/15/main/kept.old",
        converge: (0, "changed"),
    },
    Scene {
        name: "the folder of the backups is full of traps",
        attack: "chown postgres:postgres /home/citrino/database/backups
runuser -u postgres -- bash -ec 'cd /home/citrino/database/backups
mkfifo citrino_20260101_000001.json; ln -s /srv/victim/precious citrino_20260101_000002.json
truncate -s 1T citrino_20260101_000003.json; mkdir citrino_20260101_000004.json
touch \"$(printf %0250d 0).json\"; ln -s /srv/victim/folder .citrino-999999999-x
mkfifo citrino_20260101_000005.proof.json; ln -s /srv/victim/precious citrino_20260101_000006.dump.zst.part'",
        put_back: "cd /home/citrino/database/backups; rm -rf citrino_20260101_* 0000* .citrino-999999999-x",
        converge: (0, "changed"),
    },
    Scene {
        name: "the releases lead to another folder",
        attack: "chown citrino:citrino /home/citrino
runuser -u citrino -- sh -ec 'cd /home/citrino; mv citrino kept.old; mkdir citrino; ln -s /srv/victim citrino/releases; mkfifo citrino/.env citrino/live; ln -s /srv/victim citrino/slots'",
        put_back: "cd /home/citrino; rm -r citrino; mv kept.old citrino",
        converge: (1, "is not a directory"),
    },
    Scene {
        name: "the home is the user's own again",
        attack: "chown citrino:citrino /home/citrino",
        put_back: "true",
        converge: (0, "changed"),
    },
];

/// A verb, which must come to its end by itself.
fn ends(stack: &Stack, words: &[&str]) -> Said {
    let mut child = stack
        .command(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Read as it comes: a full pipe would make it wait for us.
    let said = [read(child.stdout.take()), read(child.stderr.take())];
    let ended = within(ENDS_WITHIN, || child.try_wait().unwrap().is_some());
    if !ended {
        child.kill().unwrap();
    }
    let code = code(&mut child);
    let text: String = said.map(|said| said.join().unwrap()).concat();
    assert!(ended, "{words:?} did not end: {text}");
    assert!(!text.contains("panicked"), "{words:?}: {text}");
    Said { code, text }
}

fn read(from: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.unwrap().read_to_string(&mut text).unwrap();
        text
    })
}

fn code(child: &mut Child) -> i32 {
    child.wait().unwrap().code().unwrap_or(-1)
}

fn every() -> bool {
    std::env::var_os("CITRINO_EVERY_CUT").is_some()
}

/// The first of each file that the stack replaced.
const ORIGINALS: &str = "/var/lib/citrino/originals";

#[test]
fn nothing_that_root_writes_to_belongs_to_anybody_else() {
    let Some(stack) = serving() else { return };
    let places = "/home/citrino /etc/postgresql /etc/pgbackrest /etc/citrino /etc/nginx /etc/systemd /var/lib/citrino /var/log/citrino /var/www";
    let others = stack.on_host(&format!(
        "find {places} -xdev -path {ORIGINALS} -prune -o \\( ! -user root -o -perm -0002 ! -type l \\) -print 2>/dev/null | grep -v ^/home/citrino/database/pitr || true"
    ));
    assert_eq!(others, "");
    // What is kept of others has their owners, where nobody but root comes.
    let kept = stack.on_host(&format!("stat -c '%U %a' {ORIGINALS}"));
    assert_eq!(kept.trim(), "root 700");
    // And everybody who has work there still can do it.
    let works = "runuser -u postgres -- cat /etc/postgresql/15/main/pg_hba.conf /etc/postgresql/15/main/conf.d/citrino.conf >/dev/null
systemctl reload postgresql@15-main && runuser -u postgres -- pg_lsclusters -h | grep -q online
runuser -u postgres -- psql -XAtqc 'SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL'";
    assert_eq!(stack.on_host(&format!("cd / && {works}")).trim(), "0");
}

#[test]
fn a_host_of_an_earlier_version_with_traps_in_it_is_put_right_or_refused() {
    let Some(stack) = serving() else { return };
    let live = plain(&stack);
    let made = ends(&stack, &["backup", "now"]);
    assert_eq!(made.code, 0, "{}", made.text);
    stack.on_host(VICTIM);
    let victim = stack.on_host(SEEN);
    let build = another_build(&stack, "attacked");
    for scene in &SCENES {
        let name = scene.name;
        stack.on_host(&format!("cd / && set -e; {}", scene.attack));
        let mut looks = vec![&["status"][..], &["releases"], &["backup", "list"]];
        if every() {
            looks.extend([&["health"][..], &["plan"], &["logs", "app"], &["audit"]]);
        }
        for words in looks {
            let said = ends(&stack, words);
            assert!(!said.text.contains("kept\n"), "{name}: {}", said.text);
        }
        for words in [&["backup", "now"][..], &["deploy", "--artifact", &build]] {
            let said = ends(&stack, words);
            assert!(
                said.code == 0 || said.text.contains("E0"),
                "{name}: {}",
                said.text
            );
        }
        stack.on_host("timeout 120 systemctl start citrino-backup.service; systemctl stop citrino-backup.service; true");
        let converge = ends(&stack, &["converge"]);
        let (code, words) = scene.converge;
        assert_eq!(converge.code, code, "{name}: {}", converge.text);
        assert!(converge.text.contains(words), "{name}: {}", converge.text);
        assert_eq!(stack.on_host(SEEN), victim, "{name}");
        stack.on_host(&format!("set -e; {}", scene.put_back));
        let converge = ends(&stack, &["converge"]);
        assert_eq!(converge.code, 0, "{name}: {}", converge.text);
        assert_eq!(stack.on_host(SEEN), victim, "{name}");
        stack.is_as_wished();
    }
    // Nothing that stood there was lost.
    let listed = ends(&stack, &["backup", "list"]).text;
    assert!(listed.contains("citrino_20"), "{listed}");
    plain(&stack);
    assert!(ends(&stack, &["releases"]).text.contains(&live));
    stack.on_host("rm -r /srv/victim");
}

#[test]
fn whatever_they_put_in_the_place_of_what_is_theirs_harms_nobody() {
    let Some(stack) = serving() else { return };
    stack.on_host(VICTIM);
    let victim = stack.on_host(SEEN);
    let listed = stack.on_host(THEIRS);
    let places: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_once(' ').map(|(_, place)| place))
        .collect();
    assert!(!places.is_empty(), "{listed}");
    let all: Vec<(usize, &str)> = places.iter().copied().enumerate().collect();
    let chosen = all.iter().take(if every() { 200 } else { 12 });
    for (index, place) in chosen {
        for (kind, (what, makes)) in KINDS.iter().enumerate() {
            if !every() && kind != index % KINDS.len() {
                continue;
            }
            stack.on_host(&format!(
                "set -e; set -- {place}; mv \"$1\" \"$1.kept\"; {makes}"
            ));
            let mut verbs = vec![&["status"][..], &["backup", "list"]];
            if every() {
                verbs.extend([
                    &["health"][..],
                    &["releases"],
                    &["converge"],
                    &["backup", "now"],
                ]);
            }
            for words in verbs {
                ends(&stack, words);
            }
            let after = stack.on_host(SEEN);
            stack.on_host(&format!(
                "set -- {place}; rm -f \"$1\"; mv \"$1.kept\" \"$1\""
            ));
            assert_eq!(after, victim, "{what} at {place}");
        }
    }
    let converge = ends(&stack, &["converge"]);
    assert_eq!(converge.code, 0, "{}", converge.text);
    assert_eq!(stack.on_host(SEEN), victim);
    stack.on_host("rm -r /srv/victim");
    stack.is_as_wished();
}

//! Who is told when something fails: by mail over a relay with TLS and a login, by webhook, and by a heartbeat that stays away.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::lab::until;
use crate::need::skipped;
use crate::offsite::gateway;
use crate::stack::{Stack, binary, untouched};
use crate::venv;

/// What must be nowhere but in the files of the relay.
const SECRET: &str = "relay: sentinel's [pass] word-5e1d";
const RELAY: &str = "relay.example.net";
const PORT: u16 = 2587;

/// The other side of everything that is told.
struct Listener {
    child: Child,
    input: ChildStdin,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Listener {
    fn start(stack: &Stack, address: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let venv = match runtime.block_on(venv::with(&folder.join("requirements-smtp.txt"))) {
            Ok(venv) => venv,
            Err(why) => {
                skipped(&format!("a mail server cannot be installed here: {why}"));
                return None;
            }
        };
        let own = stack.home.join("relay");
        fs::create_dir_all(&own).unwrap();
        let mut child = Command::new(venv.join("bin/python"))
            .arg(folder.join("on_host/relay.py"))
            .args([address, RELAY, own.to_str().unwrap(), SECRET])
            .arg(PORT.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                hears
                    .lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        let listener = Self {
            child,
            input,
            heard,
        };
        until("the mail server is up", || !listener.all("up").is_empty());
        Some(listener)
    }

    fn all(&self, what: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .filter(|one| one["what"] == what)
            .cloned()
            .collect()
    }

    fn mails(&self) -> Vec<String> {
        let mails = self.all("mail");
        mails
            .iter()
            .map(|mail| mail["subject"].as_str().unwrap().to_owned())
            .collect()
    }

    fn says(&mut self, word: &str) {
        let before = self.all(word).len();
        writeln!(self.input, "{word}").unwrap();
        until("the mail server obeys", || self.all(word).len() > before);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks at the host at once, as its timer does every five minutes.
const LOOK: &str = "systemctl start citrino-health.service";
/// Some time has passed since the last notice.
const LATER: &str = "python3 -c \"import json; p='/var/lib/citrino/alerts/state.json'; s=json.load(open(p)); s['ledger']['noticed']=[]; [t.update(told=[]) for t in s['ledger']['things'].values() if not t['is_down']]; json.dump(s, open(p,'w'))\"";

/// Who notices a failure.
#[derive(Clone, Copy)]
enum By {
    /// systemd, at once.
    Unit,
    /// The next look at the checklist, which the test does not wait for.
    Look,
}

/// What fails, what the mail of it names, and what makes it well again.
struct Failing {
    what: &'static str,
    by: By,
    breaks: &'static str,
    named: &'static str,
    mends: &'static str,
}

const FAILING: [Failing; 7] = [
    Failing {
        what: "nginx is killed (kill -9)",
        by: By::Unit,
        breaks: "systemctl kill --signal=KILL nginx.service",
        named: "nginx service",
        mends: "systemctl start nginx.service",
    },
    Failing {
        what: "PostgreSQL is killed (kill -9)",
        by: By::Unit,
        breaks: "systemctl kill --signal=KILL postgresql@15-main.service",
        named: "PostgreSQL service",
        // The app answers as soon as it has found its database again.
        mends: "systemctl start postgresql@15-main.service; for n in 1 2 3; do until curl -fs -m 1 -o /dev/null http://127.0.0.1:5001/api/ready; do sleep 0.2; done; done",
    },
    Failing {
        what: "the app is stopped",
        by: By::Look,
        breaks: "systemctl stop citrino@blue.service citrino@green.service; systemctl start citrino-health.service",
        named: "app service",
        mends: "systemctl start \"$(basename \"$(readlink -f /home/citrino/citrino/live)\" | sed 's/.*/citrino@&.service/')\"; until curl -fs -o /dev/null http://127.0.0.1:5001/api/ready; do sleep 0.2; done",
    },
    // It would try again for an hour before it gives up.
    Failing {
        what: "a backup fails for good",
        by: By::Unit,
        breaks: "mkdir -p /run/systemd/system/citrino-backup.service.d; printf '[Service]\\nRestart=no\\n' >/run/systemd/system/citrino-backup.service.d/once.conf; systemctl daemon-reload; mv /etc/citrino/backup.json /etc/citrino/aside.json; systemctl start citrino-backup.service || true",
        named: "unit citrino-backup.service",
        mends: "mv /etc/citrino/aside.json /etc/citrino/backup.json; rm -r /run/systemd/system/citrino-backup.service.d; systemctl daemon-reload; systemctl start citrino-backup.service",
    },
    Failing {
        what: "a program listens to the world",
        by: By::Look,
        breaks: "systemd-run --quiet --unit=stranger python3 -m http.server 8099; until ss -tln | grep -q 8099; do sleep 0.1; done; systemctl start citrino-health.service",
        named: "open ports",
        mends: "systemctl stop stranger",
    },
    // Where what is known of failures lies, too: nothing can be written down there any more.
    Failing {
        what: "a disk is full",
        by: By::Look,
        breaks: "cp -a /var/lib/citrino/alerts /run/kept; mount -t tmpfs -o size=256k,mode=0755 tmpfs /var/lib/citrino/alerts; cp -a /run/kept/. /var/lib/citrino/alerts; head -c 1M /dev/zero >/var/lib/citrino/alerts/full || true; systemctl start citrino-health.service",
        named: "disk usage",
        mends: "umount /var/lib/citrino/alerts; rm -r /run/kept",
    },
    Failing {
        what: "the certificate is over",
        by: By::Look,
        breaks: "mkdir -p /etc/citrino/tls/of-a-test; cp /root/over.pem /etc/citrino/tls/of-a-test/fullchain.pem; ln -s of-a-test /etc/citrino/tls/live; systemctl start citrino-health.service",
        named: "certificate of a test",
        mends: "cp /root/good.pem /etc/citrino/tls/of-a-test/fullchain.pem",
    },
];

/// A certificate that ends so many days from now.
fn certificate(days: i64) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["citrino.example.com".to_owned()]).unwrap();
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now - time::Duration::days(60);
    params.not_after = now + time::Duration::days(days);
    params.self_signed(&key).unwrap().pem()
}

fn wish(stack: &Stack, address: &str) {
    stack.wish();
    let kept = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    stack.write("relay-password", SECRET);
    let at = format!("http://{address}:{}", PORT + 1);
    let text = format!(
        "alerts:\n  email: [ana@example.com]\n  relay: {{ host: {RELAY}, port: {PORT}, user: shop, password: {{ file: relay-password }} }}\n  heartbeat: {at}/beat-7c2\nnotify: [{{ url: {at}/hook-91d }}]\n"
    );
    stack.write("citrino.yml", &format!("{kept}{text}"));
    // An own checklist is what the host asks itself, too: here the disk is that of the machine that tests, and the site has no
    // certificate before the test makes one.
    let checklist =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/health.yml"));
    let checklist = checklist.unwrap().replace(
        "/var/lib/citrino], max_percent: 70",
        "/var/lib/citrino, /var/lib/citrino/alerts], max_percent: 98",
    );
    let certificate = "\n- name: certificate of a test\n  when: facts.certificate.live\n  probe: { ask: { certificate: { min_percent: 4 } } }\n";
    let checklist = format!("{checklist}{certificate}");
    stack.write("playbooks/health.yml", &checklist);
}

#[test]
fn each_failure_and_each_recovery_is_told_once_and_nothing_is_lost() {
    let Some(stack) = untouched() else { return };
    stack.wish();
    let provisioned = stack.citrino(&["provision", "--yes"]);
    assert_eq!(provisioned.code, 0, "{}", provisioned.text);
    let address = gateway(&stack);
    let Some(mut listener) = Listener::start(&stack, &address) else {
        return;
    };
    wish(&stack, &address);
    let app = binary("citrino-app");
    let up = stack.citrino(&["up", "--yes", "--artifact", app.to_str().unwrap()]);
    assert_eq!(up.code, 0, "{}", up.text);
    let authority = listener.all("up")[0]["authority"]
        .as_str()
        .unwrap()
        .to_owned();
    stack.on_host(&format!(
        "echo '{address} {RELAY}' >>/etc/hosts; echo '{authority}' >/usr/local/share/ca-certificates/test.crt; update-ca-certificates >/dev/null 2>&1; {LOOK}"
    ));
    // The deploy itself was told, from here.
    let deployed = listener.all("request");
    assert!(
        deployed
            .iter()
            .any(|it| it["body"].as_str().unwrap().contains("\"deploy\"")),
        "{deployed:?}"
    );
    stack.is_as_wished();
    assert_eq!(listener.mails(), [""; 0]);

    a_test_says_who_took_it(&stack, &mut listener);
    for (name, days) in [("good", 30), ("over", -1)] {
        let pem = certificate(days);
        stack.on_host(&format!("cat >/root/{name}.pem <<'E'\n{pem}E\n"));
    }
    println!("what fails | who notices | seconds until the mail is there");
    for failing in &FAILING {
        is_told_once(&stack, &listener, failing);
    }
    whoever_waits_for_the_host_hears_of_it_each_five_minutes(&stack, &listener);
    a_closed_site_is_no_failure(&stack, &listener);
    logs_rotate_and_one_request_is_found(&stack);
    a_storm_is_bounded(&stack, &listener);
    what_the_relay_does_not_take_comes_later(&stack, &mut listener);
    keeps_its_secrets(&stack, &up.text);

    let spent = stack.on_host(&format!(
        "{LOOK}; systemctl show -p CPUUsageNSec --value citrino-health.service"
    ));
    // Not every kernel counts it for a unit.
    if let Ok(spent) = spent.trim().parse::<u64>() {
        println!("processor time of a look: {} ms", spent / 1_000_000);
    }
    assert!(
        listener
            .all("request")
            .iter()
            .any(|it| it["path"] == "/beat-7c2" && it["method"] == "GET")
    );
    stack.is_healthy();

    // Nobody is told any more, and nothing of it is left to run.
    stack.wish();
    let without = stack.citrino(&["converge"]);
    assert_eq!(without.code, 0, "{}", without.text);
    stack.on_host("test ! -e /etc/systemd/system/citrino-health.timer && test ! -e /etc/citrino/alerts.json && test -z \"$(systemctl show -p OnFailure --value nginx.service)\"");
    stack.is_as_wished();
    let refused = stack.citrino(&["alerts", "test"]);
    assert!(
        refused.code == 2 && refused.text.contains("E0471"),
        "{}",
        refused.text
    );
}

fn a_test_says_who_took_it(stack: &Stack, listener: &mut Listener) {
    let test = stack.citrino(&["alerts", "test"]);
    assert_eq!(test.code, 0, "{}", test.text);
    assert!(
        test.text
            .contains("relay.example.net accepted the mail to ana@example.com"),
        "{}",
        test.text
    );
    let mail = &listener.all("mail")[0];
    assert!(mail["tls"] == true && mail["login"] == true, "{mail}");
    assert_eq!(mail["sender"], "alerts@citrino.example.com");
    assert!(mail["subject"].as_str().unwrap().contains("test of alerts"));

    listener.says("deny");
    let test = stack.citrino(&["alerts", "test"]);
    assert_eq!(test.code, 1, "{}", test.text);
    assert!(
        test.text.contains("E0470") && test.text.contains("uthent"),
        "{}",
        test.text
    );
    listener.says("allow");
    stack.on_host("rm -f /var/spool/nullmailer/queue/* /var/spool/nullmailer/failed/*");
}

fn is_told_once(stack: &Stack, listener: &Listener, failing: &Failing) {
    let before = listener.mails().len();
    stack.on_host(LATER);
    let begun = Instant::now();
    stack.on_host(failing.breaks);
    let told = |word: &str, count: usize| {
        until(&format!("{word} {} is told", failing.named), || {
            listener.mails().len() == before + count
        });
        let subject = listener.mails().pop().unwrap();
        assert!(subject.contains(word), "{subject}: {}", failing.named);
        let mail = listener.all("mail").pop().unwrap();
        let body = mail["body"].as_str().unwrap().to_owned();
        assert!(
            body.contains(failing.named),
            "{} is not in {body}",
            failing.named
        );
    };
    told("down: ", 1);
    let noticed = match failing.by {
        By::Unit => "its unit",
        By::Look => "the next look, in 5 minutes at most",
    };
    let seconds = begun.elapsed().as_secs();
    println!("{} | {noticed} | {seconds}", failing.what);
    stack.on_host(&format!("{LOOK}; {LOOK}"));
    stack.on_host(failing.mends);
    stack.on_host(&format!("{LATER}; {LOOK}; {LOOK}"));
    told("up again: ", 2);
}

/// A host that is off tells nobody. Whoever waits for its heartbeat misses it.
fn whoever_waits_for_the_host_hears_of_it_each_five_minutes(stack: &Stack, listener: &Listener) {
    let beats = || {
        let requests = listener.all("request");
        requests
            .iter()
            .filter(|it| it["path"] == "/beat-7c2")
            .count()
    };
    let before = beats();
    stack.on_host(LOOK);
    until("the heartbeat comes", || beats() > before);
    let timer =
        stack.on_host("systemctl show -p TimersMonotonic -p TimersCalendar citrino-health.timer");
    assert!(
        timer.contains("5min") || timer.contains("0/5") || timer.contains("00/5"),
        "{timer}"
    );
    println!("the host is off | whoever waits for the heartbeat | 300, and what is set there");
}

fn a_closed_site_is_no_failure(stack: &Stack, listener: &Listener) {
    let before = listener.mails().len();
    let on = stack.citrino(&["maintenance", "on", "--message", "<b>a las 18</b>"]);
    assert_eq!(on.code, 0, "{}", on.text);
    assert_eq!(stack.http("/", None).0, 503);
    assert_eq!(
        stack.http("/api/recommend", Some(&serde_json::json!({}))).0,
        503
    );
    assert_eq!(stack.heads("/x").get("retry-after").unwrap(), "300");
    assert!(stack.text("/").contains("&lt;b&gt;a las 18"));
    assert_eq!(stack.http("/.maintenance.html", None).0, 404);
    assert_eq!(stack.http("/api/health", None).0, 200);
    // Nothing of the tool takes it away, and each says that it is there.
    for verb in ["converge", "status", "health"] {
        let said = stack.citrino(&[verb]);
        assert!(said.text.contains("maintenance"), "{verb}: {}", said.text);
    }
    stack.is_as_wished();
    stack.on_host(&format!(
        "systemctl stop postgresql@15-main.service; {LATER}; {LOOK}"
    ));
    assert_eq!(stack.http("/", None).0, 503);
    stack.on_host(FAILING[1].mends);
    let off = stack.citrino(&["maintenance", "off"]);
    assert_eq!(off.code, 0, "{}", off.text);
    assert_eq!(stack.http("/", None).0, 200);
    stack.on_host(LOOK);
    assert_eq!(listener.mails().len(), before);
}

/// All logs are moved away at once, and everybody writes on.
fn logs_rotate_and_one_request_is_found(stack: &Stack) {
    stack.on_host("logrotate -f /etc/logrotate.conf && test -e /var/log/nginx/access.log.1 && test -e /var/log/postgresql/postgresql-15-main.log.1");
    let heads = stack.heads("/api/health");
    let id = heads.get("x-request-id").unwrap().to_str().unwrap();
    stack
        .on_host("cd /; runuser -u postgres -- psql -qc 'SELECT is_not_there' 2>/dev/null || true");
    until("nginx and PostgreSQL write on", || {
        stack
            .on_host("cat /var/log/nginx/access.log /var/log/postgresql/postgresql-15-main.log")
            .contains("is_not_there")
    });
    let found = stack.citrino(&["--json", "logs", "--request", id]);
    assert_eq!(found.code, 0, "{}", found.text);
    for part in [
        "\"log\":\"nginx\"",
        "\"log\":\"app\"",
        "\"protocol\":\"HTTP/1.1\"",
        "\"host\":",
    ] {
        assert!(found.text.contains(part), "{part} is not in {}", found.text);
    }
    let lines = found.text.lines().filter(|line| line.contains("log_line"));
    assert!(
        lines.clone().count() >= 2 && lines.clone().all(|line| line.contains(id)),
        "{}",
        found.text
    );
    stack.on_host("systemd-analyze cat-config systemd/journald.conf | grep -q SystemMaxUse=300M");
}

const STORM: usize = 40;

/// Many units at once: few mails come, and each failure is named or counted in one of them.
fn a_storm_is_bounded(stack: &Stack, listener: &Listener) {
    let before = listener.mails().len();
    stack.on_host(&format!("{LATER}; systemctl start --no-block $(seq -f 'citrino-alert@storm%g.service.service' {STORM}); while systemctl list-jobs --no-legend | grep -q storm; do sleep 0.5; done; {LATER}; {LOOK}"));
    until("all of it is told", || {
        let mails = listener.all("mail");
        let bodies = mails[before..]
            .iter()
            .map(|mail| mail["body"].as_str().unwrap());
        bodies.map(storms_in).sum::<usize>() >= STORM
    });
    let mails = listener.mails().len() - before;
    assert!(mails <= 4, "{mails} mails");
    stack.on_host("rm /var/lib/citrino/alerts/state.json");
}

/// How many failures a mail tells of: those that it names, and those that it counts.
fn storms_in(body: &str) -> usize {
    let words = body.split(|c: char| !c.is_ascii_alphanumeric());
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("storm")).collect();
    let counted = body
        .split_once("and ")
        .and_then(|(_, rest)| rest.split_once(" more"))
        .and_then(|(number, _)| number.trim().parse().ok());
    named.len() + counted.unwrap_or(0)
}

fn what_the_relay_does_not_take_comes_later(stack: &Stack, listener: &mut Listener) {
    let failing = &FAILING[0];
    let before = listener.mails().len();
    listener.says("away");
    stack.on_host(failing.breaks);
    until("the mail waits", || {
        stack
            .on_host("ls /var/spool/nullmailer/queue")
            .lines()
            .count()
            == 1
    });
    stack.on_host(failing.mends);
    stack.on_host(LOOK);
    assert_eq!(listener.mails().len(), before);
    listener.says("back");
    stack.on_host("echo 1 >/var/spool/nullmailer/trigger");
    until("both mails come", || listener.mails().len() == before + 2);
}

fn keeps_its_secrets(stack: &Stack, said: &str) {
    let modes = stack.on_host(
        "stat -c '%a %U' /etc/nullmailer/remotes /etc/citrino/relay /etc/citrino/alerts.json",
    );
    assert_eq!(modes, "600 mail\n600 root\n600 root\n");
    // An update of the package would cut the password; the next start of the queue has it whole again.
    stack.on_host("DEBIAN_FRONTEND=noninteractive dpkg-reconfigure nullmailer >/dev/null 2>&1; systemctl restart nullmailer; cmp /etc/citrino/relay /etc/nullmailer/remotes");
    let told = stack.on_host("journalctl --no-pager; cat /var/log/citrino/journal.ndjson /var/log/citrino/audit.ndjson; cat /var/cache/debconf/config.dat");
    let show = stack.citrino(&["config", "show"]).text;
    for secret in ["word-5e1d", "hook-91d", "beat-7c2"] {
        for text in [said, &told, &show] {
            assert!(!text.contains(secret), "{secret} is told");
        }
    }
}

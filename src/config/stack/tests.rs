use super::*;
use crate::config::paths::ConfigPaths;

mod environments;

const LEAST: &str = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\n";
const CLOUD: &str = "stack: prod\ndomain: example.com\ncloud:\n  server_type: cpx11\n  location: ash\n  image: debian-12\n  ssh_keys: [key.pub]\n";

fn told(text: &str) -> String {
    let error = Stack::parse(text, "citrino.yml").unwrap_err();
    let trouble = crate::core::error::error_info(&error);
    assert_eq!(trouble.code, Code::E0102);
    trouble.message
}

fn refusal(more: &str) -> String {
    told(&format!("{LEAST}{more}"))
}

#[test]
fn the_least_file_loads() {
    let stack = Stack::parse(LEAST, "citrino.yml").unwrap();
    assert_eq!(*stack.app.port, 5001);
    assert_eq!(stack.database.name, "citrino_prod");
}

#[test]
fn the_examples_load() {
    for text in [
        include_str!("../../../examples/citrino.yml"),
        include_str!("../../../examples/lab/citrino.yml"),
    ] {
        Stack::parse(text, "citrino.yml").unwrap();
    }
}

#[test]
fn an_image_that_no_test_has_run_on_is_noted_and_the_example_has_another() {
    let ubuntu = CLOUD.replace("debian-12", "ubuntu-22.04");
    let note = |text: &str| Stack::parse(text, "citrino.yml").unwrap().image_note();
    assert!(
        note(&ubuntu)
            .unwrap()
            .contains("support ends in April 2027")
    );
    assert_eq!(note(CLOUD), None);
    assert_eq!(note(include_str!("../../../examples/citrino.yml")), None);
}

/// A newcomer has a token and nothing else: no key of anybody's is wanted before the first `up`.
#[test]
fn the_example_wants_no_secret() {
    let example = include_str!("../../../examples/citrino.yml");
    let stack = Stack::parse(example, "citrino.yml").unwrap();
    assert!(stack.secrets.is_empty());
}

/// Defaults are within their own ranges: `near` would hide it.
#[test]
fn the_defaults_are_what_is_written() {
    let stack = Stack::parse(LEAST, "citrino.yml").unwrap();
    let written = serde_json::to_value(&stack).unwrap();
    let number = |path: &str| written.pointer(path).and_then(serde_json::Value::as_u64);
    for (path, wished) in [
        ("/app/port", 5001),
        ("/app/workers", 2),
        ("/app/request_timeout_s", 30),
        ("/app/keep_alive_s", 75),
        ("/app/max_connections", 1000),
        ("/app/pool", 10),
        ("/app/memory_max_mb", 300),
        ("/app/min_healthy_s", 5),
        ("/app/ready_within_s", 30),
        ("/app/migrate_within_s", 900),
        ("/database/max_connections", 50),
        ("/database/shared_buffers_mb", 256),
        ("/database/effective_cache_size_mb", 1024),
        ("/database/work_mem_mb", 4),
        ("/database/maintenance_work_mem_mb", 64),
        ("/backup/keep_days", 7),
        ("/backup/keep_at_least", 3),
        ("/backup/max_age_h", 26),
        ("/backup/proof_max_age_days", 8),
        ("/host/port", 22),
    ] {
        assert_eq!(number(path), Some(wished), "{path}");
    }
    // As they were before they were types: another text would restart every app and database.
    let defaults = [
        ("/backup/at", "03:00"),
        ("/backup/drill", "Sun 04:00"),
        ("/database/name", "citrino_prod"),
        ("/database/user", "citrino_user"),
    ];
    for (path, wished) in defaults {
        assert_eq!(
            written.pointer(path).and_then(|it| it.as_str()),
            Some(wished)
        );
    }
}

#[test]
fn a_mark_and_carriage_returns_change_nothing() {
    let windows = format!("\u{FEFF}{}", LEAST.replace('\n', "\r\n"));
    let stack = Stack::parse(&windows, "citrino.yml").unwrap();
    assert_eq!((&*stack.name, &*stack.domain), ("prod", "example.com"));
}

/// What is written below the least file, and how the fault begins.
const REFUSED: &[(&str, &str)] = &[
    (
        "app: { prot: 80 }\n",
        "4: app.prot: unknown key; did you mean `port`?",
    ),
    ("app: { pool: 40 }\n", "4: app.pool: is 40: two slots"),
    (
        "app: { pool: 32768 }\n",
        "4: app.pool: must be a number from 1 to 1000, not 32768",
    ),
    (
        "app:\n  workers: 0\n",
        "5: app.workers: must be a number from 1 to 256, not 0",
    ),
    (
        "app:\n  port: 80\n",
        "5: app.port: is 80, which nginx listens on",
    ),
    (
        "app:\n  port: 5432\n",
        "5: app.port: is 5432, which PostgreSQL listens on",
    ),
    (
        "# at: 4am\nbackup:\n  at: 3am\n",
        "6: backup.at: must be a time of day such as \"03:00\", not `3am`",
    ),
    (
        "database: { name: Robert;drop }\n",
        "4: database.name: must be up to 40",
    ),
    (
        "database: { name: all }\n",
        "4: database.name: cannot be `all`",
    ),
    (
        "tls: { issuer: acme }\n",
        "4: tls.url: is missing: the issuer `acme` needs the directory of its server",
    ),
    (
        "tls: { issuer: acme, url: \"http://ca.example.com\" }\n",
        "4: tls.url: must begin with https://",
    ),
    (
        "tls: { issuer: letsencrypt, url: \"https://ca.example.com\" }\n",
        "4: tls.url: has no effect: it is for the issuer `acme`",
    ),
    (
        "tls: { issuer: letsencrypt, ca: ca.pem }\n",
        "4: tls.ca: has no effect: it is for the issuer `acme`",
    ),
    (
        "tls: { issuer: self_signed, email: ana@example.com }\n",
        "4: tls.email: has no effect: it is for an ACME issuer",
    ),
    (
        "tls: { names: [www.example.com] }\n",
        "4: tls.names: has no effect: it is for a certificate",
    ),
    (
        "tls:\n  issuer: letsencrypt\n  names:\n  - \"*.example.com\"\n",
        "7: tls.names: must be one host name: only a proof in the DNS",
    ),
    (
        "tls: { issuer: letsencrypt, names: [www.example.com, example.com] }\n",
        "4: tls.names: stands twice, here or as `domain`",
    ),
    (
        "tls: { issuer: letsencrypt, names: [192.0.2.1] }\n",
        "4: tls.names: is an address; a certificate needs a name",
    ),
    (
        "tls:\n  url: https://ca.example.com\n",
        "5: tls.url: has no effect: it is for the issuer `acme`",
    ),
    (
        "tls: { issuer: selfsigned }\n",
        "4: tls.issuer: must be one of",
    ),
    (
        "secrets: { A B: { env: X } }\n",
        "4: secrets.A B: is not a name for an environment variable",
    ),
    (
        "secrets:\n  A: { env: X }\n  A: { file: X }\n",
        "6: secrets.A: is already set in line 5",
    ),
    (
        "app:\n  env:\n    A: x\n    B: y\n    A: z\n",
        "8: app.env.A: is already set in line 6",
    ),
    (
        "app: { env: { A: x } }\nsecrets: { A: { env: X } }\n",
        "4: app.env.A: is already set below `secrets`",
    ),
    (
        "app:\n  env:\n    DB_NAME: other\n",
        "6: app.env.DB_NAME: is written by citrino-ops itself, from `database.name`",
    ),
    (
        "secrets: { PORT: { env: X } }\n",
        "4: secrets.PORT: is written by citrino-ops itself, from `app.port`",
    ),
    (
        "app: { env: { LD_PRELOAD: x.so } }\n",
        "4: app.env.LD_PRELOAD: would change how programs are started",
    ),
    (
        "app: { env: { DB_PASSWORD: x } }\n",
        "4: app.env.DB_PASSWORD: is a secret",
    ),
    (
        "app: { env: { A: \"b\\nc\" } }\n",
        "4: app.env.A: has more than one line",
    ),
    (
        "backup:\n  pitr: true\n  keep_days: 0\n",
        "6: backup.keep_days: is 0; with `pitr`",
    ),
    (
        "backup: { keep_at_least: 0 }\n",
        "4: backup.keep_at_least: must be a number from 1",
    ),
    (
        "backup: { pitr_passphrase: { env: X } }\n",
        "4: backup.pitr_passphrase: has no use unless `pitr` is true",
    ),
    (
        "backup:\n  recipients:\n    - age1x\n",
        "6: backup.recipients: has an invalid age key",
    ),
    (
        "backup: yes\n",
        "4: backup: must be a section of keys and values, not `yes`",
    ),
    (
        "app: { demo_data: yes }\n",
        "4: app.demo_data: must be true or false, not `yes`",
    ),
    (
        "app: { port: abc }\n",
        "4: app.port: must be a number from 1 to 65535, not text",
    ),
    (
        "alerts: { email: [ana] }\n",
        "4: alerts.email: must be a mail address",
    ),
];

/// Each with its line, although a comment or another section has the same word before it.
#[test]
fn a_value_is_refused_with_its_own_line() {
    for (more, wished) in REFUSED {
        let text = refusal(more);
        assert!(text.starts_with(&format!("citrino.yml:{wished}")), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn what_the_cloud_cannot_have_is_refused() {
    for (more, wished) in [
        (
            "  max_monthly_eur: -3\n",
            "8: cloud.max_monthly_eur: must be an amount of money above 0",
        ),
        (
            "  volume_gb: 5\n",
            "8: cloud.volume_gb: must be a number from 10 to 10240, not 5",
        ),
        (
            "  network: 8.8.0.0/16\n",
            "8: cloud.network: must be a private network",
        ),
        (
            "  allow_ssh_from: []\n",
            "8: cloud.allow_ssh_from: is empty",
        ),
        (
            "  allow_ssh_from:\n    - 0.0.0.0/0\n    - 10.0.0.0/33\n",
            "10: cloud.allow_ssh_from: must be a network",
        ),
        (
            "  dns: { zone: example.org }\n",
            "8: cloud.dns.zone: is `example.org`, and `domain` example.com is not in it",
        ),
        (
            "  dns: { zone: Example.com }\n",
            "8: cloud.dns.zone: must be a host name alone: write `example.com`",
        ),
        (
            "  ipv4: false\n",
            "8: cloud.ipv4: must be true: whoever has no IPv6 could not reach",
        ),
        (
            "  dns: { zone: example.com, ttl: 59 }\n",
            "8: cloud.dns.ttl: must be a number from 60",
        ),
        (
            "  endpoint: api\n# endpoint\n",
            "8: cloud.endpoint: must be an address such as",
        ),
        (
            "  token: hunter2\n",
            "8: cloud.token: a secret is not written here",
        ),
        (
            "host: { address: a, host_key: ssh-ed25519 A }\n",
            "8: host: cannot be used together with `cloud`",
        ),
    ] {
        let text = told(&format!("{CLOUD}{more}"));
        assert!(text.starts_with(&format!("citrino.yml:{wished}")), "{text}");
        assert!(!text.contains('\n') && !text.contains("hunter2"), "{text}");
    }
    let address = CLOUD.replace("example.com", "203.0.113.7");
    assert!(told(&address).contains("2: domain: is an address"));
}

#[test]
fn ports_of_ssh_are_its_own() {
    let with = |port: u16, app: u16| {
        let text = format!(
            "stack: prod\ndomain: example.com\nhost:\n  address: 203.0.113.7\n  port: {port}\n  host_key: ssh-ed25519 AAAA\napp:\n  port: {app}\n"
        );
        Stack::parse(&text, "citrino.yml").map_err(|error| error.to_string())
    };
    assert!(with(2222, 5001).is_ok());
    assert!(
        with(2222, 2222)
            .unwrap_err()
            .contains("8: app.port: is 2222, and so is `host.port`")
    );
    assert!(
        with(443, 5001)
            .unwrap_err()
            .contains("5: host.port: is 443, which nginx listens on")
    );
}

#[test]
fn a_missing_key_hides_no_other_fault() {
    let text = told("domain: Example.com\nhost:\n  port: 0\napp: { pool: 40 }\n");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "citrino.yml has 6 faults:", "{text}");
    for wished in [
        "citrino.yml:1: stack: is missing",
        "citrino.yml:1: domain: must be a host name alone: write `example.com`",
        "citrino.yml:2: host.address: is missing",
        "citrino.yml:2: host.host_key: is missing",
        "citrino.yml:3: host.port: must be a number from 1 to 65535, not 0",
    ] {
        assert!(lines.contains(&wished), "{wished}\n{text}");
    }
    assert!(
        lines[6].starts_with("citrino.yml:4: app.pool: is 40"),
        "{text}"
    );
}

#[test]
fn a_file_without_a_place_says_so_once() {
    assert_eq!(
        told("stack: prod\ndomain: example.com\n"),
        "citrino.yml:1: cloud: is missing: give `cloud` to make a server, or `host` for one that is there"
    );
    assert_eq!(
        told("stack: prod\ndomain: example.com\nhost: there\n"),
        "citrino.yml:3: host: must be a section of keys and values, not text"
    );
    let empty = told("");
    assert!(empty.contains("1: stack: is missing") && empty.contains("1: domain: is missing"));
}

#[test]
fn what_is_no_yaml_is_told_once_with_its_line() {
    for (text, wished) in [
        (
            "stack: prod\ndomain: [a\n",
            "citrino.yml:3: this cannot be read as YAML",
        ),
        (
            "stack: prod\n\tdomain: a\n",
            "citrino.yml:2: a tab cannot indent YAML; use spaces",
        ),
    ] {
        let told = told(text);
        assert!(told.starts_with(wished) && !told.contains('\n'), "{told}");
    }
}

/// A secret that was written where its source should be, or under another key, is not repeated.
#[test]
fn no_fault_repeats_a_secret() {
    for more in [
        "secrets: { KEY: hunter2 }\n",
        "secrets: { KEY: [hunter2] }\n",
        "secrets: { KEY: { value: hunter2 } }\n",
        "secrets: hunter2\n",
        "backup: { pitr: true, pitr_passphrase: hunter2 }\n",
        "backup: { s3: { bucket: b, key_id: hunter2, secret: 5555555 } }\n",
        "app: hunter2\n",
        "app: { port: hunter2 }\n",
    ] {
        let text = refusal(more);
        assert!(
            !text.contains("hunter2") && !text.contains("5555555"),
            "{text}"
        );
    }
}

#[test]
fn a_file_of_another_kind_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let load = |bytes: &[u8]| {
        let path = folder.path().join("citrino.yml");
        std::fs::write(&path, bytes).unwrap();
        let paths = ConfigPaths {
            main: path,
            environment: None,
        };
        Stack::load(&paths).unwrap_err().to_string()
    };
    let large = format!("{LEAST}# {}\n", "x".repeat(256 * 1024));
    assert!(load(large.as_bytes()).ends_with("citrino.yml is larger than 256 KB"));
    assert!(load(&[0xFF, 0xFE, b's', 0]).ends_with("is written in UTF-16; save it as UTF-8"));
    assert!(load(&[0x80]).ends_with("is not UTF-8 text"));
    let deep = format!("{LEAST}app: {}{}\n", "[".repeat(100), "]".repeat(100));
    assert!(
        load(deep.as_bytes()).ends_with("citrino.yml:4: app: this is nested more than 64 deep")
    );
}

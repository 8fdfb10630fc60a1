//! Another app, with a profile of its own, from nothing to serving and back: what this tool knows of Citrino is in Citrino's
//! profile alone, so on this host nothing is called after it.

use std::path::Path;

use serde_json::{Value, json};

use crate::stack::{Said, Stack, untouched};
use crate::stand_in::build;

/// As the database is asked.
const PSQL: &str =
    "cd / && runuser -u merchant -- psql -XAtq -v ON_ERROR_STOP=1 -U shop_role -d shop_db";

#[test]
fn another_app_lives_by_its_own_profile_and_nothing_is_called_after_citrino() {
    let Some(stack) = untouched() else { return };
    stack.write("shop.yml", include_str!("other_app.yml"));
    stack.write("citrino.yml", &wishes(&stack));

    let first = released(&stack, "one", &["up", "--yes"]);
    stack.is_as_wished();
    let second = released(&stack, "two", &["deploy"]);
    assert_ne!(first, second);
    does(&stack, &["rollback"]);
    assert_eq!(serves(&stack), first);

    keeps_its_data(&stack);
    stack.is_healthy();
    stack.is_as_wished();
    has_its_own_names(&stack);
    has_no_name_of_citrino(&stack);

    does(&stack, &["destroy", "--unprotect"]);
    does(&stack, &["destroy", "--yes"]);
    assert_eq!(stack.server(), Value::Null);
}

fn wishes(stack: &Stack) -> String {
    format!(
        "stack: rehearsal\ndomain: shop.example.com\ncloud:\n  endpoint: {}\n  token: {{ file: {} }}\n  server_type: cpx11\n  location: ash\n  image: debian-12\n  ssh_keys: [{}.pub]\napp: {{ profile: shop.yml, port: 6001, min_healthy_s: 1 }}\nbackup: {{ pitr: true }}\n",
        stack.lab.endpoint(),
        stack.lab.token_file().display(),
        stack.lab.operator_key().display(),
    )
}

fn does(stack: &Stack, arguments: &[&str]) -> Said {
    let said = stack.citrino(arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}", said.text);
    said
}

/// The release that a command with a new build has brought.
fn released(stack: &Stack, name: &str, arguments: &[&str]) -> String {
    let path = build(stack, "citrino-stand-in", name, &json!({ "build": name }));
    does(
        stack,
        &[arguments, &["--artifact", path.to_str().unwrap()]].concat(),
    );
    serves(stack)
}

/// The release that everybody is answered by.
fn serves(stack: &Stack) -> String {
    let (status, body) = stack.http("/alive", None);
    assert_eq!(status, 200, "{body}");
    body["release"].as_str().unwrap().to_owned()
}

/// Backups by hand and by the host's own timer, a proof, and a restore.
fn keeps_its_data(stack: &Stack) {
    let sql = |query: &str| stack.on_host(&format!("{PSQL} -c \"{query}\""));
    sql(
        "CREATE TABLE orders (id bigint PRIMARY KEY, price int); INSERT INTO orders SELECT n, n FROM generate_series(1, 100) n",
    );
    let before = backups(stack).len();
    does(stack, &["backup"]);
    // With nobody there, the host knows by itself which app it has.
    stack.on_host("systemctl start citrino-backup.service");
    let names = backups(stack);
    assert_eq!(names.len(), before + 2, "{names:?}");
    does(stack, &["backup", "drill"]);
    sql("DELETE FROM orders");
    does(stack, &["restore", &names[0], "--yes"]);
    assert_eq!(sql("SELECT count(*) FROM orders").trim(), "100");
    let stanza = stack.on_host("runuser -u postgres -- pgbackrest --output=json info");
    assert!(stanza.contains("\"name\":\"shop\""), "{stanza}");
}

fn backups(stack: &Stack) -> Vec<String> {
    let listed = does(stack, &["backup", "list"]).text;
    let words = listed.lines().filter_map(|line| line.split(' ').next());
    let names = words.filter(|word| word.starts_with("shop_2"));
    names.map(str::to_owned).collect()
}

fn has_its_own_names(stack: &Stack) {
    stack.on_host("getent passwd merchant | grep -q ':/srv/shop:'");
    stack.on_host("systemctl is-active --quiet 'shop@*'");
    stack.on_host("test -S /srv/shop/server/live/app.sock && test -S /run/shop/blue/app.sock -o -S /run/shop/green/app.sock");
    stack.on_host("test -e /srv/shop/server/slots/blue/shopd && test -e /var/www/shop/50x.html && test -e /etc/shop.yml");
    stack.on_host("ls /srv/shop/data/backups/shop_2*.dump.zst");
    let page = stack.on_host("cat /var/www/shop/50x.html");
    assert!(page.contains("The shop is closed"), "{page}");
    assert!(
        does(stack, &["logs"])
            .text
            .contains("serving on unix:/run/shop/")
    );
}

/// What is called after the tool, which deploys any app.
const OF_THE_TOOL: [&str; 20] = [
    "/etc/citrino",
    "/var/lib/citrino",
    "/var/log/citrino",
    "/usr/local/sbin/citrino-ops",
    "/etc/systemd/system/citrino-backup.",
    "/etc/systemd/system/citrino-drill.",
    "/etc/systemd/system/citrino-pitr@",
    "/etc/systemd/system/citrino-guard-at-boot.service",
    "/etc/systemd/system/nginx.service.d/citrino.conf",
    "/etc/systemd/system/postgresql@.service.d/citrino.conf",
    "/etc/systemd/system/timers.target.wants/citrino-",
    "/etc/systemd/system/multi-user.target.wants/citrino-guard-at-boot.service",
    "/etc/systemd/journald.conf.d/citrino.conf",
    "/etc/ssh/sshd_config.d/10-citrino.conf",
    "/etc/apt/apt.conf.d/60citrino",
    "/etc/needrestart/conf.d/60-citrino.conf",
    "/etc/postgresql-common/createcluster.d/citrino.conf",
    "/etc/postgresql/15/main/conf.d/citrino.conf",
    "/etc/sysctl.d/60-citrino-",
    "/var/lib/systemd/timers/stamp-citrino-",
];

fn has_no_name_of_citrino(stack: &Stack) {
    let found =
        stack.on_host("find / -xdev -name '*citrino*' -not -path '/proc/*' -not -path '/sys/*'");
    let foreign: Vec<&str> = found
        .lines()
        .filter(|path| !OF_THE_TOOL.iter().any(|own| path.starts_with(own)))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    for gone in [
        "getent passwd citrino || getent group citrino",
        "ls -d /home/citrino /var/www/citrino /run/citrino",
        "systemctl list-units --all --plain --no-legend 'citrino@*' | grep .",
        "cd / && runuser -u postgres -- psql -XAtqc 'SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles' | grep citrino | grep -vx citrino_reader",
        "grep -i citrino /etc/nginx/nginx.conf /etc/postgresql/15/main/pg_ident.conf /etc/postgresql/15/main/pg_hba.conf | grep -v -e 'Made by citrino-ops' -e citrino_reader -e /etc/citrino/maintenance",
        "grep citrino /etc/pgbackrest/pgbackrest.conf | grep -v 'Made by citrino-ops'",
        "cat /etc/systemd/system/shop@.service /etc/shop.yml /srv/shop/server/.env | grep -i citrino | grep -v -e 'Made by citrino-ops' -e ^InaccessiblePaths=",
    ] {
        let said = stack.citrino(&["ssh", gone]);
        assert_ne!(said.code, 0, "`{gone}`: {}", said.text);
    }
    assert!(!Path::new(&stack.disk()).join("home/citrino").exists());
}

//! The app's role lays traps in its own database, and everything that the product does there walks past them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::backups::{names, taken};
use crate::rehearsal::{fall_behind, rehearse};
use crate::stack::{Stack, said, serving};

/// What the product's SQL calls: each name before a parenthesis in its sources.
fn called() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<_> = ["src", "playbooks", "templates/app"]
        .map(|folder| root.join(folder))
        .into();
    let mut names = BTreeSet::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|one| one.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(path).unwrap_or_default().to_lowercase();
        for (at, _) in text.match_indices('(') {
            let before = text[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            names.extend(
                before
                    .take(1)
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
            );
        }
    }
    names.into_iter().collect::<Vec<_>>().join(" ")
}

/// Lays them, as the app could.
fn plant(stack: &Stack) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/on_host");
    let input = fs::File::open(folder.join("planted.sql")).unwrap();
    let line = format!(
        "cd / && runuser -u citrino -- psql -XAtq -v ON_ERROR_STOP=1 -v 'names={}' -U citrino_user -d citrino_prod",
        called()
    );
    let planted = said(stack.command(&["ssh", &line]).stdin(input));
    let last = planted.text.lines().last().unwrap_or_default();
    let count = last.strip_prefix("planted ").map(str::parse::<u32>);
    assert!(
        planted.code == 0 && count.is_some_and(|count| count.is_ok_and(|count| count > 300)),
        "{}",
        planted.text
    );
}

/// Nobody but the role ran any of it.
fn nobody_was_caught(stack: &Stack, what: &str) {
    let who = "grep -ho 'planted code ran as .*' /var/log/postgresql/*.log | sort | uniq -c; ls /var/tmp/planted 2>/dev/null || true";
    assert_eq!(stack.on_host(who).trim(), "", "after {what}");
}

#[test]
fn nothing_that_the_role_plants_is_run_by_anybody_but_the_role() {
    let Some(stack) = serving() else { return };
    let (rows, clean) = (stack.fingerprint(), taken(&stack));
    plant(&stack);
    let does = |words: &[&str]| {
        let said = stack.citrino(words);
        assert_eq!(said.code, 0, "{words:?}: {}", said.text);
        nobody_was_caught(&stack, &words.join(" "));
    };
    for words in [
        &["status"][..],
        &["plan"],
        &["converge"],
        &["backup"],
        &["backup", "now", "--plain"],
        &["backup", "verify"],
        &["backup", "drill"],
    ] {
        does(words);
    }
    // A function of theirs is in the way of an index: that is told, and theirs to mend.
    let health = stack.citrino(&["health"]);
    assert!([0, 4].contains(&health.code), "{}", health.text);
    nobody_was_caught(&stack, "health");
    for unit in ["citrino-backup", "citrino-drill"] {
        stack.on_host(&format!("systemctl start {unit}.service"));
        nobody_was_caught(&stack, unit);
    }

    let dump = "cd / && runuser -u citrino -- pg_dump -U citrino_user --enable-row-security --exclude-table-data=planted citrino_prod";
    let dumped = stack.citrino(&["ssh", dump]);
    assert_eq!(dumped.code, 0, "{}", dumped.text);
    stack.write("planted.sql", &dumped.text);
    does(&["db", "import", "planted.sql", "--check"]);
    does(&["db", "import", "planted.sql", "--yes"]);
    let planted = names(&stack)[0].clone();
    does(&["restore", &planted, "--yes"]);
    does(&["backup", "prune", "--previous-databases", "--yes"]);

    // The traps are in the way of the role's own migrations, which is its own loss.
    fall_behind(&stack, "");
    let rehearsed = rehearse(&stack, "", &[]);
    assert!([0, 1].contains(&rehearsed.code), "{}", rehearsed.text);
    nobody_was_caught(&stack, "a rehearsal");

    does(&["restore", &clean, "--yes"]);
    does(&["backup", "prune", "--previous-databases", "--yes"]);
    assert_eq!(stack.fingerprint(), rows);
    stack.is_as_wished();
}

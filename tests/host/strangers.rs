//! Backups whose owners this host does not know: roles that are gone, and another stack's.

use std::fs;

use citrino_ops::facts::backups::BackupManifest;

use crate::backups::{folder, key, manifest, names, removed, taken};
use crate::stack::{Stack, serving};

/// Calls a backup another stack's.
fn given_away(stack: &Stack, name: &str) {
    let foreign = BackupManifest {
        stack: "somebody".to_owned(),
        ..manifest(stack, name)
    };
    let path = folder(stack).join(format!("{name}.json"));
    fs::write(path, foreign.text(&key(stack)).unwrap()).unwrap();
}

#[test]
fn a_backup_brings_the_roles_that_it_grants_something_and_all_is_the_apps() {
    let Some(stack) = serving() else { return };
    stack.sql("CREATE ROLE lectora LOGIN; GRANT SELECT ON agentes TO lectora; CREATE TABLE notas (texto text); ALTER TABLE notas OWNER TO lectora");
    let (rows, name) = (stack.fingerprint(), taken(&stack));
    stack.sql("DROP OWNED BY lectora; DROP ROLE lectora");
    for words in [
        ["backup", "drill", &name].as_slice(),
        &["restore", &name, "--yes"],
    ] {
        let said = stack.citrino(words);
        assert_eq!(said.code, 0, "{words:?}: {}", said.text);
    }
    assert_eq!(stack.fingerprint(), rows);
    // Whoever is to log in as her gives her a password first: none is in a backup. What was hers is the app's, whose role restored
    // it; hers it would be only by the superuser's word.
    let role = "SELECT rolcanlogin, has_table_privilege(oid, 'agentes', 'SELECT'), (SELECT tableowner FROM pg_tables WHERE tablename = 'notas') FROM pg_roles WHERE rolname = 'lectora'";
    assert_eq!(stack.sql(role), "f|t|citrino_user");
    assert_eq!(
        stack.citrino(&["backup", "prune", "--aside", "--yes"]).code,
        0
    );
    stack.sql("DROP OWNED BY lectora; DROP ROLE lectora");
    stack.is_as_wished();
}

#[test]
fn what_another_stack_owned_is_this_ones_and_none_of_its_backups() {
    let Some(stack) = serving() else { return };
    let (own, rows) = (taken(&stack), stack.fingerprint());
    // The release may not even read what it has seen of migrations: it is backed up all the same.
    let owned_by = |role: &str| {
        format!("ALTER TABLE agentes OWNER TO {role}; ALTER TABLE _sqlx_migrations OWNER TO {role}")
    };
    stack.sql(&format!("CREATE ROLE otra; {}", owned_by("otra")));
    let name = taken(&stack);
    stack.sql(&format!("{}; DROP ROLE otra", owned_by("citrino_user")));
    let listed = stack.citrino(&["backup", "list"]).text;
    let line = listed.lines().find(|line| line.starts_with(&name));
    assert!(
        line.is_some_and(|line| line.contains("  unknown  ")),
        "{listed}"
    );

    given_away(&stack, &name);
    let listed = stack.citrino(&["backup", "list"]).text;
    assert!(listed.contains("  from stack somebody"), "{listed}");
    assert_eq!(names(&stack)[0], own, "what counts is what is our own");
    for words in [
        ["backup", "drill", &name].as_slice(),
        &["restore", &name, "--yes"],
    ] {
        let refused = stack.citrino(words);
        assert!(
            refused.code == 7 && refused.text.contains("E0423"),
            "{words:?}: {}",
            refused.text
        );
    }
    let meant = stack.citrino(&["restore", &name, "--from-other-stack", "--yes"]);
    assert_eq!(meant.code, 0, "{}", meant.text);
    assert_eq!(stack.fingerprint(), rows);
    // It would not go as long as something is hers.
    assert_eq!(
        stack.citrino(&["backup", "prune", "--aside", "--yes"]).code,
        0
    );
    stack.sql("DROP ROLE IF EXISTS otra");
    removed(&stack, &name);
    stack.is_as_wished();
}

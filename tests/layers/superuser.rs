//! Who may speak to a database of the app's as the cluster's superuser, and with what.

use crate::files::read;

/// The files that use `postgres::superuser`, each for what nobody else may do there.
const MAY: [&str; 4] = [
    // Makes extensions, and lends their tables.
    "src/task/postgres/extensions.rs",
    "src/task/postgres/superuser.rs",
    // Asks whether one is there.
    "src/task/postgres_extension.rs",
    // Makes event triggers.
    "src/task/rehearsal/lock_observer.rs",
];

const PROGRAMS: [&str; 4] = [
    "\"psql\"",
    "\"pg_dump\"",
    "\"pg_dumpall\"",
    "\"pg_restore\"",
];

#[test]
fn the_superuser_enters_a_database_of_the_app_only_for_what_nobody_else_may_do() {
    let files = read(&["src"]);
    let uses = |text: &str| text.contains("superuser::") || text.contains("superuser}");
    let found: Vec<&str> = files
        .iter()
        .filter(|(place, text)| uses(text) || place.ends_with("postgres/superuser.rs"))
        .filter_map(|(place, _)| place.to_str())
        .collect();
    assert_eq!(
        found, MAY,
        "say there why, or ask as `reader` or as the app's role"
    );
}

/// What a program of `PostgreSQL`'s finds by a name must not be what the app's role says: `postgres::client` sees to that.
#[test]
fn every_program_of_postgresql_is_started_with_settings_of_ours() {
    /// What can stand between the call and the name.
    const NEAR: usize = 40;
    for (place, text) in read(&["src"]) {
        for program in PROGRAMS {
            for (at, _) in text.match_indices(program) {
                let near = &text.as_bytes()[at.saturating_sub(NEAR)..at];
                let near = String::from_utf8_lossy(near);
                let place = place.display();
                assert!(
                    !near.contains("Cmd::new"),
                    "{place} starts {program} by itself"
                );
            }
        }
    }
}

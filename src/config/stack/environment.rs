//! Names in the app's environment that are not the operator's to set.

use crate::core::value::steers_programs;

/// What templates/app/env.tera writes, and from which key.
const WRITTEN: [(&str, &str); 6] = [
    ("DB_HOST", "the database's place on the host"),
    ("DB_PORT", "the database's place on the host"),
    ("DB_NAME", "`database.name`"),
    ("DB_USER", "`database.user`"),
    ("PORT", "`app.port`"),
    ("DOMAIN", "`domain`"),
];

/// Why nobody may set a variable of this name.
pub fn refusal(name: &str) -> Option<String> {
    let written = WRITTEN.iter().find(|(known, _)| *known == name);
    if let Some((_, from)) = written {
        return Some(format!("is written by citrino-ops itself, from {from}"));
    }
    steers_programs(name)
        .then(|| "would change how programs are started; no app needs it".to_owned())
}

/// The one name that is a secret whenever it is there: the app logs in by password then.
pub const PASSWORD: &str = "DB_PASSWORD";

//! Roles that come with a database: they are the whole server's, so no dump of one database makes them, and without them its
//! owners and grants are of nobody.

use std::io::{BufRead, BufReader, Read};

use anyhow::Result;

use super::{literal, tell};
use crate::host::system::System;

/// Makes those that are not there. None of them may log in: a password never was in a backup.
pub async fn bring(system: &System, names: &[String]) -> Result<()> {
    let names: Vec<String> = names
        .iter()
        .map(|name| literal(name))
        .collect::<Result<_>>()?;
    let sql = format!(
        "SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY[{}]::text[]) AS name \
         WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)\n\\gexec\n",
        names.join(", ")
    );
    tell(system, &sql).await
}

/// The roles that what `pg_dumpall --globals-only` writes would make.
///
/// # Errors
/// When it cannot be read to its end.
pub fn made_by(globals: impl Read) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for line in BufReader::new(globals).lines() {
        let line = line?;
        let made = line
            .strip_prefix("CREATE ROLE ")
            .and_then(|rest| rest.strip_suffix(';'));
        names.extend(made.map(name));
    }
    Ok(names)
}

/// A name, out of how SQL writes it.
fn name(written: &str) -> String {
    let quoted = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    quoted.map_or(written.to_owned(), |inside| inside.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_of_a_server_are_known_by_what_makes_them() {
        let globals = "SET default_transaction_read_only = off;\nCREATE ROLE citrino_user;\nALTER ROLE citrino_user WITH LOGIN;\n\
            CREATE ROLE \"La \"\"lectora\"\"\";\n-- CREATE ROLE nobody;\nGRANT a TO b;\n";
        assert_eq!(
            made_by(globals.as_bytes()).unwrap(),
            ["citrino_user", "La \"lectora\""]
        );
    }
}

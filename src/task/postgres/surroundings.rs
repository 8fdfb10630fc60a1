//! What belongs to a database and is in no dump of it: who may enter, how many, its settings, its comment. A database that takes
//! another one's place by name takes this over first.

use anyhow::Result;

use super::{SqlAnswer, ask, literal, tell};
use crate::core::error::{Code, Fault};
use crate::host::system::System;

/// Both databases as one row each: `live` and `next`.
fn both(live: &str, next: &str) -> Result<String> {
    Ok(format!(
        "(SELECT * FROM pg_database WHERE datname = {}) live, (SELECT * FROM pg_database WHERE datname = {}) next",
        literal(live)?,
        literal(next)?
    ))
}

/// Gives `next` what `live` has around it, in the transaction that swaps their names.
///
/// Values of settings are copied from the catalogue to the catalogue: what a role once said in `ALTER DATABASE … SET` never becomes
/// a word of a statement of the superuser's. Privileges are said as statements, for `PostgreSQL` to note whom they depend on.
///
/// # Errors
/// E0408 for a name that cannot be.
pub fn carried(live: &str, next: &str) -> Result<String> {
    let both = both(live, next)?;
    let name = literal(next)?;
    Ok(format!(
        "DELETE FROM pg_db_role_setting s USING {both} WHERE s.setdatabase = next.oid;\n\
         INSERT INTO pg_db_role_setting SELECT next.oid, s.setrole, s.setconfig FROM pg_db_role_setting s, {both} \
         WHERE s.setdatabase = live.oid;\n\
         SELECT format('ALTER DATABASE %I OWNER TO %I', {name}, pg_get_userbyid(live.datdba)) FROM {both} \\gexec\n\
         SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', {name}, live.datconnlimit) FROM {both} \\gexec\n\
         SELECT format('COMMENT ON DATABASE %I IS %L', {name}, shobj_description(live.oid, 'pg_database')) FROM {both} \\gexec\n\
         SELECT format('REVOKE ALL ON DATABASE %I FROM %s', {name}, who) FROM {both}, \
         LATERAL unnest(ARRAY['PUBLIC', quote_ident(pg_get_userbyid(live.datdba))]) AS who WHERE live.datacl IS NOT NULL \\gexec\n\
         SELECT format('GRANT %s ON DATABASE %I TO %s%s', given.privilege_type, {name}, \
         CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(given.grantee)) END, \
         CASE WHEN given.is_grantable AND given.grantee NOT IN (0, live.datdba) THEN ' WITH GRANT OPTION' ELSE '' END) \
         FROM {both}, LATERAL aclexplode(live.datacl) AS given \\gexec\n"
    ))
}

/// What lies around a database, as text that is the same for two databases that have the same around them.
fn described(database: &str) -> Result<String> {
    Ok(format!(
        "SELECT concat_ws(E'\\n', 'owner ' || pg_get_userbyid(datdba), 'limit ' || datconnlimit, \
         'comment ' || coalesce(shobj_description(oid, 'pg_database'), ''), \
         (SELECT string_agg(line, E'\\n' ORDER BY line) FROM (\
         SELECT format('privilege %s to %s, grantable %s', privilege_type, grantee::regrole, is_grantable) \
         FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) \
         UNION ALL SELECT format('setting of %s: %s', setrole::regrole, value) FROM pg_db_role_setting, unnest(setconfig) AS value \
         WHERE setdatabase = pg_database.oid) AS lines (line))) \
         FROM pg_database WHERE datname = {};\n",
        literal(database)?
    ))
}

/// That a database which would take the live one's place would have the same around it: gives it that, and compares.
///
/// # Errors
/// E0421 with the lines that differ.
pub async fn proven(system: &System, live: &str, next: &str) -> Result<()> {
    tell(
        system,
        &format!("BEGIN;\n{}COMMIT;\n", carried(live, next)?),
    )
    .await?;
    let (expected, found) = (of(system, live).await?, of(system, next).await?);
    let lost: Vec<&str> = expected
        .lines()
        .filter(|line| !found.lines().any(|other| other == *line))
        .collect();
    let more: Vec<&str> = found
        .lines()
        .filter(|line| !expected.lines().any(|other| other == *line))
        .collect();
    if lost.is_empty() && more.is_empty() {
        return Ok(());
    }
    let message = format!(
        "a database in the place of {live} would not have the same around it: lost: {}; added: {}",
        lost.join(", "),
        more.join(", ")
    );
    Err(Fault::new(Code::E0421, message).into())
}

async fn of(system: &System, database: &str) -> Result<String> {
    match ask(system, &described(database)?).await? {
        SqlAnswer::Rows(rows) => Ok(rows.trim().to_owned()),
        SqlAnswer::Away(reason) => Err(Fault::new(Code::E0421, reason).into()),
    }
}

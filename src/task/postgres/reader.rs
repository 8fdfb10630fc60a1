//! The role that looks at the app's databases: it may read all of them, whoever owns what, and make or write nothing. Dumps and
//! counts are its, so that what somebody planted in a database finds nobody in them who could do more than read it.
//!
//! The playbook makes it (`postgres_reader`), and `pg_hba.conf` lets the system user postgres in as it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{LOCK_WITHIN, OWNER, SqlAnswer, asked, client, psql};
use crate::core::error::{Code, Fault};
use crate::host::own::READER;
use crate::host::system::{Cmd, System};

/// What makes it in a cluster, whatever there is of it. It reads large objects, too, and rows that policies hide from others: a dump
/// without them would be none.
pub const MADE: &str = "SELECT 'CREATE ROLE citrino_reader' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'citrino_reader')\n\\gexec\n\
    ALTER ROLE citrino_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS;\n\
    SELECT format('REVOKE %s FROM citrino_reader', m.roleid::regrole) FROM pg_auth_members m \
        WHERE m.member = 'citrino_reader'::regrole AND m.roleid <> 'pg_read_all_data'::regrole\n\\gexec\n\
    GRANT pg_read_all_data TO citrino_reader;\n\
    ALTER ROLE citrino_reader SET default_transaction_read_only = on;\n\
    ALTER ROLE citrino_reader SET lo_compat_privileges = on;\n";

/// Whether it is as [`MADE`] makes it; no row where there is none.
pub const IS_MADE: &str = "SELECT rolcanlogin AND rolbypassrls AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication) \
    AND ARRAY(SELECT m.roleid FROM pg_auth_members m WHERE m.member = r.oid) = ARRAY['pg_read_all_data'::regrole::oid] \
    AND coalesce((SELECT s.setconfig @> ARRAY['default_transaction_read_only=on', 'lo_compat_privileges=on'] \
        FROM pg_db_role_setting s WHERE s.setrole = r.oid AND s.setdatabase = 0), false) \
    FROM pg_roles r WHERE rolname = 'citrino_reader';\n";

/// psql that reads what it is to do.
pub fn session(database: &str) -> Cmd {
    psql(database, &["-U", READER]).user(OWNER)
}

/// # Errors
/// As `postgres::ask`.
pub async fn ask(system: &System, database: &str, sql: &str) -> Result<SqlAnswer> {
    asked(system, &session(database).stdin(sql)).await
}

/// `pg_dump` of a database, with more arguments.
pub fn dump(database: &str, more: &[&str]) -> Cmd {
    let own = ["pg_dump", "-U", READER, "--dbname", database];
    client([&own, more].concat()).user(OWNER)
}

/// The custom format, not packed.
pub const CUSTOM: [&str; 2] = ["--format=custom", "--compress=0"];

/// The schemas of a database.
///
/// # Errors
/// E0421 when it cannot be asked.
pub async fn schemas(system: &System, database: &str) -> Result<BTreeSet<String>> {
    let answer = ask(system, database, "SELECT nspname FROM pg_namespace;\n").await?;
    Ok(answer.rows()?.lines().map(str::to_owned).collect())
}

/// How many rows each of the app's own tables has.
///
/// # Errors
/// E0421 when the database cannot be asked.
pub async fn rows(system: &System, database: &str) -> Result<BTreeMap<String, u64>> {
    let sql = format!("SET lock_timeout = {LOCK_WITHIN};\n{ROWS}");
    counts(&ask(system, database, &sql).await?.rows()?)
}

/// What came of [`ROWS`].
///
/// # Errors
/// E0421 when it is none of its answers.
pub fn counts(answer: &str) -> Result<BTreeMap<String, u64>> {
    serde_json::from_str(answer.trim()).map_err(|error| {
        let why = format!("the number of rows cannot be read: {error}");
        Fault::new(Code::E0421, why).into()
    })
}

/// One statement, so that all are counted in one snapshot; what belongs to an extension is not the app's. Names are as `PostgreSQL`
/// writes them with `public` in its path. Only tables are counted: nothing of their owner's runs.
pub const ROWS: &str = "SELECT coalesce(json_object_agg(name, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', whole), false, true, '')))[1]::text::bigint), '{}') \
        FROM (SELECT CASE n.nspname WHEN 'public' THEN format('%I', c.relname) ELSE format('%I.%I', n.nspname, c.relname) END AS name, \
        format('%I.%I', n.nspname, c.relname) AS whole FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_' \
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')) tables;\n";

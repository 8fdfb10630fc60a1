//! The extensions of a database that is to be filled by the app's role: only the superuser may make most of them, so they are
//! there before anybody is let in.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::app_role::AppRole;
use super::{clone, identifier, literal, reader, superuser};
use crate::core::error::{Code, Fault};
use crate::host::system::System;
use crate::storage::dump::{DumpFault, Extension, refused};

/// `PostGIS`' own: none of them leads out of the database. What they could read from files (raster) asks for settings that
/// only the superuser may change.
const FAMILY: &[&str] = &[
    "address_standardizer",
    "address_standardizer_data_us",
    "postgis",
    "postgis_raster",
    "postgis_sfcgal",
    "postgis_tiger_geocoder",
    "postgis_topology",
];

/// They watch or tend a server, and no table is made of them: servers that somebody manages have them everywhere. A dump goes without
/// them where the live database does.
const WATCHERS: &[&str] = &[
    "hypopg",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_qualstats",
    "pg_repack",
    "pg_stat_kcache",
    "pg_stat_monitor",
    "pg_stat_statements",
    "pg_visibility",
    "pg_wait_sampling",
    "pgaudit",
    "pgrowlocks",
    "pgstattuple",
];

const HOST: &str = "SELECT json_build_object(\
    'live', (SELECT json_agg(json_build_object('name', e.extname, 'schema', n.nspname, 'line', 0) ORDER BY e.oid) \
        FROM pg_extension e LEFT JOIN pg_namespace n ON n.oid = e.extnamespace AND n.nspname !~ '^pg_'), \
    'free', (SELECT coalesce(json_agg(DISTINCT name), '[]') FROM pg_available_extension_versions WHERE trusted OR NOT superuser), \
    'placed', (SELECT coalesce(json_agg(DISTINCT name), '[]') FROM pg_available_extension_versions WHERE schema IS NOT NULL));\n";

/// What extensions keep in tables of their own and `pg_dump` dumps, as what must be lent to a role that fills them.
const KEPT: &str = "WITH kept AS (\
        SELECT c.relkind, c.relname, n.oid AS place, n.nspname FROM (SELECT unnest(extconfig) AS oid FROM pg_extension) e \
        JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace) \
    SELECT DISTINCT format('USAGE ON SCHEMA %I', nspname) FROM kept WHERE NOT has_schema_privilege(:role, place, 'USAGE') \
    UNION ALL \
    SELECT format('%s %I.%I', CASE relkind WHEN 'S' THEN 'UPDATE ON SEQUENCE' ELSE 'INSERT ON TABLE' END, nspname, relname) FROM kept;\n";

/// What the host says of extensions.
#[derive(Debug, Deserialize)]
pub struct Extensions {
    /// Those of the live database, where they are there.
    live: Vec<Extension>,
    /// Those that every owner of a database may make, by `PostgreSQL`'s own word.
    free: BTreeSet<String>,
    /// Those that say themselves which schema they are in.
    placed: BTreeSet<String>,
}

/// Makes the extensions of the live database, and those that were asked for, in a new one that nobody was in yet; then it is the
/// role's, who is lent what it takes to fill it.
///
/// # Errors
/// E0451 for an extension that may not be made, or cannot.
pub async fn prepare(
    system: &System,
    live: &str,
    fresh: &str,
    role: &AppRole,
    wished: &[Extension],
) -> Result<Lent> {
    let extensions = Extensions::of(system, live).await?;
    extensions.make(system, fresh, wished, role).await?;
    let lent = Lent::to(system, fresh, role).await?;
    clone::hand_over(system, fresh, &role.name).await?;
    Ok(lent)
}

/// Makes one in a database that the app may have been in: its script runs as the superuser and finds what is in `public`, so it is
/// made only where nobody else's routines are. Meanwhile the database is the superuser's, so that none can come.
///
/// # Errors
/// E0408 where somebody's are, E0402 when `PostgreSQL` refuses or has no such database.
pub async fn make_in_live(system: &System, database: &str, name: &str) -> Result<()> {
    let role = AppRole::if_it_owns(system, database).await?;
    if role.is_some() {
        clone::hand_over(system, database, super::OWNER).await?;
    }
    let made = make_alone(system, database, name).await;
    if let Some(role) = role {
        clone::hand_over(system, database, &role.name).await?;
    }
    made
}

async fn make_alone(system: &System, database: &str, name: &str) -> Result<()> {
    // Without an answer nothing is made: what could not be looked for may be there.
    let rows = superuser::ask(system, database, ROUTINES).await?.rows()?;
    let routines: Vec<String> = serde_json::from_str(rows.trim())?;
    if let Some(first) = routines.first() {
        let why = format!(
            "extension {name} is not in {database}, where somebody has made {first} and maybe more: its script would run as the superuser and could call it"
        );
        let hint = format!(
            "if you know all routines and operators of {database}, create the extension by hand: `citrino-ops ssh \"runuser -u postgres -- psql {database} -c 'CREATE EXTENSION {name}'\"`"
        );
        return Err(Fault::new(Code::E0408, why).hint(hint).into());
    }
    let sql = format!(
        "SELECT format('CREATE EXTENSION IF NOT EXISTS %I%s', name, CASE WHEN bool_or(schema IS NULL) THEN ' SCHEMA public' END) \
         FROM (SELECT {0} AS name) wished LEFT JOIN pg_available_extension_versions USING (name) GROUP BY name\n\\gexec\n",
        literal(name)?
    );
    let made = system.run(&superuser::making(database, &sql)).await?;
    made.success().map(drop)
}

/// Routines and operators that belong to no extension and not to the superuser.
const ROUTINES: &str = "SELECT coalesce(json_agg(what), '[]') FROM (\
    SELECT format('the function %s', p.oid::regprocedure) FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner \
    WHERE NOT r.rolsuper AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') \
    UNION ALL \
    SELECT format('the operator %s', o.oid::regoperator) FROM pg_operator o JOIN pg_roles r ON r.oid = o.oprowner \
    WHERE NOT r.rolsuper AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')) parts (what);\n";

impl Extensions {
    pub async fn of(system: &System, live: &str) -> Result<Self> {
        let answer = reader::ask(system, live, HOST).await?.rows()?;
        serde_json::from_str(&answer).context("the extensions cannot be read")
    }

    fn has(&self, one: &Extension) -> bool {
        self.live.iter().any(|live| live.name == one.name)
    }

    /// Those that only watch, and are not made.
    pub fn left_out(&self, wished: &[Extension]) -> Vec<String> {
        let watchers = wished.iter().filter(|one| self.is_watcher(one));
        let told = |one: &Extension| {
            format!(
                "the extension {} was left out: it watches a server, and the live database does not have it",
                one.name
            )
        };
        watchers.map(told).collect()
    }

    fn is_watcher(&self, one: &Extension) -> bool {
        WATCHERS.contains(&one.name.as_str()) && !self.has(one)
    }

    /// Those that a dump has in another schema than the live database: what it calls by that schema is not there.
    pub fn elsewhere(&self, wished: &[Extension]) -> Vec<Elsewhere> {
        let pair = |one: &Extension| {
            let live = self.live.iter().find(|live| live.name == one.name)?;
            let (there, here) = (one.schema.clone()?, live.schema.clone()?);
            (there != here).then_some(Elsewhere {
                name: one.name.clone(),
                there,
                here,
                line: one.line,
            })
        };
        wished.iter().filter_map(pair).collect()
    }

    /// Those that the live database has not.
    ///
    /// # Errors
    /// E0451 for one that could lead out of the database.
    pub fn more<'w>(&self, wished: &'w [Extension]) -> Result<Vec<&'w Extension>> {
        let is_more = |one: &&Extension| !self.has(one) && !self.is_watcher(one);
        let more: Vec<&Extension> = wished.iter().filter(is_more).collect();
        let is_harmless =
            |one: &Extension| FAMILY.contains(&one.name.as_str()) || self.free.contains(&one.name);
        match more.iter().find(|one| !is_harmless(one)) {
            None => Ok(more),
            Some(one) => Err(refused(DumpFault::Extension(&one.name), format!(
                "{}it asks for the extension {}, which the live database does not have, which is not part of PostGIS, and which a database owner may not create",
                line(one),
                one.name
            ))
            .into()),
        }
    }

    /// Makes those of the live database and the dump's own, in the host's versions.
    async fn make(
        &self,
        system: &System,
        fresh: &str,
        wished: &[Extension],
        role: &AppRole,
    ) -> Result<()> {
        let live = self.live.iter().map(|one| self.creation(one, role));
        let live: Result<Vec<String>> = live.collect();
        let all = superuser::making(fresh, &live?.concat());
        system.run(&all).await?.success()?;
        for one in self.more(wished)? {
            let made = system
                .run(&superuser::making(fresh, &self.creation(one, role)?))
                .await?;
            if !made.ok() {
                let why = format!("{}{}", line(one), made.last_words());
                return Err(refused(DumpFault::Extension(&one.name), why).into());
            }
        }
        Ok(())
    }

    /// The schema is always said: no session of ours has one that things are made in when none is.
    fn creation(&self, one: &Extension, role: &AppRole) -> Result<String> {
        let name = identifier(&one.name)?;
        if self.placed.contains(&one.name) {
            return Ok(format!("CREATE EXTENSION IF NOT EXISTS {name};\n"));
        }
        let schema = identifier(one.schema.as_deref().unwrap_or("public"))?;
        let owner = identifier(&role.name)?;
        Ok(format!(
            "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};\nCREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema};\n"
        ))
    }
}

/// An extension that is in one schema there and in another here.
pub struct Elsewhere {
    pub name: String,
    pub there: String,
    pub here: String,
    pub line: u64,
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            there,
            here,
            line,
        } = self;
        write!(
            f,
            "the dump has {name} in the schema {there} (line {line}), and here it is in {here}"
        )
    }
}

impl Elsewhere {
    pub fn way_out(&self) -> String {
        let Self { there, here, .. } = self;
        format!(
            "the live database is unchanged; dump in plain format, write `{here}.` for `{there}.` in it where the extension is meant, and import that"
        )
    }
}

/// Where it is asked for, as an error begins.
fn line(one: &Extension) -> String {
    match one.line {
        0 => String::new(),
        line => format!("line {line}: "),
    }
}

/// Rights to fill the tables of extensions, for as long as a dump flows in.
pub struct Lent {
    rights: Vec<String>,
    role: String,
}

impl Lent {
    async fn to(system: &System, fresh: &str, role: &AppRole) -> Result<Self> {
        let kept = KEPT.replace(":role", &literal(&role.name)?);
        let rights = superuser::ask(system, fresh, &kept).await?.rows()?;
        let lent = Self {
            rights: rights.lines().map(str::to_owned).collect(),
            role: identifier(&role.name)?,
        };
        superuser::tell(system, fresh, &lent.each("GRANT", "TO")).await?;
        Ok(lent)
    }

    /// Of a database that could not be filled nothing is left, so only success has to give back.
    pub async fn give_back(self, system: &System, fresh: &str) -> Result<()> {
        superuser::tell(system, fresh, &self.each("REVOKE", "FROM")).await
    }

    fn each(&self, verb: &str, word: &str) -> String {
        let role = &self.role;
        let each = self
            .rights
            .iter()
            .map(|right| format!("{verb} {right} {word} {role};\n"));
        each.collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Extensions {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Extensions {
            live: ["postgis", "pg_stat_statements"].map(wished).to_vec(),
            free: set(&["hstore"]),
            placed: set(&["postgis_topology"]),
        }
    }

    fn wished(name: &str) -> Extension {
        Extension {
            name: name.to_owned(),
            schema: Some("public".to_owned()),
            line: 9,
        }
    }

    #[test]
    fn what_leads_out_of_the_database_is_refused_unless_production_has_it() {
        let taken = [
            "postgis",
            "pg_stat_statements",
            "hstore",
            "postgis_topology",
        ]
        .map(wished);
        let more: Vec<&str> = host()
            .more(&taken)
            .unwrap()
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(more, ["hstore", "postgis_topology"]);
        for name in [
            "file_fdw",
            "postgres_fdw",
            "dblink",
            "plpython3u",
            "adminpack",
            "nowhere",
        ] {
            let said = host().more(&[wished(name)]).unwrap_err().to_string();
            assert!(
                said.contains(&format!("line 9: it asks for the extension {name},")),
                "{said}"
            );
        }
    }

    #[test]
    fn what_only_watches_is_left_out_where_production_does_without() {
        let wished = ["pg_stat_statements", "pgaudit", "postgis"].map(wished);
        assert!(host().more(&wished).unwrap().is_empty());
        let [told] = &host().left_out(&wished)[..] else {
            panic!("one is left out")
        };
        assert!(told.starts_with("the extension pgaudit was left out"));
        let fault = host().more(&[super::tests::wished("dblink")]).unwrap_err();
        let hint = fault.downcast::<crate::core::error::Fault>().unwrap().hint;
        assert!(hint.unwrap().contains("`DROP EXTENSION dblink`"));
    }

    #[test]
    fn an_extension_in_another_schema_is_told_with_both() {
        let there = Extension {
            schema: Some("extensions".to_owned()),
            ..wished("postgis")
        };
        let both = [there, wished("pg_stat_statements")];
        let told: Vec<String> = host()
            .elsewhere(&both)
            .iter()
            .map(Elsewhere::to_string)
            .collect();
        assert_eq!(
            told,
            ["the dump has postgis in the schema extensions (line 9), and here it is in public"]
        );
    }

    #[test]
    fn goes_where_the_dump_wants_it_unless_it_says_itself() {
        let role = AppRole {
            user: "u".to_owned(),
            name: "r".to_owned(),
        };
        assert_eq!(
            host().creation(&wished("hstore"), &role).unwrap(),
            "CREATE SCHEMA IF NOT EXISTS \"public\" AUTHORIZATION \"r\";\nCREATE EXTENSION IF NOT EXISTS \"hstore\" SCHEMA \"public\";\n"
        );
        assert_eq!(
            host().creation(&wished("postgis_topology"), &role).unwrap(),
            "CREATE EXTENSION IF NOT EXISTS \"postgis_topology\";\n"
        );
    }
}

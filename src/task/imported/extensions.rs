//! The extensions of a database that a dump is to fill: only the superuser may make most of them, so they are there before
//! the dump is let in, which then runs as the app's role.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::query::query;
use crate::host::system::System;
use crate::storage::dump::{Extension, refused};
use crate::task::postgres::app_role::AppRole;
use crate::task::postgres::{identifier, literal, session, tell};

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

const HOST: &str = "SET search_path = pg_catalog;\nSELECT json_build_object(\
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

impl Extensions {
    pub async fn of(system: &System, live: &str) -> Result<Self> {
        let answer = query(system, live, HOST).await?;
        serde_json::from_str(&answer).context("the extensions cannot be read")
    }

    /// Those that the live database has not.
    ///
    /// # Errors
    /// E0451 for one that could lead out of the database.
    pub fn more<'w>(&self, wished: &'w [Extension]) -> Result<Vec<&'w Extension>> {
        let is_more = |one: &&Extension| self.live.iter().all(|live| live.name != one.name);
        let more: Vec<&Extension> = wished.iter().filter(is_more).collect();
        let is_harmless =
            |one: &Extension| FAMILY.contains(&one.name.as_str()) || self.free.contains(&one.name);
        match more.iter().find(|one| !is_harmless(one)) {
            None => Ok(more),
            Some(one) => Err(refused(format!(
                "line {}: it asks for the extension {}, which the live database does not have, which is not part of PostGIS, and which a database owner may not create",
                one.line, one.name
            ))
            .into()),
        }
    }

    /// Makes those of the live database and the dump's own, in the host's versions, in a database that nobody was in yet.
    ///
    /// # Errors
    /// E0451 for what may not be made, or cannot.
    pub async fn make(
        &self,
        system: &System,
        fresh: &str,
        wished: &[Extension],
        role: AppRole<'_>,
    ) -> Result<()> {
        let live = self.live.iter().map(|one| self.creation(one, role));
        let live: Result<Vec<String>> = live.collect();
        tell(system, fresh, &live?.concat()).await?;
        for one in self.more(wished)? {
            let made = system
                .run(&session(fresh).stdin(self.creation(one, role)?))
                .await?;
            if !made.ok() {
                return Err(refused(format!("line {}: {}", one.line, made.last_words())).into());
            }
        }
        Ok(())
    }

    fn creation(&self, one: &Extension, role: AppRole<'_>) -> Result<String> {
        let Some(schema) = one
            .schema
            .as_ref()
            .filter(|_| !self.placed.contains(&one.name))
        else {
            return creation(&one.name);
        };
        let (name, schema, owner) = (
            identifier(&one.name)?,
            identifier(schema)?,
            identifier(role.name)?,
        );
        Ok(format!(
            "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};\nCREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema};\n"
        ))
    }
}

fn creation(name: &str) -> Result<String> {
    Ok(format!(
        "CREATE EXTENSION IF NOT EXISTS {};\n",
        identifier(name)?
    ))
}

/// Rights to fill the tables of extensions, for as long as a dump flows in.
pub struct Lent {
    rights: Vec<String>,
    role: String,
}

impl Lent {
    pub async fn to(system: &System, fresh: &str, role: AppRole<'_>) -> Result<Self> {
        let rights = query(system, fresh, &KEPT.replace(":role", &literal(role.name)?)).await?;
        let lent = Self {
            rights: rights.lines().map(str::to_owned).collect(),
            role: identifier(role.name)?,
        };
        tell(system, fresh, &lent.each("GRANT", "TO")).await?;
        Ok(lent)
    }

    /// Of a database that could not be filled nothing is left, so only success has to give back.
    pub async fn give_back(self, system: &System, fresh: &str) -> Result<()> {
        tell(system, fresh, &self.each("REVOKE", "FROM")).await
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
    fn goes_where_the_dump_wants_it_unless_it_says_itself() {
        let role = AppRole {
            user: "u",
            name: "r",
        };
        assert_eq!(
            host().creation(&wished("hstore"), role).unwrap(),
            "CREATE SCHEMA IF NOT EXISTS \"public\" AUTHORIZATION \"r\";\nCREATE EXTENSION IF NOT EXISTS \"hstore\" SCHEMA \"public\";\n"
        );
        assert_eq!(
            host().creation(&wished("postgis_topology"), role).unwrap(),
            "CREATE EXTENSION IF NOT EXISTS \"postgis_topology\";\n"
        );
    }
}

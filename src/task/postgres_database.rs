//! A database of `PostgreSQL` with this owner and encoding.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::postgres::{SqlAnswer, ask, identifier, literal, tell};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::System;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresDatabase {
    pub name: String,
    pub owner: String,
    /// The cluster's own may be `SQL_ASCII`, when the host had no locale at its birth: then nothing
    /// knows how long a text is.
    #[serde(default = "utf8")]
    pub encoding: String,
    /// The database that it is copied from. `template0` takes any encoding.
    #[serde(default = "template0")]
    pub template: String,
}

fn utf8() -> String {
    "UTF8".to_owned()
}

fn template0() -> String {
    "template0".to_owned()
}

/// A line of `pg_database`.
#[derive(Deserialize)]
struct FoundDatabase {
    owner: String,
    encoding: String,
}

impl PostgresDatabase {
    /// One of this owner, as the app wants it.
    pub fn owned(name: &str, owner: &str) -> Self {
        Self {
            name: name.to_owned(),
            owner: owner.to_owned(),
            encoding: utf8(),
            template: template0(),
        }
    }

    /// The database as it is; the reason when it cannot be known.
    ///
    /// # Errors
    /// E0408 when it has another encoding, which only a dump and a restore can change.
    async fn found(&self, system: &System) -> Result<Result<Option<FoundDatabase>, String>> {
        let sql = format!(
            "SELECT json_build_object('owner', pg_get_userbyid(datdba), 'encoding', pg_encoding_to_char(encoding)) \
             FROM pg_database WHERE datname = {};\n",
            literal(&self.name)?
        );
        let rows = match ask(system, &sql).await? {
            SqlAnswer::Rows(rows) => rows,
            SqlAnswer::Away(reason) => return Ok(Err(reason)),
        };
        if rows.trim().is_empty() {
            return Ok(Ok(None));
        }
        let database: FoundDatabase = serde_json::from_str(rows.trim())?;
        if database.encoding.eq_ignore_ascii_case(&self.encoding) {
            return Ok(Ok(Some(database)));
        }
        Err(Fault::new(
            Code::E0408,
            format!(
                "database {} has encoding {}, expected {}",
                self.name, database.encoding, self.encoding
            ),
        )
        .hint("dump it, drop it by hand, and run the command again")
        .into())
    }
}

impl Wish<System> for PostgresDatabase {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        Ok(match self.found(system).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(None) => CheckResult::differs(format!("database {} does not exist", self.name)),
            Ok(Some(found)) if found.owner != self.owner => CheckResult::differs(format!(
                "owner of {} is {}, expected {}",
                self.name, found.owner, self.owner
            )),
            Ok(Some(_)) => CheckResult::same(),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let (name, owner) = (identifier(&self.name)?, identifier(&self.owner)?);
        let sql = match self.found(system).await? {
            Ok(Some(_)) => format!("ALTER DATABASE {name} OWNER TO {owner};\n"),
            Ok(None) | Err(_) => format!(
                "CREATE DATABASE {name} OWNER {owner} ENCODING {} TEMPLATE {};\n",
                literal(&self.encoding)?,
                identifier(&self.template)?
            ),
        };
        tell(system, &sql).await
    }
}

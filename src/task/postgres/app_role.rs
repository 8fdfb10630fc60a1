//! What is said to a database as the app's role: it can do what the app can, and no more.
//!
//! `SET ROLE` in a session of the superuser is no wall, since whatever runs there can say `RESET ROLE`. So the system user
//! that `pg_hba.conf` lets in as the role comes over the socket, as the app does.

use anyhow::Result;
use serde::Deserialize;

use super::{MAINTENANCE, SqlAnswer, asked, client, literal, program, psql, psql_words, told};
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, System};

#[derive(Clone, Debug)]
pub struct AppRole {
    /// The system user.
    pub user: String,
    pub name: String,
}

/// Who owns a database.
#[derive(Deserialize)]
struct DatabaseOwner {
    name: String,
    superuser: bool,
}

impl DatabaseOwner {
    /// The reason when it cannot be known.
    async fn of(system: &System, database: &str) -> Result<Result<Self, String>> {
        let sql = format!(
            "SELECT json_build_object('name', r.rolname, 'superuser', r.rolsuper) FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba \
             WHERE d.datname = {};\n",
            literal(database)?
        );
        let rows = match super::ask(system, &sql).await? {
            SqlAnswer::Away(reason) => return Ok(Err(reason)),
            SqlAnswer::Rows(rows) => rows,
        };
        if rows.trim().is_empty() {
            return Ok(Err(format!("database {database} does not exist")));
        }
        Ok(Ok(serde_json::from_str(rows.trim())?))
    }
}

impl AppRole {
    /// The role that owns a database of the app's.
    ///
    /// # Errors
    /// E0421 when there is no such database, or it is the superuser's.
    pub async fn of(system: &System, database: &str) -> Result<Self> {
        let found = Self::found(system, database).await?;
        Ok(found.map_err(|why| Fault::new(Code::E0421, why))?)
    }

    /// The same; none when the database is the superuser's.
    ///
    /// # Errors
    /// E0402 when there is no such database, or it cannot be known whose it is.
    pub async fn if_it_owns(system: &System, database: &str) -> Result<Option<Self>> {
        let owner = DatabaseOwner::of(system, database).await?;
        let owner = owner.map_err(|why| Fault::new(Code::E0402, why))?;
        Ok((!owner.superuser).then(|| Self::named(system, owner.name)))
    }

    /// The same; the reason when it cannot be known.
    pub async fn found(system: &System, database: &str) -> Result<Result<Self, String>> {
        Ok(match DatabaseOwner::of(system, database).await? {
            Ok(owner) if owner.superuser => Err(format!(
                "database {database} belongs to the superuser {}, not to the app's role",
                owner.name
            )),
            Ok(owner) => Ok(Self::named(system, owner.name)),
            Err(reason) => Err(reason),
        })
    }

    fn named(system: &System, name: String) -> Self {
        let user = system.app().user.to_string();
        Self { user, name }
    }

    /// psql that reads what it is to do, with more arguments.
    pub fn session(&self, database: &str, more: &[&str]) -> Cmd {
        psql(database, &[&["-U", &*self.name], more].concat()).user(&self.user)
    }

    /// # Errors
    /// As `postgres::ask`.
    pub async fn ask(&self, system: &System, database: &str, sql: &str) -> Result<SqlAnswer> {
        asked(system, &self.session(database, &[]).stdin(sql)).await
    }

    /// # Errors
    /// E0402 when `PostgreSQL` refuses.
    pub async fn tell(&self, system: &System, database: &str, sql: &str) -> Result<()> {
        told(system, &self.session(database, &[]).stdin(sql)).await
    }

    /// Asks as the app does, by the schemas that it finds: for SQL of the app's profile and of playbooks.
    ///
    /// # Errors
    /// As `postgres::ask`.
    pub async fn ask_as_app(
        &self,
        system: &System,
        database: &str,
        sql: &str,
    ) -> Result<SqlAnswer> {
        let words = [&psql_words(database), &["-U", &*self.name][..]].concat();
        asked(system, &program(words).user(&self.user).stdin(sql)).await
    }

    /// `pg_restore` into a database, with more arguments.
    pub fn restore(&self, database: &str, more: &[&str]) -> Cmd {
        let own = ["pg_restore", "-U", &self.name, "--dbname", database];
        client([&own, more].concat()).user(&self.user)
    }

    /// A database that came from somewhere else speaks `PostGIS`.
    ///
    /// # Errors
    /// E0402 when it does not.
    pub async fn speaks_postgis(&self, system: &System, database: &str) -> Result<()> {
        let asked = self.ask_as_app(system, database, "SELECT postgis_lib_version();\n");
        asked.await?.rows().map(drop)
    }

    /// What the planner knows of a database's rows, which no copy comes with. Tables of extensions are not the role's, and stay
    /// without.
    ///
    /// # Errors
    /// E0402 when `PostgreSQL` refuses.
    pub async fn analyze(&self, system: &System, database: &str) -> Result<()> {
        self.tell(
            system,
            database,
            "SET client_min_messages = error;\nANALYZE;\n",
        )
        .await
    }
}

/// Who asks a query that an operator wrote: the app's role; for the cluster's own database, which the app cannot enter, the
/// superuser.
///
/// # Errors
/// As `postgres::ask`.
pub async fn ask_for_operator(system: &System, database: &str, sql: &str) -> Result<SqlAnswer> {
    if database == MAINTENANCE {
        return super::ask(system, sql).await;
    }
    match AppRole::found(system, database).await? {
        Err(reason) => Ok(SqlAnswer::Away(reason)),
        Ok(role) => role.ask_as_app(system, database, sql).await,
    }
}

//! A role of `PostgreSQL` that may or may not log in.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::postgres::{MAINTENANCE, SqlAnswer, Verifier, ask, identifier, literal, tell};
use crate::core::engine::{CheckResult, Wish};
use crate::core::secret::Secret;
use crate::host::system::System;

/// Without `password` the role's password, if any, is left as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresRole {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default = "yes")]
    pub login: bool,
    #[serde(default)]
    pub createdb: bool,
}

fn yes() -> bool {
    true
}

/// A line of `pg_authid`.
#[derive(Deserialize)]
struct FoundRole {
    login: bool,
    createdb: bool,
    password: Option<String>,
}

/// What `ALTER ROLE` has to say, each with its sentence.
struct RoleChange {
    what: String,
    option: String,
}

impl PostgresRole {
    fn question(&self) -> Result<String> {
        Ok(format!(
            "SELECT json_build_object('login', rolcanlogin, 'createdb', rolcreatedb, 'password', rolpassword) \
             FROM pg_authid WHERE rolname = {};\n",
            literal(&self.name)?
        ))
    }

    fn changes(&self, role: &FoundRole) -> Result<Vec<RoleChange>> {
        let mut changes = Vec::new();
        let name = &self.name;
        if role.login != self.login {
            let may = if self.login { "may not" } else { "may" };
            changes.push(RoleChange {
                what: format!("{name} {may} log in"),
                option: login(self.login).to_owned(),
            });
        }
        if role.createdb != self.createdb {
            let may = if self.createdb { "may not" } else { "may" };
            changes.push(RoleChange {
                what: format!("{name} {may} create databases"),
                option: createdb(self.createdb).to_owned(),
            });
        }
        if let Some(password) = &self.password {
            let verifier = role.password.as_deref().and_then(Verifier::parse);
            if !verifier.is_some_and(|verifier| verifier.is_of(password)) {
                changes.push(RoleChange {
                    what: format!("{name} has another password, or none"),
                    option: set_password(password)?,
                });
            }
        }
        Ok(changes)
    }

    fn creation(&self) -> Result<String> {
        let password = self.password.as_ref().map(set_password).transpose()?;
        Ok(format!(
            "CREATE ROLE {} {} {} {};\n",
            identifier(&self.name)?,
            login(self.login),
            createdb(self.createdb),
            password.unwrap_or_default()
        ))
    }
}

fn login(wished: bool) -> &'static str {
    if wished { "LOGIN" } else { "NOLOGIN" }
}

fn createdb(wished: bool) -> &'static str {
    if wished { "CREATEDB" } else { "NOCREATEDB" }
}

fn set_password(password: &Secret) -> Result<String> {
    let verifier = Verifier::make(password)?.to_string();
    Ok(format!("PASSWORD {}", literal(&verifier)?))
}

fn read(rows: &str) -> Result<Option<FoundRole>> {
    let row = rows.trim();
    Ok(if row.is_empty() {
        None
    } else {
        Some(serde_json::from_str(row)?)
    })
}

impl Wish<System> for PostgresRole {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let rows = match ask(system, MAINTENANCE, &self.question()?).await? {
            SqlAnswer::Rows(rows) => rows,
            SqlAnswer::Away(reason) => return Ok(CheckResult::differs(reason)),
        };
        let Some(role) = read(&rows)? else {
            return Ok(CheckResult::differs(format!(
                "role {} does not exist",
                self.name
            )));
        };
        let changes = self.changes(&role)?.into_iter();
        Ok(CheckResult::from(
            changes.map(|change| change.what).collect::<Vec<_>>(),
        ))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let role = match ask(system, MAINTENANCE, &self.question()?).await? {
            SqlAnswer::Rows(rows) => read(&rows)?,
            SqlAnswer::Away(_) => None,
        };
        let sql = match role {
            None => self.creation()?,
            Some(role) => {
                let changes = self.changes(&role)?.into_iter();
                let options: Vec<String> = changes.map(|change| change.option).collect();
                let name = identifier(&self.name)?;
                format!("ALTER ROLE {name} {};\n", options.join(" "))
            }
        };
        tell(system, MAINTENANCE, &sql).await
    }
}

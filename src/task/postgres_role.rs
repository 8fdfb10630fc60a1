//! A role of `PostgreSQL` that may or may not log in.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::postgres::{SqlAnswer, Verifier, ask, identifier, literal, tell};
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
    /// The same as `PostgreSQL` keeps it, where only that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<Secret>,
    #[serde(default = "yes")]
    pub login: bool,
    #[serde(default)]
    pub createdb: bool,
    /// It may do nothing beyond the databases that it owns: no programs, no files, no other roles.
    #[serde(default)]
    pub confined: bool,
    /// It is one of these roles, and may do what they may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub member_of: Vec<String>,
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
    /// What leads beyond its databases, as `ALTER ROLE` calls it.
    powers: Vec<String>,
    /// The roles that do, of which it is one.
    member_of: Vec<String>,
    /// All roles of which it is one.
    groups: Vec<String>,
}

/// A statement, with its sentence.
struct RoleChange {
    what: String,
    sql: String,
}

impl PostgresRole {
    fn question(&self) -> Result<String> {
        Ok(format!(
            "SELECT json_build_object('login', rolcanlogin, 'createdb', rolcreatedb, 'password', rolpassword, \
             'powers', array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END, \
                CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL), \
             'member_of', ARRAY(SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE m.member = a.oid \
                AND (r.rolsuper OR r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))), \
             'groups', ARRAY(SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE m.member = a.oid)) \
             FROM pg_authid a WHERE rolname = {};\n",
            literal(&self.name)?
        ))
    }

    fn changes(&self, role: &FoundRole) -> Result<Vec<RoleChange>> {
        let mut changes = Vec::new();
        let name = &self.name;
        let quoted = identifier(name)?;
        let alter = |what, option: &str| RoleChange {
            what,
            sql: format!("ALTER ROLE {quoted} {option};\n"),
        };
        if role.login != self.login {
            let may = if self.login { "may not" } else { "may" };
            changes.push(alter(format!("{name} {may} log in"), login(self.login)));
        }
        if role.createdb != self.createdb {
            let may = if self.createdb { "may not" } else { "may" };
            let what = format!("{name} {may} create databases");
            changes.push(alter(what, createdb(self.createdb)));
        }
        if let Some(password) = &self.password {
            let verifier = role.password.as_deref().and_then(Verifier::parse);
            if !verifier.is_some_and(|verifier| verifier.is_of(password)) {
                let what = format!("{name} has another password, or none");
                changes.push(alter(what, &set_password(password)?));
            }
        }
        if let Some(verifier) = &self.verifier
            && role.password.as_deref() != Some(verifier.reveal())
        {
            let option = format!("PASSWORD {}", literal(verifier.reveal())?);
            changes.push(alter(
                format!("{name} has another password, or none"),
                &option,
            ));
        }
        if self.confined {
            for power in &role.powers {
                let what = format!("{name} has {power}, which leads beyond its databases");
                changes.push(alter(what, &format!("NO{power}")));
            }
            for group in &role.member_of {
                changes.push(RoleChange {
                    what: format!("{name} is one of {group}, which leads beyond its databases"),
                    sql: format!("REVOKE {} FROM {quoted};\n", identifier(group)?),
                });
            }
        }
        for group in &self.member_of {
            if !role.groups.contains(group) {
                changes.push(RoleChange {
                    what: format!("{name} is not one of {group}"),
                    sql: self.grant(group)?,
                });
            }
        }
        Ok(changes)
    }

    fn grant(&self, group: &str) -> Result<String> {
        let (group, name) = (identifier(group)?, identifier(&self.name)?);
        Ok(format!("GRANT {group} TO {name};\n"))
    }

    /// The role as it is now; none where there is none, or nobody to ask.
    pub async fn as_is(&self, system: &System) -> Result<Option<Self>> {
        let SqlAnswer::Rows(rows) = ask(system, &self.question()?).await? else {
            return Ok(None);
        };
        Ok(read(&rows)?.map(|role| Self {
            name: self.name.clone(),
            password: None,
            verifier: role.password.map(Secret::new),
            login: role.login,
            createdb: role.createdb,
            confined: false,
            member_of: Vec::new(),
        }))
    }

    fn creation(&self) -> Result<String> {
        let password = self.password.as_ref().map(set_password).transpose()?;
        let grants = self.member_of.iter().map(|group| self.grant(group));
        Ok(format!(
            "CREATE ROLE {} {} {} {};\n{}",
            identifier(&self.name)?,
            login(self.login),
            createdb(self.createdb),
            password.unwrap_or_default(),
            grants.collect::<Result<String>>()?
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
        let rows = match ask(system, &self.question()?).await? {
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
        let role = match ask(system, &self.question()?).await? {
            SqlAnswer::Rows(rows) => read(&rows)?,
            SqlAnswer::Away(_) => None,
        };
        let sql = match role {
            None => self.creation()?,
            Some(role) => {
                let changes = self.changes(&role)?.into_iter();
                changes.map(|change| change.sql).collect()
            }
        };
        tell(system, &sql).await
    }
}

//! The database connection, from the environment.

use std::env::var;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::catalog::prover::Connect;
use crate::settings::pool::Pool;

/// How to reach the database. Its password never leaves this type.
#[derive(Clone)]
pub struct Database {
    options: PgConnectOptions,
    has_password: bool,
}

/// How to open a connection beside the pool.
pub struct Beside {
    options: PgConnectOptions,
    connect_s: u64,
    statement_s: u64,
}

impl Connect for Beside {
    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let limit = Duration::from_secs(self.connect_s);
        tokio::time::timeout(limit, PgConnection::connect_with(&self.options))
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// The database ends each statement by itself. This is for one that no longer answers at all.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.connect_s + 4 * self.statement_s)
    }
}

impl Database {
    /// Reads `DATABASE_URL`, or else `DB_HOST`, `DB_PORT`, `DB_NAME`, `DB_USER` and `DB_PASSWORD`.
    /// Without any: the database `citrino` of the role `citrino` over the socket in /var/run/postgresql.
    pub fn from_environment() -> Result<Self> {
        match text("DATABASE_URL") {
            Some(url) => Self::from_url(&url),
            None => Self::from_parts(),
        }
    }

    fn from_url(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .context("DATABASE_URL is not a postgres://user@host/database address")?;
        let options = match options.get_socket() {
            Some(_) => options,
            None => reachable(options, "the host of DATABASE_URL")?,
        };
        // Whether there is a password can only be read from the URL.
        let has_password = options.to_url_lossy().password().is_some();
        Ok(Database {
            options: prepared(options),
            has_password,
        })
    }

    fn from_parts() -> Result<Self> {
        let port = match text("DB_PORT") {
            Some(port) => port
                .parse()
                .with_context(|| format!("DB_PORT is \"{port}\", which is not a port number"))?,
            None => 5432,
        };
        let password = text("DB_PASSWORD");
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(text("DB_HOST").as_deref().unwrap_or("/var/run/postgresql"))
            .port(port)
            .database(text("DB_NAME").as_deref().unwrap_or("citrino"))
            .username(text("DB_USER").as_deref().unwrap_or("citrino"));
        if let Some(password) = &password {
            options = options.password(password);
        }
        let options = reachable(options, "DB_HOST")?;
        Ok(Database {
            options: prepared(options),
            has_password: password.is_some(),
        })
    }

    /// One connection, for verbs that do one thing.
    pub async fn connect(&self) -> Result<PgConnection> {
        PgConnection::connect_with(&self.options)
            .await
            .map_err(|error| {
                let why = match &error {
                    sqlx::Error::Database(refusal) => refusal.message().to_owned(),
                    other => other.to_string(),
                };
                anyhow!("the database {self} does not answer: {why}")
            })
    }

    /// The server's pool. Opens its first connection when it is first asked for one, so the server starts without a
    /// database.
    pub fn pool(&self, pool: &Pool) -> PgPool {
        let options = self.limited(pool);
        PgPoolOptions::new()
            .max_connections(pool.max)
            .acquire_timeout(Duration::from_secs(pool.acquire_timeout_s))
            .idle_timeout(Duration::from_mins(5))
            // Testing a connection costs as much as a small query. A connection that has just answered is not tested; a restart of
            // the database takes longer than that.
            .test_before_acquire(false)
            .before_acquire(|connection, seen| {
                Box::pin(async move {
                    let rested = seen.idle_for > Duration::from_millis(50);
                    Ok(!rested || connection.ping().await.is_ok())
                })
            })
            .connect_lazy_with(options)
    }

    /// How to open a connection beside the pool, under the same limits.
    pub fn beside(&self, pool: &Pool) -> Beside {
        Beside {
            options: self.limited(pool),
            connect_s: pool.acquire_timeout_s,
            statement_s: pool.statement_timeout_s,
        }
    }

    fn limited(&self, pool: &Pool) -> PgConnectOptions {
        let timeout = pool.statement_timeout_s * 1000;
        let options = self.options.clone();
        options.options([("statement_timeout", timeout.to_string())])
    }

    /// The address and the user, and whether there is a password.
    pub fn shown(&self) -> serde_yaml::Value {
        let mut map = serde_yaml::Mapping::new();
        let mut put = |key: &str, value: String| map.insert(key.into(), value.into());
        put("host", self.host());
        put("port", self.options.get_port().to_string());
        put("name", self.options.get_database().unwrap_or("").to_owned());
        put("user", self.options.get_username().to_owned());
        put(
            "password",
            if self.has_password {
                "(hidden)"
            } else {
                "(none)"
            }
            .to_owned(),
        );
        map.into()
    }

    fn host(&self) -> String {
        match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => self.options.get_host().to_owned(),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.options.get_database().unwrap_or("");
        write!(
            out,
            "\"{name}\" at {} as {}",
            self.host(),
            self.options.get_username()
        )
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn text(name: &str) -> Option<String> {
    var(name).ok().filter(|value| !value.trim().is_empty())
}

/// A static binary cannot ask the system's resolver, so the host is an address, localhost or a socket's directory.
fn reachable(options: PgConnectOptions, what: &str) -> Result<PgConnectOptions> {
    let host = options.get_host().to_owned();
    if host == "localhost" {
        return Ok(options.host("127.0.0.1"));
    }
    if !host.starts_with('/') && host.parse::<IpAddr>().is_err() {
        bail!(
            "{what} is \"{host}\"; it must be an IP address, localhost or the directory of a socket"
        );
    }
    Ok(options)
}

/// Just-in-time compilation and parallel workers cost these short queries more than they save; the processors are busy
/// with other requests.
fn prepared(options: PgConnectOptions) -> PgConnectOptions {
    options
        .application_name("citrino-app")
        .options([("jit", "off"), ("max_parallel_workers_per_gather", "0")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let database = Database::from_url("postgres://app:S3cret!@127.0.0.1:5433/citrino").unwrap();
        let shown = format!("{database} {database:?} {:?}", database.shown());
        assert!(!shown.contains("S3cret"), "{shown}");
        assert!(shown.contains("(hidden)"), "{shown}");
    }

    #[test]
    fn a_host_name_is_refused_with_the_reason() {
        let error = Database::from_url("postgres://app@db.example.com/citrino").unwrap_err();
        assert!(error.to_string().contains("IP address"), "{error}");
    }

    #[test]
    fn localhost_and_sockets_are_taken() {
        let database = Database::from_url("postgres://app@localhost/citrino").unwrap();
        assert_eq!(database.host(), "127.0.0.1");
        let database =
            Database::from_url("postgres://app@%2Fvar%2Frun%2Fpostgresql/citrino").unwrap();
        assert_eq!(database.host(), "/var/run/postgresql");
    }
}

//! The migrator's session: its timeouts, and the holders of locks that it waits for.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::settings::Database;

/// Another migrator may be running; wait for it, but not for ever.
const TURN: &str = "SET lock_timeout = '60s'; SET statement_timeout = 0";
/// For migrations that set no timeouts themselves. A statement that waits for a lock blocks everybody behind it.
const WORK: &str = "SET lock_timeout = '5s'; SET statement_timeout = '60s'";
/// Interval between two checks of who holds the lock.
const LOOK: Duration = Duration::from_millis(100);
/// The sessions that a backend waits for; 0 stands for a prepared transaction. Our role may not see what another role does.
const HOLDERS: &str = "
    SELECT string_agg(DISTINCT CASE WHEN holder.pid = 0 THEN 'a prepared transaction' ELSE format('%s of %s (pid %s%s%s)',
        coalesce(nullif(a.application_name, ''), a.backend_type, 'a session'), coalesce(a.usename, 'nobody'), holder.pid,
        ', ' || a.state,
        ', since ' || to_char(coalesce(a.xact_start, a.state_change) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC') END, ' and ')
    FROM unnest(pg_blocking_pids($1)) AS holder (pid)
    LEFT JOIN pg_stat_activity a ON a.pid = holder.pid";

/// A connection that migrates, and a second one that watches it.
pub struct Session {
    pub connection: PgConnection,
    watcher: PgConnection,
    pid: i32,
}

impl Session {
    pub async fn new(database: &Database, mut connection: PgConnection) -> Result<Self> {
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .context("the database does not tell who we are")?;
        Ok(Session {
            connection,
            watcher: database.connect().await?,
            pid,
        })
    }

    /// Sets the timeouts for waiting until no other migrator is running.
    pub async fn for_its_turn(&mut self) -> Result<()> {
        self.set(TURN).await
    }

    /// Sets the timeouts for a migration, and the name that other sessions see.
    pub async fn for_work(&mut self, name: &str) -> Result<()> {
        self.set(WORK).await?;
        sqlx::query("SELECT set_config('application_name', left($1, 63), false)")
            .bind(format!("citrino-app migrate {name}"))
            .execute(&mut self.connection)
            .await
            .context("the database refused a setting")?;
        Ok(())
    }

    async fn set(&mut self, limits: &'static str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(limits))
            .execute(&mut self.connection)
            .await
            .context("the database refused a setting")?;
        Ok(())
    }

    /// Does `work`. Also returns who held the lock that it waited for last.
    pub async fn watched<'a, T, Work>(
        &'a mut self,
        work: impl FnOnce(&'a mut PgConnection) -> Work,
    ) -> (T, Option<String>)
    where
        Work: Future<Output = T> + 'a,
    {
        let mut seen = None;
        let mut work = pin!(work(&mut self.connection));
        let (watcher, pid) = (&mut self.watcher, self.pid);
        let look = async {
            loop {
                tokio::time::sleep(LOOK).await;
                match holders(watcher, pid).await {
                    Ok(None) => {}
                    Ok(holders) => seen = holders,
                    Err(error) => {
                        seen = Some(format!("somebody who cannot be asked for ({error})"));
                        return;
                    }
                }
            }
        };
        let early = tokio::select! {
            done = &mut work => Some(done),
            () = look => None,
        };
        let done = match early {
            Some(done) => done,
            None => work.await,
        };
        (done, seen)
    }

    pub async fn close(self) -> Result<()> {
        self.connection.close().await?;
        Ok(self.watcher.close().await?)
    }
}

async fn holders(watcher: &mut PgConnection, pid: i32) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(HOLDERS)
        .bind(pid)
        .fetch_one(watcher)
        .await
}

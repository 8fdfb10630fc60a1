//! Proves that the memory is what the database holds, once for all who wait.
//!
//! A request that arrives puts itself into a queue. One task takes all that are in it, and only then asks the database, so the
//! proof is of a moment after each of these requests. If something was written meanwhile, the task reads it first. Nobody else
//! changes the memory: whatever is in it after a proof is as new as the proof, or newer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

use crate::catalog::memory::Memory;
use crate::catalog::query_error::QueryError;

/// Requests that one proof answers at most.
const CROWD: usize = 4096;

type Proof = Result<(), QueryError>;

/// A connection for the prover, which is not one of the pool's: a full pool must not keep it waiting.
pub trait Connect: Send + Sync + 'static {
    /// Opens it.
    fn connect(&self) -> impl Future<Output = sqlx::Result<PgConnection>> + Send;
    /// How long a proof may take.
    fn patience(&self) -> Duration;
}

/// Where requests ask for a proof.
#[derive(Debug)]
pub struct Prover {
    queue: mpsc::UnboundedSender<oneshot::Sender<Proof>>,
}

impl Prover {
    /// Starts the task.
    pub fn start(memory: Arc<Memory>, connect: impl Connect) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let connect = Arc::new(connect);
        tokio::spawn(async move {
            loop {
                let task = work(
                    Arc::clone(&waiting),
                    Arc::clone(&memory),
                    Arc::clone(&connect),
                );
                // It ends when nobody can ask any more, or with a panic, in the middle of a change perhaps.
                if tokio::spawn(task).await.is_ok() {
                    return;
                }
                memory.distrust();
            }
        });
        Prover { queue }
    }

    /// Returns when the memory is what the database held at a moment after this call.
    pub async fn prove(&self) -> Proof {
        let (tell, told) = oneshot::channel();
        let gone = |()| QueryError::from(sqlx::Error::WorkerCrashed);
        self.queue.send(tell).map_err(|_| gone(()))?;
        told.await.map_err(|_| gone(()))?
    }
}

async fn work(
    waiting: Arc<Mutex<mpsc::UnboundedReceiver<oneshot::Sender<Proof>>>>,
    memory: Arc<Memory>,
    connect: Arc<impl Connect>,
) {
    let mut waiting = waiting.lock().await;
    let mut session = Session {
        memory,
        connect,
        connection: None,
    };
    let mut crowd = Vec::new();
    while waiting.recv_many(&mut crowd, CROWD).await > 0 {
        // Who has left needs no proof.
        crowd.retain(|one| !one.is_closed());
        if crowd.is_empty() {
            continue;
        }
        let proof = session.proof().await.map_err(QueryError::from);
        for one in crowd.drain(..) {
            let _ = one.send(proof.clone());
        }
    }
}

struct Session<C> {
    memory: Arc<Memory>,
    connect: Arc<C>,
    connection: Option<PgConnection>,
}

impl<C: Connect> Session<C> {
    async fn proof(&mut self) -> sqlx::Result<()> {
        let had = self.connection.is_some();
        match self.attempt().await {
            // The database may have been restarted since the last proof.
            Err(error) if had && is_lost(&error) => self.attempt().await,
            result => result,
        }
    }

    /// One attempt. A connection on which anything went wrong is not used again.
    async fn attempt(&mut self) -> sqlx::Result<()> {
        let work = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect.connect().await?,
            };
            bring_up_to_date(&self.memory, &mut connection).await?;
            Ok(connection)
        };
        let ended = timeout(self.connect.patience(), work).await;
        self.connection = Some(ended.unwrap_or_else(|_| Err(late()))?);
        Ok(())
    }
}

async fn bring_up_to_date(memory: &Memory, connection: &mut PgConnection) -> sqlx::Result<()> {
    if memory.is_current(connection).await? {
        return Ok(());
    }
    let mut moment = connection
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    memory.refresh(&mut moment).await?;
    moment.commit().await
}

fn late() -> sqlx::Error {
    sqlx::Error::Io(io::Error::from(io::ErrorKind::TimedOut))
}

/// Whether a new connection may help: the old one is closed, or its server is shutting down.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(fault) => fault.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

//! `serve`: accepts connections, runs HTTP/1.1 over them, and stops gracefully.

mod listener;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tower::ServiceExt;

use crate::catalog::ranking_cache::RankingCache;
use crate::failure::Outcome;
use crate::http::{self, App, Peer};
use crate::server::listener::{Accepted, Listener};
use crate::settings::{Database, Settings};

/// How long the server waits for the first request of an open connection when it stops. A proxy connects only to send a
/// request, which may already be in the socket, unread.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or SIGINT, then finishes the requests in flight and returns 0.
pub async fn serve(settings: &Settings, database: &Database) -> Outcome {
    crate::log::start();
    let mut stop = Stop::new()?;
    let pool = database.pool(&settings.pool);
    let ranking_cache = RankingCache::start(database.beside(&settings.pool));
    let app = App::new(pool.clone(), ranking_cache, settings)?;
    let router = http::router(app.clone(), settings);
    let listener = Listener::bind(&settings.bind).await?;
    let bind = listener.address();
    tracing::info!(%bind, workers = settings.workers, %database, "serving");

    tokio::spawn(async move { app.load().await });
    let reception = Reception {
        router,
        keep_alive: Duration::from_secs(settings.keep_alive_s),
        room: Arc::new(Semaphore::new(settings.max_connections)),
        leave: watch::Sender::new(false),
    };
    reception.accept(&listener, &mut stop).await;

    let patience = Duration::from_secs(settings.shutdown_timeout_s);
    if timeout(patience, reception.close(listener)).await.is_err() {
        tracing::warn!(
            seconds = settings.shutdown_timeout_s,
            "some requests did not finish in time and were cut"
        );
    }
    let _ = timeout(Duration::from_secs(1), pool.close()).await;
    tracing::info!("stopped");
    Ok(0)
}

/// The listener and its open connections.
struct Reception {
    router: Router,
    keep_alive: Duration,
    /// A permit for each connection that may be open.
    room: Arc<Semaphore>,
    /// Tells the connections that the server stops. Each open connection holds a receiver.
    leave: watch::Sender<bool>,
}

impl Reception {
    async fn accept(&self, listener: &Listener, stop: &mut Stop) {
        loop {
            let next = async {
                let permit = self.permit().await?;
                Some((listener.accept().await, permit))
            };
            let (accepted, permit) = tokio::select! {
                () = stop.asked() => return,
                next = next => match next {
                    Some(next) => next,
                    None => return,
                },
            };
            match accepted {
                Ok(accepted) => self.welcome(accepted, permit),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Accepts no more connections, and returns when the last one has closed. Connections in the queue are still answered:
    /// closing the socket would reset them.
    async fn close(self, listener: Listener) {
        let waiting = listener.close();
        self.leave.send_replace(true);
        for accepted in waiting {
            if let Some(permit) = self.permit().await {
                self.welcome(accepted, permit);
            }
        }
        self.leave.closed().await;
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    fn welcome(&self, accepted: Accepted, permit: OwnedSemaphorePermit) {
        match accepted {
            Accepted::Tcp(stream, peer) => self.spawn(stream, Peer(Some(peer.ip())), permit),
            Accepted::Unix(stream) => self.spawn(stream, Peer(None), permit),
        }
    }

    fn spawn<Stream>(&self, stream: Stream, peer: Peer, permit: OwnedSemaphorePermit)
    where
        Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.keep_alive)
            .max_buf_size(64 * 1024);
        let has_asked = Arc::new(Notify::new());
        let asks = Arc::clone(&has_asked);
        let service = self
            .router
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                asks.notify_one();
                request.extensions_mut().insert(peer);
                request
            });
        let connection =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut leave = self.leave.subscribe();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = may_go(&mut leave, &has_asked) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            // A client that disconnects or idles too long is not an error.
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
}

/// Returns when the server stops and the connection has sent its first request, or will not send one.
async fn may_go(leave: &mut watch::Receiver<bool>, has_asked: &Notify) {
    if leave.wait_for(|leaves| *leaves).await.is_ok() {
        let _ = timeout(FIRST_REQUEST, has_asked.notified()).await;
    }
}

struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("could not listen for signals");
        Ok(Stop {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing the requests in flight");
    }
}

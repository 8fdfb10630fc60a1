//! `serve`: accepts connections, runs HTTP/1.1 over them, and leaves gracefully.

mod listener;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use crate::failure::Outcome;
use crate::http::{self, App, Peer};
use crate::server::listener::{Accepted, Listener};
use crate::settings::{Database, Settings};

/// Serves until SIGTERM or SIGINT, then finishes the requests in flight and returns 0.
pub async fn serve(settings: &Settings, database: &Database) -> Outcome {
    crate::log::start();
    let mut stop = Stop::new()?;
    let pool = database.pool(&settings.pool);
    let router = http::router(App::new(pool.clone(), settings)?, settings);
    let listener = Listener::bind(&settings.bind).await?;
    let bind = listener.address();
    tracing::info!(%bind, workers = settings.workers, %database, "serving");

    let graceful = GracefulShutdown::new();
    accept(&listener, &router, settings, &graceful, &mut stop).await;
    drop(listener);

    let patience = Duration::from_secs(settings.shutdown_timeout_s);
    if tokio::time::timeout(patience, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            seconds = settings.shutdown_timeout_s,
            "some requests did not finish in time and were cut"
        );
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), pool.close()).await;
    tracing::info!("stopped");
    Ok(0)
}

async fn accept(
    listener: &Listener,
    router: &Router,
    settings: &Settings,
    graceful: &GracefulShutdown,
    stop: &mut Stop,
) {
    let room = Arc::new(Semaphore::new(settings.max_connections));
    let keep_alive = Duration::from_secs(settings.keep_alive_s);
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.ok()?;
            Some((listener.accept().await, permit))
        };
        let (accepted, permit) = tokio::select! {
            () = stop.asked() => return,
            next = next => match next {
                Some(next) => next,
                None => return,
            },
        };
        let watcher = graceful.watcher();
        let router = router.clone();
        match accepted {
            Ok(Accepted::Tcp(stream, peer)) => {
                let peer = Peer(Some(peer.ip()));
                spawn(stream, peer, router, watcher, keep_alive, permit);
            }
            Ok(Accepted::Unix(stream)) => {
                spawn(stream, Peer(None), router, watcher, keep_alive, permit);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn spawn<Stream>(
    stream: Stream,
    peer: Peer,
    router: Router,
    watcher: Watcher,
    keep_alive: Duration,
    permit: OwnedSemaphorePermit,
) where
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(keep_alive)
        .max_buf_size(64 * 1024);
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    });
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = watcher.watch(connection);
    tokio::spawn(async move {
        // A client that goes away or idles too long is no fault of ours.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(permit);
    });
}

struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened to");
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

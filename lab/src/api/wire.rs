//! The connections of the API. They are served here, and not by the web framework, since that one
//! cannot close a connection on a request without an answer.

use std::io;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// A mark on an answer that the client never gets: its connection is closed instead.
#[derive(Clone)]
struct Cut;

/// The answer that is none.
pub fn cut() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(Cut);
    response
}

/// Whether an answer is none.
pub fn is_cut(response: &Response) -> bool {
    response.extensions().get::<Cut>().is_some()
}

/// Answers every connection, for ever.
pub async fn serve(mut listener: TcpListener, app: Router) {
    loop {
        // Of the framework this much is used: it waits and tries again when no connection can be had.
        let (stream, _) = Listener::accept(&mut listener).await;
        let app = app.clone();
        let service = hyper::service::service_fn(move |request| answer(app.clone(), request));
        tokio::spawn(async move {
            // A connection that ends in an error is one that the client or a fault has ended.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(app: Router, request: hyper::Request<Incoming>) -> io::Result<Response> {
    let Ok(response) = app.oneshot(request.map(Body::new)).await;
    if is_cut(&response) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(response)
}

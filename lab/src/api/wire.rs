//! The connections of the API. They are served here because the web framework cannot close a connection
//! without answering the request.

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

/// Marks an answer that the client never gets: its connection is closed instead.
#[derive(Clone)]
struct Cut;

/// An answer that closes the connection.
pub fn cut() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(Cut);
    response
}

/// Whether an answer closes the connection.
pub fn is_cut(response: &Response) -> bool {
    response.extensions().get::<Cut>().is_some()
}

/// Serves connections for ever.
pub async fn serve(mut listener: TcpListener, app: Router) {
    loop {
        // The framework's listener waits and tries again if no connection can be accepted.
        let (stream, _) = Listener::accept(&mut listener).await;
        let app = app.clone();
        let service = hyper::service::service_fn(move |request| answer(app.clone(), request));
        tokio::spawn(async move {
            // If a connection ends in an error, the client or a fault has closed it.
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

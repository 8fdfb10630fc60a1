//! A proxy between the tests and the API. It passes every call on and checks it against Hetzner's `OpenAPI`
//! document.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Runtime;

use crate::openapi::{DOCUMENT, Exchange};

#[derive(Clone)]
struct Passage {
    /// Where the API is, without `/v1`.
    api: Arc<Mutex<String>>,
    client: reqwest::Client,
    complaints: Arc<Mutex<Vec<String>>>,
}

/// A port of its own, as long as it lives.
pub struct CheckingProxy {
    /// On threads of its own: the test may wait for something else.
    runtime: Option<Runtime>,
    complaints: Arc<Mutex<Vec<String>>>,
    api: Arc<Mutex<String>>,
    pub port: u16,
}

impl CheckingProxy {
    pub fn start(api: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("it does not block");
        let port = listener.local_addr().expect("its number").port();
        let complaints = Arc::default();
        let api = Arc::new(Mutex::new(api.to_owned()));
        let passage = Passage {
            api: Arc::clone(&api),
            client: reqwest::Client::new(),
            complaints: Arc::clone(&complaints),
        };
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let _ = axum::serve(listener, Router::new().fallback(pass).with_state(passage)).await;
        });
        Self {
            runtime: Some(runtime),
            complaints,
            api,
            port,
        }
    }

    /// The API is elsewhere now.
    pub fn moved(&self, api: &str) {
        api.clone_into(&mut self.api.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All that was not as Hetzner's document has it.
    pub fn complaints(&self) -> String {
        let complaints = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        complaints.join("\n")
    }
}

impl Drop for CheckingProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn pass(State(passage): State<Passage>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let sent = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let url = passage.url(&parts.uri);
    match passage
        .ask(parts.method.clone(), &url, parts.headers, sent.clone())
        .await
    {
        Ok((status, headers, answer)) => {
            passage.look(&parts.method, parts.uri.path(), &sent, status, &answer);
            (status, headers, Body::from(answer)).into_response()
        }
        // A test that breaks connections asks the API itself.
        Err(error) => (StatusCode::BAD_GATEWAY, format!("no answer: {error}")).into_response(),
    }
}

impl Passage {
    fn url(&self, asked: &Uri) -> String {
        let api = self.api.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{api}{asked}")
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        sent: Bytes,
    ) -> reqwest::Result<(StatusCode, HeaderMap, Bytes)> {
        headers.remove(header::HOST);
        let answer = self
            .client
            .request(method, url)
            .headers(headers)
            .body(sent)
            .send()
            .await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        Ok((status, headers, answer.bytes().await?))
    }

    fn look(&self, method: &Method, path: &str, sent: &[u8], status: StatusCode, answer: &[u8]) {
        let (Some(document), Some(path)) = (DOCUMENT.as_ref(), path.strip_prefix("/v1")) else {
            return;
        };
        let exchange = Exchange {
            method: method.as_str(),
            path,
            sent,
            status: status.as_u16(),
            answer,
        };
        let complaint = document.complaint(&exchange);
        self.complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(complaint);
    }
}

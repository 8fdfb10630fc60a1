//! The same HTTP client as everywhere here: it trusts the same roots, and asks the name service itself, since a static
//! binary must not ask libc.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Limited};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use reqwest::{Body, Client, Method, Request, redirect};

/// How long it may take to be connected.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come: a part of 8 MB is on its way for a minute on a slow line.
const SILENCE: Duration = Duration::from_mins(5);

/// Makes the client.
#[derive(Debug)]
pub struct Connector;

#[derive(Debug)]
struct BucketHttp {
    client: Client,
    /// What lists may still have.
    lists: Arc<AtomicUsize>,
}

/// What all lists of a storage may have together: some hundred thousand names.
const LISTS: usize = 32 << 20;
/// What one page of a list may have: a thousand names.
const PAGE: usize = 4 << 20;
/// What an answer may have that is neither a list nor an object: a few words, or what is wrong.
const WORDS: usize = 64 << 10;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A signature holds for one address.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| object_store::Error::Generic {
                store: "S3",
                source: Box::new(error),
            })?;
        let lists = Arc::new(AtomicUsize::new(LISTS));
        Ok(HttpClient::new(BucketHttp { client, lists }))
    }
}

#[async_trait]
impl HttpService for BucketHttp {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_list = request
            .uri()
            .query()
            .is_some_and(|query| query.contains("list-type="));
        let is_read = request.method() == Method::GET;
        let request = Request::try_from(request.map(Body::wrap)).map_err(failed)?;
        let mut answer = self.client.execute(request).await.map_err(failed)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let is_object = is_read && !is_list && status.is_success();
        let body = Body::from(answer).map_err(failed);
        // An object is passed on piece by piece; any other answer is read into memory.
        let body = if is_object {
            HttpResponseBody::new(body)
        } else if is_list {
            let lists = Arc::clone(&self.lists);
            let most = PAGE.min(lists.load(Ordering::Relaxed));
            let body = body.map_frame(move |frame| {
                let length = frame.data_ref().map_or(0, |data| data.as_ref().len());
                let left = lists.load(Ordering::Relaxed).saturating_sub(length);
                lists.store(left, Ordering::Relaxed);
                frame
            });
            HttpResponseBody::new(Limited::new(body, most).map_err(too_much))
        } else {
            HttpResponseBody::new(Limited::new(body, WORDS).map_err(too_much))
        };
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Sent again it would be as long.
fn too_much(error: Box<dyn Error + Send + Sync>) -> HttpError {
    if let Ok(error) = error.downcast::<HttpError>() {
        return *error;
    }
    let why = io::Error::other("the storage sent more than any such answer has");
    HttpError::new(HttpErrorKind::Decode, why)
}

fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else {
        // The connection went: what is harmless twice is sent again.
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error)
}

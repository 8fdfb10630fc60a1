//! The same HTTP client as everywhere here: it trusts the same roots, and asks the name service itself, since a static
//! binary must not ask libc.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use reqwest::{Body, Client, Request, redirect};

/// How long it may take to be connected.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come: a part of 8 MB is on its way for a minute on a slow line.
const SILENCE: Duration = Duration::from_mins(5);

/// Makes the client.
#[derive(Debug)]
pub struct Connector;

#[derive(Debug)]
struct BucketHttp(Client);

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
        Ok(HttpClient::new(BucketHttp(client)))
    }
}

#[async_trait]
impl HttpService for BucketHttp {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = Request::try_from(request.map(Body::wrap)).map_err(failed)?;
        let mut answer = self.0.execute(request).await.map_err(failed)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let body = HttpResponseBody::new(Body::from(answer).map_err(failed));
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
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

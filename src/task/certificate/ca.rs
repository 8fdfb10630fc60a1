//! The one way to an issuer. What comes from there is not believed: each answer has a length and a time, of its headers those are
//! passed on that are read, and it says where to ask next only with TLS.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Limited};
use instant_acme::{self as acme, BodyWrapper, BytesResponse, HttpClient};
use reqwest::{Certificate, Client, StatusCode, redirect};
use time::OffsetDateTime;

use super::refused::CaTrouble;
use crate::core::error::{Code, Fault};
use crate::facts::certificate::CertificateSettings;

/// How long one answer may take.
const WITHIN: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(10);
/// How long one answer may be, in bytes: a chain of certificates has some thousand.
const MOST: usize = 128 << 10;
/// The longest that a `Retry-After` is taken for; and what stands for one that is absent.
const LONGEST_WAIT: u64 = 7 * 24 * 60 * 60;
const USUAL_WAIT: u64 = 6 * 60 * 60;
/// The headers of ACME that are read.
const PASSED_ON: [&str; 3] = ["replay-nonce", "location", "content-type"];

#[derive(Clone)]
pub struct CaHttp {
    client: Client,
    /// Until when it said last that it would refuse.
    until: Arc<Mutex<Option<OffsetDateTime>>>,
}

impl CaHttp {
    /// # Errors
    /// E0426 when the CA's certificate is none.
    pub fn of(settings: &CertificateSettings) -> Result<Self> {
        let mut client = Client::builder()
            .timeout(WITHIN)
            .connect_timeout(CONNECT)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none());
        if let Some(pem) = &settings.ca {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).with_context(|| {
                Fault::new(Code::E0426, "the CA of the issuer cannot be read")
                    .hint("correct `tls.ca`, then run `citrino-ops converge`")
            })?;
            client = client.tls_built_in_root_certs(false);
            client = roots
                .into_iter()
                .fold(client, reqwest::ClientBuilder::add_root_certificate);
        }
        Ok(Self {
            client: client.build().context("could not set up an HTTP client")?,
            until: Arc::default(),
        })
    }

    /// Until when it said last that it would refuse.
    pub fn until(&self) -> Option<OffsetDateTime> {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, wait: Option<u64>) {
        let until = wait.map(|seconds| OffsetDateTime::now_utc() + Duration::from_secs(seconds));
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    async fn answer(
        self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Result<BytesResponse, CaTrouble> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await;
        let body = body.to_bytes();
        let is_question = parts.method == Method::GET;
        let is_signed = parts.method == Method::POST;
        let url = parts.uri.to_string();
        let asked = self
            .client
            .request(parts.method, url)
            .headers(parts.headers);
        let answer = asked
            .body(body)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let wait = wait(answer.headers());
        let status = answer.status();
        // What stands before it says so in its own words, and the library looks for a problem in answers to what is signed alone.
        let has_words = is_problem(answer.headers()) && is_signed;
        if status == StatusCode::TOO_MANY_REQUESTS {
            self.note(wait);
        }
        match status {
            StatusCode::TOO_MANY_REQUESTS if !has_words => return Err(CaTrouble::limited()),
            status if status.is_server_error() && !has_words => {
                return Err(CaTrouble::Away(format!("status {}", status.as_u16())));
            }
            _ => {}
        }
        let (parts, body) = http::Response::from(answer).into_parts();
        let body = Limited::new(body, MOST)
            .collect()
            .await
            .map_err(|error| match error.downcast::<reqwest::Error>() {
                Ok(error) => failed(&error),
                Err(_) => CaTrouble::Unfit(format!("more than {} kB", MOST >> 10)),
            })?;
        let mut kept = http::Response::new(());
        *kept.status_mut() = parts.status;
        *kept.headers_mut() = passed_on(&parts.headers, wait);
        if is_question && wait.is_none() {
            // The library takes no time of renewal that comes without one.
            let usual = HeaderValue::from(USUAL_WAIT);
            kept.headers_mut().insert(header::RETRY_AFTER, usual);
        }
        let (parts, ()) = kept.into_parts();
        Ok(BytesResponse {
            parts,
            body: Box::new(body.to_bytes()),
        })
    }
}

impl HttpClient for CaHttp {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, acme::Error>> + Send>> {
        let answer = self.clone().answer(request);
        Box::pin(async move {
            answer
                .await
                .map_err(|why| acme::Error::Other(Box::new(why)))
        })
    }
}

/// RFC 7807.
fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"))
}

/// Seconds, or a date. A number that no clock can hold ends the process of who adds it.
fn wait(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse::<u64>().ok().or_else(|| until_date(text))?;
    Some(seconds.min(LONGEST_WAIT))
}

/// `Fri, 31 Dec 1999 23:59:59 GMT`
fn until_date(text: &str) -> Option<u64> {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let at = time::PrimitiveDateTime::parse(text, format)
        .ok()?
        .assume_utc();
    u64::try_from((at - OffsetDateTime::now_utc()).whole_seconds()).ok()
}

fn passed_on(found: &HeaderMap, wait: Option<u64>) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in PASSED_ON {
        if let Some(value) = found.get(name) {
            kept.insert(HeaderName::from_static(name), value.clone());
        }
    }
    if let Some(seconds) = wait {
        kept.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    kept
}

fn failed(error: &reqwest::Error) -> CaTrouble {
    let mut causes = std::iter::successors(Some(error as &dyn Error), |error| cause(*error));
    let untrusted = causes.find_map(|error| match error.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(why)) => Some(format!("{why:?}")),
        _ => None,
    });
    if let Some(why) = untrusted {
        return CaTrouble::Untrusted(why);
    }
    if error.url().is_some_and(|url| url.scheme() != "https") {
        return CaTrouble::Unfit("an address without TLS".to_owned());
    }
    if error.is_timeout() {
        return CaTrouble::Away(format!("nothing came within {} s", WITHIN.as_secs()));
    }
    let last = std::iter::successors(Some(error as &dyn Error), |error| cause(*error)).last();
    CaTrouble::Away(last.map_or_else(String::new, ToString::to_string))
}

/// An error of the system may carry another one that it does not name as its source.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    inner
        .map(|inner| inner as &(dyn Error + 'static))
        .or_else(|| error.source())
}

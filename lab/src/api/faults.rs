//! Faults that tests order: an error, a proxy's page, a broken connection, a late answer.

use std::future::Future;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch::{Receiver, Sender};

use super::error::ApiError;
use super::wire;

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const LONGEST_DELAY_MS: u64 = 600_000;

/// A fault, as a test orders it and as the API shows it.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    method: Option<String>,
    path: Option<String>,
    #[serde(default = "one")]
    nth: u64,
    /// 0 means for ever.
    #[serde(default = "one")]
    times: u64,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    carry_out: bool,
    answer: Option<Said>,
}

/// The answer in place of the real one.
#[derive(Clone, Deserialize, Serialize)]
#[serde(untagged)]
enum Said {
    Error(Envelope),
    Broken(Broken),
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    status: u16,
    code: String,
    message: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Broken {
    Gateway,
    Cut,
    Garbled,
    /// With status 200: a page, an array, a text, nothing.
    Page,
    Array,
    Text,
    Empty,
}

fn one() -> u64 {
    1
}

impl Fault {
    /// Reads an order.
    pub fn read(body: Value) -> Result<Self, ApiError> {
        let wrong = |message: String| {
            ApiError::new(422, "invalid_input", format!("wrong fault: {message}"))
        };
        let no_answer = "answer must be {status, code, message}, \"gateway\", \"cut\", \"garbled\", \"page\", \"array\", \"text\" or \"empty\"";
        if body
            .get("answer")
            .is_some_and(|said| serde_json::from_value::<Option<Said>>(said.clone()).is_err())
        {
            return Err(wrong(no_answer.to_owned()));
        }
        let fault: Self = serde_json::from_value(body).map_err(|error| wrong(error.to_string()))?;
        match fault.complaint() {
            Some(complaint) => Err(wrong(complaint.to_owned())),
            None => Ok(fault),
        }
    }

    fn complaint(&self) -> Option<&'static str> {
        if self
            .method
            .as_deref()
            .is_some_and(|method| !METHODS.contains(&method))
        {
            return Some("method must be GET, POST, PUT or DELETE");
        }
        if self
            .path
            .as_deref()
            .is_some_and(|path| !path.starts_with('/') || path.starts_with("/v1/"))
        {
            return Some("path begins with / and is what follows /v1");
        }
        if self.nth == 0 {
            return Some("nth counts from 1");
        }
        if self.delay_ms > LONGEST_DELAY_MS {
            return Some("delay_ms is 600000 at most");
        }
        match &self.answer {
            Some(Said::Error(error)) if !(400..600).contains(&error.status) => {
                Some("the status of an error is 400 to 599")
            }
            _ => None,
        }
    }

    fn is_about(&self, method: &str, path: &str) -> bool {
        self.method
            .as_deref()
            .is_none_or(|requested| requested == method)
            && self.path.as_deref().is_none_or(|pattern| {
                let segments =
                    |path: &'_ str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
                fits(&segments(pattern), &segments(path))
            })
    }

    /// Answers with the fault; `real` carries out the request. A late answer is sent at once if the faults
    /// are forgotten.
    pub async fn answer(
        self,
        mut forgotten: Receiver<()>,
        real: impl Future<Output = Response>,
    ) -> Response {
        let needs_it = matches!(self.answer, None | Some(Said::Broken(Broken::Garbled)));
        let real = if self.carry_out || needs_it {
            Some(real.await)
        } else {
            None
        };
        // The delay ends when it is over, or when the faults are forgotten.
        let delay = Duration::from_millis(self.delay_ms);
        let _ = tokio::time::timeout(delay, forgotten.changed()).await;
        match self.answer {
            Some(Said::Error(error)) => {
                ApiError::new(error.status, error.code, error.message).into_response()
            }
            Some(Said::Broken(Broken::Gateway)) => (
                StatusCode::BAD_GATEWAY,
                Html("<html><body><h1>502 Bad Gateway</h1></body></html>"),
            )
                .into_response(),
            Some(Said::Broken(Broken::Cut)) => wire::cut(),
            Some(Said::Broken(Broken::Page)) => {
                Html("<html><body>Please log in</body></html>").into_response()
            }
            Some(Said::Broken(Broken::Array)) => Json(json!([])).into_response(),
            Some(Said::Broken(Broken::Text)) => Json(json!("maintenance")).into_response(),
            Some(Said::Broken(Broken::Empty)) => StatusCode::OK.into_response(),
            Some(Said::Broken(Broken::Garbled)) => garbled(real.unwrap_or_default()).await,
            None => real.unwrap_or_default(),
        }
    }
}

/// `*` stands for a segment, `**` for any rest.
fn fits(pattern: &[String], path: &[String]) -> bool {
    match (pattern, path) {
        ([wild, ..], _) if wild == "**" => true,
        ([], []) => true,
        ([requested, pattern @ ..], [segment, path @ ..]) => {
            (requested == "*" || requested == segment) && fits(pattern, path)
        }
        _ => false,
    }
}

/// An answer with half its body.
async fn garbled(real: Response) -> Response {
    let (mut parts, body) = real.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes.slice(..bytes.len() / 2)))
}

/// A fault and its counters.
#[derive(Serialize)]
struct Ordered {
    #[serde(flatten)]
    fault: Fault,
    #[serde(skip)]
    seen: u64,
    struck: u64,
}

/// All ordered faults.
#[derive(Default, Serialize)]
pub struct Faults {
    faults: Vec<Ordered>,
    #[serde(skip)]
    forgotten: Sender<()>,
}

impl Faults {
    pub fn order(&mut self, fault: Fault) {
        self.faults.push(Ordered {
            fault,
            seen: 0,
            struck: 0,
        });
    }

    /// Removes all faults; answers that they delay are sent now.
    pub fn forget(&mut self) {
        self.faults.clear();
        self.forgotten.send_replace(());
    }

    /// A receiver for the next time that the faults are forgotten.
    pub fn forgotten(&self) -> Receiver<()> {
        self.forgotten.subscribe()
    }

    /// The fault for a call. If several match, it is the one that was ordered first; all of them count the call.
    pub fn met(&mut self, method: &str, path: &str) -> Option<Fault> {
        let mut met: Option<Fault> = None;
        for ordered in &mut self.faults {
            let Fault { nth, times, .. } = ordered.fault;
            if !ordered.fault.is_about(method, path) {
                continue;
            }
            ordered.seen += 1;
            let is_due = ordered.seen >= nth && (times == 0 || ordered.seen - nth < times);
            if is_due && met.is_none() {
                ordered.struck += 1;
                met = Some(ordered.fault.clone());
            }
        }
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_the_calls_it_was_ordered_for() {
        let mut faults = Faults::default();
        faults.order(Fault::read(json!({ "method": "POST", "path": "/servers", "nth": 2, "times": 2, "answer": "cut" })).unwrap());
        let mut post = || faults.met("POST", "/servers").is_some();
        assert_eq!([post(), post(), post(), post()], [false, true, true, false]);
        assert!(faults.met("GET", "/servers").is_none());
        assert_eq!(
            serde_json::to_value(&faults).unwrap()["faults"][0]["struck"],
            2
        );
        faults.order(Fault::read(json!({ "times": 0 })).unwrap());
        assert!((0..9).all(|_| faults.met("GET", "/anything").is_some()));
    }

    #[test]
    fn paths_are_compared_by_segments() {
        for (pattern, path, requested) in [
            ("/servers/*", "/servers/7", true),
            ("/servers/*", "/servers", false),
            ("/servers/*", "/servers/7/actions", false),
            ("/servers/*/actions/*", "/servers/7/actions/reboot", true),
            ("/servers/**", "/servers/7/actions", true),
            ("/**", "/servers", true),
            ("/server", "/servers", false),
        ] {
            let fault = Fault::read(json!({ "path": pattern })).unwrap();
            assert_eq!(fault.is_about("GET", path), requested, "{pattern} {path}");
        }
    }

    #[test]
    fn wrong_faults_are_refused() {
        for wrong in [
            json!({ "method": "get" }),
            json!({ "path": "servers" }),
            json!({ "path": "/v1/servers" }),
            json!({ "nth": 0 }),
            json!({ "nth": -1 }),
            json!({ "answer": "slow" }),
            json!({ "answer": { "status": 200, "code": "a", "message": "b" } }),
            json!({ "answer": { "status": 409 } }),
            json!({ "delay": 1 }),
        ] {
            assert!(Fault::read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}

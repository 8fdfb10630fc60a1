//! Does an HTTP service answer, with this, and how fast?

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::measured::measured;
use crate::core::engine::CheckResult;
use crate::core::error::{Code, Fault};
use crate::core::http::{self, HttpRequest, Manner, Unaskable, WITHIN};
use crate::host::system::System;

/// How much of a bad answer's body is told: enough for the sentence of an app's own error.
const TOLD: usize = 160;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub url: String,
    /// Asked over this socket; the URL then gives the host's name and the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_socket: Option<String>,
    #[serde(default = "get")]
    pub method: String,
    /// Sent as JSON; an empty text is none.
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub body: Option<String>,
    #[serde(default = "ok")]
    pub expect_status: u16,
    /// JSON pointers (RFC 6901) into the answer, and what is to be found there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect_json: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<f64>,
}

/// Playbooks write an empty text where a request has no body.
pub fn text<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

impl Http {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let mut request = self.request();
        // Held while it is asked: the app's user could put something else in its place.
        let mut socket = None;
        if let Some(path) = &self.unix_socket {
            // That of the live slot is reached as nginx reaches it, by a link of root's.
            let Some(found) = system.socket(system.resolve(path)?)? else {
                let why = std::io::Error::from_raw_os_error(nix::libc::ENOENT);
                return Ok(self.unanswered(&format!("({why})")));
            };
            request.unix_socket = Some(socket.insert(found).path());
        }
        // An asker of its own, so that no connection is left over from the question before: the
        // probe must see what a newcomer sees.
        let asker = request.asker(Manner::Probe).map_err(wrong)?;
        let begun = Instant::now();
        let answer = match asker.ask().await {
            Ok(answer) => answer,
            Err(error) => return Ok(self.silent(&error)),
        };
        let took_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let look = measured(
            &format!("{} took", self.request()),
            took_ms,
            "ms",
            self.max_ms,
        );
        let mut what = self.faults(answer.status.as_u16(), &answer.body);
        what.extend(look.change.into_iter().flat_map(|change| change.what));
        Ok(CheckResult {
            figure: look.figure,
            ..CheckResult::from(what)
        })
    }

    fn request(&self) -> HttpRequest {
        HttpRequest {
            method: self.method.clone(),
            body: self.body.clone(),
            unix_socket: self.unix_socket.clone(),
            ..HttpRequest::get(&self.url)
        }
    }

    fn silent(&self, error: &reqwest::Error) -> CheckResult {
        let reason = if error.is_timeout() {
            format!("within {} s", WITHIN.as_secs())
        } else {
            format!("({})", http::reason(error))
        };
        self.unanswered(&reason)
    }

    fn unanswered(&self, reason: &str) -> CheckResult {
        CheckResult::differs(format!("{} got no answer {reason}", self.request()))
    }

    fn faults(&self, status: u16, body: &[u8]) -> Vec<String> {
        if status != self.expect_status {
            let wished = self.expect_status;
            let begins = match first_line(body).as_str() {
                "" => String::new(),
                said => format!("; body begins: {said}"),
            };
            return vec![format!(
                "{} answered {status}, expected {wished}{begins}",
                self.request()
            )];
        }
        if self.expect_json.is_empty() {
            return Vec::new();
        }
        let Ok(found) = serde_json::from_slice::<Value>(body) else {
            return vec![format!("{} did not answer in JSON", self.request())];
        };
        let pairs = self.expect_json.iter();
        pairs
            .filter(|(pointer, wished)| found.pointer(pointer) != Some(wished))
            .map(|(pointer, wished)| {
                let is = found
                    .pointer(pointer)
                    .map_or("absent".to_owned(), Value::to_string);
                format!("{pointer} is {is}, expected {wished}")
            })
            .collect()
    }
}

fn wrong(error: Unaskable) -> anyhow::Error {
    match error {
        Unaskable::Client(_) => error.into(),
        _ => Fault::new(Code::E0201, error.to_string())
            .hint("correct `http` of the probe in the playbook")
            .into(),
    }
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.trim().lines().next().unwrap_or_default();
    line.chars().take(TOLD).collect()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, UnixListener};

    use super::*;

    const READY: &str = r#"{"ok":true,"rows":{"servicios":4777}}"#;

    fn probe(url: &str, more: &str) -> Http {
        serde_yaml::from_str(&format!("url: {url}\n{more}")).unwrap()
    }

    fn reply(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    /// Asks a server that gives one answer, and returns the sentences and what the server was sent.
    async fn ask(more: &str, reply: String) -> (Vec<String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ready", listener.local_addr().unwrap());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = vec![0; 4096];
            let length = stream.read(&mut sent).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&sent[..length]).into_owned()
        };
        let probe = probe(&url, more);
        let system = System::host();
        let (look, sent) = tokio::join!(probe.answer(&system), serve);
        let look = look.unwrap();
        assert!(look.figure.is_some_and(|figure| figure.unit == "ms"));
        (look.change.unwrap_or_default().what, sent)
    }

    #[tokio::test]
    async fn is_content_with_the_status_and_the_json() {
        let more = "expect_json: { /ok: true, /rows/servicios: 4777 }\nmax_ms: 3600000";
        let (what, sent) = ask(more, reply("200 OK", READY)).await;
        assert!(what.is_empty(), "{what:?}");
        assert!(sent.starts_with("GET /ready HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn names_what_is_wrong_in_the_json() {
        let more = "expect_json: { /ok: false, /rows/agentes: 1 }";
        let (what, _) = ask(more, reply("200 OK", READY)).await;
        assert_eq!(
            what,
            [
                "/ok is true, expected false",
                "/rows/agentes is absent, expected 1"
            ]
        );
        let (what, _) = ask(more, reply("200 OK", "<html>")).await;
        assert!(what[0].ends_with("did not answer in JSON"), "{what:?}");
    }

    #[tokio::test]
    async fn tells_what_the_service_says_with_a_bad_status() {
        let bad = reply("503 Service Unavailable", "no rows in propiedades\nmore");
        let (what, sent) = ask("method: POST\nbody: '{}'", bad).await;
        assert!(
            what[0].ends_with("answered 503, expected 200; body begins: no rows in propiedades"),
            "{what:?}"
        );
        assert!(sent.contains("content-type: application/json") && sent.ends_with("{}"));
    }

    #[tokio::test]
    async fn follows_no_redirect_and_minds_the_limit() {
        let moved =
            "HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
        let (what, _) = ask("expect_status: 301\nmax_ms: 0.00001", moved.to_owned()).await;
        assert_eq!(what.len(), 1, "{what:?}");
        assert!(
            what[0].contains("ms, expected at most 0.00001 ms"),
            "{what:?}"
        );
    }

    #[tokio::test]
    async fn asks_over_a_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = vec![0; 4096];
            assert!(stream.read(&mut sent).await.unwrap() > 0);
            let reply = reply("200 OK", READY);
            stream.write_all(reply.as_bytes()).await.unwrap();
        };
        let probe = probe(
            "http://app/ready",
            &format!("unix_socket: {}", path.display()),
        );
        let system = System::host();
        let (look, ()) = tokio::join!(probe.answer(&system), serve);
        assert!(look.unwrap().change.is_none());
    }
}

//! One request to one provider.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::settings::{Access, Key, Provider};

/// Bytes of an answer at most.
const SIZE: usize = 1024 * 1024;

/// A turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: &'static str,
    pub content: String,
}

/// A request to a model.
#[derive(Debug, Clone, Serialize)]
pub struct Prompt {
    pub messages: Vec<Message>,
    pub max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    /// Whether it stopped at the token limit.
    pub cut: bool,
    /// Tokens of the prompt and of the answer, if the provider says so.
    pub tokens: Option<(u64, u64)>,
}

/// Why there is no answer; with the original's names if it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Clase)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    RateLimit,
    ServerError,
    AuthError,
    ConnectionError,
    Timeout,
    Rejected,
    InvalidAnswer,
    NotGrounded,
    CircuitOpen,
    Busy,
}

/// A fault, and the provider's `Retry-After`.
#[derive(Debug, Clone, Copy)]
pub struct Failed {
    pub fault: Fault,
    pub retry_after: Option<Duration>,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Failed {
            fault,
            retry_after: None,
        }
    }
}

/// A provider that can be asked.
#[derive(Debug)]
pub struct Endpoint {
    pub name: String,
    pub timeout: Duration,
    url: String,
    model: String,
    key: Option<Key>,
    http: Client,
}

impl Endpoint {
    /// The provider of the settings; none if its key is not there.
    pub fn new(provider: &Provider, http: Client) -> anyhow::Result<Option<Self>> {
        let key = match provider.access()? {
            Access::With(key) => Some(key),
            Access::Open => None,
            Access::Missing => return Ok(None),
        };
        Ok(Some(Endpoint {
            name: provider.name.clone(),
            timeout: Duration::from_secs(provider.timeout_s),
            url: format!(
                "{}/chat/completions",
                provider.base_url.trim_end_matches('/')
            ),
            model: provider.model.clone(),
            key,
            http,
        }))
    }

    /// Asks once.
    pub async fn ask(&self, prompt: &Prompt) -> Result<Reply, Failed> {
        #[derive(Serialize)]
        struct Body<'a> {
            model: &'a str,
            stream: bool,
            #[serde(flatten)]
            prompt: &'a Prompt,
        }
        let body = serde_json::to_vec(&Body {
            model: &self.model,
            stream: false,
            prompt,
        })
        .map_err(|_| Fault::Rejected)?;
        let mut request = self
            .http
            .post(&self.url)
            .timeout(self.timeout)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.reveal());
        }
        let response = request.send().await.map_err(|error| network(&error))?;
        if !response.status().is_success() {
            return Err(refused(&response));
        }
        reply(&whole(response).await?).ok_or_else(|| Fault::InvalidAnswer.into())
    }
}

/// The error is dropped, because its text contains addresses.
fn network(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::Timeout
    } else {
        Fault::ConnectionError
    }
}

fn refused(response: &Response) -> Failed {
    let fault = match response.status() {
        StatusCode::TOO_MANY_REQUESTS => Fault::RateLimit,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Fault::AuthError,
        status if status.is_server_error() => Fault::ServerError,
        _ => Fault::Rejected,
    };
    let wait = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    Failed {
        fault,
        retry_after: wait.and_then(|wait| retry_after(wait, SystemTime::now())),
    }
}

/// Seconds, or a date.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

async fn whole(mut response: Response) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= SIZE => bytes.extend_from_slice(&chunk),
            Err(error) if error.is_timeout() => return Err(Fault::Timeout),
            // Too long, or cut after a good start.
            Ok(Some(_)) | Err(_) => return Err(Fault::InvalidAnswer),
        }
    }
}

fn reply(bytes: &[u8]) -> Option<Reply> {
    #[derive(Deserialize)]
    struct Completion {
        choices: Vec<Choice>,
        usage: Option<Usage>,
    }
    #[derive(Deserialize)]
    struct Choice {
        message: Said,
        finish_reason: Option<String>,
    }
    #[derive(Deserialize)]
    struct Said {
        content: Option<String>,
    }
    #[derive(Deserialize)]
    struct Usage {
        prompt_tokens: u64,
        completion_tokens: u64,
    }
    let completion: Completion = serde_json::from_slice(bytes).ok()?;
    let choice = completion.choices.into_iter().next()?;
    let text = choice.message.content?.trim().to_owned();
    (!text.is_empty()).then(|| Reply {
        text,
        cut: choice.finish_reason.as_deref() == Some("length"),
        tokens: completion
            .usage
            .map(|usage| (usage.prompt_tokens, usage.completion_tokens)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT").unwrap();
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Wed, 21 Oct 2026 07:28:30 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after("Wed, 21 Oct 2026 07:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("-1", now), None);
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn only_a_completion_is_a_reply() {
        let good = br#"{"choices":[{"message":{"content":" Hola "},"finish_reason":"length"}]}"#;
        assert_eq!(
            reply(good),
            Some(Reply {
                text: "Hola".to_owned(),
                cut: true,
                tokens: None
            })
        );
        for bad in [
            "",
            "<html>",
            "{}",
            r#"{"choices":[]}"#,
            r#"{"choices":[{"message":{"content":null}}]}"#,
            r#"{"choices":[{"message":{"content":"  "}}]}"#,
            r#"{"choices":[{"message":{"conte"#,
        ] {
            assert_eq!(reply(bad.as_bytes()), None, "{bad}");
        }
    }
}

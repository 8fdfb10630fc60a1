//! How bodies are read, and the forms that names and labels must have.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::ApiError;
use crate::store::SERVERS;

/// A JSON body, whatever its content type says; an empty one is `{}`, as clients send both.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|error| {
                ApiError::new(
                    400,
                    "json_error",
                    format!("the body cannot be read: {error}"),
                )
            })?;
        let text = if bytes.iter().all(u8::is_ascii_whitespace) {
            &b"{}"[..]
        } else {
            &bytes[..]
        };
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            ApiError::new(400, "json_error", format!("the body is no JSON: {error}"))
        })?;
        if !value.is_object() {
            return Err(ApiError::new(
                400,
                "json_error",
                "the body is no JSON object",
            ));
        }
        serde_json::from_value(value)
            .map(Self)
            .map_err(|error| ApiError::invalid(&field(&error.to_string()), error.to_string()))
    }
}

/// The field that serde speaks of, in its own quotes.
fn field(message: &str) -> String {
    message
        .split('`')
        .nth(1)
        .filter(|_| message.contains("field"))
        .unwrap_or("body")
        .to_owned()
}

/// A name; that of a server is a host name (RFC 1123).
pub fn name(kind: &str, name: &Value) -> Result<String, ApiError> {
    let text = name.as_str().unwrap_or_default();
    if text.trim().is_empty() || text.len() > 128 {
        return Err(ApiError::invalid("name", "must have 1 to 128 characters"));
    }
    if kind == SERVERS && !is_host_name(text) {
        return Err(ApiError::invalid("name", "is not a valid hostname"));
    }
    Ok(text.to_owned())
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
            (1..=63).contains(&label.len())
                && label.chars().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// Labels as they are kept; absent ones are none.
pub fn labels(wish: Option<Value>) -> Result<Value, ApiError> {
    let labels = wish
        .filter(|value| !value.is_null())
        .unwrap_or_else(|| json!({}));
    let wrong = |message: String| Err(ApiError::invalid("labels", message));
    let Some(map) = labels.as_object() else {
        return wrong("must be an object of strings".to_owned());
    };
    for (key, value) in map {
        let (prefix, name) = key
            .rsplit_once('/')
            .map_or((None, key.as_str()), |(prefix, name)| (Some(prefix), name));
        if !is_word(name) || prefix.is_some_and(|prefix| !is_host_name(prefix)) {
            return wrong(format!("`{key}` is no valid key"));
        }
        if prefix == Some("hetzner.cloud") {
            return wrong(format!("the prefix of `{key}` is reserved"));
        }
        match value.as_str() {
            Some(text) if text.is_empty() || is_word(text) => {}
            _ => return wrong(format!("the value of `{key}` is not valid")),
        }
    }
    Ok(labels)
}

/// 1 to 63 of `[A-Za-z0-9._-]`, beginning and ending with a letter or digit.
fn is_word(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().next_back())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_form_of_the_api() {
        for good in [
            json!({ "app": "x" }),
            json!({ "example.com/app": "" }),
            json!({ "a": "1.2_3-4" }),
        ] {
            assert!(labels(Some(good.clone())).is_ok(), "{good}");
        }
        for bad in [
            json!({ "a": "-x" }),
            json!({ "": "x" }),
            json!({ "hetzner.cloud/a": "x" }),
            json!({ "a": 1 }),
            json!([]),
        ] {
            assert!(labels(Some(bad.clone())).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_has_a_host_name() {
        assert!(name(SERVERS, &json!("web-1.example.com")).is_ok());
        for bad in ["web_1", "-a", "a-", "a..b", ""] {
            assert!(name(SERVERS, &json!(bad)).is_err(), "{bad}");
        }
    }
}

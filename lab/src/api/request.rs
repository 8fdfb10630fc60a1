//! Reads bodies, and checks names and labels.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::ApiError;
use crate::store::{SERVERS, Store, VOLUMES};

/// A JSON body, whatever its content type; an empty one counts as `{}`, because some clients send that.
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
            ApiError::new(400, "json_error", format!("the body is not JSON: {error}"))
        })?;
        if !value.is_object() {
            return Err(ApiError::new(
                400,
                "json_error",
                "the body is not a JSON object",
            ));
        }
        serde_json::from_value(value)
            .map(Self)
            .map_err(|error| ApiError::invalid(&field(&error.to_string()), error.to_string()))
    }
}

/// The field that serde's message names in backquotes.
fn field(message: &str) -> String {
    message
        .split('`')
        .nth(1)
        .filter(|_| message.contains("field"))
        .unwrap_or("body")
        .to_owned()
}

fn given<'w>(body: &'w Value, key: &str) -> Option<&'w Value> {
    body.get(key).filter(|value| !value.is_null())
}

/// A boolean of a body; absent and null are none.
pub fn flag(body: &Value, key: &str) -> Result<Option<bool>, ApiError> {
    let read = |value: &Value| {
        let wrong = || ApiError::invalid(key, "must be true or false");
        value.as_bool().ok_or_else(wrong)
    };
    given(body, key).map(read).transpose()
}

/// A whole number, such as an id.
pub fn number(body: &Value, key: &str) -> Result<Option<u64>, ApiError> {
    let read = |value: &Value| {
        let wrong = || ApiError::invalid(key, "must be a whole number");
        value.as_u64().ok_or_else(wrong)
    };
    given(body, key).map(read).transpose()
}

/// A string.
pub fn text<'w>(body: &'w Value, key: &str) -> Result<Option<&'w str>, ApiError> {
    let read = |value: &'w Value| {
        let wrong = || ApiError::invalid(key, "must be a string");
        value.as_str().ok_or_else(wrong)
    };
    given(body, key).map(read).transpose()
}

/// A list; absent and null are empty.
pub fn list<'w>(body: &'w Value, key: &str) -> Result<&'w [Value], ApiError> {
    let read = |value: &'w Value| {
        let wrong = || ApiError::invalid(key, "must be a list");
        value.as_array().map(Vec::as_slice).ok_or_else(wrong)
    };
    given(body, key).map_or(Ok(&[]), read)
}

/// A required value.
pub fn needed<T>(key: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::invalid(key, "is missing"))
}

/// One of these words.
pub fn one_of<'w>(key: &str, word: &'w str, words: &[&str]) -> Result<&'w str, ApiError> {
    if words.contains(&word) {
        return Ok(word);
    }
    let message = format!("must be one of {}", words.join(", "));
    Err(ApiError::invalid(key, message))
}

/// A name; the name of a server must be a host name (RFC 1123).
pub fn name(kind: &str, name: &Value) -> Result<String, ApiError> {
    let text = name.as_str().unwrap_or_default();
    if text.trim().is_empty() || text.len() > 128 {
        return Err(ApiError::invalid("name", "must have 1 to 128 characters"));
    }
    if kind == SERVERS && !is_host_name(text) {
        return Err(ApiError::invalid("name", "is not a valid hostname"));
    }
    if kind == VOLUMES && !is_word(text, 64) {
        let message = "must have 1 to 64 letters, digits, dashes, underscores and dots";
        return Err(ApiError::invalid("name", message));
    }
    Ok(text.to_owned())
}

/// Whether a text is a host name (RFC 1123).
pub fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
            (1..=63).contains(&label.len())
                && label.chars().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// Hetzner's own limit.
const USER_DATA_BYTES: usize = 32 << 10;

/// Checks the size of user data.
pub fn user_data(text: Option<&str>) -> Result<(), ApiError> {
    match text {
        Some(text) if text.len() > USER_DATA_BYTES => {
            Err(ApiError::invalid("user_data", "is longer than 32768 bytes"))
        }
        _ => Ok(()),
    }
}

/// Checks labels; absent ones are `{}`.
pub fn labels(body: Option<Value>) -> Result<Value, ApiError> {
    let labels = body
        .filter(|value| !value.is_null())
        .unwrap_or_else(|| json!({}));
    let wrong = |message: String| Err(ApiError::invalid("labels", message));
    let Some(map) = labels.as_object() else {
        return wrong("must be an object of strings".to_owned());
    };
    for (key, value) in map {
        if !is_label_key(key) {
            return wrong(format!("`{key}` is not a valid key"));
        }
        if key.starts_with("hetzner.cloud/") {
            return wrong(format!("the prefix of `{key}` is reserved"));
        }
        match value.as_str() {
            Some(text) if is_label_value(text) => {}
            _ => return wrong(format!("the value of `{key}` is not valid")),
        }
    }
    Ok(labels)
}

/// Sets the labels of an object if the body has some.
pub fn relabel(store: &mut Store, kind: &str, id: u64, body: &Value) -> Result<(), ApiError> {
    let Some(requested) = given(body, "labels") else {
        return Ok(());
    };
    let labels = labels(Some(requested.clone()))?;
    if let Some(object) = store.get_mut(kind, id) {
        object["labels"] = labels;
    }
    Ok(())
}

/// The key of a label, with a prefix or without.
pub fn is_label_key(key: &str) -> bool {
    match key.rsplit_once('/') {
        Some((prefix, name)) => is_host_name(prefix) && is_word(name, 63),
        None => is_word(key, 63),
    }
}

/// The value of a label, which may be empty.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_word(text, 63)
}

/// 1 to `longest` of `[A-Za-z0-9._-]`, beginning and ending with a letter or digit.
fn is_word(text: &str, longest: usize) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= longest
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

//! How a call to the API can fail, and the sentence that the operator reads of it.

use std::fmt;

use serde::Deserialize;

use super::answers::or_default;
use super::words::ApiCode;
use crate::core::error::{Code, Fault};

/// The API's error envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    pub status: u16,
    pub code: ApiCode,
    pub message: String,
    pub fields: Vec<Field>,
    /// Names the request to Hetzner's support.
    pub correlation: Option<String>,
    /// How many requests the project may send in an hour.
    pub hourly_limit: Option<u32>,
}

/// A field of the request that the API finds wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Field {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub messages: Vec<String>,
}

/// A call that did not end well, by what is known of its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No connection: the request was never sent.
    Unreachable(String),
    /// Sent, and no whole answer came: it may have been carried out.
    Lost(String),
    /// Carried out, and the answer could not be read.
    Garbled(String),
    Api(ApiError),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    error: Body,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(deserialize_with = "or_default")]
    code: String,
    #[serde(deserialize_with = "or_default")]
    message: String,
    #[serde(deserialize_with = "or_default")]
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(deserialize_with = "or_default")]
    fields: Vec<Field>,
}

impl ApiError {
    /// An answer without the envelope (a gateway's page) gets a code by its status.
    pub fn parse(status: u16, content: &str) -> Self {
        let body = serde_json::from_str::<Envelope>(content)
            .unwrap_or_default()
            .error;
        if body.code.is_empty() {
            return Self {
                status,
                code: ApiCode::of_status(status),
                message: "the answer was not the API's own".to_owned(),
                ..Self::default()
            };
        }
        Self {
            status,
            code: body.code.into(),
            message: body.message,
            fields: body.details.fields,
            ..Self::default()
        }
    }

    fn has(&self, codes: &[ApiCode]) -> bool {
        codes.contains(&self.code)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, HTTP {}", self.message, self.code, self.status)?;
        for field in &self.fields {
            write!(f, "; {}", field.name)?;
            if !field.messages.is_empty() {
                write!(f, ": {}", field.messages.join(", "))?;
            }
        }
        if let Some(id) = &self.correlation {
            write!(f, "; request {id}")?;
        }
        f.write_str(")")
    }
}

impl CallError {
    pub fn is(&self, code: &ApiCode) -> bool {
        matches!(self, CallError::Api(error) if error.code == *code)
    }

    /// Whether this field of the request was named by the API.
    pub fn names(&self, field: &str) -> bool {
        matches!(self, CallError::Api(error) if error.fields.iter().any(|found| found.name == field))
    }

    /// Surely nothing was carried out, and the same request may work in a while.
    pub fn try_later(&self) -> bool {
        match self {
            CallError::Unreachable(_) => true,
            CallError::Api(error) => error.has(&[
                ApiCode::Conflict,
                ApiCode::Locked,
                ApiCode::RateLimitExceeded,
            ]),
            _ => false,
        }
    }

    /// It may have been carried out: a create must look before it is sent again.
    pub fn unknown_outcome(&self) -> bool {
        match self {
            CallError::Lost(_) | CallError::Garbled(_) => true,
            CallError::Api(error) => {
                error.status >= 500
                    || error.has(&[
                        ApiCode::ServiceError,
                        ApiCode::Maintenance,
                        ApiCode::Unavailable,
                        ApiCode::Timeout,
                    ])
            }
            CallError::Unreachable(_) => false,
        }
    }

    /// Sending a harmless request again may help.
    pub fn transient(&self) -> bool {
        let garbled = matches!(self, CallError::Garbled(_));
        self.try_later() || (self.unknown_outcome() && !garbled)
    }

    /// The sentence for the operator. `doing` completes "could not …".
    pub fn told(&self, doing: &str) -> Fault {
        let (code, why) = match self {
            CallError::Unreachable(why) => (
                Code::E0302,
                format!("the Hetzner API cannot be reached: {why}"),
            ),
            CallError::Lost(why) => (
                Code::E0302,
                format!("the Hetzner API did not answer: {why}"),
            ),
            CallError::Garbled(why) => (
                Code::E0303,
                format!("the answer of the Hetzner API cannot be parsed: {why}"),
            ),
            CallError::Api(error) => (fault_code(error), format!("the Hetzner API says: {error}")),
        };
        let fault = Fault::new(code, format!("could not {doing}: {why}"));
        match self.advice() {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        let CallError::Api(error) = self else {
            return matches!(self, CallError::Unreachable(_) | CallError::Lost(_)).then_some(
                "check the network and HCLOUD_ENDPOINT, then run the command again: existing resources are found by their labels",
            );
        };
        match error.code {
            ApiCode::TokenReadonly => Some(
                "the token is read-only: create one with read and write access in the Hetzner console",
            ),
            ApiCode::Unauthorized | ApiCode::Forbidden => {
                Some("check that HCLOUD_TOKEN is a token of the right project")
            }
            ApiCode::ResourceLimitExceeded => Some(
                "the limit of the project is reached: delete unused resources, or ask Hetzner to raise the limit",
            ),
            ApiCode::Protected => Some("run `citrino-ops destroy --unprotect` first"),
            ApiCode::ResourceUnavailable | ApiCode::PlacementError => Some(
                "nothing was created: try again later, or choose another server type or location; `citrino-ops plan` lists them",
            ),
            ApiCode::RateLimitExceeded => {
                Some("the project has used up its API requests for this hour: wait some minutes")
            }
            ApiCode::DeprecatedApiEndpoint => {
                Some("this version of citrino-ops is too old for the API")
            }
            _ => None,
        }
    }
}

fn fault_code(error: &ApiError) -> Code {
    match error.code {
        ApiCode::Unauthorized | ApiCode::Forbidden | ApiCode::TokenReadonly => Code::E0301,
        ApiCode::ResourceUnavailable | ApiCode::PlacementError => Code::E0304,
        ApiCode::UniquenessError => Code::E0306,
        ApiCode::Protected => Code::E0310,
        _ if error.status == 401 => Code::E0301,
        _ => Code::E0303,
    }
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        // The address is told elsewhere, and may hold what must not be told.
        let error = error.without_url();
        let why = innermost(&error);
        if error.is_builder() || error.is_connect() {
            CallError::Unreachable(why)
        } else {
            CallError::Lost(why)
        }
    }
}

/// reqwest's own text says only "error sending request"; the cause says why.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_read_leniently() {
        let text = r#"{"error":{"code":"invalid_input","message":"invalid input in field 'name'","details":{"fields":[{"name":"name","messages":["is too long"]}]}}}"#;
        let error = ApiError::parse(422, text);
        assert_eq!(
            error.to_string(),
            "invalid input in field 'name' (invalid_input, HTTP 422; name: is too long)"
        );
        for details in ["null", "{}", r#"{"fields":null}"#] {
            let text = format!(
                r#"{{"error":{{"code":"resource_unavailable","message":"m","details":{details}}}}}"#
            );
            assert_eq!(
                ApiError::parse(412, &text).code,
                ApiCode::ResourceUnavailable
            );
        }
        assert_eq!(ApiError::parse(502, "<html>").code, ApiCode::BadGateway);
    }

    #[test]
    fn outcomes_are_told_apart() {
        let of = |status, code: &str| {
            CallError::Api(ApiError {
                status,
                code: code.to_owned().into(),
                ..ApiError::default()
            })
        };
        assert!(of(409, "conflict").try_later());
        assert!(of(429, "rate_limit_exceeded").try_later());
        assert!(!of(409, "uniqueness_error").transient());
        assert!(!of(412, "resource_unavailable").transient());
        assert!(!of(423, "protected").transient());
        assert!(of(504, "timeout").unknown_outcome());
        assert!(!CallError::Unreachable(String::new()).unknown_outcome());
        assert!(!CallError::Garbled(String::new()).transient());
    }
}

//! How a call to the API can fail, and the sentence that the operator reads of it.

use std::fmt;

use serde::Deserialize;

use super::answers::{NameAnswer, or_default};
use super::words::ApiCode;
use crate::core::error::{Code, Fault};
use crate::core::http;

/// Where a setting of the API comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SettingSource {
    /// Its variable in the environment.
    #[default]
    Environment,
    /// citrino.yml.
    Configuration,
    /// Nobody set it.
    BuiltIn,
}

/// Where the token and the endpoint come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiSources {
    pub token: SettingSource,
    pub endpoint: SettingSource,
}

impl ApiSources {
    fn token(self) -> &'static str {
        match self.token {
            SettingSource::Environment | SettingSource::BuiltIn => "HCLOUD_TOKEN",
            SettingSource::Configuration => "`cloud.token` in citrino.yml",
        }
    }

    /// What to check beside the network.
    fn endpoint(self) -> &'static str {
        match self.endpoint {
            SettingSource::Environment => " and HCLOUD_ENDPOINT",
            SettingSource::Configuration => " and `cloud.endpoint` in citrino.yml",
            SettingSource::BuiltIn => "",
        }
    }
}

/// The API's error envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    pub status: u16,
    pub code: ApiCode,
    pub message: String,
    pub fields: Vec<Field>,
    /// The limits of the account that it would exceed, by name.
    pub limits: Vec<String>,
    /// Names the request to Hetzner's support.
    pub correlation: Option<String>,
    /// How many requests the project may send in an hour.
    pub hourly_limit: Option<u32>,
    pub sources: ApiSources,
}

/// Why nothing, or nothing whole, was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    pub why: String,
    pub sources: ApiSources,
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
    Unreachable(Silence),
    /// Sent, and no whole answer came: it may have been carried out.
    Lost(Silence),
    /// Carried out, and the answer could not be read.
    Garbled(String),
    Api(Box<ApiError>),
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
    #[serde(deserialize_with = "or_default")]
    limits: Vec<NameAnswer>,
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
            limits: body
                .details
                .limits
                .into_iter()
                .map(|one| one.name)
                .collect(),
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
    /// The same of a call with a token and an endpoint from there.
    pub fn by(mut self, sources: ApiSources) -> Self {
        match &mut self {
            CallError::Unreachable(silence) | CallError::Lost(silence) => silence.sources = sources,
            CallError::Api(error) => error.sources = sources,
            CallError::Garbled(_) => {}
        }
        self
    }

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

    /// Why it is asked again.
    pub fn as_reason(&self) -> String {
        match self {
            CallError::Api(error) if error.code == ApiCode::RateLimitExceeded => {
                "waiting for the Hetzner API: the project has used up its requests for this hour"
                    .to_owned()
            }
            CallError::Unreachable(silence) | CallError::Lost(silence) => {
                format!("waiting for the Hetzner API: {}", silence.why)
            }
            CallError::Garbled(why) => format!("waiting for the Hetzner API: {why}"),
            CallError::Api(error) => format!("waiting for the Hetzner API: {error}"),
        }
    }

    /// The sentence for the operator. `doing` completes "could not …".
    pub fn told(&self, doing: &str) -> Fault {
        let (code, why) = match self {
            CallError::Unreachable(silence) => (
                Code::E0302,
                format!("the Hetzner API cannot be reached: {}", silence.why),
            ),
            CallError::Lost(silence) => (
                Code::E0302,
                format!("the Hetzner API did not answer: {}", silence.why),
            ),
            CallError::Garbled(why) => (
                Code::E0303,
                format!("what answered is not the Hetzner API, or not as it is known: {why}"),
            ),
            CallError::Api(error) => (fault_code(error), format!("the Hetzner API says: {error}")),
        };
        let fault = Fault::new(code, format!("could not {doing}: {why}"));
        match self.advice() {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            CallError::Unreachable(silence) | CallError::Lost(silence) => {
                let also = silence.sources.endpoint();
                Some(format!(
                    "check the network{also}, then run the command again"
                ))
            }
            CallError::Garbled(_) => Some(
                "something on the way may have answered in the API's place: check the address that is asked and its proxies, then run the command again".to_owned(),
            ),
            CallError::Api(error) => error.advice(),
        }
    }
}

impl ApiError {
    fn advice(&self) -> Option<String> {
        let token = self.sources.token();
        let told = match self.code {
            ApiCode::TokenReadonly => {
                return Some(format!(
                    "the token from {token} is read-only: create one with read and write access in the Hetzner console"
                ));
            }
            ApiCode::Unauthorized | ApiCode::Forbidden => {
                return Some(format!(
                    "check that {token} is a token of the right project"
                ));
            }
            ApiCode::ResourceLimitExceeded => return Some(self.limit_advice()),
            ApiCode::Protected => {
                "somebody protected it: lift the protection in the Hetzner console, then run the command again"
            }
            ApiCode::ResourceUnavailable | ApiCode::PlacementError => {
                "try again later, or choose another server type or location; `citrino-ops plan` lists them"
            }
            ApiCode::ResourceLocked => "Hetzner has locked it: contact Hetzner's support",
            ApiCode::RateLimitExceeded => {
                "the project has used up its API requests for this hour: wait some minutes"
            }
            ApiCode::DeprecatedApiEndpoint => "this version of citrino-ops is too old for the API",
            _ => return None,
        };
        Some(told.to_owned())
    }
}

impl ApiError {
    fn limit_advice(&self) -> String {
        let limit = match self.limits.as_slice() {
            [] => "a limit of the account is reached".to_owned(),
            [one] => format!("the account's limit {one} is reached"),
            many => format!("the account's limits {} are reached", many.join(", ")),
        };
        format!(
            "{limit}: delete unused resources, or ask Hetzner to raise it in the console under Limits"
        )
    }
}

fn fault_code(error: &ApiError) -> Code {
    match error.code {
        ApiCode::Unauthorized | ApiCode::Forbidden | ApiCode::TokenReadonly => Code::E0301,
        ApiCode::ResourceUnavailable | ApiCode::PlacementError => Code::E0313,
        ApiCode::ResourceLimitExceeded => Code::E0314,
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
        let silence = Silence {
            why: http::reason(&error),
            sources: ApiSources::default(),
        };
        if error.is_builder() || error.is_connect() {
            CallError::Unreachable(silence)
        } else {
            CallError::Lost(silence)
        }
    }
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
            CallError::Api(Box::new(ApiError {
                status,
                code: code.to_owned().into(),
                ..ApiError::default()
            }))
        };
        assert!(of(409, "conflict").try_later());
        assert!(of(429, "rate_limit_exceeded").try_later());
        assert!(!of(409, "uniqueness_error").transient());
        assert!(!of(412, "resource_unavailable").transient());
        assert!(!of(423, "protected").transient());
        assert!(of(504, "timeout").unknown_outcome());
        assert!(!CallError::Unreachable(Silence::default()).unknown_outcome());
        assert!(!CallError::Garbled(String::new()).transient());
    }

    #[test]
    fn a_hint_names_where_the_token_and_the_endpoint_come_from() {
        let sources = ApiSources {
            token: SettingSource::Configuration,
            endpoint: SettingSource::Configuration,
        };
        let hint = |error: CallError| error.by(sources).told("list the servers").hint.unwrap();
        let refused = CallError::Api(Box::new(ApiError::parse(401, "")));
        assert_eq!(
            hint(refused),
            "check that `cloud.token` in citrino.yml is a token of the right project"
        );
        assert_eq!(
            hint(CallError::Lost(Silence::default())),
            "check the network and `cloud.endpoint` in citrino.yml, then run the command again"
        );
        let own = CallError::Unreachable(Silence::default()).by(ApiSources {
            endpoint: SettingSource::BuiltIn,
            ..sources
        });
        let own = own.told("list the servers");
        assert_eq!(
            own.hint.unwrap(),
            "check the network, then run the command again"
        );
    }
}

//! An origin whose pages may send requests.

use axum::http::{HeaderValue, Uri};
use serde::{Deserialize, Serialize};

/// A scheme, a host and maybe a port, and nothing after them: `https://citrino.example`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(HeaderValue);

impl Origin {
    /// As browsers write it into `Origin`.
    pub fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parsed = text.parse::<Uri>().ok();
        let whole = parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri
                    .authority()
                    .is_some_and(|host| text.ends_with(host.as_str()))
        });
        match HeaderValue::from_str(&text) {
            Ok(header) if whole => Ok(Origin(header)),
            _ => Err(format!(
                "\"{text}\" is not an origin; write https://citrino.example, without a path"
            )),
        }
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0.to_str().unwrap_or_default().to_owned()
    }
}

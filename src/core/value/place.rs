//! Places on the web.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{checked_text, shown};

/// An address that begins with `https://` or `http://`, without a name and a password in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct HttpUrl(String);

checked_text!(HttpUrl);

impl HttpUrl {
    fn refusal(text: &str) -> Option<String> {
        let is_line = !text.contains(|c: char| c.is_control() || c.is_whitespace());
        let url = reqwest::Url::parse(text).ok();
        let is_place = url.is_some_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        (!is_line || !is_place).then(|| {
            format!(
                "must be an address such as https://HOST, not `{}`",
                shown(text)
            )
        })
    }

    /// Whether it is read on the way by nobody.
    pub fn is_https(&self) -> bool {
        // The scheme was parsed, which takes it in any case.
        self.0
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }
}

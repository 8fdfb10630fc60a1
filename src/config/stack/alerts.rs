//! Who is told when something fails, and how: the sections `alerts` and `notify` of citrino.yml.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SecretSource;
use crate::core::secret::DOTS;
use crate::core::value::{Address, Email, HttpUrl, Port, TextLine};
use crate::core::webhook::{HookFormat, NoticeEvent};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// The addresses to write to. They need a `relay`.
    #[schemars(extend("x-applied" = "host"))]
    pub email: Vec<Email>,
    /// Who the mails are from. The default is `alerts@` and the domain.
    #[schemars(extend("x-applied" = "host"))]
    pub from: Option<Email>,
    /// The SMTP server that accepts the mail of the host and delivers it.
    pub relay: Option<Relay>,
    /// An URL that the host requests every five minutes, so that somebody else notices when it no longer does: a push monitor of Uptime Kuma, a check of healthchecks.io. It is kept as a secret.
    #[schemars(extend("x-applied" = "host"))]
    pub heartbeat: Option<UrlSource>,
}

/// A mail server that takes mail from the host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// The name of the mail server. Its certificate must be for this name.
    #[schemars(extend("x-applied" = "host"))]
    pub host: Address,
    /// The port of the mail server. The default is that of `tls`: 587, 465 or 25.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub port: Option<Port>,
    /// The account at the mail server.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub user: Option<TextLine>,
    /// The password of the account.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub password: Option<SecretSource>,
    /// How the connection is encrypted.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub tls: RelayTls,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelayTls {
    /// The connection begins in the clear and must become encrypted, as on port 587.
    #[default]
    Starttls,
    /// The connection is encrypted from its begin, as on port 465.
    Tls,
    /// The connection is not encrypted. Refused with a password.
    None,
}

/// A webhook that hears of deploys, failures and recoveries.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Where to post to. It is kept as a secret.
    #[schemars(extend("x-applied" = "host"))]
    pub url: UrlSource,
    /// What is posted.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub format: HookFormat,
    /// What it hears of.
    #[serde(default = "NoticeEvent::all")]
    #[schemars(extend("x-applied" = "host"))]
    pub events: Vec<NoticeEvent>,
}

impl Alerts {
    /// Who the mails are from, for a site of this name.
    pub fn sender(&self, domain: &str) -> String {
        let own = || format!("alerts@{domain}");
        self.from.as_ref().map_or_else(own, ToString::to_string)
    }
}

impl Relay {
    pub fn port(&self) -> u16 {
        let usual = match self.tls {
            RelayTls::Starttls => 587,
            RelayTls::Tls => 465,
            RelayTls::None => 25,
        };
        self.port.map_or(usual, |port| *port)
    }
}

/// An URL that whoever knows it may use: as it is, or where it comes from. It never comes out again as it was written.
#[derive(Clone)]
pub enum UrlSource {
    Plain(HttpUrl),
    From(SecretSource),
}

const REFUSAL: &str = "must be an URL such as https://HOST/…, or name where it comes from, by `env`, `file` or `command`";

impl fmt::Debug for UrlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str(DOTS),
            Self::From(source) => source.fmt(f),
        }
    }
}

impl Serialize for UrlSource {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(_) => into.serialize_str(DOTS),
            Self::From(source) => source.serialize(into),
        }
    }
}

impl<'de> Deserialize<'de> for UrlSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UrlText)
    }
}

/// What stands in the place of an URL. It may be a secret, so that no refusal repeats it.
struct UrlText;

impl<'de> Visitor<'de> for UrlText {
    type Value = UrlSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an URL, or a source of one")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<UrlSource, E> {
        let url = HttpUrl::try_from(text.to_owned());
        url.map(UrlSource::Plain).map_err(|_| E::custom(REFUSAL))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<UrlSource, A::Error> {
        SecretSource::deserialize(MapAccessDeserializer::new(map)).map(UrlSource::From)
    }
}

impl JsonSchema for UrlSource {
    fn schema_name() -> Cow<'static, str> {
        "UrlSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let source = generator.subschema_for::<SecretSource>();
        json_schema!({
            "description": "An URL, or a source of one: `{ env: NAME }`, `{ file: PATH }` or `{ command: LINE }`.",
            "anyOf": [{ "type": "string" }, source],
        })
    }
}

//! How the site is encrypted: the section `tls` of citrino.yml.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::value::{Email, HttpUrl};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// The host itself: for rehearsals, and behind a proxy that has a certificate of its own.
    SelfSigned,
    /// Let's Encrypt. Refused by this version.
    Letsencrypt,
    /// Another server that speaks ACME. Refused by this version.
    Acme,
    /// Nobody: nginx serves plain HTTP.
    #[default]
    None,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Who signs the certificate.
    #[serde(default)]
    #[schemars(extend("x-applied" = "nginx"))]
    pub issuer: Issuer,
    /// Where the issuer writes to. It belongs to ACME, and is refused by this version.
    #[serde(default)]
    pub email: Option<Email>,
    /// The directory of an ACME server. It belongs to ACME, and is refused by this version.
    #[serde(default)]
    pub url: Option<HttpUrl>,
    /// The file of a CA certificate to trust that server by. It belongs to ACME, and is refused by this version.
    #[serde(default)]
    #[schemars(extend("x-takes" = "a path on this machine; a relative one starts at citrino.yml"))]
    pub ca: Option<PathBuf>,
}

/// How nginx serves TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Https {
    /// Browsers are told to never come without TLS again, since they trust the certificate.
    pub hsts: bool,
}

impl Tls {
    /// None where no certificate is made. A certificate's place on the host is the same for all
    /// issuers; playbooks/tls.yml knows it.
    pub fn https(&self) -> Option<Https> {
        match self.issuer {
            Issuer::SelfSigned => Some(Https { hsts: false }),
            Issuer::Letsencrypt | Issuer::Acme | Issuer::None => None,
        }
    }
}

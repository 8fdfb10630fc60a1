//! How the site is encrypted: the section `tls` of citrino.yml.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::value::{Domain, Email, HttpUrl};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// The host itself: for rehearsals, and behind a proxy that has a certificate of its own.
    SelfSigned,
    /// Let's Encrypt. Until it has issued one, the host's own certificate is used.
    Letsencrypt,
    /// Another server that speaks ACME: its directory is `url`. Until it has issued one, the host's own certificate is used.
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
    /// Further names of the site, which the certificate is for too. Who comes by one of them is sent on to `domain`.
    #[serde(default)]
    #[schemars(extend("x-applied" = "nginx"))]
    pub names: Vec<Domain>,
    /// Where an ACME issuer may write to; not every issuer does.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub email: Option<Email>,
    /// The directory of the ACME server, with the issuer `acme`.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub url: Option<HttpUrl>,
    /// The file of a CA certificate to trust that server by; without it, the host trusts it as it trusts others.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host", "x-takes" = "a path on this machine; a relative one starts at citrino.yml"))]
    pub ca: Option<PathBuf>,
}

/// How nginx serves TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Https {
    /// An issuer is asked for the certificate; the host's own stands in until then.
    pub issued: bool,
}

/// Where Let's Encrypt is asked.
const LETSENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

impl Tls {
    /// None where no certificate is made. A certificate's place on the host is the same for all
    /// issuers; playbooks/tls.yml knows it.
    pub fn https(&self) -> Option<Https> {
        match self.issuer {
            Issuer::SelfSigned => Some(Https { issued: false }),
            Issuer::Letsencrypt | Issuer::Acme => Some(Https { issued: true }),
            Issuer::None => None,
        }
    }

    /// The directory of the ACME server that is asked; none where none is.
    pub fn directory(&self) -> Option<&str> {
        match self.issuer {
            Issuer::Letsencrypt => Some(LETSENCRYPT),
            Issuer::Acme => self.url.as_deref(),
            Issuer::SelfSigned | Issuer::None => None,
        }
    }
}

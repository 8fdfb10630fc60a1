//! What a host must know to have a certificate issued, with nobody there.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::error::{Code, Fault};
use crate::core::value::{Domain, Email, HostName};
use crate::host::own;
use crate::host::system::System;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSettings {
    pub stack: String,
    pub host: HostName,
    /// The directory of the ACME server.
    pub directory: String,
    /// The certificate that this server is trusted by, as PEM; none trusts what the host trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The site's own first.
    pub names: Vec<Domain>,
    /// The folder that nginx serves to who asks without TLS.
    pub webroot: String,
}

impl CertificateSettings {
    /// What `converge` wrote down; none where no issuer is asked for.
    ///
    /// # Errors
    /// E0426 when it cannot be read.
    pub fn read(system: &System) -> Result<Option<Self>> {
        let Some(text) = system.read(own::CERTIFICATE_SETTINGS)? else {
            return Ok(None);
        };
        let settings = serde_json::from_slice(&text).with_context(|| {
            let message = format!("{} cannot be read", own::CERTIFICATE_SETTINGS);
            Fault::new(Code::E0426, message).hint("`citrino-ops converge` writes it again")
        })?;
        Ok(Some(settings))
    }

    /// For people: the server's name.
    pub fn issuer(&self) -> &str {
        let url = self.directory.as_str();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        match rest.split('/').next().unwrap_or(rest) {
            "acme-v02.api.letsencrypt.org" => "Let's Encrypt",
            host => host,
        }
    }
}

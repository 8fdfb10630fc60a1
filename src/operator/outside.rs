//! Reach: a stack as its users see it, asked from the operator's machine. What answers on the host may be fine while nobody
//! reaches it.

use std::net::IpAddr;

use anyhow::{Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::public_probe;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::error_info;
use crate::core::http::{self, HttpRequest, Manner};
use crate::core::value::{Domain, Route};

/// The world as it is from here.
pub struct Outside;

/// A question to it.
#[derive(Clone, Debug)]
pub enum OutsideProbe {
    Site(SiteSeen),
    Certificate(CertificateSeen),
    /// What was asked elsewhere, a sentence for each fault.
    Known(Vec<String>),
}

/// The site answers, and it is the release that is live on the host.
#[derive(Clone, Debug)]
pub struct SiteSeen {
    pub domain: Domain,
    pub route: Route,
    pub address: String,
    /// None where the host could not be asked.
    pub release: Option<String>,
}

/// Who comes by TLS is shown the certificate that the host has.
#[derive(Clone, Debug)]
pub struct CertificateSeen {
    pub url: String,
    pub address: IpAddr,
    /// What the host has, as PEM, its own certificate first.
    pub chain: String,
}

impl SiteSeen {
    async fn answer(&self) -> CheckResult {
        let address = &self.address;
        let seen = public_probe::release(&self.domain, &self.route, address).await;
        let what = match (seen, &self.release) {
            (Err(error), _) => format!(
                "the site does not respond at {address}: {}",
                error_info(&error).message
            ),
            (Ok(seen), Some(serves)) if seen != *serves => {
                format!("release {seen} answers at {address}, but {serves} is live on the host")
            }
            (Ok(_), _) => return CheckResult::same(),
        };
        let next = "next: `citrino-ops plan` shows what differs in both firewalls, `citrino-ops logs nginx` whether requests arrive";
        CheckResult::from(vec![what, next.to_owned()])
    }
}

impl CertificateSeen {
    async fn answer(&self) -> CheckResult {
        let request = HttpRequest {
            address: Some(self.address),
            ..HttpRequest::get(&self.url)
        };
        let what = match (shown(&request).await, first_of(&self.chain)) {
            (Err(error), _) => format!(
                "no TLS connection to {}: {}",
                self.address,
                error_info(&error).message
            ),
            (_, None) => "the certificate of the host cannot be read".to_owned(),
            (Ok(shown), Some(own)) if shown != own => format!(
                "another certificate than that of the host is shown at {}",
                self.address
            ),
            _ => return CheckResult::same(),
        };
        let next = "next: `citrino-ops converge` reloads nginx; if it stays so, something in between ends TLS";
        CheckResult::from(vec![what, next.to_owned()])
    }
}

/// The certificate that is shown first.
async fn shown(request: &HttpRequest) -> Result<Vec<u8>> {
    let answer = request.asker(Manner::Visitor)?.ask().await;
    let answer = answer.map_err(|error| anyhow!(http::reason(&error)))?;
    match answer.certificate {
        Some(certificate) => Ok(certificate),
        None => bail!("no certificate is shown"),
    }
}

/// The first certificate of a PEM, as it goes over the wire.
fn first_of(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (text, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).ok()
}

impl Wish<Outside> for OutsideProbe {
    async fn check(&self, _: &Outside) -> Result<CheckResult> {
        Ok(match self {
            Self::Site(site) => site.answer().await,
            Self::Certificate(certificate) => certificate.answer().await,
            Self::Known(faults) => CheckResult::from(faults.clone()),
        })
    }

    /// Nothing is made so from here: these are questions.
    async fn apply(&self, _: &Outside) -> Result<()> {
        bail!("a question is only asked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_certificate_is_what_the_wire_shows() {
        let pem = "-----BEGIN CERTIFICATE-----\nAQID\nBAU=\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nCQ==\n-----END CERTIFICATE-----\n";
        assert_eq!(first_of(pem), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(
            first_of("-----BEGIN CERTIFICATE-----\n??\n-----END CERTIFICATE-----"),
            None
        );
        assert_eq!(first_of(""), None);
    }
}

//! Whether the names lead here and port 80 answers, asked by the host itself. An issuer that comes in vain counts it, and after some
//! it refuses for hours; a wrong record in the DNS must not cost that.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::{ProtoError, ProtoErrorKind};
use hickory_resolver::{ResolveError, TokioResolver};

use crate::core::error::{Code, Fault};
use crate::core::http::{HttpRequest, Manner};
use crate::core::value::Domain;
use crate::facts::certificate::CertificateSettings;
use crate::host::system::System;

use super::order::CHALLENGES;
use super::word::word;

/// How long the name service may take to answer once, and how often it is asked.
const WITHIN: Duration = Duration::from_secs(4);
const ATTEMPTS: usize = 2;
/// Nobody has more addresses for a name than are looked at.
const MOST: usize = 16;

/// # Errors
/// E0460 for the first name that does not lead here alone.
pub async fn refuse_unless_here(system: &System, settings: &CertificateSettings) -> Result<()> {
    let (name, content) = (word()?, word()?);
    let path = format!("{}{CHALLENGES}/citrino-{name}", settings.webroot);
    system.make_folders(format!("{}{CHALLENGES}", settings.webroot))?;
    let text = content.as_bytes();
    system.write_atomic(&path, text, 0o644, None, &[]).await?;
    let mut ended = Ok(());
    for domain in &settings.names {
        let route = format!("{CHALLENGES}/citrino-{name}");
        ended = leads_here(domain, &route, text).await;
        if ended.is_err() {
            break;
        }
    }
    system.remove(&path)?;
    ended
}

async fn leads_here(domain: &Domain, route: &str, content: &[u8]) -> Result<()> {
    let addresses = addresses(domain).await?;
    if addresses.is_empty() {
        return Err(not_here(format!("{domain} has no address in the DNS")));
    }
    for address in addresses {
        if let Err(why) = shows(domain, address, route, content).await {
            let why = format!("{domain} points to {address}, and {why}");
            return Err(not_here(why));
        }
    }
    Ok(())
}

async fn addresses(domain: &Domain) -> Result<Vec<IpAddr>> {
    let mut builder = TokioResolver::builder_tokio().context("could not ask the name service")?;
    let options = builder.options_mut();
    options.timeout = WITHIN;
    options.attempts = ATTEMPTS;
    // An issuer comes over IPv6 first: an old AAAA record counts too.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    match builder.build().lookup_ip(&**domain).await {
        Ok(found) => Ok(found.iter().take(MOST).collect()),
        Err(error) if says_none(&error) => Ok(Vec::new()),
        Err(error) => Err(not_here(format!(
            "could not look up {domain} in the DNS: {error}"
        ))),
    }
}

/// Whether there is none, and not only nobody who knows it.
fn says_none(error: &ResolveError) -> bool {
    let kind = error.proto().map(ProtoError::kind);
    matches!(
        kind,
        Some(ProtoErrorKind::NoRecordsFound {
            response_code: ResponseCode::NXDomain | ResponseCode::NoError,
            ..
        })
    )
}

/// # Errors
/// Why what was put there does not come back.
async fn shows(
    domain: &Domain,
    address: IpAddr,
    route: &str,
    content: &[u8],
) -> Result<(), String> {
    let request = HttpRequest {
        address: Some(address),
        ..HttpRequest::get(format!("http://{domain}{route}"))
    };
    let asker = request
        .asker(Manner::Probe)
        .map_err(|error| error.to_string())?;
    match asker.ask().await {
        Ok(answer) if answer.body == content => Ok(()),
        Ok(answer) => Err(format!(
            "what answers there on port 80 is not this host (status {})",
            answer.status.as_u16()
        )),
        Err(error) if error.is_timeout() => Err("port 80 does not answer there".to_owned()),
        Err(_) => Err("port 80 cannot be reached there".to_owned()),
    }
}

fn not_here(why: String) -> anyhow::Error {
    Fault::new(Code::E0460, why)
        .hint("the issuer was not asked, and the current certificate stays in use; `citrino-ops status` names the record to set; the host checks again automatically, `citrino-ops tls renew` checks now")
        .into()
}

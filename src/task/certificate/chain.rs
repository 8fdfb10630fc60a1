//! What an issuer sent for an order, looked at before anything is done with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::{Duration, OffsetDateTime};

use super::refused::CaTrouble;
use crate::core::value::Domain;
use crate::facts::certificate::leaf::{self, Leaf};

/// How far apart the clocks of issuer and host may be; and what is over sooner is of no use.
const CLOCKS: Duration = Duration::hours(1);
/// How long a line of PEM is.
const LINE: usize = 64;

/// The chain, written anew: nothing else that came with it goes into a file.
///
/// # Errors
/// What of it is not as it was ordered.
pub fn checked(pem: &str, key: &[u8], names: &[Domain]) -> Result<String, CaTrouble> {
    let unfit = |why: &str| CaTrouble::Unfit(why.to_owned());
    let ders = leaf::ders(pem.as_bytes());
    let ders = ders.ok_or_else(|| unfit("it sent no chain of certificates"))?;
    let first = ders.first().map(Vec::as_slice).unwrap_or_default();
    let found = Leaf::parse(first).ok_or_else(|| unfit("it sent a certificate that is none"))?;
    if leaf::public_key(first).is_none_or(|found| found != key) {
        return Err(unfit("the certificate is for another key"));
    }
    if let Some(missing) = names.iter().find(|name| !found.covers(name)) {
        return Err(unfit(&format!("the certificate is not for {missing}")));
    }
    let now = OffsetDateTime::now_utc();
    if found.begins > now + CLOCKS || found.ends < now + CLOCKS {
        return Err(unfit(
            "the certificate is not valid now, by the clock of the host",
        ));
    }
    Ok(ders.iter().map(|der| block(der)).collect())
}

fn block(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = vec!["-----BEGIN CERTIFICATE-----"];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        lines.push(line);
        rest = more;
    }
    lines.push("-----END CERTIFICATE-----\n");
    lines.join("\n")
}

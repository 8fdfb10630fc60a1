//! A certificate as far as it is needed: for whom, by whom, from when to when.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::CertificateIdentifier;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    pub names: Vec<String>,
    /// Who signed it, by its common name where it has one.
    pub issuer: String,
    /// In hexadecimal.
    pub serial: String,
    #[serde(with = "rfc3339")]
    pub begins: OffsetDateTime,
    #[serde(with = "rfc3339")]
    pub ends: OffsetDateTime,
}

/// A PEM has no more certificates than this.
pub const MOST: usize = 10;

impl Leaf {
    /// The first certificate of a PEM; none where there is none.
    pub fn first_of(pem: &[u8]) -> Option<Self> {
        Self::parse(&ders(pem)?.into_iter().next()?)
    }

    pub fn parse(der: &[u8]) -> Option<Self> {
        let (_, found) = X509Certificate::from_der(der).ok()?;
        let names = found.subject_alternative_name().ok()?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_ascii_lowercase()),
            _ => None,
        });
        let issuer = found.issuer();
        let common = issuer.iter_common_name().next();
        let common = common.and_then(|name| name.as_str().ok());
        Some(Self {
            names: names.collect(),
            issuer: common.map_or_else(|| issuer.to_string(), str::to_owned),
            serial: found.raw_serial_as_string(),
            begins: found.validity().not_before.to_datetime(),
            ends: found.validity().not_after.to_datetime(),
        })
    }

    /// Whether it is for this name, wildcards included.
    pub fn covers(&self, name: &str) -> bool {
        let above = name.split_once('.').map(|(_, above)| above);
        self.names.iter().any(|known| {
            let wildcard = known.strip_prefix("*.");
            known == name || (wildcard.is_some() && wildcard == above)
        })
    }

    /// The moment at which this share of its lifetime is over.
    fn after(&self, part: i32, of: i32) -> OffsetDateTime {
        self.begins + (self.ends - self.begins) / of * part
    }

    /// When it is to be renewed where the issuer says nothing.
    pub fn two_thirds(&self) -> OffsetDateTime {
        self.after(2, 3)
    }

    /// When it should have been renewed long ago: half of the time for it is over.
    pub fn late(&self) -> OffsetDateTime {
        self.after(5, 6)
    }

    /// How much of its lifetime is left, in percent; less than nothing when it is over.
    pub fn left_percent(&self, now: OffsetDateTime) -> f64 {
        let all = (self.ends - self.begins).as_seconds_f64().max(1.0);
        (self.ends - now).as_seconds_f64() / all * 100.0
    }
}

/// The certificates of a PEM, as they go over the wire; none when anything else is in it, or too many are.
pub fn ders(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut ders = Vec::new();
    for found in Pem::iter_from_buffer(pem).take(MOST + 1) {
        let found = found.ok()?;
        if found.label != "CERTIFICATE" {
            return None;
        }
        ders.push(found.contents);
    }
    (1..=MOST).contains(&ders.len()).then_some(ders)
}

/// The public key of a certificate, with its kind.
pub fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let (_, found) = X509Certificate::from_der(der).ok()?;
    Some(found.public_key().raw.to_vec())
}

/// As RFC 9773 names a certificate: by who signed it and its number; none of one that does not say who signed it.
pub fn ari_identifier(der: &[u8]) -> Option<CertificateIdentifier<'static>> {
    let (_, found) = X509Certificate::from_der(der).ok()?;
    let mut extensions = found.extensions().iter();
    let authority = extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(key) => key.key_identifier.as_ref(),
        _ => None,
    })?;
    let text = |bytes: &[u8]| Cow::Owned(URL_SAFE_NO_PAD.encode(bytes));
    Some(CertificateIdentifier {
        authority_key_identifier: text(authority.0),
        serial: text(found.raw_serial()),
    })
}

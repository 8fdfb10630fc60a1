//! What the site shows by TLS, who issued it, when it is renewed, and what became of the last order.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::serde::rfc3339;
use time::{Duration, OffsetDateTime};

use crate::core::error::Code;
use crate::host::own;
use crate::host::system::System;

pub mod leaf;
mod settings;

use leaf::Leaf;
pub use settings::CertificateSettings;

/// What the host knows of its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateFacts {
    /// None where there is none that can be read.
    pub live: Option<LiveCertificate>,
    /// What the issuer said of its renewal.
    pub renewal: Option<RenewalTime>,
    /// Why there is no newer one; none after an order that went well.
    pub refusal: Option<CaRefusal>,
}

/// The certificate that nginx finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCertificate {
    /// Its folder below [`own::CERTIFICATES`].
    pub folder: String,
    pub leaf: Leaf,
    /// None of one that the host made itself.
    pub issued: Option<Issued>,
}

/// How it was come by; kept beside the certificate itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The directory of the ACME server.
    pub directory: String,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
}

/// When the issuer wants one certificate renewed (RFC 9773).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalTime {
    /// Of which certificate this is said.
    pub serial: String,
    /// The moment that was drawn in the window.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// When the issuer may be asked again.
    #[serde(with = "rfc3339")]
    pub ask_after: OffsetDateTime,
}

/// An order that brought no certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaRefusal {
    pub code: Code,
    pub message: String,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// Before that the issuer would refuse again.
    #[serde(default, with = "rfc3339::option")]
    pub until: Option<OffsetDateTime>,
}

/// What outlives a certificate; everything that is about one certificate alone lies in its folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateState {
    pub renewal: Option<RenewalTime>,
    pub refusal: Option<CaRefusal>,
}

/// The file that says how a certificate was come by, in its folder.
pub const ISSUED: &str = "issued.json";
/// How long the timer takes at most from one try to the next: twice a day, with what it waits at random.
const BETWEEN_TRIES: Duration = Duration::hours(17);

impl CertificateFacts {
    /// # Errors
    /// When the disk does not say it. What is there and is no certificate is none.
    pub fn gather(system: &System) -> Result<Self> {
        let state = CertificateState::read(system)?;
        Ok(Self {
            live: live(system)?,
            renewal: state.renewal,
            refusal: state.refusal,
        })
    }

    /// When the timer renews it.
    pub fn renews_at(&self) -> Option<OffsetDateTime> {
        let live = self.live.as_ref()?;
        let said = self.renewal.as_ref();
        let said = said.filter(|renewal| renewal.serial == live.leaf.serial);
        // An issuer that names a moment after the end would have the site go dark; one that has already passed for what it
        // has just issued would have it order without end.
        let issued = live.issued.as_ref();
        let soonest = issued.map_or(live.leaf.begins, |issued| {
            issued.at.saturating_add(Duration::DAY)
        });
        Some(said.map_or(live.leaf.two_thirds(), |renewal| {
            renewal.at.max(soonest).min(live.leaf.late())
        }))
    }

    /// What is wrong with it, whatever the time is: sentences.
    pub fn misfits(&self, settings: &CertificateSettings) -> Vec<String> {
        let issuer = settings.issuer();
        let Some(live) = &self.live else {
            return vec!["there is no certificate that can be read".to_owned()];
        };
        match &live.issued {
            None => return vec![format!("{issuer} has not issued it yet")],
            Some(issued) if issued.directory != settings.directory => {
                return vec![format!("it is not of {issuer}")];
            }
            Some(_) => {}
        }
        let missing = settings.names.iter().filter(|name| !live.leaf.covers(name));
        missing
            .map(|name| format!("it is not for {name}"))
            .collect()
    }

    /// Whether the last try was refused so lately that the timer has not had its turn since.
    pub fn is_waiting(&self, now: OffsetDateTime) -> bool {
        let refusal = self.refusal.as_ref();
        refusal.is_some_and(|refusal| {
            let since = now - refusal.at;
            (Duration::ZERO..BETWEEN_TRIES).contains(&since)
        })
    }
}

impl CertificateState {
    /// What cannot be read says nothing.
    ///
    /// # Errors
    /// When the disk does not say it.
    pub fn read(system: &System) -> Result<Self> {
        let text = system.read(own::CERTIFICATE_STATE)?;
        let state = text.and_then(|text| serde_json::from_slice(&text).ok());
        Ok(state.unwrap_or_default())
    }

    /// # Errors
    /// When the disk does not take it.
    pub async fn write(&self, system: &System) -> Result<()> {
        let text = serde_json::to_vec(self)?;
        system.make_folders(own::STATE)?;
        let path = own::CERTIFICATE_STATE;
        system.write_atomic(path, &text, 0o644, None, &[]).await
    }
}

/// The folder that the one link leads to; none where it leads anywhere else.
///
/// # Errors
/// When the disk does not say it.
pub fn live_folder(system: &System) -> Result<Option<String>> {
    let link = system.read_link(own::LIVE_CERTIFICATE)?;
    let name = link.and_then(|to| to.to_str().map(str::to_owned));
    let is_beside = |name: &String| !name.contains('/') && !name.starts_with('.');
    Ok(name.filter(is_beside))
}

fn live(system: &System) -> Result<Option<LiveCertificate>> {
    let Some(folder) = live_folder(system)? else {
        return Ok(None);
    };
    let place = format!("{}/{folder}", own::CERTIFICATES);
    let chain = system.read(format!("{place}/fullchain.pem"))?;
    let Some(leaf) = chain.and_then(|chain| Leaf::first_of(&chain)) else {
        return Ok(None);
    };
    let issued = system.read(format!("{place}/{ISSUED}"))?;
    let issued = issued.and_then(|text| serde_json::from_slice(&text).ok());
    Ok(Some(LiveCertificate {
        folder,
        leaf,
        issued,
    }))
}

#[cfg(test)]
mod tests;

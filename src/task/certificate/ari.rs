//! When the issuer wants its certificate renewed (RFC 9773). It is asked with the timer's errand, and a moment of the window that it
//! names is drawn once: hosts of one issuer must not all come at once.

use anyhow::Result;
use instant_acme::SuggestedWindow;
use time::{Duration, OffsetDateTime};

use super::account;
use super::ca::CaHttp;
use super::refused::CaTrouble;
use crate::facts::certificate::{
    CertificateFacts, CertificateSettings, CertificateState, RenewalTime, leaf,
};
use crate::host::own;
use crate::host::system::{System, random};

/// How soon the issuer is asked again, whatever it says.
const SOONEST: Duration = Duration::hours(1);
const LATEST: Duration = Duration::days(1);

/// Asks where it is time to. An issuer that does not say, or is not there, leaves what is known as it is.
///
/// # Errors
/// What the disk does not say, or take.
pub async fn refresh(system: &System, settings: &CertificateSettings) -> Result<()> {
    let facts = CertificateFacts::gather(system)?;
    let now = OffsetDateTime::now_utc();
    let Some(live) = facts.live.as_ref() else {
        return Ok(());
    };
    let directory = live.issued.as_ref().map(|issued| &issued.directory);
    let known = facts.renewal.as_ref();
    let known = known.filter(|known| known.serial == live.leaf.serial);
    if directory != Some(&settings.directory) || known.is_some_and(|known| known.ask_after > now) {
        return Ok(());
    }
    let path = format!("{}/{}/fullchain.pem", own::CERTIFICATES, live.folder);
    let pem = system.read(path)?.unwrap_or_default();
    let Some(der) = leaf::ders(&pem).and_then(|ders| ders.into_iter().next()) else {
        return Ok(());
    };
    let Ok((window, wait)) = asked(system, settings, &der).await else {
        return Ok(());
    };
    let is_new = |at: OffsetDateTime| !(window.start..=window.end).contains(&at);
    let at = match known.map(|known| known.at) {
        Some(at) if !is_new(at) => at,
        _ => drawn(&window)?,
    };
    let mut state = CertificateState::read(system)?;
    state.renewal = Some(RenewalTime {
        serial: live.leaf.serial.clone(),
        at,
        ask_after: now + wait.clamp(SOONEST, LATEST),
    });
    state.write(system).await
}

async fn asked(
    system: &System,
    settings: &CertificateSettings,
    der: &[u8],
) -> Result<(SuggestedWindow, Duration)> {
    let account = account::open(system, settings, &CaHttp::of(settings)?).await?;
    let unnamed = || CaTrouble::Unfit("the certificate does not say who signed it".to_owned());
    let name = leaf::ari_identifier(der).ok_or_else(unnamed)?;
    let said = account.renewal_info(&name).await;
    let (info, wait) = said.map_err(CaTrouble::from)?;
    let wait = Duration::try_from(wait).unwrap_or(LATEST);
    Ok((info.suggested_window, wait))
}

/// A moment of the window; of one that is turned round, its begin.
fn drawn(window: &SuggestedWindow) -> Result<OffsetDateTime> {
    let mut bytes = [0; 4];
    random(&mut bytes)?;
    let share = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    let length = (window.end - window.start).max(Duration::ZERO);
    Ok(window.start + length * share)
}

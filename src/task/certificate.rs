//! The site has a certificate of its issuer (RFC 8555), proven by http-01 through the folder that nginx serves.
//!
//! Whatever goes wrong on the way, the certificate before it serves on: the new one takes its place by one rename at the end.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault, code, error_info};
use crate::facts::certificate::{
    CaRefusal, CertificateFacts, CertificateSettings, CertificateState,
};
use crate::host::own;
use crate::host::system::System;

mod account;
mod ari;
mod ca;
mod chain;
mod look;
mod order;
mod refused;
mod store;
mod word;

use refused::CaTrouble;

/// What nginx reads of it.
pub const CHAIN: &str = "/etc/citrino/tls/live/fullchain.pem";

/// What is asked for stands in [`own::CERTIFICATE_SETTINGS`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    pub renew: Renew,
}

/// When a certificate that fits is renewed all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renew {
    /// When the timer should have done it long ago. So a `converge` in between has nothing to do, and one that is refused
    /// leaves it to the timer: the site serves with the certificate that it has.
    Late,
    /// When its time has come.
    Due,
    /// When it was issued before this moment, RFC 3339.
    IssuedBefore(String),
}

impl Wish<System> for Certificate {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let Some(settings) = CertificateSettings::read(system)? else {
            return Ok(CheckResult::absent("the host knows no issuer yet"));
        };
        let facts = CertificateFacts::gather(system)?;
        let now = OffsetDateTime::now_utc();
        if self.renew == Renew::Late && facts.is_waiting(now) {
            return Ok(CheckResult::same());
        }
        let mut what = facts.misfits(&settings);
        what.extend(self.over(&facts, now));
        what.extend(store::exposed(system, &facts)?);
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let ended = match CertificateSettings::read(system)? {
            Some(settings) => issue(system, &settings).await,
            None => Err(no_issuer().into()),
        };
        match ended {
            Err(error) if self.renew == Renew::Late && is_refusal(&error) => Ok(()),
            ended => ended,
        }
    }
}

impl Certificate {
    /// Why its time is over.
    fn over(&self, facts: &CertificateFacts, now: OffsetDateTime) -> Option<String> {
        let live = facts.live.as_ref()?;
        let (is_over, when) = match &self.renew {
            Renew::Late => (live.leaf.late() <= now, "long ago".to_owned()),
            Renew::Due => {
                let at = facts.renews_at()?;
                (at <= now, format!("since {}", told(at)))
            }
            Renew::IssuedBefore(moment) => {
                let moment = OffsetDateTime::parse(moment, &Rfc3339).ok()?;
                let issued = live.issued.as_ref()?;
                (issued.at < moment, "now".to_owned())
            }
        };
        is_over.then(|| {
            format!(
                "it is to be renewed {when}; it ends {}",
                told(live.leaf.ends)
            )
        })
    }
}

fn told(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// Whether the timer has an order to make. An issuer that says when is asked first; the name is looked up before anybody is asked
/// for anything.
///
/// # Errors
/// E0460 when its time has come and the name does not lead here: nothing is worth a run then.
pub async fn is_due(system: &System) -> Result<bool> {
    let Some(settings) = CertificateSettings::read(system)? else {
        return Ok(false);
    };
    ari::refresh(system, &settings).await?;
    let task = Certificate { renew: Renew::Due };
    if task.check(system).await?.change.is_none() {
        return Ok(false);
    }
    match look::refuse_unless_here(system, &settings).await {
        Ok(()) => Ok(true),
        Err(error) => Err(noted(system, error).await?),
    }
}

/// Has one issued and put in place.
async fn issue(system: &System, settings: &CertificateSettings) -> Result<()> {
    if let Err(error) = issued(system, settings).await {
        return Err(noted(system, error).await?);
    }
    let mut state = CertificateState::read(system)?;
    if state.refusal.take().is_some() {
        state.write(system).await?;
    }
    // Where it cannot be asked now, two thirds of the lifetime hold until the timer asks.
    let _ = ari::refresh(system, settings).await;
    Ok(())
}

async fn issued(system: &System, settings: &CertificateSettings) -> Result<()> {
    refuse_too_soon(system)?;
    look::refuse_unless_here(system, settings).await?;
    let facts = CertificateFacts::gather(system)?;
    let ordered = order::within_time(system, settings, &facts).await?;
    store::put(system, settings, &ordered).await
}

/// # Errors
/// E0462 while the issuer has said that it would refuse: to ask it anew may count as one more.
fn refuse_too_soon(system: &System) -> Result<()> {
    let refusal = CertificateState::read(system)?.refusal;
    let until = refusal.and_then(|refusal| refusal.until);
    let until = until.filter(|until| *until > OffsetDateTime::now_utc());
    match until {
        None => Ok(()),
        Some(until) => Err(CaTrouble::TooSoon(until).into()),
    }
}

/// Keeps why there is no new one, for who asks later. Gives the error as a sentence with a code.
async fn noted(system: &System, error: anyhow::Error) -> Result<anyhow::Error> {
    let trouble = error.downcast_ref::<CaTrouble>();
    let is_known = matches!(trouble, Some(CaTrouble::TooSoon(_)));
    let until = trouble.and_then(CaTrouble::until);
    let error = refused::told(error);
    if is_known || !is_refusal(&error) {
        return Ok(error);
    }
    let mut state = CertificateState::read(system)?;
    let before = state.refusal.and_then(|refusal| refusal.until);
    state.refusal = Some(CaRefusal {
        code: code(&error),
        message: error_info(&error).message,
        at: OffsetDateTime::now_utc(),
        until: until.or(before),
    });
    state.write(system).await?;
    Ok(error)
}

/// Whether the issuer or the name service stands behind it, and not this host.
fn is_refusal(error: &anyhow::Error) -> bool {
    matches!(
        code(error),
        Code::E0460
            | Code::E0461
            | Code::E0462
            | Code::E0463
            | Code::E0464
            | Code::E0465
            | Code::E0466
    )
}

fn no_issuer() -> Fault {
    let message = format!("{} does not exist", own::CERTIFICATE_SETTINGS);
    Fault::new(Code::E0426, message).hint("`citrino-ops converge` writes it")
}

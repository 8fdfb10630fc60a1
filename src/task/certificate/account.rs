//! The host's account with an issuer: a key of its own for each, which never leaves the host.

use anyhow::Result;
use instant_acme::{Account, AccountCredentials, NewAccount};

use super::ca::CaHttp;
use super::refused::CaTrouble;
use crate::core::digest;
use crate::facts::certificate::CertificateSettings;
use crate::host::own;
use crate::host::system::{Ids, System};

/// The one that the host has, or a new one.
///
/// # Errors
/// What the issuer says, and what the disk does not take.
pub async fn open(
    system: &System,
    settings: &CertificateSettings,
    http: &CaHttp,
) -> Result<Account> {
    let text = system.read(place(settings))?;
    let known = text.and_then(|text| serde_json::from_slice::<AccountCredentials>(&text).ok());
    match known {
        None => make(system, settings, http).await,
        Some(known) => {
            let builder = Account::builder_with_http(Box::new(http.clone()));
            let account = builder.from_credentials(known).await;
            Ok(account.map_err(CaTrouble::from)?)
        }
    }
}

/// A new one, in the place of one that the issuer does not know any more.
///
/// # Errors
/// As of `open`.
pub async fn make(
    system: &System,
    settings: &CertificateSettings,
    http: &CaHttp,
) -> Result<Account> {
    let contact = settings.email.iter().map(|email| format!("mailto:{email}"));
    let contact: Vec<String> = contact.collect();
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let asked = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let builder = Account::builder_with_http(Box::new(http.clone()));
    let made = builder
        .create(&asked, settings.directory.clone(), None)
        .await;
    let (account, credentials) = made.map_err(CaTrouble::from)?;
    keep(system, settings, &credentials).await?;
    Ok(account)
}

async fn keep(
    system: &System,
    settings: &CertificateSettings,
    credentials: &AccountCredentials,
) -> Result<()> {
    system.make_directory(own::ACME_ACCOUNTS, 0o700, Ids::own())?;
    let text = serde_json::to_vec(credentials)?;
    let ids = Some(Ids::own());
    system
        .write_atomic(place(settings), &text, 0o600, ids, &[])
        .await
}

/// One for each directory: an account says nothing to another issuer.
fn place(settings: &CertificateSettings) -> String {
    let name = digest::sha256(settings.directory.as_bytes());
    format!("{}/{}.json", own::ACME_ACCOUNTS, &name[..16])
}

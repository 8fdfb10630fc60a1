//! Where the certificate lies: a folder of its own, which takes its place by one rename of the link that nginx follows.

use anyhow::Result;
use rcgen::{KeyPair, PublicKeyData};
use time::OffsetDateTime;

use super::order::Ordered;
use super::word::word;
use crate::facts::certificate::{
    CertificateFacts, CertificateSettings, ISSUED, Issued, leaf, live_folder,
};
use crate::host::own;
use crate::host::system::{Cmd, Ids, System};

/// For root alone.
const PRIVATE: u32 = 0o600;
/// How the folders of certificates begin: of issuers, and of the host itself.
const OURS: [&str; 2] = ["acme.", "self-signed."];
/// Browsers come without TLS never again. Only a certificate that anybody trusts may ask that of them, so it stands beside it.
const HSTS: &str = "add_header Strict-Transport-Security max-age=63072000 always;\n";

/// Puts a new one in place. The one before it stays until the next, for who has to go back.
///
/// # Errors
/// What the disk does not take: the one before it serves on.
pub async fn put(system: &System, settings: &CertificateSettings, ordered: &Ordered) -> Result<()> {
    let before = live_folder(system)?;
    let name = format!("acme.{}", &word()?[..10]);
    let folder = format!("{}/{name}", own::CERTIFICATES);
    system.make_directory(own::CERTIFICATES, 0o700, Ids::own())?;
    system.make_directory(&folder, 0o700, Ids::own())?;
    let chain = format!("{folder}/fullchain.pem");
    let issued = Issued {
        directory: settings.directory.clone(),
        at: OffsetDateTime::now_utc(),
    };
    let mut files = vec![
        ("privkey.pem", ordered.key.reveal().to_owned()),
        ("fullchain.pem", ordered.chain.clone()),
        (ISSUED, serde_json::to_string(&issued)?),
    ];
    for (file, text) in files.drain(..) {
        write(system, &folder, file, &text).await?;
    }
    if is_public(system, &chain).await? {
        write(system, &folder, "hsts.conf", HSTS).await?;
    }
    system.write_link(own::LIVE_CERTIFICATE, name.as_ref())?;
    let kept = [Some(name), before];
    sweep(system, &kept)
}

async fn write(system: &System, folder: &str, file: &str, text: &str) -> Result<()> {
    let (path, ids) = (format!("{folder}/{file}"), Some(Ids::own()));
    system
        .write_atomic(path, text.as_bytes(), PRIVATE, ids, &[])
        .await
}

/// Whether it leads to a root that the host trusts, as everybody does.
async fn is_public(system: &System, chain: &str) -> Result<bool> {
    let chain = system.path(chain).display().to_string();
    let verify = Cmd::new(["openssl", "verify", "-untrusted", &chain, &chain]);
    // Without the program nobody knows, and nothing is asked of browsers.
    Ok(system.run(&verify).await.is_ok_and(|output| output.ok()))
}

/// Takes away what nobody needs any more, and what a killed run left half made.
fn sweep(system: &System, kept: &[Option<String>]) -> Result<()> {
    for name in system.names(own::CERTIFICATES)? {
        let is_ours = OURS.iter().any(|begin| name.starts_with(begin));
        if is_ours && !kept.iter().flatten().any(|kept| *kept == name) {
            system.remove(format!("{}/{name}", own::CERTIFICATES))?;
        }
    }
    Ok(())
}

/// What is wrong with the key of a certificate that an issuer gave: sentences.
///
/// # Errors
/// When the disk does not say it.
pub fn exposed(system: &System, facts: &CertificateFacts) -> Result<Option<String>> {
    let live = facts.live.as_ref();
    let Some(live) = live.filter(|live| live.issued.is_some()) else {
        return Ok(None);
    };
    let folder = format!("{}/{}", own::CERTIFICATES, live.folder);
    let path = format!("{folder}/privkey.pem");
    let Some(found) = system.stat(&path)? else {
        return Ok(Some("its key does not exist".to_owned()));
    };
    if found.mode != PRIVATE || found.ids != Ids::own() {
        return Ok(Some("its key can be read by others".to_owned()));
    }
    let key = system.read_text(&path)?.unwrap_or_default();
    let key = KeyPair::from_pem(&key).ok();
    let chain = system.read(format!("{folder}/fullchain.pem"))?;
    let first = chain.and_then(|chain| leaf::ders(&chain)?.into_iter().next());
    let wanted = first.and_then(|der| leaf::public_key(&der));
    let fits = key.map(|key| key.subject_public_key_info()) == wanted && wanted.is_some();
    Ok((!fits).then(|| "its key does not match".to_owned()))
}

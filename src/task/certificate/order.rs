//! One order: account, names, proof of each, a new key, and the chain that came for it.

use std::time::Duration;

use anyhow::Result;
use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Identifier, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData};

use super::ca::CaHttp;
use super::refused::{CaTrouble, ProblemKind};
use super::{account, chain};
use crate::core::secret::Secret;
use crate::facts::certificate::{CertificateFacts, CertificateSettings, leaf};
use crate::host::own;
use crate::host::system::System;

/// Where an issuer looks below the webroot (RFC 8555, 8.3). nginx serves it without TLS.
pub const CHALLENGES: &str = "/.well-known/acme-challenge";
/// How long an order may take. What is proven by then need not be proven again.
const WITHIN: Duration = Duration::from_mins(4);
/// How long the issuer is waited for, to look and to sign.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));
/// A nonce may be refused at any call; the library asks three times, and then the order is begun anew.
const TRIES: usize = 4;
/// The longest token that is taken.
const LONGEST_TOKEN: usize = 128;

/// What an order brought.
pub struct Ordered {
    /// The chain, whose first certificate is for the key and for every name.
    pub chain: String,
    /// As PEM.
    pub key: Secret,
}

/// # Errors
/// [`CaTrouble`], and what the disk does not take.
pub async fn within_time(
    system: &System,
    settings: &CertificateSettings,
    facts: &CertificateFacts,
) -> Result<Ordered> {
    let ordering = Ordering {
        system,
        settings,
        facts,
        http: CaHttp::of(settings)?,
    };
    let ended = tokio::time::timeout(WITHIN, ordering.at_last()).await;
    let seconds = WITHIN.as_secs();
    ended.unwrap_or_else(|_| {
        Err(CaTrouble::Away(format!("the order was not done within {seconds} s")).into())
    })
}

struct Ordering<'o> {
    system: &'o System,
    settings: &'o CertificateSettings,
    facts: &'o CertificateFacts,
    http: CaHttp,
}

impl Ordering<'_> {
    async fn at_last(&self) -> Result<Ordered> {
        let mut ended = self.once().await;
        for _ in 1..TRIES {
            if kind(&ended) != Some(ProblemKind::BadNonce) {
                break;
            }
            ended = self.once().await;
        }
        ended.map_err(|error| match error.downcast::<CaTrouble>() {
            Ok(trouble) => trouble.not_before(self.http.until()).into(),
            Err(other) => other,
        })
    }

    async fn once(&self) -> Result<Ordered> {
        let (system, settings) = (self.system, self.settings);
        let account = account::open(system, settings, &self.http).await?;
        let ended = self.begun(&account).await;
        if kind(&ended) == Some(ProblemKind::UnknownAccount) {
            let account = account::make(system, settings, &self.http).await?;
            return self.finished(self.begun(&account).await?).await;
        }
        self.finished(ended?).await
    }

    /// A new order. One that says which certificate it replaces is spared limits; where the issuer does not take that, it is one as
    /// any other.
    async fn begun(&self, account: &Account) -> Result<Order> {
        let names = self.settings.names.iter();
        let names: Vec<_> = names
            .map(|name| Identifier::Dns(name.to_string()))
            .collect();
        let order = NewOrder::new(&names);
        if let Some(replaced) = self.replaced()? {
            let order = NewOrder::new(&names).replaces(replaced);
            match account.new_order(&order).await.map_err(CaTrouble::from) {
                Ok(order) => return Ok(order),
                Err(CaTrouble::Refused(_) | CaTrouble::Unfit(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(account.new_order(&order).await.map_err(CaTrouble::from)?)
    }

    /// The certificate that is replaced, to an issuer that said when it wants that.
    fn replaced(&self) -> Result<Option<CertificateIdentifier<'static>>> {
        let (Some(live), Some(renewal)) = (&self.facts.live, &self.facts.renewal) else {
            return Ok(None);
        };
        let directory = live.issued.as_ref().map(|issued| &issued.directory);
        if renewal.serial != live.leaf.serial || directory != Some(&self.settings.directory) {
            return Ok(None);
        }
        let path = format!("{}/{}/fullchain.pem", own::CERTIFICATES, live.folder);
        let pem = self.system.read(path)?.unwrap_or_default();
        let first = leaf::ders(&pem).and_then(|ders| ders.into_iter().next());
        Ok(first.and_then(|der| leaf::ari_identifier(&der)))
    }

    async fn finished(&self, mut order: Order) -> Result<Ordered> {
        let proofs = Proofs::begin(self.system, self.settings)?;
        self.prove(&mut order, &proofs).await?;
        drop(proofs);
        let key = KeyPair::generate()?;
        let mut request = CertificateParams::new(self.names())?;
        request.distinguished_name = DistinguishedName::new();
        let request = request.serialize_request(&key)?;
        let sent = order.finalize_csr(request.der()).await;
        sent.map_err(CaTrouble::from)?;
        let chain = order.poll_certificate(&PATIENCE).await;
        let chain = chain.map_err(CaTrouble::from)?;
        let public = key.subject_public_key_info();
        Ok(Ordered {
            chain: chain::checked(&chain, &public, &self.settings.names)?,
            key: Secret::new(key.serialize_pem()),
        })
    }

    fn names(&self) -> Vec<String> {
        let names = self.settings.names.iter();
        names.map(ToString::to_string).collect()
    }

    async fn prove(&self, order: &mut Order, proofs: &Proofs<'_>) -> Result<()> {
        let mut asked = order.authorizations();
        while let Some(next) = asked.next().await {
            let mut name = next.map_err(CaTrouble::from)?;
            if name.status == AuthorizationStatus::Valid {
                continue;
            }
            let Some(mut challenge) = name.challenge(ChallengeType::Http01) else {
                return Err(CaTrouble::Unfit("no proof by http-01 is offered".to_owned()).into());
            };
            let proof = challenge.key_authorization();
            proofs.put(&challenge.token, proof.as_str()).await?;
            challenge.set_ready().await.map_err(CaTrouble::from)?;
        }
        let ended = order.poll_ready(&PATIENCE).await;
        match ended.map_err(CaTrouble::from) {
            Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
            Err(other @ (CaTrouble::Away(_) | CaTrouble::Untrusted(_))) => Err(other.into()),
            ended => Err(why_not(order, ended.err()).await.into()),
        }
    }
}

/// Which name was not proven, and why: the order itself may not say it.
async fn why_not(order: &mut Order, said: Option<CaTrouble>) -> CaTrouble {
    let mut asked = order.authorizations();
    while let Some(Ok(mut name)) = asked.next().await {
        if name.refresh().await.is_err() {
            break;
        }
        let about = name.identifier().to_string();
        let mut errors = name.challenges.iter().filter_map(|one| one.error.clone());
        if let Some(problem) = errors.next() {
            return CaTrouble::from(instant_acme::Error::Api(problem)).about(&about);
        }
    }
    let unsaid = || CaTrouble::Unfit("the order is invalid, without a reason".to_owned());
    said.unwrap_or_else(unsaid)
}

fn kind<T>(ended: &Result<T>) -> Option<ProblemKind> {
    let error = ended.as_ref().err()?;
    error.downcast_ref::<CaTrouble>()?.kind()
}

/// What an issuer is to find. It goes with the order, however that ends; what a killed one left goes with the next.
struct Proofs<'p> {
    system: &'p System,
    folder: String,
}

impl<'p> Proofs<'p> {
    fn begin(system: &'p System, settings: &CertificateSettings) -> Result<Self> {
        let folder = format!("{}{CHALLENGES}", settings.webroot);
        system.remove(&folder)?;
        system.make_folders(&folder)?;
        Ok(Self { system, folder })
    }

    /// The issuer chose the token, and it becomes the name of a file.
    async fn put(&self, token: &str, proof: &str) -> Result<()> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=LONGEST_TOKEN).contains(&token.len()) || !token.chars().all(is_plain) {
            return Err(CaTrouble::Unfit("a token that is none".to_owned()).into());
        }
        let path = format!("{}/{token}", self.folder);
        self.system
            .write_atomic(path, proof.as_bytes(), 0o644, None, &[])
            .await
    }
}

impl Drop for Proofs<'_> {
    fn drop(&mut self) {
        // What stays is taken away by the next order.
        let _ = self.system.remove(&self.folder);
    }
}

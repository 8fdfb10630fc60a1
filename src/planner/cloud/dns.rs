//! The zone of the stack's domain, and the records in it that lead to the host.

use anyhow::Result;

use super::address;
use super::ours::{foreign, is_ours};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::hetzner::{Family, Hetzner, RecordView, ZoneRecord, ZoneView};

/// The zone is there, whoever made it. What else is in it is nobody's business here.
#[derive(Clone, Debug)]
pub struct Zone {
    pub stack: String,
    pub name: String,
}

impl Wish<Hetzner> for Zone {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        Ok(match api.named::<ZoneView>(&self.name).await? {
            Some(zone) if zone.mode == "secondary" => {
                let message = format!(
                    "DNS zone {} is secondary, so no records can be added to it",
                    self.name
                );
                return Err(Fault::new(Code::E0311, message)
                    .hint("remove cloud.dns, and point the records to the host where the zone is managed")
                    .into());
            }
            Some(_) => CheckResult::same(),
            None => CheckResult::absent("does not exist"),
        })
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        api.create_zone(&self.name, &self.stack).await
    }
}

/// The one record of its name and type leads to the stack's address.
#[derive(Clone, Debug)]
pub struct DnsRecord {
    pub stack: String,
    pub record: ZoneRecord,
    /// In seconds.
    pub ttl: u32,
    pub family: Family,
    /// The name of the address.
    pub address: String,
}

/// The refusal to change or delete a record that somebody protected.
pub(super) fn refuse_protected(name: &str) -> anyhow::Error {
    Fault::new(Code::E0310, format!("cannot change {name}: it is protected"))
        .hint("nothing was changed; somebody protected the record: lift the protection in the Hetzner console, then run the command again")
        .into()
}

impl DnsRecord {
    async fn find(&self, api: &Hetzner) -> Result<Option<RecordView>> {
        let alias = ZoneRecord {
            kind: "CNAME",
            ..self.record.clone()
        };
        if api.record(&alias).await?.is_some() {
            return Err(foreign(
                "CNAME record",
                &self.record.full_name(),
                &self.stack,
            ));
        }
        match api.record(&self.record).await? {
            Some(found) if !is_ours(&found.labels, &self.stack) => {
                let word = format!("{} record", found.kind);
                Err(foreign(&word, &self.record.full_name(), &self.stack))
            }
            found => Ok(found),
        }
    }

    async fn address(&self, api: &Hetzner) -> Result<Option<String>> {
        let found = address::find(api, &self.stack, &self.address).await?;
        Ok(found.map(|found| found.fields.ip))
    }
}

impl Wish<Hetzner> for DnsRecord {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        let (found, address) = tokio::join!(self.find(api), self.address(api));
        let Some(found) = found? else {
            return Ok(CheckResult::absent("does not exist"));
        };
        let address = address?.unwrap_or_else(|| "the new address".to_owned());
        let name = format!("{} record {}", found.kind, self.record.full_name());
        let mut what = Vec::new();
        if !found.leads_to(&address) {
            let now = found.values.join(", ");
            what.push(format!("{name} points to {now}, expected {address}"));
        }
        if found.ttl != Some(self.ttl) {
            let now = found
                .ttl
                .map_or("the zone's number of".to_owned(), |ttl| ttl.to_string());
            what.push(format!(
                "TTL of {name} is {now} seconds, expected {}",
                self.ttl
            ));
        }
        if found.protected && !what.is_empty() {
            return Err(refuse_protected(&name));
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        let address = self.address(api).await?.ok_or_else(|| {
            Fault::new(
                Code::E0303,
                format!(
                    "address {} does not exist, so no record was pointed to it",
                    self.address
                ),
            )
            .hint("run `citrino-ops provision` again: it creates the address first")
        })?;
        match self.find(api).await? {
            Some(found) => {
                if !found.leads_to(&address) {
                    api.lead_record(&self.record, &address).await?;
                }
                if found.ttl != Some(self.ttl) {
                    api.keep_record_for(&self.record, self.ttl).await?;
                }
                Ok(())
            }
            None => {
                api.create_record(&self.record, &self.stack, self.ttl, &address)
                    .await
            }
        }
    }
}

//! DNS zones, and the records in them that lead to the host.

use std::net::IpAddr;

use anyhow::Result;
use hcloud::models::{CreateZoneRequest, create_zone_request};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Hetzner;
use super::actions::Started;
use super::answers::or_default;
use super::call::Called;
use super::labels::{self, Labels};
use super::resource::{Fields, Labelled};
use super::servers::map_of;
use super::words::ApiCode;

pub type ZoneView = Labelled<ZoneFields>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ZoneFields {
    /// `primary` or `secondary`.
    #[serde(default, deserialize_with = "or_default")]
    pub mode: String,
    #[serde(default, deserialize_with = "or_default")]
    pub authoritative_nameservers: Nameservers,
}

/// Who answers for a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Nameservers {
    /// Those that Hetzner gave it: the registrar must delegate to them.
    #[serde(deserialize_with = "or_default")]
    pub assigned: Vec<String>,
}

impl Fields for ZoneFields {
    const MANY: &'static str = "zones";
    const ONE: &'static str = "zone";
    const WORD: &'static str = "zone";
}

/// The desired record: the only one of its name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecord {
    /// The name of the zone.
    pub zone: String,
    /// Within the zone; `@` is the zone itself.
    pub name: String,
    /// Such as `A` or `AAAA`.
    pub kind: &'static str,
}

/// All records of one name and type, as the API tells of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "ZoneAnswer")]
pub struct RecordView {
    pub name: String,
    pub kind: String,
    pub labels: Labels,
    pub values: Vec<String>,
    /// In seconds; without one the zone's counts.
    pub ttl: Option<u32>,
    /// Whether somebody protected it against changes.
    pub protected: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RecordProtection {
    #[serde(deserialize_with = "or_default")]
    change: bool,
}

#[derive(Deserialize)]
struct ZoneAnswer {
    #[serde(default, deserialize_with = "or_default")]
    protection: RecordProtection,
    #[serde(default)]
    ttl: Option<u32>,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    labels: Labels,
    #[serde(default, deserialize_with = "or_default")]
    records: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    #[serde(default, deserialize_with = "or_default")]
    value: String,
}

impl From<ZoneAnswer> for RecordView {
    fn from(answer: ZoneAnswer) -> Self {
        Self {
            name: answer.name,
            ttl: answer.ttl,
            kind: answer.kind,
            labels: answer.labels,
            protected: answer.protection.change,
            values: answer.records.into_iter().map(|one| one.value).collect(),
        }
    }
}

impl RecordView {
    /// Whether it leads to this address, however either is written, and nowhere else.
    pub fn leads_to(&self, address: &str) -> bool {
        let ip = |text: &str| text.parse::<IpAddr>().ok();
        matches!(self.values.as_slice(), [only] if ip(only).is_some() && ip(only) == ip(address))
    }
}

impl ZoneRecord {
    /// `www.example.com`
    pub fn full_name(&self) -> String {
        match self.name.as_str() {
            "@" => self.zone.clone(),
            name => format!("{name}.{}", self.zone),
        }
    }

    fn path(&self) -> String {
        format!("/zones/{}/rrsets", self.zone)
    }

    fn own_path(&self) -> String {
        format!("{}/{}/{}", self.path(), self.name, self.kind)
    }
}

impl Hetzner {
    pub async fn create_zone(&self, name: &str, stack: &str) -> Result<()> {
        let body = CreateZoneRequest {
            labels: Some(map_of(&labels::of_stack(stack))),
            ..CreateZoneRequest::new(create_zone_request::Mode::Primary, name.to_owned())
        };
        let made: Result<ZoneView> = self.make(name, stack, &body).await;
        made.map(drop)
    }

    /// The records of the wished name and type; none when the zone is not there either.
    pub async fn record(&self, wished: &ZoneRecord) -> Result<Option<RecordView>> {
        let doing = format!(
            "look up the {} record of {}",
            wished.kind,
            wished.full_name()
        );
        let found = self.records(wished).await;
        match found {
            Ok(found) => Ok(found),
            Err(error) if error.is(&ApiCode::NotFound) => Ok(None),
            Err(error) => Err(error.told(&doing).into()),
        }
    }

    async fn records(&self, wished: &ZoneRecord) -> Called<Option<RecordView>> {
        // Of all types at once: each name is asked about for several.
        let query = [("name", wished.name.clone())];
        let mut found: Vec<RecordView> = self.list_once(&wished.path(), "rrsets", &query).await?;
        found.retain(|one| one.name == wished.name && one.kind == wished.kind);
        Ok(found.pop())
    }

    /// The records in a zone that carry the label of the stack.
    pub async fn records_of(&self, zone: &str, stack: &str) -> Result<Vec<RecordView>> {
        let query = [("label_selector", labels::selector(stack))];
        match self
            .list(&format!("/zones/{zone}/rrsets"), "rrsets", &query)
            .await
        {
            Ok(found) => Ok(found),
            Err(error) if error.is(&ApiCode::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error
                .told(&format!("list the records of the zone {zone}"))
                .into()),
        }
    }

    /// Makes the record, once.
    pub async fn create_record(
        &self,
        wished: &ZoneRecord,
        stack: &str,
        ttl: u32,
        address: &str,
    ) -> Result<()> {
        let doing = format!(
            "create the {} record of {}",
            wished.kind,
            wished.full_name()
        );
        let body = json!({
            "name": wished.name, "type": wished.kind, "ttl": ttl,
            "labels": labels::of_stack(stack), "records": [{ "value": address }],
        });
        let path = wished.path();
        let made = self
            .create_once(
                async || {
                    self.send::<Started>(Method::POST, &path, &[], Some(&body))
                        .await
                },
                async || Ok(self.records(wished).await?.map(|_| Started::default())),
            )
            .await;
        let started = made.map_err(|error| error.told(&doing))?;
        self.await_all(started, &doing).await
    }

    /// Has the record lead to this address, and to no other.
    pub async fn lead_record(&self, wished: &ZoneRecord, address: &str) -> Result<()> {
        let doing = format!(
            "change the {} record of {}",
            wished.kind,
            wished.full_name()
        );
        let path = format!("{}/actions/set_records", wished.own_path());
        let body = json!({ "records": [{ "value": address }] });
        let started = self
            .write(Method::POST, &path, Some(&body))
            .await
            .map_err(|error| error.told(&doing))?;
        self.await_all(started, &doing).await
    }

    /// Sets for how long others may keep the record, in seconds.
    pub async fn keep_record_for(&self, wished: &ZoneRecord, ttl: u32) -> Result<()> {
        let doing = format!("set the TTL of {}", wished.full_name());
        let path = format!("{}/actions/change_ttl", wished.own_path());
        let started = self
            .write(Method::POST, &path, Some(&json!({ "ttl": ttl })))
            .await
            .map_err(|error| error.told(&doing))?;
        self.await_all(started, &doing).await
    }

    /// Makes a record ours.
    pub async fn label_record(&self, wished: &ZoneRecord, labels: &Labels) -> Result<()> {
        let doing = format!("label the {} record of {}", wished.kind, wished.full_name());
        let body = json!({ "labels": labels });
        let done: Called<Value> = self
            .write(Method::PUT, &wished.own_path(), Some(&body))
            .await;
        done.map(drop).map_err(|error| error.told(&doing).into())
    }

    /// Deletes all records of a name and type; ones that are gone already are no error.
    pub async fn delete_record(&self, zone: &str, found: &RecordView) -> Result<()> {
        let doing = format!("delete the {} record {} of {zone}", found.kind, found.name);
        let path = format!("/zones/{zone}/rrsets/{}/{}", found.name, found.kind);
        let done: Called<Option<Started>> = self.write(Method::DELETE, &path, None::<&()>).await;
        match done {
            Ok(started) => self.await_all(started.unwrap_or_default(), &doing).await,
            Err(error) if error.is(&ApiCode::NotFound) => Ok(()),
            Err(error) => Err(error.told(&doing).into()),
        }
    }
}

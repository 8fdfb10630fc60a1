//! Object storage that speaks S3: where backups are when the host is not.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{
    Attribute, Attributes, GetOptions, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload, RetryConfig, path::Path as Key,
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub mod backups;
mod failure;
mod http;

use crate::blob::hex;
use crate::error::Fault;
use crate::secret::Secret;

/// What is sent at a time, and kept in memory: S3 wants at least 5 MB of each part but the last.
const PART: u64 = 8 << 20;
/// S3's limit of parts; past 80 GB they are larger.
const PARTS: u64 = 10_000;
/// How often a request that got no answer, or one of trouble, is sent again.
const RETRIES: usize = 4;
/// What `read` takes into memory at most.
const SMALL: u64 = 4 << 20;
/// The object's metadata in which its sha256 is.
const DIGEST: &str = "sha256";

/// Where it is, and who asks. Its secrets travel with it in plain, so it goes over standard input only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    pub bucket: String,
    /// `https://fsn1.your-objectstorage.com`, or `http://…` in a private network; Amazon's own when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    pub region: String,
    /// The folder in it that is ours; all of it when it is empty.
    #[serde(default)]
    pub prefix: String,
    pub key_id: Secret,
    pub secret: Secret,
    /// Nothing is ever deleted there, so a key that may not delete is enough.
    #[serde(default)]
    pub append_only: bool,
}

/// What a list tells of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Without the prefix.
    pub name: String,
    pub bytes: u64,
}

/// A bucket that is spoken with. Names in it are without the prefix.
#[derive(Debug)]
pub struct Store {
    s3: AmazonS3,
    bucket: Bucket,
}

impl Bucket {
    /// Makes ready to speak with it; nothing is sent yet.
    ///
    /// # Errors
    /// E0102 when the settings do not make an address.
    pub fn open(&self) -> Result<Store> {
        self.check()?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_access_key_id(self.key_id.reveal())
            .with_secret_access_key(self.secret.reveal())
            .with_allow_http(true)
            // One request an object: not every storage knows the other way.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                max_retries: RETRIES,
                ..RetryConfig::default()
            })
            .with_http_connector(http::Connector);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        let s3 = builder
            .build()
            .map_err(|error| failure::told(self, "be spoken with", &error))?;
        Ok(Store {
            s3,
            bucket: self.clone(),
        })
    }

    /// # Errors
    /// E0102 with the key of what cannot be.
    fn check(&self) -> Result<()> {
        let is_key = plain(self.key_id.reveal(), "-_+/=.") && !self.secret.reveal().is_empty();
        let fault = fault(&self.bucket, self.endpoint.as_deref(), &self.region);
        match fault.or((!is_key).then(|| ("key_id", "or `secret` is empty, or no key".to_owned())))
        {
            None => Ok(()),
            Some((key, why)) => {
                let hint = "write bucket, endpoint, region and key as the provider gave them";
                Err(Fault::new("E0102", format!("backup.s3: `{key}` {why}"))
                    .hint(hint)
                    .into())
            }
        }
    }

    /// `s3://bucket/prefix`
    pub fn url(&self) -> String {
        let prefix = self.prefix.trim_matches('/');
        let between = if prefix.is_empty() { "" } else { "/" };
        format!("s3://{}{between}{prefix}", self.bucket)
    }

    /// The bucket and prefix of such an URL, at the same endpoint and for the same key; this very one for `s3://` alone.
    ///
    /// # Errors
    /// E0802 when it is none.
    pub fn at(&self, url: &str) -> Result<Self> {
        let place = url.strip_prefix("s3://");
        if place == Some("") {
            return Ok(self.clone());
        }
        let (bucket, prefix) = place
            .unwrap_or_default()
            .split_once('/')
            .unwrap_or((place.unwrap_or_default(), ""));
        if bucket.is_empty() {
            return Err(Fault::new("E0802", format!("`{url}` names no bucket"))
                .hint("write s3://BUCKET or s3://BUCKET/PREFIX")
                .into());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            ..self.clone()
        })
    }
}

/// What no bucket can have: the key of the setting, and why.
pub fn fault(bucket: &str, endpoint: Option<&str>, region: &str) -> Option<(&'static str, String)> {
    if !plain(bucket, ".-_") {
        return Some((
            "bucket",
            format!("is `{bucket}`, which no bucket is called"),
        ));
    }
    if !plain(region, "-_") {
        return Some((
            "region",
            format!("is `{region}`, which no region is called"),
        ));
    }
    let endpoint = endpoint?;
    let url = endpoint.parse().ok();
    let is_place = |url: Url| matches!(url.scheme(), "http" | "https") && url.username().is_empty();
    if url.is_some_and(is_place) {
        return None;
    }
    let why = format!("is `{endpoint}`; write it as `https://HOST`");
    Some(("endpoint", why))
}

fn plain(text: &str, more: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    !text.is_empty() && text.chars().all(known)
}

impl Store {
    /// Where it leads.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// What is there, by name; folders below the prefix are not looked into.
    ///
    /// # Errors
    /// E0430 when nobody answers, E0431 when it is refused. So of every other way here.
    pub async fn list(&self) -> Result<Vec<Object>> {
        let prefix = self.bucket.prefix.trim_matches('/');
        let prefix = (!prefix.is_empty()).then(|| Key::from(prefix));
        let listed = self.s3.list_with_delimiter(prefix.as_ref()).await;
        let listed = listed.map_err(|error| self.told("be listed", &error))?;
        let name = |key: &Key| key.filename().unwrap_or_default().to_owned();
        let mut objects: Vec<Object> = listed
            .objects
            .into_iter()
            .map(|found| Object {
                name: name(&found.location),
                bytes: found.size,
            })
            .collect();
        objects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(objects)
    }

    /// The length of an object in bytes, and the sha256 that it was put with; none when it is not there.
    pub async fn head(&self, name: &str) -> Result<Option<(u64, Option<String>)>> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        match self.s3.get_opts(&self.key(name), options).await {
            Ok(found) => {
                let digest = found.attributes.get(&Attribute::Metadata(DIGEST.into()));
                let digest = digest.map(|value| value.as_ref().to_owned());
                Ok(Some((found.meta.size, digest)))
            }
            Err(error) if failure::absent(&error) => Ok(None),
            Err(error) => Err(self.told(&format!("tell of {name}"), &error)),
        }
    }

    /// Puts a file there under a name, in parts: the name is there when all of it is. Nothing says yet that it
    /// arrived well: ask `digest`.
    pub async fn put(&self, name: &str, file: &Path, sha256: &str) -> Result<()> {
        let context = || format!("could not read {}", file.display());
        let mut from = File::open(file).with_context(context)?;
        let bytes = from.metadata().with_context(context)?.len();
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(DIGEST.into()), sha256.to_owned().into());
        if bytes > PART {
            return self.put_parts(name, &mut from, bytes, attributes).await;
        }
        let mut all = Vec::new();
        from.read_to_end(&mut all).with_context(context)?;
        let options = PutOptions {
            attributes,
            ..PutOptions::default()
        };
        let put = self.s3.put_opts(&self.key(name), all.into(), options).await;
        put.map(drop)
            .map_err(|error| self.told(&format!("take {name}"), &error))
    }

    async fn put_parts(
        &self,
        name: &str,
        from: &mut impl Read,
        bytes: u64,
        attributes: Attributes,
    ) -> Result<()> {
        let told = |error| self.told(&format!("take {name}"), &error);
        let options = PutMultipartOptions {
            attributes,
            ..PutMultipartOptions::default()
        };
        let begun = self.s3.put_multipart_opts(&self.key(name), options).await;
        let mut upload = begun.map_err(told)?;
        let sent = async {
            loop {
                let mut part = Vec::new();
                let length = PART.max(bytes.div_ceil(PARTS));
                from.take(length).read_to_end(&mut part)?;
                if part.is_empty() {
                    break;
                }
                upload
                    .put_part(PutPayload::from(part))
                    .await
                    .map_err(told)?;
            }
            upload.complete().await.map_err(told)?;
            anyhow::Ok(())
        };
        let sent = sent.await;
        if sent.is_err() {
            // The parts cost until they are gone; without the connection only the bucket's own rule can see to it.
            let _ = upload.abort().await;
        }
        sent
    }

    /// All of a small object; none when it is not there.
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let told = |error| self.told(&format!("give {name}"), &error);
        let found = match self.s3.get(&self.key(name)).await {
            Ok(found) => found,
            Err(error) if failure::absent(&error) => return Ok(None),
            Err(error) => return Err(told(error)),
        };
        if found.meta.size > SMALL {
            let message = format!(
                "{name} in {} is too large to be what it is called",
                self.bucket.url()
            );
            return Err(Fault::new("E0432", message).into());
        }
        let bytes = found.bytes().await.map_err(told)?;
        Ok(Some(bytes.into()))
    }

    /// An object's content as it comes; gives its sha256 and length in bytes.
    pub async fn get(&self, name: &str, to: &mut impl Write) -> Result<(String, u64)> {
        let told = |error| self.told(&format!("give {name}"), &error);
        let found = self.s3.get(&self.key(name)).await.map_err(told)?;
        let mut stream = found.into_stream();
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(told)?;
            to.write_all(&piece)
                .context("could not write what the bucket gave")?;
            digest.update(&piece);
            bytes += piece.len() as u64;
        }
        Ok((hex(&digest.finalize()), bytes))
    }

    /// The sha256 and length of what is there, read back from its first byte to its last.
    pub async fn digest(&self, name: &str) -> Result<(String, u64)> {
        self.get(name, &mut std::io::sink()).await
    }

    /// Takes an object away, when it is there.
    ///
    /// # Errors
    /// E0431 also where nothing may be deleted.
    pub async fn delete(&self, name: &str) -> Result<()> {
        if self.bucket.append_only {
            let message = format!("{} only takes: {name} stays there", self.bucket.url());
            return Err(Fault::new("E0431", message).into());
        }
        match self.s3.delete(&self.key(name)).await {
            Err(error) if !failure::absent(&error) => {
                Err(self.told(&format!("let go of {name}"), &error))
            }
            _ => Ok(()),
        }
    }

    fn key(&self, name: &str) -> Key {
        let prefix = self.bucket.prefix.trim_matches('/');
        Key::from(format!("{prefix}/{name}"))
    }

    fn told(&self, doing: &str, error: &object_store::Error) -> anyhow::Error {
        failure::told(&self.bucket, doing, error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(prefix: &str) -> Bucket {
        Bucket {
            bucket: "citrino".to_owned(),
            endpoint: None,
            region: "fsn1".to_owned(),
            prefix: prefix.to_owned(),
            key_id: Secret::new("AKIA-SENTINEL"),
            secret: Secret::new("secret-sentinel"),
            append_only: false,
        }
    }

    #[test]
    fn a_place_is_an_url_and_back() {
        for (prefix, url) in [
            ("", "s3://citrino"),
            ("prod", "s3://citrino/prod"),
            ("/a/b/", "s3://citrino/a/b"),
        ] {
            assert_eq!(bucket(prefix).url(), url);
            assert_eq!(bucket("other").at(url).unwrap().url(), url);
        }
        assert_eq!(bucket("own").at("s3://").unwrap(), bucket("own"));
        for wrong in ["s3:///prefix", "https://x", "citrino_20261125_150000"] {
            assert!(bucket("").at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_travels_whole_and_prints_nothing_secret() {
        let there = bucket("prod");
        let wire = serde_json::to_string(&there).unwrap();
        assert_eq!(serde_json::from_str::<Bucket>(&wire).unwrap(), there);
        for shown in [format!("{there:?}"), format!("{:?}", there.open().unwrap())] {
            assert!(!shown.contains("secret-sentinel"), "{shown}");
        }
    }
}

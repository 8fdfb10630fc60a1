//! Object storage that speaks S3: where backups are when the host is not.

use anyhow::Result;
use object_store::RetryConfig;
use object_store::aws::AmazonS3Builder;
use reqwest::Url;
use serde::{Deserialize, Serialize};

mod failure;
mod http;
mod store;

pub use store::{Object, Store};

use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;

/// How often a request that got no answer, or one of trouble, is sent again.
const RETRIES: usize = 4;

/// Where it is, and who asks. Its secrets are in what it is written as: that goes over standard input, and into a file
/// that only root reads.
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
            .map_err(|error| failure::told(self, "connect", &error))?;
        Ok(Store::of(s3, self.clone()))
    }

    /// # Errors
    /// E0102 with the key of what cannot be.
    fn check(&self) -> Result<()> {
        let is_key = plain(self.key_id.reveal(), "-_+/=.") && !self.secret.reveal().is_empty();
        let fault = fault(&self.bucket, self.endpoint.as_deref(), &self.region);
        match fault
            .or((!is_key).then(|| ("key_id", "or `secret` is empty or not valid".to_owned())))
        {
            None => Ok(()),
            Some((key, why)) => {
                let hint = "copy bucket, endpoint, region and key from the provider";
                Err(Fault::new(Code::E0102, format!("backup.s3: `{key}` {why}"))
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
            return Err(Fault::new(Code::E0802, format!("`{url}` names no bucket"))
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
            format!("is `{bucket}`, which is not a valid bucket name"),
        ));
    }
    if !plain(region, "-_") {
        return Some((
            "region",
            format!("is `{region}`, which is not a valid region name"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::error_info;

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

    /// Lists and small objects are taken into memory whole, so each has an end.
    #[tokio::test]
    async fn a_storage_that_never_stops_is_given_up() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        let there = Bucket {
            endpoint: Some(format!("http://{place}")),
            ..bucket("")
        };
        let serve = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
                let begun = stream.write_all(b"HTTP/1.1 200 OK\r\nlast-modified: Tue, 24 Nov 2026 03:00:00 GMT\r\netag: x\r\n\r\n<ListBucketResult>").await;
                while begun.is_ok() && stream.write_all(&[b' '; 8192]).await.is_ok() {}
            }
        };
        let store = there.open().unwrap();
        tokio::select! {
            listed = store.list() => {
                let why = error_info(&listed.unwrap_err()).message;
                assert!(why.ends_with("the storage sent more than any such answer has"), "{why}");
            }
            () = serve => unreachable!(),
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

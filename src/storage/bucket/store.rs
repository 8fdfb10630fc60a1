//! What can be done with a bucket.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use object_store::aws::AmazonS3;
use object_store::{
    Attribute, Attributes, GetOptions, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload, path::Path as Key,
};
use sha2::{Digest, Sha256};

use super::{Bucket, failure};
use crate::core::digest::hex;
use crate::core::error::{Code, Fault};

/// What is sent at a time, and kept in memory: S3 wants at least 5 MB of each part but the last.
const PART: u64 = 8 << 20;
/// S3's limit of parts; past 80 GB they are larger.
const PARTS: u64 = 10_000;
/// What `read` takes into memory at most.
const SMALL: u64 = 1 << 20;
/// The object's metadata in which its sha256 is.
const DIGEST: &str = "sha256";

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

impl Store {
    pub(super) fn of(s3: AmazonS3, bucket: Bucket) -> Self {
        Self { s3, bucket }
    }

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
        let listed = listed.map_err(|error| self.told("list the bucket", &error))?;
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
            Err(error) => Err(self.told(&format!("look up {name}"), &error)),
        }
    }

    /// Whether it was put there by `put`, and not by a person's hand: nobody else tells the hash beside it.
    pub async fn is_ours(&self, name: &str) -> Result<bool> {
        let digest = self.head(name).await?.and_then(|(_, digest)| digest);
        Ok(digest.is_some_and(|digest| digest.len() == 2 * Sha256::output_size()))
    }

    /// Puts a file there under a name, in parts: the name is there when all of it is. Nothing says yet that it
    /// arrived well: ask `digest`.
    pub async fn put(&self, name: &str, mut from: File, sha256: &str) -> Result<()> {
        let context = || format!("could not read {name}");
        let bytes = from.seek(SeekFrom::End(0)).with_context(context)?;
        from.rewind().with_context(context)?;
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
            .map_err(|error| self.told(&format!("upload {name}"), &error))
    }

    async fn put_parts(
        &self,
        name: &str,
        from: &mut impl Read,
        bytes: u64,
        attributes: Attributes,
    ) -> Result<()> {
        let told = |error| self.told(&format!("upload {name}"), &error);
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
        let told = |error| self.told(&format!("download {name}"), &error);
        let found = match self.s3.get(&self.key(name)).await {
            Ok(found) => found,
            Err(error) if failure::absent(&error) => return Ok(None),
            Err(error) => return Err(told(error)),
        };
        if found.meta.size > SMALL {
            let message = format!(
                "{name} in {} is too large for a file of that name",
                self.bucket.url()
            );
            return Err(Fault::new(Code::E0432, message).into());
        }
        let bytes = found.bytes().await.map_err(told)?;
        Ok(Some(bytes.into()))
    }

    /// Writes an object's content, at most `most` bytes of it, as it arrives. Gives its sha256 and its length in bytes.
    ///
    /// # Errors
    /// E0432 when it goes on behind them.
    pub async fn get(&self, name: &str, most: u64, to: &mut impl Write) -> Result<(String, u64)> {
        let told = |error| self.told(&format!("download {name}"), &error);
        let found = self.s3.get(&self.key(name)).await.map_err(told)?;
        let mut stream = found.into_stream();
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(told)?;
            if bytes + piece.len() as u64 > most {
                let message = format!("{name} in {} is longer than it was", self.bucket.url());
                return Err(Fault::new(Code::E0432, message).into());
            }
            to.write_all(&piece)
                .context("could not write the download")?;
            digest.update(&piece);
            bytes += piece.len() as u64;
        }
        Ok((hex(&digest.finalize()), bytes))
    }

    /// The sha256 and length of what is there, read back from its first byte to its last.
    pub async fn digest(&self, name: &str) -> Result<(String, u64)> {
        self.get(name, u64::MAX, &mut std::io::sink()).await
    }

    /// Takes an object away, when it is there.
    ///
    /// # Errors
    /// E0431 also where nothing may be deleted.
    pub async fn delete(&self, name: &str) -> Result<()> {
        if self.bucket.append_only {
            let message = format!(
                "{} is append-only: {name} was not deleted",
                self.bucket.url()
            );
            return Err(Fault::new(Code::E0431, message).into());
        }
        match self.s3.delete(&self.key(name)).await {
            Err(error) if !failure::absent(&error) => {
                Err(self.told(&format!("delete {name}"), &error))
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

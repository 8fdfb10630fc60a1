//! Where a backup comes from: the host itself, a bucket, or this machine.

use std::path::Path;

use anyhow::Result;

use crate::backup::{Settings, wished};
use crate::bucket::Bucket;
use crate::bucket::backups::gather;
use crate::error::Fault;
use crate::facts::backups::{self, Backup, Backups};
use crate::plan::Mode;
use crate::remote::Remote;
use crate::verb::backup::push::{self, Here};
use crate::verb::job::Job;

/// What a bucket is named with.
const S3: &str = "s3://";

pub enum Origin {
    Bucket(Bucket, Box<Backup>),
    Here(Box<Here>),
}

impl Origin {
    /// Where it is, when it is not on the host.
    ///
    /// # Errors
    /// E0802 and E0433 of a bucket, E0422 of a file.
    pub async fn of(job: &mut Job<'_>, from: Option<&str>, name: &str) -> Result<Option<Self>> {
        if let Some(url) = from {
            return Self::in_bucket(job, url, name).await.map(Some);
        }
        let path = Path::new(name);
        if path.is_file() {
            return push::at(path).map(|here| Some(Self::Here(Box::new(here))));
        }
        Ok(None)
    }

    /// Where it is when the host is lost: at a place that is named, or wherever the newest is.
    ///
    /// # Errors
    /// E0427 when there is none; and those of `of`.
    pub async fn off_the_host(job: &mut Job<'_>, which: Option<&str>) -> Result<Self> {
        if let Some(which) = which {
            let from = which.starts_with(S3).then_some(which);
            let name = if from.is_some() { "latest" } else { which };
            if let Some(origin) = Self::of(job, from, name).await? {
                return Ok(origin);
            }
            return Self::in_bucket(job, S3, which).await;
        }
        let here = push::newest(job)?.map(|here| Self::Here(Box::new(here)));
        let there = match &job.stack.backup.s3 {
            Some(_) => Some(Self::in_bucket(job, S3, "latest").await?),
            None => None,
        };
        let all = here.into_iter().chain(there);
        all.max_by_key(|origin| backups::at(&origin.backup().at))
            .ok_or_else(|| {
                Fault::new("E0427", "there is no backup off the host")
                    .hint("name the file of one, or its place as s3://BUCKET/PREFIX; `backup pull` and `backup.s3` bring backups off the host in time")
                    .into()
            })
    }

    async fn in_bucket(job: &mut Job<'_>, url: &str, name: &str) -> Result<Self> {
        let Some(own) = job.backups().s3 else {
            let message = "a bucket is asked, and citrino.yml has no `backup.s3` with a key for it";
            return Err(Fault::new("E0802", message)
                .hint("add `backup.s3`; examples/citrino.yml shows how")
                .into());
        };
        let bucket = own.at(url)?;
        job.report.waiting(format!("looking at {}", bucket.url()));
        let there = gather(&bucket.open()?).await?;
        if there.backups == Backups::default() {
            let message = format!("there is no backup in {}", bucket.url());
            return Err(Fault::new("E0433", message)
                .hint("nothing was changed; look at bucket and prefix of `backup.s3`")
                .into());
        }
        let backup = wished(&there.backups, Some(name))?.clone();
        Ok(Self::Bucket(bucket, Box::new(backup)))
    }

    pub fn backup(&self) -> &Backup {
        match self {
            Self::Bucket(_, backup) => backup,
            Self::Here(here) => &here.backup,
        }
    }

    /// What a person calls it: `citrino_20261125_030000 in s3://…`
    pub fn told(&self) -> String {
        match self {
            Self::Bucket(bucket, backup) => format!("{} in {}", backup.name, bucket.url()),
            Self::Here(here) => format!("{} on this machine", here.backup.name),
        }
    }

    /// Brings it to the host.
    ///
    /// # Errors
    /// What fails on the way; then the host has nothing of that name.
    pub async fn bring(&self, job: &mut Job<'_>, remote: &Remote) -> Result<()> {
        match self {
            Self::Here(here) => here.push(job, remote).await,
            Self::Bucket(bucket, backup) => {
                let steps = vec![Settings::fetched(bucket, &backup.name)];
                let plan = job.plan(Mode::Apply, steps, Vec::new());
                let agent = job.agent(remote).await?;
                job.run_host(agent, &plan, &[]).await.map(drop)
            }
        }
    }
}

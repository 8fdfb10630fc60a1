//! Where a backup comes from: the host itself, a bucket, or this machine.

use std::cmp::Reverse;
use std::path::Path;

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::core::plan::Mode;
use crate::facts::backups::{self, Accepts, BackupManifest, Backups, JudgedBackup, Standing};
use crate::facts::bucket_backups::gather;
use crate::operator::remote::Remote;
use crate::planner::backup::{Settings, find};
use crate::storage::bucket::Bucket;
use crate::task::backup_downloaded::LATEST;
use crate::verb::backup::push::{self, Here};
use crate::verb::job::Job;
use crate::verb::on_host;

/// What a bucket is named with.
const S3: &str = "s3://";
/// How many names a hint lists.
const LISTED: usize = 5;

pub enum BackupOrigin {
    Bucket(Bucket, Box<JudgedBackup>),
    Here(Box<Here>),
}

/// Which backup is asked for, and what it may be.
#[derive(Clone, Copy)]
pub struct BackupRequest<'a> {
    /// `s3://…`, when a bucket is named.
    pub from: Option<&'a str>,
    /// The name of a backup or a file; the newest when none is said.
    pub name: Option<&'a str>,
    pub accepts: Accepts,
}

impl BackupRequest<'_> {
    /// Whether a bucket or a file of this machine is meant.
    ///
    /// # Errors
    /// E0802 when what names a bucket does not.
    pub fn is_elsewhere(&self, job: &Job) -> Result<bool> {
        if let Some(url) = self.from {
            bucket(job, url)?;
            return Ok(true);
        }
        Ok(self.name.is_some_and(|name| Path::new(name).is_file()))
    }
}

impl BackupOrigin {
    /// Where it is, when it is not on the host.
    ///
    /// # Errors
    /// E0802 and E0433 of a bucket, E0422 of a file; E0423 and E0436 when it is not one that is accepted.
    pub async fn of(job: &mut Job<'_>, asked: BackupRequest<'_>) -> Result<Option<Self>> {
        if let Some(url) = asked.from {
            return Self::in_bucket(job, url, asked).await.map(Some);
        }
        let path = asked.name.map(Path::new).filter(|path| path.is_file());
        let Some(path) = path else {
            return Ok(None);
        };
        let here = push::at(path, &job.judge()?)?;
        here.found.clone().accepted(asked.accepts)?;
        Ok(Some(Self::Here(Box::new(here))))
    }

    /// Where it is when the host is lost: at a place that is named; else the named one, or the newest, of all that are in the
    /// bucket and on this machine.
    ///
    /// # Errors
    /// E0427 when there is none; those of the bucket when there is none here either; and those of `of`.
    pub async fn off_the_host(job: &mut Job<'_>, asked: BackupRequest<'_>) -> Result<Self> {
        let stack = job.stack.name.clone();
        if let Some(url) = asked.name.filter(|which| which.starts_with(S3)) {
            return Self::in_bucket(
                job,
                url,
                BackupRequest {
                    name: None,
                    ..asked
                },
            )
            .await;
        }
        if let Some(origin) = Self::of(job, asked).await? {
            return Ok(origin);
        }
        let here = push::pulled(job)?.into_iter();
        let here: Vec<Self> = here.map(|here| Self::Here(Box::new(here))).collect();
        let there = match &job.stack.backup.s3 {
            Some(_) => look(job, S3).await.map(Some),
            None => Ok(None),
        };
        let (there, missed) = match there {
            Ok(there) => (there, None),
            Err(error) => (None, Some(error)),
        };
        let mut all = here;
        let mut broken = Backups::default();
        if let Some((bucket, there)) = there {
            let there_is = |found: JudgedBackup| Self::Bucket(bucket.clone(), Box::new(found));
            broken.broken = there.broken.clone();
            all.extend(there.judged().map(there_is));
        }
        let mut seen = Backups::default();
        let own = all.iter().filter(|origin| *origin.backup().stack == *stack);
        own.for_each(|origin| seen.take(origin.found().clone()));
        tell_of_doubt(job, &seen.sorted(), asked);
        match (meant(all, broken, &stack, asked), missed) {
            (Ok(origin), Some(error)) => {
                let text = format!("note: {error:#}; only the backups on this machine are known");
                job.report.note(text);
                Ok(origin)
            }
            (Err(_), Some(error)) => Err(error),
            (origin, None) => Ok(origin?),
        }
    }

    async fn in_bucket(job: &mut Job<'_>, url: &str, asked: BackupRequest<'_>) -> Result<Self> {
        let (bucket, there) = look(job, url).await?;
        tell_of_doubt(job, &there, asked);
        let known = match asked.accepts {
            Accepts::Foreign => there.clone().with_foreign(),
            Accepts::Own | Accepts::Doubtful => there.clone(),
        };
        let name = match find(&known, asked.name, asked.accepts) {
            Ok(backup) => backup.name.clone(),
            Err(fault) if fault.code == Code::E0436 => return Err(fault.into()),
            Err(why) => {
                let hint = format!("nothing was changed; in the bucket {}", listed(&there));
                return Err(Fault::new(Code::E0433, format!("{}: {why}", bucket.url()))
                    .hint(hint)
                    .into());
            }
        };
        let gone = || Fault::new(Code::E0433, format!("{name} is not in {}", bucket.url()));
        let found = there.judged().find(|found| found.backup.name == name);
        let found = found.ok_or_else(gone)?;
        Ok(Self::Bucket(bucket, Box::new(found)))
    }

    pub fn backup(&self) -> &BackupManifest {
        &self.found().backup
    }

    fn found(&self) -> &JudgedBackup {
        match self {
            Self::Bucket(_, found) => found,
            Self::Here(here) => &here.found,
        }
    }

    /// What a person calls it: `shop_20261125_030000 in s3://…`
    pub fn told(&self) -> String {
        match self {
            Self::Bucket(bucket, found) => format!("{} in {}", found.backup.name, bucket.url()),
            Self::Here(here) => format!("{} on this machine", here.found.backup.name),
        }
    }

    /// Reads it through where it is: each file is what the manifest says.
    ///
    /// # Errors
    /// E0422 and E0432 when one is not, E0430 when the bucket does not give it.
    pub async fn verify(&self, job: &mut Job<'_>) -> Result<()> {
        let (bucket, backup) = match self {
            Self::Here(here) => return here.verify(),
            Self::Bucket(bucket, found) => (bucket, &found.backup),
        };
        let store = bucket.open()?;
        for content in backup.contents() {
            let place = format!("{} in {}", content.file, bucket.url());
            job.report.waiting(format!("reading {place}"));
            if store.digest(&content.file).await? != (content.sha256.clone(), content.bytes) {
                let message = format!("{place} does not match its manifest: its hash differs");
                return Err(Fault::new(Code::E0432, message)
                    .hint("nothing was changed; name another backup, or a file from `backup pull`")
                    .into());
            }
        }
        Ok(())
    }

    /// Brings it to the host.
    ///
    /// # Errors
    /// What fails on the way; then the host has nothing of that name.
    pub async fn bring(&self, job: &mut Job<'_>, remote: &Remote, accepts: Accepts) -> Result<()> {
        match self {
            Self::Here(here) => here.push(job, remote, accepts).await,
            Self::Bucket(bucket, found) => {
                let name = &found.backup.name;
                let steps = vec![Settings::fetched(bucket, name, accepts)];
                let plan = job.plan(Mode::Apply, steps, Vec::new());
                let agent = on_host::agent(job, remote).await?;
                on_host::run(job, agent, &plan, &[]).await.map(drop)
            }
        }
    }
}

/// The bucket that an URL names, for the key of citrino.yml.
///
/// # Errors
/// E0802 when citrino.yml has no key for one, or the URL names none.
fn bucket(job: &Job, url: &str) -> Result<Bucket> {
    let Some(own) = job.backups().s3 else {
        let message = "citrino.yml has no `backup.s3` with a key for the bucket";
        return Err(Fault::new(Code::E0802, message)
            .hint("add `backup: { s3: { bucket: NAME, region: REGION, key_id: { env: S3_KEY_ID }, secret: { env: S3_SECRET } } }`")
            .into());
    };
    own.at(url)
}

/// What is in a bucket, as this machine judges it.
///
/// # Errors
/// E0802 when citrino.yml has no key for one, E0433 when nothing is there, E0430 and E0431 when it does not say.
async fn look(job: &mut Job<'_>, url: &str) -> Result<(Bucket, Backups)> {
    let bucket = bucket(job, url)?;
    job.report.waiting(format!("reading {}", bucket.url()));
    let there = gather(&bucket.open()?, &job.judge()?).await?;
    if there.backups == Backups::default() {
        let message = format!("there is no backup in {}", bucket.url());
        return Err(Fault::new(Code::E0433, message)
            .hint("nothing was changed; check `bucket` and `prefix` of `backup.s3`")
            .into());
    }
    Ok((bucket, there.backups))
}

/// Who asks for the newest is to know of what says that it is newer.
pub fn tell_of_doubt(job: &mut Job<'_>, there: &Backups, asked: BackupRequest<'_>) {
    let is_newest = asked.name.is_none_or(|name| name == LATEST);
    if let Some(one) = there.newer_in_doubt().filter(|_| is_newest) {
        let name = &one.backup.name;
        job.report.note(format!(
            "note: {name} looks like the newest backup, and is not used: {}",
            one.why
        ));
    }
}

/// Of all that were found the one that is meant: the newest of the stack, or the one of that name, whosever it is.
/// `known` has what cannot be used.
///
/// # Errors
/// E0427 when there is none, E0436 when it is not believed and that is not accepted.
fn meant(
    mut all: Vec<BackupOrigin>,
    mut known: Backups,
    stack: &str,
    asked: BackupRequest<'_>,
) -> Result<BackupOrigin, Fault> {
    let is_named = asked.name.is_some_and(|which| which != LATEST);
    all.retain(|origin| is_named || origin.backup().stack == stack);
    // What is believed first, then the newest; the sort is stable, and from the bucket it is the shorter way to the host.
    all.reverse();
    all.sort_by_key(|origin| {
        let is_doubtful = matches!(origin.found().standing, Standing::Doubtful(_));
        (is_doubtful, Reverse(backups::at(&origin.backup().at)))
    });
    for origin in &all {
        let name = &origin.backup().name;
        known.broken.remove(name);
        if known.names().all(|one| one != name) {
            known.take(origin.found().clone());
        }
    }
    let name = match find(&known, asked.name, asked.accepts) {
        Ok(backup) => backup.name.clone(),
        Err(fault) if fault.code == Code::E0436 => return Err(fault),
        Err(fault) => return Err(no_such(&fault.message, &known)),
    };
    let found = all.into_iter().find(|origin| origin.backup().name == name);
    found.ok_or_else(|| no_such("there is no backup", &known))
}

fn no_such(why: &str, known: &Backups) -> Fault {
    let ways = "name the file of a backup, or a bucket as s3://BUCKET/PREFIX; `backup pull` and `backup.s3` copy backups off the host";
    let hint = if known.whole.is_empty() {
        ways.to_owned()
    } else {
        format!("nothing was changed; outside the host {}", listed(known))
    };
    Fault::new(
        Code::E0427,
        format!("outside the host (the bucket, and `backups` beside citrino.yml): {why}"),
    )
    .hint(hint)
}

/// `is X`, `are X, Y and 3 more`: the newest ones by name.
fn listed(known: &Backups) -> String {
    let names: Vec<&str> = known.all().map(|one| one.name.as_str()).collect();
    let shown = names[..names.len().min(LISTED)].join(", ");
    match names.len() {
        0 => "is no usable backup".to_owned(),
        1 => format!("is {shown}"),
        n if n <= LISTED => format!("are {shown}"),
        n => format!("are {shown} and {} more", n - LISTED),
    }
}

#[cfg(test)]
mod tests;

//! One way for every call: bounded retries by what is known of the outcome, pages, and creates
//! that are looked up before they are sent again.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Hetzner;
use super::answers::Meta;
use super::failure::{ApiError, CallError};
use super::words::ApiCode;
use crate::core::http;

/// How often a request that failed is sent again.
const RETRIES: u32 = 5;
/// A machine without network should hear so soon.
const RETRIES_UNREACHABLE: u32 = 2;
const HOUR: Duration = Duration::from_hours(1);
/// The API's own limit.
const PER_PAGE: i64 = 50;
/// No list of one project is longer; it bounds a loop on wrong answers.
const MAX_PAGES: i64 = 200;

pub(super) type Called<T> = std::result::Result<T, CallError>;

/// What may be sent twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SentCall {
    /// Reads, and writes that say what shall be: a second one changes nothing.
    Harmless,
    /// Makes something new each time.
    Makes,
}

impl SentCall {
    fn may_go_again(self, failed: &CallError) -> bool {
        match self {
            Self::Harmless => failed.transient(),
            Self::Makes => failed.try_later(),
        }
    }
}

fn most_retries(failed: &CallError) -> u32 {
    match failed {
        CallError::Unreachable(_) => RETRIES_UNREACHABLE,
        _ => RETRIES,
    }
}

/// Longer by up to a quarter, so that two operators do not meet again.
fn varied(wait: Duration) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    wait.mul_f64(1.0 + f64::from(nanos % 1000) / 4000.0)
}

impl Hetzner {
    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Called<T> {
        self.retrying(SentCall::Harmless, async || {
            self.send(Method::GET, path, query, None).await
        })
        .await
    }

    /// A write that may be sent twice.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Called<T> {
        let body = body.map(to_value).transpose()?;
        self.retrying(SentCall::Harmless, async || {
            self.send(method.clone(), path, &[], body.as_ref()).await
        })
        .await
    }

    /// Whether the token may write, asked by a change of something that is not there.
    ///
    /// # Errors
    /// E0301 for a token that may only read.
    pub async fn check_writable(&self) -> anyhow::Result<()> {
        let nothing = serde_json::json!({});
        let asked: Called<Value> = self.write(Method::PUT, "/ssh_keys/0", Some(&nothing)).await;
        match asked {
            Err(error) if error.is(&ApiCode::TokenReadonly) || error.is(&ApiCode::Unauthorized) => {
                Err(error.told("change anything").into())
            }
            _ => Ok(()),
        }
    }

    /// Reads all pages of a list; `key` names it in the answer.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        query: &[(&str, String)],
    ) -> Called<Vec<T>> {
        self.pages(async |page| {
            let mut query = query.to_vec();
            query.push(("page", page.to_string()));
            query.push(("per_page", PER_PAGE.to_string()));
            let mut answer: Value = self.get(path, &query).await?;
            let meta: Meta = serde_json::from_value(answer["meta"].take()).unwrap_or_default();
            let items = serde_json::from_value(answer[key].take())
                .map_err(|error| CallError::Garbled(format!("{path}: {error}")))?;
            Ok((items, meta.pagination.next_page))
        })
        .await
    }

    /// Reads pages until there is no next one.
    pub(super) async fn pages<T>(
        &self,
        fetch: impl AsyncFn(i64) -> Called<(Vec<T>, Option<i64>)>,
    ) -> Called<Vec<T>> {
        let mut all = Vec::new();
        let mut page = 1;
        let before = self.received.load(Ordering::Relaxed);
        loop {
            let (items, next) = fetch(page).await?;
            all.extend(items);
            if self.received.load(Ordering::Relaxed) - before > MOST_OF_A_LIST {
                let why = format!("a list has more than {} MB", MOST_OF_A_LIST >> 20);
                return Err(CallError::Garbled(why));
            }
            match next {
                Some(next) if next > page && next <= MAX_PAGES => page = next,
                _ => return Ok(all),
            }
        }
    }

    /// Makes exactly one. The API has no idempotency keys: when it is not known whether a create
    /// worked, `find` (by name and label) says so before it is sent again.
    pub(super) async fn create_once<T>(
        &self,
        create: impl AsyncFn() -> Called<T>,
        find: impl AsyncFn() -> Called<Option<T>>,
    ) -> Called<T> {
        let mut attempt = 0;
        let mut waits = self.backoff().build();
        loop {
            let failed = match self.retrying(SentCall::Makes, &create).await {
                Ok(made) => return Ok(made),
                Err(failed) => failed,
            };
            // An earlier attempt may have come true only now: then the name is taken, by ours.
            let late = attempt > 0 && failed.is(&ApiCode::UniquenessError);
            if !failed.unknown_outcome() && !late {
                return Err(failed);
            }
            tokio::time::sleep(varied(waits.next().unwrap_or_default())).await;
            if let Some(found) = find().await? {
                return Ok(found);
            }
            if late || attempt >= RETRIES {
                return Err(failed);
            }
            attempt += 1;
        }
    }

    /// Sends again, a bounded number of times, what can be sent again.
    pub(super) async fn retrying<T>(
        &self,
        sent: SentCall,
        call: impl AsyncFn() -> Called<T>,
    ) -> Called<T> {
        let mut attempts = 0;
        (|| call())
            .retry(self.backoff())
            .sleep(tokio::time::sleep)
            .when(|failed: &CallError| {
                attempts += 1;
                sent.may_go_again(failed) && attempts <= most_retries(failed)
            })
            .adjust(|failed, wait| Some(varied(wait?).max(self.refill_wait(failed))))
            .await
    }

    /// After a 429: the time in which the API gives one request back, by its `RateLimit-Limit` (an
    /// hour's). `RateLimit-Reset` tells when *all* are back, which nobody needs to wait for.
    fn refill_wait(&self, failed: &CallError) -> Duration {
        match failed {
            CallError::Api(error) if error.code == ApiCode::RateLimitExceeded => error
                .hourly_limit
                .map_or(Duration::ZERO, |limit| HOUR / limit.max(1))
                .min(self.pace.longest_retry),
            _ => Duration::ZERO,
        }
    }

    /// Each wait is twice as long as the one before, up to the longest.
    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.pace.first_retry)
            .with_max_delay(self.pace.longest_retry)
            .with_factor(2.0)
            .without_max_times()
    }

    /// One request, one answer, read leniently.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Called<T> {
        let sent = self.send_once(method, path, query, body).await;
        sent.map_err(|error| error.by(self.sources))
    }

    async fn send_once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Called<T> {
        let url = format!("{}{path}", self.endpoint());
        let mut request = self.cfg.client.request(method, url).query(query);
        if let Some(agent) = &self.cfg.user_agent {
            request = request.header(reqwest::header::USER_AGENT, agent);
        }
        if let Some(token) = &self.cfg.bearer_access_token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let correlation = header("x-correlation-id");
        let hourly_limit = header("ratelimit-limit").and_then(|limit| limit.parse().ok());
        let content = self.content_of(path, answer).await?;
        if !status.is_success() {
            let mut error = ApiError::parse(status.as_u16(), &content);
            error.correlation = correlation;
            error.hourly_limit = hourly_limit;
            return Err(CallError::Api(error));
        }
        let content = if content.trim().is_empty() {
            "null"
        } else {
            &content
        };
        serde_json::from_str(content)
            .map_err(|error| CallError::Garbled(format!("{path}: {error}")))
    }
}

/// What an answer may have, and what all pages of a list may have together. A page has fifty things, each of a few kilobytes; what
/// is read from it takes many times its length in memory.
const MOST: usize = 2 << 20;
const MOST_OF_A_LIST: u64 = 16 << 20;

impl Hetzner {
    async fn content_of(&self, path: &str, answer: reqwest::Response) -> Called<String> {
        let content = http::begin_of(answer, MOST + 1).await?;
        if content.len() > MOST {
            return Err(CallError::Garbled(format!(
                "{path}: the answer has more than {} MB",
                MOST >> 20
            )));
        }
        self.received
            .fetch_add(content.len() as u64, Ordering::Relaxed);
        Ok(String::from_utf8_lossy(&content).into_owned())
    }
}

pub(super) fn to_value(body: &impl Serialize) -> Called<Value> {
    serde_json::to_value(body).map_err(|error| CallError::Garbled(error.to_string()))
}

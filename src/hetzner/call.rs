//! One way for every call: bounded retries by what is known of the outcome, pages, and creates
//! that are looked up before they are sent again.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::Hetzner;
use super::answers::Meta;
use super::deadline;
use super::failure::{ApiError, CallError};
use super::words::ApiCode;
use crate::core::http;

/// How often a request that failed is sent again.
const RETRIES: u32 = 5;
/// A machine without network should hear so soon, and one that asks something else than the API.
const RETRIES_UNREACHABLE: u32 = 2;
const HOUR: Duration = Duration::from_hours(1);
/// The API's own limit.
const PER_PAGE: i64 = 50;
/// No list of one project is longer; it bounds a loop on wrong answers.
const MAX_PAGES: i64 = 200;

/// An answer whose keys are read one by one.
pub(super) type AnswerObject = serde_json::Map<String, Value>;

pub(super) type Called<T> = std::result::Result<T, CallError>;

/// What may be sent twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SentCall {
    /// Reads: an answer that is of somebody else is asked for again.
    Asks,
    /// Writes that say what shall be: a second one changes nothing.
    Harmless,
    /// The same for one resource, which something else may hold meanwhile: whoever sends it sees to
    /// a lock.
    Orders,
    /// Makes something new each time.
    Makes,
}

/// How long a request that fails is sent again.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// A few times. A used-up rate limit is waited for.
    Attempts,
    /// Until then, whatever was heard: what it asks about goes on meanwhile.
    Until(Instant),
}

impl Limit {
    fn is_over(self, failed: &CallError, attempts: u32, within: bool) -> bool {
        match self {
            Self::Until(end) => Instant::now() >= end,
            Self::Attempts if failed.is(&ApiCode::RateLimitExceeded) => !within,
            Self::Attempts => attempts > most_retries(failed),
        }
    }
}

impl SentCall {
    fn may_go_again(self, failed: &CallError) -> bool {
        match self {
            Self::Asks => failed.transient() || matches!(failed, CallError::Garbled(_)),
            Self::Harmless => failed.transient(),
            Self::Orders => failed.transient() && !failed.is(&ApiCode::Locked),
            Self::Makes => failed.try_later(),
        }
    }
}

fn most_retries(failed: &CallError) -> u32 {
    match failed {
        CallError::Unreachable(_) | CallError::Garbled(_) => RETRIES_UNREACHABLE,
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
        self.get_within(path, query, Limit::Attempts).await
    }

    /// The same, asked again for as long as the limit says.
    pub(super) async fn get_within<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: Limit,
    ) -> Called<T> {
        self.retrying(SentCall::Asks, limit, async || {
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
        self.write_as(SentCall::Harmless, method, path, body).await
    }

    pub(super) async fn write_as<T: DeserializeOwned>(
        &self,
        sent: SentCall,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Called<T> {
        let body = body.map(to_value).transpose()?;
        self.retrying(sent, Limit::Attempts, async || {
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
        self.list_within(path, key, query, Limit::Attempts).await
    }

    /// The same, asked again for as long as the limit says.
    pub(super) async fn list_within<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        query: &[(&str, String)],
        limit: Limit,
    ) -> Called<Vec<T>> {
        let garbled = |error| CallError::Garbled(format!("{path}: {error}"));
        self.pages(async |page| {
            let mut query = query.to_vec();
            query.push(("page", page.to_string()));
            query.push(("per_page", PER_PAGE.to_string()));
            let mut answer: AnswerObject = self.get_within(path, &query, limit).await?;
            let meta = answer.remove("meta").unwrap_or_default();
            let meta: Meta = serde_json::from_value(meta).unwrap_or_default();
            let items = answer.remove(key).unwrap_or_default();
            let items = serde_json::from_value(items).map_err(garbled)?;
            Ok((items, meta.pagination.next_page))
        })
        .await
    }

    /// The same, asked once for as long as nothing changes ([`Hetzner::remembering`]).
    pub(super) async fn list_once<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        query: &[(&str, String)],
    ) -> Called<Vec<T>> {
        let question = format!("{path} {query:?}");
        let items: Vec<Value> = if let Some(items) = self.memory.recall(&question) {
            items
        } else {
            let since = self.memory.time();
            let items: Vec<Value> = self.list(path, key, query).await?;
            self.memory.keep(since, question, &items);
            items
        };
        let items = items.into_iter().map(serde_json::from_value);
        items
            .collect::<Result<_, _>>()
            .map_err(|error| CallError::Garbled(format!("{path}: {error}")))
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
            let failed = match self
                .retrying(SentCall::Makes, Limit::Attempts, &create)
                .await
            {
                Ok(made) => return Ok(made),
                Err(failed) => failed,
            };
            // An earlier attempt may have come true only now: then the name is taken, by ours.
            let late = attempt > 0 && failed.is(&ApiCode::UniquenessError);
            if !failed.unknown_outcome() && !late {
                return Err(failed);
            }
            self.pause(varied(waits.next().unwrap_or_default())).await;
            if let Some(found) = find().await? {
                return Ok(found);
            }
            if late || attempt >= RETRIES {
                return Err(failed);
            }
            attempt += 1;
        }
    }

    /// Sends again, for as long as the limit says, what can be sent again.
    pub(super) async fn retrying<T>(
        &self,
        sent: SentCall,
        limit: Limit,
        call: impl AsyncFn() -> Called<T>,
    ) -> Called<T> {
        let begun = Instant::now();
        let mut waits = self.backoff().build();
        let mut attempts = 0;
        loop {
            let failed = match call().await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            // A refusal for the rate limit is no failed attempt: the API is well.
            attempts += u32::from(!failed.is(&ApiCode::RateLimitExceeded));
            let within = begun.elapsed() < self.within(deadline::RATE_LIMIT);
            if !sent.may_go_again(&failed) || limit.is_over(&failed, attempts, within) {
                return Err(failed);
            }
            let wait = varied(waits.next().unwrap_or_default()).max(self.refill_wait(&failed));
            self.show(&failed.as_reason(), 0);
            self.pause(wait).await;
        }
    }

    /// Waits. Whatever was known before may have changed by then.
    pub(super) async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.memory.forget();
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
        let asks = method == Method::GET;
        let sent = self.send_once(method, path, query, body).await;
        if !asks {
            self.memory.forget();
        }
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
            return Err(CallError::Api(Box::new(error)));
        }
        read_object(&content).map_err(|why| CallError::Garbled(format!("{path}: {why}")))
    }
}

/// What the API says is an object, or nothing. Whatever else comes is of somebody on the way.
fn read_object<T: DeserializeOwned>(content: &str) -> std::result::Result<T, String> {
    if content.trim().is_empty() {
        return serde_json::from_value(Value::Null).map_err(|_| "it is empty".to_owned());
    }
    match serde_json::from_str::<Value>(content) {
        Ok(answer @ Value::Object(_)) => {
            serde_json::from_value(answer).map_err(|error| error.to_string())
        }
        _ => Err(format!("it begins with `{}`", excerpt(content))),
    }
}

/// The first words of an answer that did not come from the API.
fn excerpt(content: &str) -> String {
    let first = content.split_whitespace().collect::<Vec<_>>().join(" ");
    first.chars().take(40).collect()
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

//! One way for every call: bounded retries by what is known of the outcome, pages, and creates
//! that are looked up before they are sent again.

use std::time::{Duration, SystemTime};

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Hetzner;
use super::answers::Meta;
use super::failure::{ApiError, CallError};

/// How often a request that failed is sent again.
const RETRIES: u32 = 5;
/// A machine without network should hear so soon.
const RETRIES_UNREACHABLE: u32 = 2;
/// A 429 is over after a second (one request is given back each second), so no wait is longer.
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// The API's own limit.
const PER_PAGE: i64 = 50;
/// No list of one project is longer; it bounds a loop on wrong answers.
const MAX_PAGES: i64 = 200;

pub(super) type Called<T> = std::result::Result<T, CallError>;

/// What may be sent twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads, and writes that say what shall be: a second one changes nothing.
    Repeatable,
    /// Makes something new each time.
    Create,
}

impl Hetzner {
    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Called<T> {
        self.retrying(Kind::Repeatable, async || {
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
        self.retrying(Kind::Repeatable, async || {
            self.send(method.clone(), path, &[], body.as_ref()).await
        })
        .await
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
        loop {
            let (items, next) = fetch(page).await?;
            all.extend(items);
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
        loop {
            let failed = match self.retrying(Kind::Create, &create).await {
                Ok(made) => return Ok(made),
                Err(failed) => failed,
            };
            // An earlier attempt may have come true only now: then the name is taken, by ours.
            let late = attempt > 0 && failed.is("uniqueness_error");
            if !failed.unknown_outcome() && !late {
                return Err(failed);
            }
            tokio::time::sleep(self.retry_wait(attempt)).await;
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
        kind: Kind,
        call: impl AsyncFn() -> Called<T>,
    ) -> Called<T> {
        let mut attempt = 0;
        loop {
            let failed = match call().await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let again = match kind {
                Kind::Repeatable => failed.transient(),
                Kind::Create => failed.try_later(),
            };
            let most = match failed {
                CallError::Unreachable(_) => RETRIES_UNREACHABLE,
                _ => RETRIES,
            };
            if !again || attempt >= most {
                return Err(failed);
            }
            tokio::time::sleep(self.retry_wait(attempt)).await;
            attempt += 1;
        }
    }

    /// Doubles each time, and varies by a quarter so that two operators do not meet again.
    pub(super) fn retry_wait(&self, attempt: u32) -> Duration {
        let wait = self.pace.first_retry.saturating_mul(1 << attempt.min(10));
        let nanos = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |now| now.subsec_nanos());
        wait.min(LONGEST_RETRY)
            .mul_f64(1.0 + f64::from(nanos % 1000) / 4000.0)
    }

    /// One request, one answer, read leniently.
    pub(super) async fn send<T: DeserializeOwned>(
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
        let correlation = answer
            .headers()
            .get("x-correlation-id")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let content = answer.text().await?;
        if !status.is_success() {
            let mut error = ApiError::parse(status.as_u16(), &content);
            error.correlation = correlation;
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

pub(super) fn to_value(body: &impl Serialize) -> Called<Value> {
    serde_json::to_value(body).map_err(|error| CallError::Garbled(error.to_string()))
}

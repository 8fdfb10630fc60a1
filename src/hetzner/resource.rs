//! What every kind of resource has: a place in the API, a name and labels. It is listed, found,
//! made once, changed, ordered about and deleted in one way.

use std::ops::Deref;

use anyhow::Result;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Hetzner;
use super::actions::Started;
use super::answers::or_default;
use super::call::{AnswerObject, Called, Limit, SentCall, to_value};
use super::failure::CallError;
use super::labels::{self, Labels};
use super::words::ApiCode;

/// What to do about something protected that `destroy` meets.
pub const UNPROTECT: &str = "run `citrino-ops destroy --unprotect` first to lift the protection";

/// A resource as an answer tells of it: what all of them have, and what its kind alone has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Labelled<F> {
    pub id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Labels,
    #[serde(flatten)]
    pub fields: F,
}

impl<F> Deref for Labelled<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.fields
    }
}

/// What a kind of resource has of its own, and where it is in the API.
pub trait Fields: DeserializeOwned {
    const MANY: &'static str;
    const ONE: &'static str;
    const WORD: &'static str;
    /// Whether `destroy --unprotect` lifts its protection.
    const CAN_UNPROTECT: bool = false;
    /// What people know it by, given its name.
    fn name<'v>(&'v self, name: &'v str) -> &'v str {
        name
    }
    fn is_used(&self) -> bool {
        false
    }
    fn is_protected(&self) -> bool {
        false
    }
}

impl<F: Fields> ResourceKind for Labelled<F> {
    const MANY: &'static str = F::MANY;
    const ONE: &'static str = F::ONE;
    const WORD: &'static str = F::WORD;
    const CAN_UNPROTECT: bool = F::CAN_UNPROTECT;

    fn id(&self) -> i64 {
        self.id
    }
    fn name(&self) -> &str {
        self.fields.name(&self.name)
    }
    fn labels(&self) -> &Labels {
        &self.labels
    }
    fn is_used(&self) -> bool {
        self.fields.is_used()
    }
    fn is_protected(&self) -> bool {
        self.fields.is_protected()
    }
}

/// A kind of resource, as an answer tells of one.
pub trait ResourceKind: DeserializeOwned {
    /// Its plural, in paths and lists.
    const MANY: &'static str;
    /// Its singular, in answers.
    const ONE: &'static str;
    /// What people call it.
    const WORD: &'static str;
    /// Whether `destroy --unprotect` lifts its protection.
    const CAN_UNPROTECT: bool;
    fn id(&self) -> i64;
    fn name(&self) -> &str;
    fn labels(&self) -> &Labels;
    /// Whether a server has it.
    fn is_used(&self) -> bool;
    /// Whether the API refuses to delete it.
    fn is_protected(&self) -> bool;
}

/// Something that the API is to do with one resource.
pub(super) struct Order<'o> {
    id: i64,
    action: &'o str,
    /// Completes "could not …".
    doing: &'o str,
    /// Errors of the API that say that it is so already.
    already: &'o [ApiCode],
}

impl<'o> Order<'o> {
    pub fn new(id: i64, action: &'o str, doing: &'o str) -> Self {
        Self {
            id,
            action,
            doing,
            already: &[],
        }
    }

    pub fn unless(mut self, already: &'o [ApiCode]) -> Self {
        self.already = already;
        self
    }
}

impl Hetzner {
    /// Everything of a kind that carries the label of the stack.
    pub async fn of_stack<K: ResourceKind>(&self, stack: &str) -> Result<Vec<K>> {
        self.listed(&[("label_selector", labels::selector(stack))])
            .await
            .map_err(|error| error.told(&format!("list {}", K::MANY)).into())
    }

    /// The one of this name, ours or not.
    pub async fn named<K: ResourceKind>(&self, name: &str) -> Result<Option<K>> {
        self.by_name(name)
            .await
            .map_err(|error| error.told(&format!("look up {} {name}", K::WORD)).into())
    }

    async fn by_name<K: ResourceKind>(&self, name: &str) -> Called<Option<K>> {
        let mut found = self.listed(&[("name", name.to_owned())]).await?;
        found.retain(|one: &K| one.name() == name);
        Ok(found.pop())
    }

    pub(super) async fn listed<K: ResourceKind>(&self, query: &[(&str, String)]) -> Called<Vec<K>> {
        self.list_once(&format!("/{}", K::MANY), K::MANY, query)
            .await
    }

    /// One by its id.
    pub(super) async fn one<K: ResourceKind>(&self, id: i64, doing: &str) -> Result<K> {
        self.one_within(id, doing, Limit::Attempts).await
    }

    /// The same, asked again for as long as the limit says.
    pub(super) async fn one_within<K: ResourceKind>(
        &self,
        id: i64,
        doing: &str,
        limit: Limit,
    ) -> Result<K> {
        let answer = self
            .get_within(&format!("/{}/{id}", K::MANY), &[], limit)
            .await
            .map_err(|error| error.told(doing))?;
        read(answer).map_err(|error| error.told(doing).into())
    }

    /// Makes one, once, and waits for all that was begun with it. When the answer was lost, it is
    /// found by its name and the label of the stack.
    ///
    /// The name may be taken by one of ours meanwhile: that one is given.
    pub(super) async fn make<K: ResourceKind>(
        &self,
        name: &str,
        stack: &str,
        body: &impl Serialize,
    ) -> Result<K> {
        let doing = format!("create {} {name}", K::WORD);
        let path = format!("/{}", K::MANY);
        let body = to_value(body).map_err(|error| error.told(&doing))?;
        let made = self
            .create_once(
                async || {
                    let answer: AnswerObject =
                        self.send(Method::POST, &path, &[], Some(&body)).await?;
                    let started = Value::Object(answer.clone());
                    let started = serde_json::from_value(started).unwrap_or_default();
                    Ok((read(answer)?, started))
                },
                async || {
                    let ours =
                        |one: &K| one.labels().get(labels::STACK).is_some_and(|s| s == stack);
                    let found = self.by_name(name).await?.filter(ours);
                    Ok(found.map(|one| (one, Started::default())))
                },
            )
            .await;
        let (one, started) = made.map_err(|error| error.told(&doing))?;
        self.await_all(started, &doing).await?;
        Ok(one)
    }

    /// Sets name and labels, all of them: what shall stay must be in `labels`.
    pub async fn relabel<K: ResourceKind>(
        &self,
        id: i64,
        name: &str,
        labels: &Labels,
    ) -> Result<()> {
        self.update::<K>(id, name, &json!({ "name": name, "labels": labels }))
            .await
    }

    /// Sets what the body names.
    pub(super) async fn update<K: ResourceKind>(
        &self,
        id: i64,
        name: &str,
        body: &Value,
    ) -> Result<()> {
        let done: Called<Value> = self
            .write(Method::PUT, &format!("/{}/{id}", K::MANY), Some(body))
            .await;
        done.map(drop)
            .map_err(|error| error.told(&format!("change {} {name}", K::WORD)).into())
    }

    /// Has the API do something with one, and waits for it.
    pub(super) async fn order<K: ResourceKind>(
        &self,
        order: Order<'_>,
        body: &impl Serialize,
    ) -> Result<()> {
        let path = format!("/{}/{}/actions/{}", K::MANY, order.id, order.action);
        let sent = self
            .when_free::<K, Started>(order.id, order.doing, async || {
                self.write_as(SentCall::Orders, Method::POST, &path, Some(body))
                    .await
            })
            .await;
        match sent {
            Ok(started) => self.await_all(started, order.doing).await,
            Err(error) if order.already.iter().any(|code| error.is(code)) => Ok(()),
            Err(error) => Err(self
                .told_of::<K>(order.id, &error, order.doing)
                .await
                .into()),
        }
    }

    /// Turns the protection against deletion on or off.
    pub async fn protect<K: ResourceKind>(&self, one: &K, on: bool) -> Result<()> {
        let doing = format!("change the protection of {} {}", K::WORD, one.name());
        let body = json!({ "delete": on });
        self.order::<K>(Order::new(one.id(), "change_protection", &doing), &body)
            .await
    }

    /// Deletes one and waits until it is gone; one that is gone already is no error. While what used it is
    /// still going away, that takes a while.
    pub async fn delete<K: ResourceKind>(&self, one: &K) -> Result<()> {
        let doing = format!("delete {} {}", K::WORD, one.name());
        let begun = Instant::now();
        let mut polls = 0;
        let in_use = |error: &CallError| {
            error.is(&ApiCode::ResourceInUse) || error.is(&ApiCode::MustBeUnassigned)
        };
        let deleted = loop {
            match self.try_delete(one).await {
                Err(error) if in_use(&error) && begun.elapsed() < self.pace.in_use => {}
                deleted => break deleted,
            }
            self.show(&format!("{doing}: it is still in use"), 0);
            self.pause(self.poll_wait(polls)).await;
            polls += 1;
        };
        match deleted {
            Ok(started) => self.await_all(started, &doing).await,
            Err(error) if in_use(&error) => Err(error
                .told(&doing)
                .hint("something that is not of this stack uses it: remove it there in the Hetzner console, then run the command again")
                .into()),
            Err(error) if error.is(&ApiCode::Protected) && K::CAN_UNPROTECT => {
                Err(error.told(&doing).hint(UNPROTECT).into())
            }
            Err(error) => Err(self.told_of::<K>(one.id(), &error, &doing).await.into()),
        }
    }

    pub(super) async fn try_delete<K: ResourceKind>(&self, one: &K) -> Called<Started> {
        let path = format!("/{}/{}", K::MANY, one.id());
        let doing = format!("delete {} {}", K::WORD, one.name());
        let sent = self
            .when_free::<K, Option<Started>>(one.id(), &doing, async || {
                self.write_as(SentCall::Orders, Method::DELETE, &path, None::<&()>)
                    .await
            })
            .await;
        match sent {
            Ok(started) => Ok(started.unwrap_or_default()),
            Err(error) if error.is(&ApiCode::NotFound) => Ok(Started::default()),
            Err(error) => Err(error),
        }
    }
}

/// The resource in an answer, whatever stands beside it.
fn read<K: ResourceKind>(mut answer: AnswerObject) -> Called<K> {
    serde_json::from_value(answer.remove(K::ONE).unwrap_or_default())
        .map_err(|error| CallError::Garbled(format!("{}: {error}", K::ONE)))
}

//! What holds a resource: somebody's action runs on it, or Hetzner works on it.

use tokio::time::Instant;

use super::Hetzner;
use super::actions::{Action, Interest};
use super::call::{Called, Limit};
use super::deadline;
use super::failure::CallError;
use super::resource::ResourceKind;
use super::words::ApiCode;
use crate::core::error::Fault;

impl Hetzner {
    /// Sends an order as soon as nothing else holds the resource. An action that is shown has its own
    /// deadline; a lock without one is Hetzner's.
    pub(super) async fn when_free<K: ResourceKind, T>(
        &self,
        id: i64,
        doing: &str,
        send: impl AsyncFn() -> Called<T>,
    ) -> Called<T> {
        let mut free_since = Instant::now();
        let mut polls = 0;
        loop {
            let sent = send().await;
            let locked = matches!(&sent, Err(error) if error.is(&ApiCode::Locked));
            if !locked || free_since.elapsed() > self.within(deadline::LOCK) {
                return sent;
            }
            let running = self.running_on::<K>(id, Limit::Attempts).await?;
            if !running.is_empty() {
                let ended = self.await_actions(running, doing, Interest::End).await;
                // It runs longer than it may. Who is refused says which it is.
                if ended.is_err() {
                    return sent;
                }
                free_since = Instant::now();
            }
            self.show(&format!("{doing}: it is locked"), 0);
            self.pause(self.poll_wait(polls)).await;
            polls += 1;
        }
    }

    /// The actions that run on a resource, whoever began them.
    pub(super) async fn running_on<K: ResourceKind>(
        &self,
        id: i64,
        limit: Limit,
    ) -> Called<Vec<Action>> {
        let path = format!("/{}/{id}/actions", K::MANY);
        let query = [("status", "running".to_owned())];
        self.list_within(&path, "actions", &query, limit).await
    }

    /// The sentence about an order that was refused; of a lock it says what holds it.
    pub(super) async fn told_of<K: ResourceKind>(
        &self,
        id: i64,
        error: &CallError,
        doing: &str,
    ) -> Fault {
        let fault = error.told(doing);
        if !error.is(&ApiCode::Locked) {
            return fault;
        }
        let running = self.running_on::<K>(id, Limit::Attempts).await;
        let running = running.unwrap_or_default();
        let names: Vec<String> = running.iter().map(ToString::to_string).collect();
        fault.hint(if names.is_empty() {
            "no action is shown for it, so Hetzner itself works on it: wait some minutes, then run the command again".to_owned()
        } else {
            format!("another action runs: {}; run the command again when it has ended", names.join(", "))
        })
    }
}

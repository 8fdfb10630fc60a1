//! A server's power: it is brought to rest, shut down, and started again whatever is in the way.

use anyhow::Result;
use serde_json::json;
use tokio::time::Instant;

use super::Hetzner;
use super::actions::{Action, Interest};
use super::call::{AnswerObject, Called, Limit};
use super::deadline;
use super::resource::Order;
use super::server_view::ServerView;
use super::words::{ApiCode, ServerStatus};
use crate::core::error::{Code, Fault, code};

/// Actions that make a server run.
const RUNS: &[&str] = &[
    "start_server",
    "reboot_server",
    "reset_server",
    "rebuild_server",
];

impl Hetzner {
    /// Waits until the server is running or off, and no action holds it, whoever began it. How another's
    /// action ends is another's affair.
    pub async fn settle(&self, id: i64, doing: &str) -> Result<ServerView> {
        let begun = Instant::now();
        let until = Limit::Until(begun + self.within(deadline::REST));
        let mut polls = 0;
        loop {
            let running = self.running_on::<ServerView>(id, until).await;
            let running = running.map_err(|error| error.told(doing))?;
            self.await_actions(running, doing, Interest::End).await?;
            let server: ServerView = self.one_within(id, doing, until).await?;
            if server.at_rest() {
                return Ok(server);
            }
            if begun.elapsed() > self.within(deadline::REST) {
                return Err(Fault::new(
                    Code::E0307,
                    format!("could not {doing}: the server is still {}", server.status),
                )
                .hint("check the server in the Hetzner console, then run the command again")
                .into());
            }
            self.show(&format!("{doing}: it is {}", server.status), 0);
            self.pause(self.poll_wait(polls)).await;
            polls += 1;
        }
    }

    /// Has a server run. What is in the way is waited for, and what fails is tried again, for minutes: a
    /// server that was switched off is owed that.
    ///
    /// # Errors
    /// The last reason, when it still does not run; at once when the server is gone or the token refused.
    pub async fn power_on(&self, server: &ServerView) -> Result<()> {
        let doing = format!("start server {}", server.name);
        let begun = Instant::now();
        let mut polls = 0;
        loop {
            let Err(error) = self.try_power_on(server, &doing).await else {
                return Ok(());
            };
            let late = begun.elapsed() > self.within(deadline::WAY_BACK);
            if late || code(&error) == Code::E0301 || self.is_gone(server).await {
                return Err(error);
            }
            self.show(&format!("{doing}: {error:#}"), 0);
            self.pause(self.poll_wait(polls)).await;
            polls += 1;
        }
    }

    async fn try_power_on(&self, server: &ServerView, doing: &str) -> Result<()> {
        if self.settle(server.id, doing).await?.status == ServerStatus::Running {
            return Ok(());
        }
        self.order::<ServerView>(Order::new(server.id, "poweron", doing), &json!({}))
            .await?;
        let now = self.settle(server.id, doing).await?;
        if now.status == ServerStatus::Running {
            return Ok(());
        }
        let message = format!(
            "could not {doing}: it is {} after it was started",
            now.status
        );
        Err(Fault::new(Code::E0307, message).into())
    }

    async fn is_gone(&self, server: &ServerView) -> bool {
        let path = format!("/servers/{}", server.id);
        let seen: Called<AnswerObject> = self.get(&path, &[]).await;
        matches!(seen, Err(error) if error.is(&ApiCode::NotFound))
    }

    /// Has the server shut down, and cuts its power when it does not within a minute. The action's
    /// success says only that it was asked to.
    pub async fn power_off(&self, server: &ServerView) -> Result<()> {
        let doing = format!("shut down server {}", server.name);
        self.order::<ServerView>(Order::new(server.id, "shutdown", &doing), &json!({}))
            .await?;
        let end = Instant::now() + self.pace.shutdown;
        let mut polls = 0;
        while Instant::now() < end {
            let until = Limit::Until(end + self.within(deadline::of("stop_server")));
            let seen: ServerView = self.one_within(server.id, &doing, until).await?;
            if seen.status == ServerStatus::Off {
                return Ok(());
            }
            self.show(&doing, 0);
            self.pause(self.poll_wait(polls)).await;
            polls += 1;
        }
        self.order::<ServerView>(Order::new(server.id, "poweroff", &doing), &json!({}))
            .await
    }

    /// Whether the server is only what a failed creation has left: nothing ever started on it.
    pub async fn never_ran(&self, server: &ServerView) -> Result<bool> {
        if server.status == ServerStatus::Running {
            return Ok(false);
        }
        let path = format!("/servers/{}/actions", server.id);
        let actions: Vec<Action> = self
            .list(&path, "actions", &[])
            .await
            .map_err(|error| error.told(&format!("read the actions of server {}", server.name)))?;
        let failed = actions
            .iter()
            .any(|action| action.command == "create_server" && action.failed());
        let ran = actions
            .iter()
            .any(|action| RUNS.contains(&action.command.as_str()) && !action.failed());
        Ok(failed && !ran)
    }
}

//! A person is about to work on the host: the audit knows it before the work begins.

use anyhow::Result;

use super::{Agent, unexpected};
use crate::core::event::Event;
use crate::core::plan::Claim;
use crate::protocol::{FromAgent, ToAgent};

impl Agent<'_> {
    /// Has the host write down who is about to run what.
    ///
    /// # Errors
    /// When it could not be written: then nothing is run.
    pub async fn note_session(
        mut self,
        stack: &str,
        by: Claim,
        command: &str,
        tell: &mut impl FnMut(Event),
    ) -> Result<()> {
        self.tell_of_mirror(tell).await?;
        let (stack, command) = (stack.to_owned(), command.to_owned());
        self.say(&ToAgent::Session { stack, by, command }).await?;
        loop {
            match self.hear().await? {
                FromAgent::Audit(news) => self.mirror(&news, tell),
                FromAgent::Noted => return Ok(()),
                other => return Err(unexpected(&other)),
            }
        }
    }
}

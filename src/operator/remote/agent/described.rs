//! What a release says of itself before it is on the host.

use anyhow::Result;

use super::{Agent, Blob, unexpected};
use crate::core::event::Event;
use crate::facts::app::Migrations;
use crate::protocol::{FromAgent, ToAgent};

impl Agent<'_> {
    /// Has the release of this blob asked for its migrations, in the sandbox of the app on the host; nothing of it stays there.
    ///
    /// # Errors
    /// When the host cannot take it in.
    pub async fn describe(
        &mut self,
        blob: Blob<'_>,
        tell: &mut impl FnMut(Event),
    ) -> Result<Result<Migrations, String>> {
        let release = blob.sha256.clone();
        self.send_blobs(&[blob], tell).await?;
        self.say(&ToAgent::Describe(release)).await?;
        match self.hear().await? {
            FromAgent::Described(said) => Ok(said),
            other => Err(unexpected(&other)),
        }
    }
}

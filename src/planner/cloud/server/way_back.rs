//! A server that was switched off for a repair is owed the way back, whatever became of the repair.

use anyhow::Result;

use super::{Repair, Server};
use crate::core::error::{Fault, error_info};
use crate::hetzner::{Hetzner, ServerStatus, ServerView};

/// No server needs more repairs than this; the server is checked after each.
const MOST_REPAIRS: usize = 16;

/// How far the repairs of a server have come.
#[derive(Default)]
struct RepairState {
    /// The server as it was last seen, once something needed it off.
    switched_off: Option<ServerView>,
    /// Whether starting it is what failed: that has been tried for minutes.
    starting: bool,
}

impl Server {
    /// Puts what differs right, one thing after another. When that fails, a server that was switched off for
    /// it runs again, or the error says that it is off and what starts it.
    pub(super) async fn repair_all(&self, api: &Hetzner, id: i64) -> Result<()> {
        let mut progress = RepairState::default();
        let Err(error) = self.repair_each(api, id, &mut progress).await else {
            return Ok(());
        };
        let Some(server) = progress.switched_off else {
            return Err(error);
        };
        let started = if progress.starting {
            Err(None)
        } else {
            api.power_on(&server).await.map_err(Some)
        };
        Err(match started {
            Ok(()) => error.context(format!("server {} is running again", server.name)),
            Err(why) => is_off(&server, &error, why.as_ref()).into(),
        })
    }

    /// Looks again after each repair: what one leaves behind, such as a server that is off, is the next one's.
    async fn repair_each(&self, api: &Hetzner, id: i64, progress: &mut RepairState) -> Result<()> {
        let doing = format!("wait for the actions of server {}", self.host.name);
        let mut around = self.around(api).await?;
        for _ in 0..MOST_REPAIRS {
            let found = api.settle(id, &doing).await?;
            let Some((repair, _)) = self.differences(&found, &around).into_iter().next() else {
                break;
            };
            if repair.needs_off() {
                self.refuse_in_vain(api, &found, repair, &around).await?;
            }
            if repair.needs_off() || found.status == ServerStatus::Off {
                progress.switched_off = Some(found.clone());
            }
            progress.starting = repair == Repair::Power;
            self.repair(api, &found, repair, &around).await?;
            if repair == Repair::Addresses {
                around = self.around(api).await?;
            }
        }
        Ok(())
    }
}

/// The error of a server that does not run any more. It keeps the code of what failed first.
fn is_off(server: &ServerView, error: &anyhow::Error, why: Option<&anyhow::Error>) -> Fault {
    let told = error_info(error);
    let why = why.map_or(String::new(), |why| format!(" ({why:#})"));
    let message = format!("server {} is off{why}: {}", server.name, told.message);
    let start = format!(
        "`citrino-ops provision` starts it, and so does \"Power on\" of server {} in the Hetzner console",
        server.name
    );
    let hint = told
        .hint
        .map_or(start.clone(), |hint| format!("{start}; {hint}"));
    Fault::new(told.code, message).hint(hint)
}

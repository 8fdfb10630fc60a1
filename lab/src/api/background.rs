//! Background work: it runs on a thread of its own and ends its actions.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::account::Account;
use super::actions;
use crate::machine::Machine;
use crate::store::{IMAGES, SERVERS, Store, VOLUMES, id_of};

/// Interval between two checks whether an action is still held.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Work on a machine, and the actions that end with it.
pub struct MachineJob {
    pub server: u64,
    pub actions: Vec<u64>,
    /// The server's status after success; `None` never changes it.
    pub after: Option<&'static str>,
}

/// Does the work, calls `then` with whether it succeeded, and ends the actions.
pub fn work(
    account: &Account,
    ending: Vec<u64>,
    work: impl FnOnce() -> Result<()> + Send + 'static,
    then: impl FnOnce(&mut Store, bool) + Send + 'static,
) {
    let account = account.clone();
    tokio::task::spawn_blocking(move || {
        // If the first action is ordered to fail, the work is not started.
        let spared = actions::failure(&account.lock(), ending.first());
        let error = spared.or_else(|| work().err().map(|error| format!("{error:#}")));
        let left = actions::left(&account.lock(), &ending);
        std::thread::sleep(left);
        while actions::are_held(&account.lock(), &ending) {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        let mut store = account.lock();
        let mut failures = ending.iter().map(|id| actions::failure(&store, Some(id)));
        let went_well = error.is_none() && failures.all(|failure| failure.is_none());
        then(&mut store, went_well);
        for action in ending {
            actions::finish(&mut store, action, error.as_deref());
        }
        // No request is waiting any more, so the error goes to the API's log.
        if let Err(error) = account.commit(&store) {
            eprintln!("{error:#}");
        }
    });
}

/// Does the work on a server's machine and sets the server's status. Takes the locked store.
pub fn run(
    account: &Account,
    store: &Store,
    job: MachineJob,
    task: impl FnOnce(&Machine) -> Result<()> + Send + 'static,
) {
    run_then(account, store, job, task, |_, _| ());
}

/// The same, and then changes the state.
pub fn run_then(
    account: &Account,
    store: &Store,
    job: MachineJob,
    task: impl FnOnce(&Machine) -> Result<()> + Send + 'static,
    then: impl FnOnce(&mut Store, bool) + Send + 'static,
) {
    let machine = account.machine(store, job.server);
    work(
        account,
        job.actions,
        move || machine.map_or(Ok(()), |machine| task(&machine)),
        move |store, went_well| {
            let status = job.after.map(|after| if went_well { after } else { "off" });
            if let (Some(status), Some(server)) = (status, store.get_mut(SERVERS, job.server)) {
                server["status"] = json!(status);
            }
            then(store, went_well);
        },
    );
}

/// Forgets images and volumes that were being created when the API stopped. Their files are removed with the lab.
pub fn forget_unfinished(store: &mut Store) {
    for kind in [IMAGES, VOLUMES] {
        let unfinished: Vec<u64> = store
            .all(kind)
            .filter(|object| object["status"] == "creating")
            .map(id_of)
            .collect();
        for id in unfinished {
            store.remove(kind, id);
        }
    }
}

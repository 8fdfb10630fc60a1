//! Work that no request waits for: it is done on a thread of its own, and ends its actions.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::account::Account;
use super::actions;
use crate::machine::Machine;
use crate::store::{IMAGES, SERVERS, Store, VOLUMES, id_of};

/// Between two looks whether an action is still held.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Work on a machine, and what it says when it is over.
pub struct Errand {
    pub server: u64,
    pub actions: Vec<u64>,
    /// The server's status after it went well; `None` leaves it as it is in any case.
    pub after: Option<&'static str>,
}

/// Does the work, tells the state whether it went well, then ends the actions.
pub fn work(
    account: &Account,
    ending: Vec<u64>,
    work: impl FnOnce() -> Result<()> + Send + 'static,
    then: impl FnOnce(&mut Store, bool) + Send + 'static,
) {
    let account = account.clone();
    tokio::task::spawn_blocking(move || {
        // What is to fail from its first action on is not even begun.
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
        // What no request waits for any more goes to the API's log.
        if let Err(error) = account.commit(&store) {
            eprintln!("{error:#}");
        }
    });
}

/// Does the work on a server's machine, and sets the server's status. Give it the locked store.
pub fn run(
    account: &Account,
    store: &Store,
    errand: Errand,
    job: impl FnOnce(&Machine) -> Result<()> + Send + 'static,
) {
    run_then(account, store, errand, job, |_, _| ());
}

/// The same, with more to tell the state.
pub fn run_then(
    account: &Account,
    store: &Store,
    errand: Errand,
    job: impl FnOnce(&Machine) -> Result<()> + Send + 'static,
    then: impl FnOnce(&mut Store, bool) + Send + 'static,
) {
    let machine = account.machine(store, errand.server);
    work(
        account,
        errand.actions,
        move || machine.map_or(Ok(()), |machine| job(&machine)),
        move |store, went_well| {
            let status = errand
                .after
                .map(|after| if went_well { after } else { "off" });
            if let (Some(status), Some(server)) = (status, store.get_mut(SERVERS, errand.server)) {
                server["status"] = json!(status);
            }
            then(store, went_well);
        },
    );
}

/// What was being made when the API ended was never made; what there is of it goes with the lab.
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

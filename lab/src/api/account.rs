//! The project that all requests share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use super::controls::Controls;
use super::firewall_scope;
use crate::lab::Lab;
use crate::machine::{Machine, firewall};
use crate::store::Store;

/// The one project of a lab, shared by all requests.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    lab: Lab,
    token: String,
    /// Without machines the API has only state, and nothing runs: for tests of the API alone.
    machines: bool,
    store: Mutex<Store>,
    controls: Mutex<Controls>,
}

impl Account {
    /// Loads the state of the lab.
    pub fn load(lab: &Lab, machines: bool) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            lab: lab.clone(),
            token: lab.token()?,
            machines,
            store: Mutex::new(Store::load(lab.store())?),
            controls: Mutex::default(),
        })))
    }

    /// The token that may do everything.
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// Whether servers have machines.
    pub fn has_machines(&self) -> bool {
        self.0.machines
    }

    /// The lab whether it has machines or not: its subnet numbers the addresses.
    pub fn numbering(&self) -> &Lab {
        &self.0.lab
    }

    /// The state. Do not do anything slow while you hold it.
    pub fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings under `/_lab`. Whoever needs both locks takes the state first.
    pub fn controls(&self) -> MutexGuard<'_, Controls> {
        self.0
            .controls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine of a server.
    pub fn machine(&self, store: &Store, server: u64) -> Option<Machine> {
        let number = *store.machines.get(&server)?;
        self.0.machines.then(|| Machine::new(&self.0.lab, number))
    }

    /// The lab, if it has machines.
    pub fn lab(&self) -> Option<Lab> {
        self.0.machines.then(|| self.0.lab.clone())
    }

    /// Saves the state, and makes the firewalls follow it.
    pub fn commit(&self, store: &Store) -> Result<()> {
        store.save()?;
        if self.0.machines {
            firewall::apply(&self.0.lab, &firewall_scope::guarded(store))?;
        }
        Ok(())
    }
}

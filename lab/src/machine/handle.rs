//! A machine: its number, and the folder that holds all of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::lab::Lab;

/// A machine of the lab. Its number is the last byte of its address, unless it was given another address.
#[derive(Clone, Debug)]
pub struct Machine {
    pub lab: Lab,
    pub number: u8,
}

impl Machine {
    pub fn new(lab: &Lab, number: u8) -> Self {
        Self {
            lab: lab.clone(),
            number,
        }
    }

    /// Every machine that has a folder, running or not.
    pub fn all(lab: &Lab) -> Vec<Self> {
        let entries = fs::read_dir(lab.machines()).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.map(|number| Self::new(lab, number)).collect()
    }

    pub fn folder(&self) -> PathBuf {
        self.lab.machines().join(self.number.to_string())
    }

    pub fn root(&self) -> PathBuf {
        self.folder().join("root")
    }

    /// The name of its network namespace and control groups.
    pub fn long_name(&self) -> String {
        format!("{}-{}", self.lab.bridge(), self.number)
    }

    /// Whether its supervisor is alive: it holds a kernel lock.
    pub fn is_running(&self) -> bool {
        File::open(self.folder().join("lock")).is_ok_and(|file| file.try_lock_shared().is_err())
    }

    /// Whether it stopped neither on request nor by itself: the host went down.
    pub fn is_lost(&self) -> bool {
        !self.is_running() && !self.is_marked("halted")
    }

    pub(super) fn is_marked(&self, name: &str) -> bool {
        self.folder().join(name).exists()
    }

    pub(super) fn mark(&self, name: &str) -> Result<()> {
        fs::write(self.folder().join(name), "")
            .with_context(|| format!("could not mark machine {} as {name}", self.number))
    }

    pub(super) fn unmark(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.folder().join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Removes a folder; it may be absent.
pub fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

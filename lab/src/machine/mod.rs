//! Real machines: an overlay of the image, a network of its own, systemd as PID 1.

pub mod cgroup;
pub mod firewall;
pub mod network;
mod overlay;
pub mod passage;
pub mod private;
mod process;
mod seed;
pub mod settings;
pub mod snapshot;
pub mod supervise;
pub mod volume;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use process::Order;
use settings::Settings;

use crate::image;
use crate::lab::{Lab, PATIENCE, until};

/// A machine of the lab by its number: the last byte of its address, unless it was given another.
#[derive(Clone, Debug)]
pub struct Machine {
    pub lab: Lab,
    pub number: u8,
}

/// What a machine is born with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Birth {
    pub id: u64,
    pub name: String,
    pub public_keys: Vec<String>,
    pub user_data: String,
    pub root_password: Option<String>,
    pub memory_bytes: u64,
    /// The last byte of its public address.
    pub host: Option<u8>,
    /// The image of the API whose disk it gets; none for a new one.
    pub snapshot: Option<u64>,
}

impl Machine {
    pub fn new(lab: &Lab, number: u8) -> Self {
        Self {
            lab: lab.clone(),
            number,
        }
    }

    /// Every machine that has a folder, whether it runs or not.
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

    /// The name of its namespace and control groups.
    pub fn long_name(&self) -> String {
        format!("{}-{}", self.lab.bridge(), self.number)
    }

    /// Lays disk and seed; nothing runs yet.
    pub fn create(&self, birth: &Birth) -> Result<()> {
        fs::create_dir_all(self.folder())?;
        self.keep(&Settings {
            image: image::path(&self.lab),
            memory_bytes: birth.memory_bytes,
            host: birth.host,
            volumes: Vec::new(),
            nics: Vec::new(),
        })?;
        self.lay(birth)
    }

    /// Gives it another disk, as new as that of its birth, and starts it, as Hetzner does.
    pub fn rebuild(&self, birth: &Birth) -> Result<()> {
        if !self.is_made() {
            self.create(birth)?;
            return self.start();
        }
        self.power_off()?;
        self.forget_nspawn();
        overlay::unmount(&self.folder())?;
        for name in ["upper", "work"] {
            remove_tree(&self.folder().join(name))?;
        }
        self.lay(birth)?;
        self.start()
    }

    fn lay(&self, birth: &Birth) -> Result<()> {
        let image = match birth.snapshot {
            Some(id) => snapshot::restore(self, id)?,
            None => image::path(&self.lab),
        };
        if !image.exists() {
            bail!(
                "the machine image {} is not there; run `citrino-lab image build`",
                image.display()
            );
        }
        overlay::mount(&self.folder(), &image)?;
        self.configure(|settings| settings.image = image)?;
        seed::write(&self.root(), birth)
    }

    /// Boots it, when it does not run, and waits until its PID 1 is there: as far as Hetzner's own
    /// actions wait.
    pub fn start(&self) -> Result<()> {
        // One that is on its way down is not on: it comes up again after it is off.
        if self.is_marked("stopping") {
            until(Duration::from_mins(1), || !self.is_running());
        }
        if !self.is_running() {
            // What a supervisor that was killed left behind would be a second machine on its disk.
            self.power_off()?;
            overlay::mount(&self.folder(), &self.settings()?.image)?;
            supervise::spawn(self)?;
        }
        let begun = until(PATIENCE, || {
            process::leader(self).is_some() || !self.is_running()
        });
        if !begun || !self.is_running() {
            bail!(
                "machine {} did not start; see console and supervisor.log in {}",
                self.number,
                self.folder().display()
            );
        }
        Ok(())
    }

    /// Gives chpasswd a line, in a machine that runs.
    pub fn set_password(&self, line: &str) -> Result<()> {
        if !process::inside(self, &["chpasswd"], line)? {
            bail!("machine {} does not run", self.number);
        }
        Ok(())
    }

    /// Whether its supervisor lives: it holds a kernel lock as long as it does.
    pub fn is_running(&self) -> bool {
        File::open(self.folder().join("lock")).is_ok_and(|file| file.try_lock_shared().is_err())
    }

    /// Whether it stopped without being asked to, other than by its own will: its host went away.
    pub fn is_lost(&self) -> bool {
        !self.is_running() && !self.is_marked("halted")
    }

    /// Asks systemd inside to shut down, as a press of the power button would.
    pub fn shutdown(&self) -> Result<()> {
        self.mark("stopping")?;
        process::order(self, Order::PowerOff).map(|_| ())
    }

    /// Asks systemd inside to reboot, and waits for the new PID 1. A machine that does not listen
    /// goes on as it was, as at Hetzner.
    pub fn reboot(&self) -> Result<()> {
        let told = process::order(self, Order::Reboot)?;
        until(Duration::from_mins(1), || {
            let now = process::leader(self);
            !self.is_running() || (now.is_some() && now != told)
        });
        Ok(())
    }

    /// Pulls the plug, and waits until nothing runs any more.
    pub fn power_off(&self) -> Result<()> {
        self.mark("off")?;
        // A reboot in between would have a new PID 1 each time: kill until the supervisor is gone.
        let stopped = until(PATIENCE, || {
            process::kill(self).unwrap_or(true) && !self.is_running()
        });
        if !stopped {
            bail!("machine {} could not be stopped", self.number);
        }
        Ok(())
    }

    /// Removes every trace: processes, mounts, links, files, control groups.
    pub fn delete(&self) -> Result<()> {
        if self.folder().exists() {
            self.power_off()?;
        }
        network::unplug(self);
        self.forget_nspawn();
        overlay::unmount(&self.folder())?;
        cgroup::remove(self)?;
        for id in self
            .settings()
            .map_or(Vec::new(), |settings| settings.volumes)
        {
            volume::release(&self.lab, id)?;
        }
        remove_tree(&self.folder())
    }

    /// What a killed nspawn leaves in /run; absent is as good as removed.
    fn forget_nspawn(&self) {
        let run = Path::new("/run/systemd/nspawn");
        let _ = fs::remove_dir(run.join("propagate").join(self.long_name()));
        if let Ok(root) = fs::metadata(self.root()) {
            let _ = fs::remove_file(run.join("locks").join(format!(
                "inode-{}:{}",
                root.dev(),
                root.ino()
            )));
        }
    }

    fn is_marked(&self, name: &str) -> bool {
        self.folder().join(name).exists()
    }

    fn mark(&self, name: &str) -> Result<()> {
        fs::write(self.folder().join(name), "")
            .with_context(|| format!("could not mark machine {} as {name}", self.number))
    }

    fn unmark(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.folder().join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Absent is as good as removed.
fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

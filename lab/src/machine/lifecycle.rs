//! Creates, starts, stops and deletes machines.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::bootstrap::Bootstrap;
use super::handle::{Machine, remove_tree};
use super::process::Order;
use super::settings::Settings;
use super::{cgroup, network, overlay, process, seed, snapshot, supervise, volume};
use crate::image;
use crate::lab::{PATIENCE, until};

impl Machine {
    /// Creates disk and seed; does not start the machine.
    pub fn create(&self, bootstrap: &Bootstrap) -> Result<()> {
        fs::create_dir_all(self.folder())?;
        self.keep(&Settings {
            image: image::path(&self.lab),
            memory_bytes: bootstrap.memory_bytes,
            host: bootstrap.host,
            volumes: Vec::new(),
            nics: Vec::new(),
        })?;
        self.lay(bootstrap)
    }

    /// Gives the machine a new disk and starts it, as Hetzner does.
    pub fn rebuild(&self, bootstrap: &Bootstrap) -> Result<()> {
        if !self.is_made() {
            self.create(bootstrap)?;
            return self.start();
        }
        self.power_off()?;
        self.forget_nspawn();
        overlay::unmount(&self.folder())?;
        for name in ["upper", "work"] {
            remove_tree(&self.folder().join(name))?;
        }
        self.lay(bootstrap)?;
        self.start()
    }

    fn lay(&self, bootstrap: &Bootstrap) -> Result<()> {
        let image = match bootstrap.snapshot {
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
        seed::write(&self.root(), bootstrap)
    }

    /// Boots the machine if it does not run, and waits for its PID 1, as Hetzner's own actions do.
    pub fn start(&self) -> Result<()> {
        // A machine that is shutting down is started again after it is off.
        if self.is_marked("stopping") {
            until(Duration::from_mins(1), || !self.is_running());
        }
        if !self.is_running() {
            // Processes that a killed supervisor left would be a second machine on the same disk.
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

    /// Passes a line to chpasswd in a running machine.
    pub fn set_password(&self, line: &str) -> Result<()> {
        if !process::inside(self, &["chpasswd"], line)? {
            bail!("machine {} does not run", self.number);
        }
        Ok(())
    }

    /// Asks systemd inside to shut down, like a press of the power button.
    pub fn shutdown(&self) -> Result<()> {
        self.mark("stopping")?;
        process::order(self, Order::PowerOff).map(|_| ())
    }

    /// Asks systemd inside to reboot, and waits for the new PID 1. A machine that does not react keeps
    /// running, as at Hetzner.
    pub fn reboot(&self) -> Result<()> {
        let told = process::order(self, Order::Reboot)?;
        until(Duration::from_mins(1), || {
            let now = process::leader(self);
            !self.is_running() || (now.is_some() && now != told)
        });
        Ok(())
    }

    /// Kills the machine, and waits until nothing runs any more.
    pub fn power_off(&self) -> Result<()> {
        self.mark("off")?;
        // A reboot in between has a new PID 1 each time: kill until the supervisor is gone.
        let stopped = until(PATIENCE, || {
            process::kill(self).unwrap_or(true) && !self.is_running()
        });
        if !stopped {
            bail!("machine {} could not be stopped", self.number);
        }
        Ok(())
    }

    /// Removes processes, mounts, links, files and control groups.
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

    /// Removes what a killed nspawn leaves in /run; it may be absent.
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
}

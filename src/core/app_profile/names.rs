//! What is named after the app on a host. Templates and playbooks build the same names from the same keys.

use time::OffsetDateTime;
use time::macros::format_description;

use super::AppProfile;

/// A zero for each digit of a backup's time.
const SHAPE_OF_TIME: &str = "_00000000_000000";

impl AppProfile {
    /// The group that it runs as.
    pub fn group(&self) -> &str {
        self.group.as_ref().unwrap_or(&self.user)
    }

    /// Who a release runs as while it is asked on a copy of the database. Two processes of one user can read and write each
    /// other's memory, and this one may be of a release that nobody has seen at work yet.
    pub fn trial_user(&self) -> String {
        match &self.trial_user {
            Some(user) => user.to_string(),
            None => format!("{}-trial", self.user),
        }
    }

    /// The unit that runs the release in a slot.
    pub fn unit(&self, slot: &str) -> String {
        format!("{}@{slot}.service", self.name)
    }

    /// The file that each such unit is an instance of.
    pub fn unit_file(&self) -> String {
        format!("/etc/systemd/system/{}@.service", self.name)
    }

    /// The units of all slots, for systemctl and journalctl.
    pub fn units(&self) -> String {
        format!("{}@*", self.name)
    }

    /// The folder with the socket of a slot.
    pub fn runtime(&self, slot: &str) -> String {
        format!("/run/{}/{slot}", self.name)
    }

    /// Where the release in a slot serves.
    pub fn socket(&self, slot: &str) -> String {
        format!("{}/app.sock", self.runtime(slot))
    }

    /// The app's environment, secrets included.
    pub fn env_file(&self) -> String {
        format!("{}/.env", self.folder)
    }

    /// The folder of all releases.
    pub fn releases(&self) -> String {
        format!("{}/releases", self.folder)
    }

    /// Where the files of a release are.
    pub fn release(&self, id: &str) -> String {
        format!("{}/{id}", self.releases())
    }

    /// Where the binary of a release is.
    pub fn binary_of(&self, release: &str) -> String {
        format!("{}/{}", self.release(release), self.binary)
    }

    /// The folder of the slots.
    pub fn slots(&self) -> String {
        format!("{}/slots", self.folder)
    }

    /// The link to the release in a slot.
    pub fn slot(&self, slot: &str) -> String {
        format!("{}/{slot}", self.slots())
    }

    /// The link to the folder of the socket that serves.
    pub fn live(&self) -> String {
        format!("{}/live", self.folder)
    }

    /// The folder of the backups.
    pub fn backups(&self) -> String {
        format!("{}/backups", self.data)
    }

    /// Where a file of a backup is.
    pub fn backup_file(&self, file: &str) -> String {
        format!("{}/{file}", self.backups())
    }

    /// The local repository for a recovery to a point in time.
    pub fn repository(&self) -> String {
        format!("{}/pitr", self.data)
    }

    /// Where a backup that was sent waits for its plan: on the disk of the backups, so that it need not be copied.
    pub fn incoming(&self) -> String {
        format!("{}/incoming", self.data)
    }

    /// Where files that are to be imported wait.
    pub fn imports(&self) -> String {
        format!("{}/imports", self.data)
    }

    /// The name of a backup of this moment: names sort by time.
    pub fn backup_name(&self, at: OffsetDateTime) -> String {
        let format = format_description!("[year][month][day]_[hour][minute][second]");
        let at = at.format(format).unwrap_or_default();
        format!("{}_{at}", self.name)
    }

    /// The part of a file's name that is the name of a backup, and what follows it.
    pub fn split_backup<'f>(&self, file: &'f str) -> Option<(&'f str, &'f str)> {
        let time = file.strip_prefix(&*self.name)?.get(..SHAPE_OF_TIME.len())?;
        let mut shape = time.chars().zip(SHAPE_OF_TIME.chars());
        let fits = shape.all(|(is, shape)| is == shape || shape == '0' && is.is_ascii_digit());
        let (name, ending) = file.split_at_checked(self.name.len() + SHAPE_OF_TIME.len())?;
        fits.then_some((name, ending))
    }

    /// What pgBackRest calls the cluster.
    pub fn stanza(&self) -> &str {
        &self.name
    }
}

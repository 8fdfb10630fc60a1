//! What a host can be made to be: one kind a file, each a wish with a check and an apply.

pub mod absent;
pub mod alert_test;
mod apt;
pub mod apt_repository;
pub mod archiving;
pub mod backup;
pub mod backup_downloaded;
mod backup_files;
pub mod backup_uploaded;
pub mod certificate;
pub mod command;
pub mod directory;
pub mod drill;
pub mod file;
pub mod firewall;
pub mod group;
pub mod handed_over;
pub mod imported;
pub mod in_force;
pub mod kernel_settings;
pub mod link;
mod listener;
pub mod neighbours;
pub mod offsite;
mod originals;
pub mod package;
mod permissions;
mod pgbackrest;
mod postgres;
pub mod postgres_database;
pub mod postgres_extension;
pub mod postgres_reader;
pub mod postgres_role;
pub mod preflight;
pub mod probe;
mod program;
pub mod pruned;
pub mod recovered;
pub mod reference;
pub mod rehearsal;
pub mod release_check;
pub mod repository;
pub mod restored;
mod scratch;
pub mod self_install;
pub mod service;
pub mod signing_key;
pub mod swap;
pub mod swap_reverted;
pub mod sysctl;
pub mod user;

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::host::system::{FutureFile, System};

pub use absent::Absent;
pub use alert_test::AlertTest;
pub use apt_repository::AptRepository;
pub use archiving::Archiving;
pub use backup::Backup;
pub use backup_downloaded::BackupDownloaded;
pub use backup_uploaded::BackupUploaded;
pub use certificate::Certificate;
pub use command::Command;
pub use directory::Directory;
pub use drill::Drill;
pub use file::File;
pub use firewall::Firewall;
pub use group::Group;
pub use handed_over::{HandedOver, SlotInTurn};
pub use imported::Imported;
pub use in_force::InForce;
pub use kernel_settings::KernelSettings;
pub use link::Link;
pub use neighbours::Neighbours;
pub use offsite::Offsite;
pub use package::Package;
pub use permissions::Perm;
pub use postgres_database::PostgresDatabase;
pub use postgres_extension::PostgresExtension;
pub use postgres_reader::PostgresReader;
pub use postgres_role::PostgresRole;
pub use preflight::Preflight;
pub use probe::Probe;
pub use pruned::Pruned;
pub use recovered::Recovered;
pub use rehearsal::Rehearsal;
pub use repository::Repository;
pub use restored::Restored;
pub use self_install::SelfInstall;
pub use service::Service;
pub use signing_key::SigningKey;
pub use swap::Swap;
pub use swap_reverted::SwapReverted;
pub use sysctl::Sysctl;
pub use user::User;

/// Names the kinds once: the module, the type and the playbook's word go together. A plan on a host or an
/// operator's playbook may still use a kind's old word.
macro_rules! kinds {
    ($($module:ident :: $kind:ident $(was $old:literal)?),* $(,)?) => {
        /// A wish about one thing of a host, as a playbook writes it: `file: { … }`.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Task { $($(#[serde(alias = $old)])? $kind($kind)),* }

        /// The words that a playbook may use.
        pub const KINDS: &[&str] = &[$(stringify!($module)),*];

        $(impl From<$kind> for Task {
            fn from(task: $kind) -> Self { Task::$kind(task) }
        })*

        impl Wish<System> for Task {
            async fn check(&self, system: &System) -> Result<CheckResult> {
                match self { $(Task::$kind(task) => task.check(system).await),* }
            }
            async fn apply(&self, system: &System) -> Result<()> {
                match self { $(Task::$kind(task) => task.apply(system).await),* }
            }
        }
    };
}

kinds! {
    absent::Absent,
    alert_test::AlertTest,
    apt_repository::AptRepository,
    archiving::Archiving,
    backup::Backup,
    backup_downloaded::BackupDownloaded was "fetched",
    backup_uploaded::BackupUploaded was "arrived",
    certificate::Certificate,
    command::Command,
    directory::Directory,
    drill::Drill,
    file::File,
    firewall::Firewall,
    group::Group,
    handed_over::HandedOver,
    imported::Imported,
    in_force::InForce,
    kernel_settings::KernelSettings,
    link::Link,
    neighbours::Neighbours,
    offsite::Offsite,
    package::Package,
    postgres_database::PostgresDatabase,
    postgres_extension::PostgresExtension,
    postgres_reader::PostgresReader,
    postgres_role::PostgresRole,
    preflight::Preflight,
    probe::Probe,
    pruned::Pruned,
    recovered::Recovered,
    rehearsal::Rehearsal,
    repository::Repository,
    restored::Restored,
    self_install::SelfInstall was "itself",
    service::Service,
    signing_key::SigningKey,
    swap::Swap,
    swap_reverted::SwapReverted was "unrestored",
    sysctl::Sysctl,
    user::User,
}

impl Task {
    /// The address of the content that it is made from, when that comes as a blob.
    pub fn blob(&self) -> Option<&str> {
        match self {
            Task::File(file) => match &file.content {
                file::FileContent::Blob { blob } => Some(blob),
                _ => None,
            },
            _ => None,
        }
    }

    /// Notes what this step would leave, for the steps after it in a run that only looks.
    pub fn foresee(&self, system: &System) {
        match self {
            Task::File(file) => system.foresee(&file.path, file.content.to_come()),
            Task::Link(link) => {
                system.foresee(&link.path, FutureFile::Link(Path::new(&link.to).into()));
            }
            Task::Absent(absent) => system.foresee(&absent.path, FutureFile::Absent),
            Task::Command(command) => {
                for path in &command.writes {
                    system.foresee(path, FutureFile::Unknown);
                }
            }
            Task::KernelSettings(kernel) => system.foresee(&kernel.path, FutureFile::Unknown),
            Task::Certificate(_) => system.foresee(certificate::CHAIN, FutureFile::Unknown),
            _ => {}
        }
    }

    /// The folder in which something new is made before it takes its place.
    pub fn folder(&self) -> Option<&Path> {
        let path = match self {
            Task::File(file) => &file.path,
            Task::Link(link) => &link.path,
            _ => return None,
        };
        Path::new(path).parent()
    }
}

impl Task {
    /// The same without what must never lie on the host: the keys that open backups. Who ends a run that needs them says them again.
    pub fn for_the_disk(&self) -> Self {
        match self.clone() {
            Task::Restored(task) => Task::Restored(Restored {
                identities: Vec::new(),
                ..task
            }),
            Task::Drill(task) => Task::Drill(Drill {
                identities: Vec::new(),
                ..task
            }),
            other => other,
        }
    }

    /// Whether what it may change can be written down before and put back.
    pub fn can_be_guarded(&self) -> bool {
        matches!(
            self,
            Task::Absent(_)
                | Task::File(_)
                | Task::Link(_)
                | Task::Firewall(_)
                | Task::HandedOver(_)
                | Task::PostgresRole(_)
                | Task::Service(_)
                | Task::User(_)
        )
    }
}

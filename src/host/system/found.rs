//! What is at a path, as the kernel says of the thing itself.

use std::time::{Duration, SystemTime};

use nix::sys::stat::{FileStat, SFlag};
use nix::unistd::{getegid, geteuid};

/// Who a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    pub uid: u32,
    pub gid: u32,
}

impl Ids {
    /// Those of this process: root's on a host.
    pub fn own() -> Self {
        Self {
            uid: geteuid().as_raw(),
            gid: getegid().as_raw(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    Socket,
    /// A FIFO or a device: to open one may wait without end, or do something.
    Other,
}

impl Kind {
    fn of(mode: u32) -> Self {
        match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFREG => Self::File,
            SFlag::S_IFDIR => Self::Folder,
            SFlag::S_IFLNK => Self::Link,
            SFlag::S_IFSOCK => Self::Socket,
            _ => Self::Other,
        }
    }

    /// With its article, for a sentence.
    pub fn named(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a directory",
            Self::Link => "a link",
            Self::Socket => "a socket",
            Self::Other => "a FIFO or a device",
        }
    }
}

/// A link is not followed: it is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    pub ids: Ids,
    pub bytes: u64,
    /// When its content changed.
    pub modified: SystemTime,
    /// When anything of it changed (content, owner, mode, name), in microseconds of the epoch.
    pub changed_us: i128,
    /// Device and inode: two names of one thing have the same.
    pub identity: (u64, u64),
}

impl From<FileStat> for Found {
    fn from(stat: FileStat) -> Self {
        Self {
            kind: Kind::of(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            ids: Ids {
                uid: stat.st_uid,
                gid: stat.st_gid,
            },
            bytes: stat.st_size.try_into().unwrap_or(0),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed_us: i128::from(stat.st_ctime) * 1_000_000
                + i128::from(stat.st_ctime_nsec) / 1_000,
            identity: (stat.st_dev, stat.st_ino),
        }
    }
}

/// A time before the epoch, which no honest clock has given, is the epoch.
fn time(seconds: i64, nanos: i64) -> SystemTime {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let nanos = u32::try_from(nanos).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}

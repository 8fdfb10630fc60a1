//! A folder that is held by its descriptor: what is done in it is done by a name in it, never by a path. Whoever renames or
//! replaces something on the way to it meanwhile changes nothing for who holds it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat, readlinkat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, geteuid, linkat, symlinkat, unlinkat};

use super::found::{Found, Ids, Kind};

/// How much of a text is read: settings, manifests, what the kernel says. Nothing of that kind has a tenth of it.
pub const TEXT: u64 = 1 << 20;
/// How many names are taken at a time of a folder that is emptied.
const AT_ONCE: usize = 4096;
/// How often: whoever fills the folder meanwhile must not keep us for ever.
const ROUNDS: usize = 4096;
/// Deeper trees are nobody's honest work, and each level holds a descriptor.
const DEEPEST: usize = 128;
/// What runs here.
const RUNNING: &str = "/proc/self/exe";

#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    place: PathBuf,
}

impl Folder {
    /// Where a walk begins. This one path is followed as it is: it is ours.
    pub fn top(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self {
            fd: open(path, flags, Mode::empty())?,
            place: path.to_owned(),
        })
    }

    /// How it was come to, for messages and for programs.
    pub fn place(&self) -> &Path {
        &self.place
    }

    pub fn found(&self) -> io::Result<Found> {
        Ok(fstat(&self.fd)?.into())
    }

    /// What has this name; none when nothing has.
    pub fn look(&self, name: &OsStr) -> io::Result<Option<Found>> {
        absent(fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW))
            .map(|stat| stat.map(Found::from))
    }

    /// The folder of this name; a link to one is none.
    pub fn enter(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self {
            fd: openat(&self.fd, name, flags, Mode::empty())?,
            place: self.place.join(name),
        })
    }

    /// A handle on whatever has this name. It opens nothing: a FIFO does not wait, a device does not notice.
    pub fn handle(&self, name: &OsStr) -> io::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(openat(&self.fd, name, flags, Mode::empty())?)
    }

    /// Opens a regular file, and nothing else: not even for a moment does it wait for somebody.
    pub fn open(&self, name: &OsStr, how: OFlag, mode: u32) -> io::Result<File> {
        let careful = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let other = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        // Asked before too: to open a device may do something.
        if let Some(found) = self.look(name)?
            && found.kind != Kind::File
        {
            return Err(other());
        }
        let fd = openat(
            &self.fd,
            name,
            how | careful,
            Mode::from_bits_truncate(mode),
        )?;
        if Found::from(fstat(&fd)?).kind != Kind::File {
            return Err(other());
        }
        Ok(fd.into())
    }

    /// A file that nobody had before: private until it gets its mode.
    pub fn create(&self, name: &OsStr) -> io::Result<File> {
        let how = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        self.open(name, how, 0o600)
    }

    /// A folder that nobody had before, private.
    pub fn make_folder(&self, name: &OsStr) -> io::Result<Self> {
        mkdirat(&self.fd, name, Mode::S_IRWXU)?;
        let folder = self.enter(name)?;
        if folder.found()?.ids.uid == geteuid().as_raw() {
            return Ok(folder);
        }
        Err(io::Error::other("somebody put another folder in its place"))
    }

    pub fn make_link(&self, to: &Path, name: &OsStr) -> io::Result<()> {
        Ok(symlinkat(to, &self.fd, name)?)
    }

    /// A second name for the binary that runs here. Costs nothing, as long as the first one is on the same disk and still there.
    pub fn link_running(&self, name: &OsStr) -> io::Result<()> {
        let flag = AtFlags::AT_SYMLINK_FOLLOW;
        Ok(linkat(AT_FDCWD, RUNNING, &self.fd, name, flag)?)
    }

    /// What a link says.
    pub fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        Ok(readlinkat(&self.fd, name)?.into())
    }

    pub fn rename(&self, name: &OsStr, into: &Self, as_name: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.fd, name, &into.fd, as_name)?)
    }

    pub fn give(&self, ids: Ids, mode: u32) -> io::Result<()> {
        give(self.real()?.as_fd(), ids, mode)
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(fchmod(self.real()?, Mode::from_bits_truncate(mode))?)
    }

    /// What was done in it survives a crash from now on.
    pub fn sync(&self) -> io::Result<()> {
        File::from(self.real()?).sync_all()
    }

    /// The first names in it, as many as are asked for.
    pub fn names(&self, most: usize) -> io::Result<Vec<OsString>> {
        let mut dir = Dir::from_fd(self.real()?)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
            if names.len() == most {
                break;
            }
        }
        Ok(names)
    }

    /// Takes away what has this name, a folder with all that is in it. A link goes, and not what it leads to.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.remove_within(name, DEEPEST)
    }

    fn remove_within(&self, name: &OsStr, levels: usize) -> io::Result<()> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::EISDIR) => {}
            other => return absent(other).map(drop),
        }
        if levels == 0 {
            let why = format!("{} has too many levels", self.place.join(name).display());
            return Err(io::Error::other(why));
        }
        // Gone, or no folder any more: somebody else removes or replaces it at the same time.
        let Some(folder) = absent_io(self.enter(name))? else {
            return Ok(());
        };
        for _ in 0..ROUNDS {
            let names = folder.names(AT_ONCE)?;
            for inner in &names {
                folder.remove_within(inner, levels - 1)?;
            }
            if names.is_empty() {
                break;
            }
        }
        absent(unlinkat(&self.fd, name, UnlinkatFlags::RemoveDir)).map(drop)
    }

    /// A descriptor that can be read and written to, in place of the handle.
    fn real(&self) -> io::Result<OwnedFd> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(openat(&self.fd, ".", flags, Mode::empty())?)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Owner first: to change it may take bits of the mode away.
pub fn give(fd: BorrowedFd<'_>, ids: Ids, mode: u32) -> io::Result<()> {
    fchown(
        fd,
        Some(Uid::from_raw(ids.uid)),
        Some(Gid::from_raw(ids.gid)),
    )?;
    Ok(fchmod(fd, Mode::from_bits_truncate(mode))?)
}

/// The binary that runs here, whatever became of its name.
pub fn running() -> io::Result<File> {
    File::open(RUNNING)
}

/// "Not there" as a value; every other failure stays one. A name that no disk can hold is not there either.
fn absent<T>(result: nix::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn absent_io<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Whether an error only says that nothing is there.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

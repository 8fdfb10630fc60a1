//! What can be done with the files of a host. Every access of the host's side stands here, and each takes the way of [`super::walk`].

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::fcntl::OFlag;
use nix::sys::statvfs::{Statvfs, fstatvfs};

use super::draft::{self, Draft};
use super::folder::{Folder, TEXT, give, is_absent};
use super::found::{Found, Ids, Kind};
use super::walk::{Errand, unsafe_place};
use super::{Cmd, System};
use crate::core::error::{Code, Fault, code};

/// How much of a program: the binary of a release, this one.
pub const PROGRAM: u64 = 512 << 20;
/// How many files of a folder are looked at.
const NAMES: usize = 100_000;

/// A socket that is spoken to by its handle: the path leads to it and to nothing that took its place.
pub struct OpenSocket {
    handle: OwnedFd,
}

impl OpenSocket {
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.handle.as_raw_fd())
    }
}

impl System {
    /// The content of a text; `None` when there is none.
    ///
    /// # Errors
    /// E0409 for what is no regular file, is too large for a text, or is where the way is not safe.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
        self.read_up_to(path, TEXT)
    }

    /// The same of what may be larger.
    pub fn read_up_to(&self, path: impl AsRef<Path>, most: u64) -> Result<Option<Vec<u8>>> {
        let path = path.as_ref();
        let Some(file) = self.open(path)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = file.take(most + 1).read_to_end(&mut bytes);
        read.with_context(|| self.could_not("read", path))?;
        if bytes.len() as u64 > most {
            let why = format!("it has more than {} kB", most / 1024);
            return Err(unsafe_place(&self.path(path), &why).into());
        }
        Ok(Some(bytes))
    }

    pub fn read_text(&self, path: impl AsRef<Path>) -> Result<Option<String>> {
        Ok(self
            .read(path)?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A regular file, to be read piece by piece; `None` when there is none.
    ///
    /// # Errors
    /// As of `read`.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Option<File>> {
        let path = path.as_ref();
        let open = || -> Result<_> {
            match self.parent(path, Errand::Read)? {
                None => Ok(None),
                Some((folder, name)) => match folder.open(name, OFlag::O_RDONLY, 0) {
                    Err(error) if is_absent(&error) => Ok(None),
                    opened => Ok(Some(opened.map_err(|error| self.no_file(path, error))?)),
                },
            }
        };
        open().with_context(|| self.could_not("read", path))
    }

    /// What is at the path itself, links not followed.
    pub fn stat(&self, path: impl AsRef<Path>) -> Result<Option<Found>> {
        let path = path.as_ref();
        let found = || -> Result<_> {
            match path.file_name() {
                None => Ok(self
                    .folder(path, Errand::Read)?
                    .map(|folder| folder.found())
                    .transpose()?),
                Some(_) => match self.parent(path, Errand::Read)? {
                    None => Ok(None),
                    Some((folder, name)) => Ok(folder.look(name)?),
                },
            }
        };
        found().with_context(|| self.could_not("read the metadata of", path))
    }

    /// What a link says; `None` when there is none, or something else is there.
    pub fn read_link(&self, path: impl AsRef<Path>) -> Result<Option<PathBuf>> {
        let path = path.as_ref();
        let link = || -> Result<_> {
            match self.parent(path, Errand::Read)? {
                None => Ok(None),
                Some((folder, name)) => match folder.look(name)? {
                    Some(found) if found.kind == Kind::Link => Ok(Some(folder.read_link(name)?)),
                    _ => Ok(None),
                },
            }
        };
        link().with_context(|| self.could_not("read the link", path))
    }

    /// The names in a folder; none when it is not there.
    pub fn names(&self, path: impl AsRef<Path>) -> Result<Vec<String>> {
        let path = path.as_ref();
        let names = || match self.folder(path, Errand::Read)? {
            None => Ok(Vec::new()),
            Some(folder) => Ok::<_, anyhow::Error>(folder.names(NAMES)?),
        };
        let names = names().with_context(|| self.could_not("read", path))?;
        let text = |name: std::ffi::OsString| name.to_string_lossy().into_owned();
        Ok(names.into_iter().map(text).collect())
    }

    /// How full the disk is that a path is on.
    pub fn disk(&self, path: impl AsRef<Path>) -> Result<Statvfs> {
        let path = path.as_ref();
        let usage = || {
            let real = self.resolve(path)?;
            let folder = self.folder(&real, Errand::Read)?;
            let folder = folder.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
            Ok::<_, anyhow::Error>(fstatvfs(&folder)?)
        };
        usage().with_context(|| self.could_not("read the usage of the disk of", path))
    }

    /// A socket of the app's; `None` when there is none.
    ///
    /// # Errors
    /// E0409 when something else is there.
    pub fn socket(&self, path: impl AsRef<Path>) -> Result<Option<OpenSocket>> {
        let path = path.as_ref();
        let Some((folder, name)) = self.parent(path, Errand::Read)? else {
            return Ok(None);
        };
        if folder.look(name)?.is_none() {
            return Ok(None);
        }
        let handle = folder.handle(name)?;
        let kind = Found::from(nix::sys::stat::fstat(&handle)?).kind;
        if kind == Kind::Socket {
            return Ok(Some(OpenSocket { handle }));
        }
        let why = format!("it is {}, expected a socket", kind.named());
        Err(unsafe_place(&self.path(path), &why).into())
    }

    /// Puts content in place by a rename: it is whole, with mode and owner, or it is not there.
    /// `validate` gets the path of the new file before it takes its place.
    pub async fn write_atomic(
        &self,
        path: impl AsRef<Path>,
        content: &[u8],
        mode: u32,
        ids: Option<Ids>,
        validate: &[String],
    ) -> Result<()> {
        let path = path.as_ref();
        let context = || self.could_not("write", path);
        let (folder, name) = self.of(ids).parent_to_change(path).with_context(context)?;
        let draft = Draft::begin(&folder, name).with_context(context)?;
        draft.write(content, mode, ids).with_context(context)?;
        if !validate.is_empty() {
            draft.show().with_context(context)?;
            self.validate(&draft.path(), validate).await?;
        }
        draft.take_place().with_context(context)
    }

    async fn validate(&self, fresh: &Path, validate: &[String]) -> Result<()> {
        let fresh = fresh.display().to_string();
        let argv: Vec<String> = validate
            .iter()
            .map(|word| word.replace("{file}", &fresh))
            .collect();
        self.run(&Cmd::new(argv))
            .await?
            .success()
            .map_err(|error| {
                anyhow::Error::from(
                    Fault::new(
                        Code::E0403,
                        "the new content was rejected by its checker; the file was not changed",
                    )
                    .hint(
                        "correct the template or the value in citrino.yml that the message names",
                    ),
                )
                .context(format!("{error:#}"))
            })?;
        Ok(())
    }

    /// A link in place by a rename: a reader sees the old one or the new one, and never none.
    pub fn write_link(&self, path: impl AsRef<Path>, to: &Path) -> Result<()> {
        let path = path.as_ref();
        let write = || {
            let (folder, name) = self.parent_to_change(path)?;
            let draft = Draft::begin(&folder, name)?;
            draft.link(to)?;
            Ok::<_, anyhow::Error>(draft.take_place()?)
        };
        write().with_context(|| self.could_not("create the link", path))
    }

    /// The binary that runs here, in this place too: by a second name where that can be, which costs nothing.
    pub fn install_running(&self, path: impl AsRef<Path>) -> Result<()> {
        self.place_running(path.as_ref(), true)
    }

    /// The same as a file of its own: the other's name may be gone since it was started.
    pub fn copy_running(&self, path: impl AsRef<Path>) -> Result<()> {
        self.place_running(path.as_ref(), false)
    }

    fn place_running(&self, path: &Path, links: bool) -> Result<()> {
        let write = || {
            let (folder, name) = self.parent_to_change(path)?;
            let draft = Draft::begin(&folder, name)?;
            draft.running(links)?;
            Ok::<_, anyhow::Error>(draft.take_place()?)
        };
        write().with_context(|| self.could_not("write", path))
    }

    /// A private file that nobody had before, to be filled piece by piece. What was left there of this name goes.
    pub fn create(&self, path: impl AsRef<Path>) -> Result<File> {
        let path = path.as_ref();
        let create = || {
            let (folder, name) = self.parent_to_change(path)?;
            folder.remove(name)?;
            Ok::<_, anyhow::Error>(folder.create(name)?)
        };
        create().with_context(|| self.could_not("write", path))
    }

    /// A file that grows, or is taken by who holds its lock; made with this mode when it is not there, its folders too.
    pub fn open_own(&self, path: impl AsRef<Path>, how: OwnFile, mode: u32) -> Result<File> {
        let path = path.as_ref();
        let open = || {
            let parent = path.parent().unwrap_or(Path::new("/"));
            let name = path.file_name().unwrap_or_default();
            let folder = self.made_folder(parent)?;
            let is_new = folder.look(name)?.is_none();
            let flags = OFlag::O_RDWR | OFlag::O_CREAT | how.flags();
            let file = folder.open(name, flags, mode);
            let file = file.map_err(|error| self.no_file(path, error))?;
            if is_new {
                folder.sync()?;
            }
            Ok::<_, anyhow::Error>(file)
        };
        open().with_context(|| self.could_not("open", path))
    }

    /// A value for the kernel, in a file that it has.
    pub fn write_kernel(&self, path: impl AsRef<Path>, value: &str) -> Result<()> {
        let (folder, name) = self.parent_to_change(path.as_ref())?;
        let how = OFlag::O_WRONLY | OFlag::O_TRUNC;
        Ok(folder.open(name, how, 0)?.write_all(value.as_bytes())?)
    }

    /// Whether the kernel lets a value be set there. Most of what a container sees of its machine's is read-only.
    pub fn takes_kernel_values(&self, path: impl AsRef<Path>) -> Result<bool> {
        let (folder, name) = self.parent_to_change(path.as_ref())?;
        match folder.open(name, OFlag::O_WRONLY, 0) {
            Ok(_) => Ok(true),
            Err(error) if is_refusal(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Another name in the same or another folder, for what is whole.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let rename = || {
            let (folder, name) = self.parent_to_change(from)?;
            let (into, as_name) = self.parent_to_change(to)?;
            folder.rename(name, &into, as_name)?;
            Ok::<_, anyhow::Error>(into.sync()?)
        };
        rename().with_context(|| self.could_not("rename", from))
    }

    /// A folder and its parents, where they are not there: root's, and open to readers.
    pub fn make_folders(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let made = self.made_folder(path).map(drop);
        made.with_context(|| self.could_not("create directory", path))
    }

    /// Makes a directory, or gives the one that is there its mode and owner.
    pub fn make_directory(&self, path: impl AsRef<Path>, mode: u32, ids: Ids) -> Result<()> {
        let path = path.as_ref();
        let make = || {
            let parent = path.parent().unwrap_or(Path::new("/"));
            let name = path.file_name().unwrap_or_default();
            let system = self.of(Some(ids));
            let folder = match system.folder(parent, Errand::Change)? {
                Some(folder) => folder,
                None => system.made_folder(parent)?,
            };
            let directory = match folder.look(name)? {
                None => folder.make_folder(name)?,
                Some(_) => folder.enter(name)?,
            };
            may_give(&folder, &directory, ids)?;
            Ok::<_, anyhow::Error>(directory.give(ids, mode)?)
        };
        make().with_context(|| self.could_not("create directory", path))
    }

    /// Takes away a file, a link or a folder with all that is in it; what is not there is no error.
    pub fn remove(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let remove = || match self.parent(path, Errand::Change)? {
            Some((folder, name)) => Ok::<_, anyhow::Error>(folder.remove(name)?),
            None => Ok(()),
        };
        remove().with_context(|| self.could_not("remove", path))
    }

    /// Takes away what processes that are no more left half made in a folder. A folder that is not safe has nothing of ours.
    pub fn sweep(&self, folder: impl AsRef<Path>) -> Result<()> {
        let path = folder.as_ref();
        match self.folder(path, Errand::Change) {
            Err(error) if code(&error) == Code::E0409 => Ok(()),
            Err(error) => Err(error),
            Ok(None) => Ok(()),
            Ok(Some(folder)) => {
                draft::sweep(&folder).with_context(|| self.could_not("clean up", path))
            }
        }
    }

    /// Why root would not write in a folder; none when it would, or there is none.
    ///
    /// # Errors
    /// When the disk does not say it.
    pub fn exposed(&self, folder: impl AsRef<Path>) -> Result<Option<String>> {
        match self.folder(folder.as_ref(), Errand::Change) {
            Ok(_) => Ok(None),
            Err(error) if code(&error) == Code::E0409 => Ok(Some(error.to_string())),
            Err(error) => Err(error),
        }
    }

    fn could_not(&self, what: &str, path: &Path) -> String {
        format!("could not {what} {}", self.path(path).display())
    }

    fn no_file(&self, path: &Path, error: io::Error) -> anyhow::Error {
        let is_other = error.kind() == io::ErrorKind::InvalidInput
            || error.raw_os_error() == Some(nix::libc::ELOOP);
        if is_other {
            return unsafe_place(&self.path(path), "it is not a regular file").into();
        }
        error.into()
    }
}

/// In somebody's own folder he chooses what has the name: only what is his, or root's and empty, is given to him.
fn may_give(parent: &Folder, directory: &Folder, ids: Ids) -> Result<()> {
    let found = directory.found()?;
    let is_ours = [0, Ids::own().uid].contains(&ids.uid);
    let is_his_choice = !is_ours && parent.found()?.ids.uid == ids.uid && ids.uid != found.ids.uid;
    if !is_his_choice || directory.names(1)?.is_empty() {
        return Ok(());
    }
    let why = "it has something in it that is not of the owner that it is to get";
    Err(unsafe_place(directory.place(), why).into())
}

/// How a file of our own is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnFile {
    /// Each write goes to its end.
    Growing,
    /// Read and written anywhere.
    Anywhere,
}

impl OwnFile {
    fn flags(self) -> OFlag {
        match self {
            Self::Growing => OFlag::O_APPEND,
            Self::Anywhere => OFlag::empty(),
        }
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
    )
}

/// Fills it with random bytes of the kernel's.
///
/// # Errors
/// When the kernel has none.
pub fn random(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// Gives an open file its owner and mode.
///
/// # Errors
/// When the disk does not take it.
pub fn give_file(file: &File, ids: Ids, mode: u32) -> Result<()> {
    Ok(give(file.as_fd(), ids, mode)?)
}

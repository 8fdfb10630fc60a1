//! Something new beside the place that it will take: whole, with its owner and mode, it takes that place by a rename.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::{Folder, give, running};
use super::found::Ids;
use crate::host::own;

/// How the folder of something half made is called; then comes who makes it.
pub const DRAFT: &str = own::DRAFT;
/// How many names are looked at when a folder is swept.
const MOST: usize = 100_000;

/// A folder of its own, so that the new thing already has its final name: checkers such as systemd-analyze go by it.
pub struct Draft<'f> {
    beside: &'f Folder,
    name: OsString,
    folder: Folder,
    /// What is made in it.
    inner: &'f OsStr,
}

impl<'f> Draft<'f> {
    /// What the dead left half made there goes first.
    pub fn begin(beside: &'f Folder, inner: &'f OsStr) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        sweep(beside)?;
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = OsString::from(format!("{DRAFT}{}-{count}", std::process::id()));
            match beside.make_folder(&name) {
                // Of a process of this number that died here.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                folder => {
                    let folder = folder?;
                    return Ok(Self {
                        beside,
                        name,
                        folder,
                        inner,
                    });
                }
            }
        }
    }

    /// Lets others look into it.
    pub fn show(&self) -> io::Result<()> {
        self.folder.set_mode(0o755)
    }

    /// Where the new thing is, for a program.
    pub fn path(&self) -> PathBuf {
        self.folder.place().join(self.inner)
    }

    /// It is private until it is whole, and has owner and mode before it has its place.
    pub fn write(&self, content: &[u8], mode: u32, ids: Option<Ids>) -> io::Result<()> {
        let mut file = self.folder.create(self.inner)?;
        file.write_all(content)?;
        match ids {
            Some(ids) => give(file.as_fd(), ids, mode)?,
            None => set_mode(&file, mode)?,
        }
        file.sync_all()
    }

    pub fn link(&self, to: &Path) -> io::Result<()> {
        self.folder.make_link(to, self.inner)
    }

    /// The binary that runs here: by a second name where it may and can be, or copied.
    pub fn running(&self, links: bool) -> io::Result<()> {
        if links && self.folder.link_running(self.inner).is_ok() {
            return Ok(());
        }
        let mut file = self.folder.create(self.inner)?;
        io::copy(&mut running()?, &mut file)?;
        set_mode(&file, 0o700)?;
        file.sync_all()
    }

    /// It takes its place, whatever had it.
    pub fn take_place(self) -> io::Result<()> {
        self.folder.rename(self.inner, self.beside, self.inner)?;
        self.beside.sync()
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // What stays is swept away by the next one.
        let _ = self.beside.remove(&self.name);
    }
}

fn set_mode(file: &std::fs::File, mode: u32) -> io::Result<()> {
    Ok(nix::sys::stat::fchmod(
        file,
        nix::sys::stat::Mode::from_bits_truncate(mode),
    )?)
}

/// Takes away what processes that are no more left half made in a folder.
pub fn sweep(folder: &Folder) -> io::Result<()> {
    for name in folder.names(MOST)? {
        let maker = name
            .to_str()
            .and_then(|name| name.strip_prefix(DRAFT)?.split_once('-'));
        if maker.is_some_and(|(pid, _)| !Path::new("/proc").join(pid).exists()) {
            folder.remove(&name)?;
        }
    }
    Ok(())
}

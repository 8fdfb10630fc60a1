//! The way to a file of the host. Root writes, reads and deletes in folders whose owners may be its enemies: so the way leads
//! from the root folder by folder, each held by its descriptor (`openat`), through no link, and through no folder that somebody
//! else could exchange meanwhile. What is found on the way that is not so is refused with its name and its owner.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use nix::fcntl::OFlag;
use nix::unistd::{getegid, geteuid};

use super::System;
use super::folder::{Folder, TEXT, is_absent};
use super::found::{Found, Ids, Kind};
use crate::core::error::{Code, Fault};
use crate::host::own;

/// What the kernel alone names in: a process's folder belongs to its user, who can put nothing there.
const KERNELS: [&str; 2] = ["proc", "sys"];
/// Groups of the distribution, in which administrators and the log daemon are: `/usr/local` is the first one's on older Debian,
/// `/var/log` the second one's on Ubuntu.
const GROUPS: [&str; 2] = ["staff", "syslog"];
/// A folder in which only the owner of a file may rename or remove it.
const STICKY: u32 = 0o1000;
/// As many links as the kernel follows on one path.
const LINKS: usize = 40;

/// What somebody goes there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// To read. A folder of the app's users or of `PostgreSQL`'s may be on the way, as systemd makes them for sockets and earlier
    /// versions left them: what is there is believed as little as what they say otherwise.
    Read,
    /// To write, to remove, to give away: no folder on the way may be anybody's but root's, or the one's to whom what is written
    /// belongs.
    Change,
}

impl System {
    /// The folder at this path; none when it is not there, or something that is no folder is.
    ///
    /// # Errors
    /// E0409 when the way there is not safe.
    pub(super) fn folder(&self, path: &Path, errand: Errand) -> Result<Option<Folder>> {
        let mut way = Way::begin(self, errand)?;
        for name in names(path)? {
            if !way.step(name)? {
                return Ok(None);
            }
        }
        Ok(Some(way.at))
    }

    /// The folder in which something stands, and its name there.
    ///
    /// # Errors
    /// E0409 when the way there is not safe.
    pub(super) fn parent<'p>(
        &self,
        path: &'p Path,
        errand: Errand,
    ) -> Result<Option<(Folder, &'p OsStr)>> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(unsafe_place(&self.path(path), "it has no name").into());
        };
        Ok(self.folder(parent, errand)?.map(|folder| (folder, name)))
    }

    /// The same where something is to be changed: there the folder must be.
    pub(super) fn parent_to_change<'p>(&self, path: &'p Path) -> Result<(Folder, &'p OsStr)> {
        let parent = self.parent(path, Errand::Change)?;
        Ok(parent.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?)
    }

    /// The folder at this path, made with its parents where they are not there. They belong to root, as in every distribution.
    pub(super) fn made_folder(&self, path: &Path) -> Result<Folder> {
        let mut way = Way::begin(self, Errand::Change)?;
        for name in names(path)? {
            if way.step(name)? {
                continue;
            }
            match way.at.make_folder(name) {
                Ok(folder) => folder.set_mode(0o755)?,
                // Two may make it at once.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
            if !way.step(name)? {
                return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
            }
        }
        Ok(way.at)
    }

    /// The path without links, of which only those are followed that root made where nobody else can: `/etc/citrino/tls/live`,
    /// a disk that an administrator has moved. Whoever uses it walks it again.
    ///
    /// # Errors
    /// E0409 for a link that somebody else could exchange.
    pub fn resolve(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        let mut path = path.as_ref().to_owned();
        for _ in 0..LINKS {
            match self.without_first_link(&path)? {
                Some(next) => path = next,
                None => return Ok(path),
            }
        }
        Err(unsafe_place(&self.path(&path), "its links lead in a circle").into())
    }

    /// The same path past its first link; none when it has none.
    fn without_first_link(&self, path: &Path) -> Result<Option<PathBuf>> {
        let names = names(path)?;
        let mut way = Way::begin(self, Errand::Change)?;
        for (index, name) in names.iter().enumerate() {
            let found = way.at.look(name)?;
            if found.is_some_and(|found| found.kind == Kind::Link) {
                let before: PathBuf =
                    Path::new("/").join(names[..index].iter().collect::<PathBuf>());
                let after: PathBuf = names[index + 1..].iter().collect();
                let to = before.join(way.at.read_link(name)?);
                let to = plain(&to);
                return Ok(Some(if after.as_os_str().is_empty() {
                    to
                } else {
                    to.join(after)
                }));
            }
            // Beyond a folder that is not safe no link is looked for: the walk itself will say what is wrong there.
            match way.step(name) {
                Ok(true) => {}
                Ok(false) | Err(_) => break,
            }
        }
        Ok(None)
    }

    /// The text of an account file, empty when there is none. A walk asks for it to say who owns a folder, so it takes no walk itself:
    /// `/etc` is where it is.
    pub(super) fn accounts(&self, file: &str) -> io::Result<String> {
        let name = Path::new(file).file_name().unwrap_or_default();
        let open = || {
            let etc = Folder::top(&self.root)?.enter("etc".as_ref())?;
            etc.open(name, OFlag::O_RDONLY, 0)
        };
        let mut bytes = Vec::new();
        match open() {
            Ok(file) => file.take(TEXT).read_to_end(&mut bytes)?,
            Err(error) if is_absent(&error) => 0,
            Err(error) => return Err(error),
        };
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// `postgres`, or `user 1007` when /etc/passwd has no name for it.
    fn name_of(&self, uid: u32) -> String {
        let text = self.accounts("/etc/passwd").unwrap_or_default();
        let number = uid.to_string();
        let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        lines
            .find(|fields| fields.get(2) == Some(&number.as_str()))
            .map_or_else(|| format!("user {uid}"), |fields| fields[0].to_owned())
    }
}

/// A walk, as far as it has come.
struct Way<'s> {
    system: &'s System,
    errand: Errand,
    at: Folder,
    /// Who the root folder belongs to: `root` of a host, and whoever runs a test.
    root: Ids,
    /// Whether it goes through what only the kernel makes.
    is_kernels: bool,
    depth: usize,
}

impl<'s> Way<'s> {
    fn begin(system: &'s System, errand: Errand) -> Result<Self> {
        let at = Folder::top(&system.root)
            .with_context(|| format!("could not open {}", system.root.display()))?;
        let root = at.found()?.ids;
        Ok(Self {
            system,
            errand,
            at,
            root,
            is_kernels: false,
            depth: 0,
        })
    }

    /// Goes into the folder of this name; says whether there is one.
    fn step(&mut self, name: &OsStr) -> Result<bool> {
        let place = self.at.place().join(name);
        self.is_kernels |= self.depth == 0 && KERNELS.iter().any(|kernels| *name == **kernels);
        match self.at.look(name)?.map(|found| (found.kind, found.ids)) {
            Some((Kind::Folder, _)) => {}
            Some((Kind::Link, ids)) => return Err(self.of_link(name, ids).into()),
            _ => return Ok(false),
        }
        // From here on it is held: whatever is put in its place, this one is looked at and gone on from.
        let folder = self.at.enter(name).map_err(|error| {
            unsafe_place(
                &place,
                &format!("it was replaced at the same time: {error}"),
            )
        })?;
        if let Some(why) = self.distrusts(folder.found()?)? {
            return Err(unsafe_place(&place, &why).into());
        }
        self.at = folder;
        self.depth += 1;
        Ok(true)
    }

    fn of_link(&self, name: &OsStr, ids: Ids) -> Fault {
        let to = self.at.read_link(name).unwrap_or_default();
        let why = format!(
            "it is a link of {} to {}, and no link is followed there",
            self.system.name_of(ids.uid),
            to.display()
        );
        unsafe_place(&self.at.place().join(name), &why)
    }

    /// Why somebody else could exchange what is in this folder.
    fn distrusts(&self, found: Found) -> Result<Option<String>> {
        if self.is_kernels {
            return Ok(None);
        }
        if !self.trusts(found.ids.uid)? {
            let owner = self.system.name_of(found.ids.uid);
            return Ok(Some(format!("it belongs to {owner}")));
        }
        let is_sticky = found.mode & STICKY != 0;
        if found.mode & 0o002 != 0 && !is_sticky {
            return Ok(Some("everybody may write to it".to_owned()));
        }
        if found.mode & 0o020 != 0 && !is_sticky && !self.trusts_group(found.ids.gid)? {
            let gid = found.ids.gid;
            return Ok(Some(format!("its group {gid} may write to it")));
        }
        Ok(None)
    }

    fn trusts(&self, uid: u32) -> Result<bool> {
        let owner = self.system.owner.map(|ids| ids.uid);
        let known = [0, self.root.uid, geteuid().as_raw()];
        if known.contains(&uid) || owner == Some(uid) {
            return Ok(true);
        }
        Ok(self.errand == Errand::Read && self.is_service(uid)?)
    }

    fn trusts_group(&self, gid: u32) -> Result<bool> {
        let owner = self.system.owner.map(|ids| ids.gid);
        let known = [0, self.root.gid, getegid().as_raw()];
        if known.contains(&gid) || owner == Some(gid) {
            return Ok(true);
        }
        for group in GROUPS {
            if self.system.has_number("/etc/group", group, gid)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_service(&self, uid: u32) -> Result<bool> {
        let app = self.system.app();
        for user in [&*app.user, &app.trial_user(), own::CLUSTER_OWNER] {
            if self.system.has_number("/etc/passwd", user, uid)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The names on the way. `..` has no place in a path that is walked: what it leads to depends on what is there.
fn names(path: &Path) -> Result<Vec<&OsStr>> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name),
            Component::ParentDir => return Err(unsafe_place(path, "it has `..` in it").into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(names)
}

/// The same path without `..`, where every name before it is a folder and no link.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => drop(plain.pop()),
            _ => {}
        }
    }
    plain
}

pub(super) fn unsafe_place(place: &Path, why: &str) -> Fault {
    Fault::new(
        Code::E0409,
        format!("{} is not safe to use: {why}", place.display()),
    )
    .hint("nothing was changed there; `citrino-ops converge` gives the stack's own folders to root, and what else the message names must be moved away, or given to root, by hand")
}

#[cfg(test)]
mod tests;

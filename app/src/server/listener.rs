//! The listening socket.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{self, Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::settings::Bind;

/// A listening socket. Dropping it closes it and removes its file, unless another process has put its own file there.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A unix socket and its file.
    Unix(UnixListener, SocketFile),
}

/// An accepted connection.
pub enum Accepted {
    /// Over TCP.
    Tcp(TcpStream, SocketAddr),
    /// Over a unix socket.
    Unix(UnixStream),
}

impl Listener {
    /// Listens. A stale unix socket is removed; one that still answers is an error.
    pub async fn bind(bind: &Bind) -> Result<Self> {
        match bind {
            Bind::Tcp(address) => {
                let listener = TcpListener::bind(address)
                    .await
                    .with_context(|| format!("cannot listen on {address}"))?;
                Ok(Listener::Tcp(listener))
            }
            Bind::Unix(path) => bind_unix(path).await,
        }
    }

    /// The address it listens on, with the port that the kernel chose.
    pub fn address(&self) -> String {
        match self {
            Listener::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "?".to_owned(), |at| at.to_string()),
            Listener::Unix(_, file) => format!("unix:{}", file.path.display()),
        }
    }

    /// Waits for a connection.
    pub async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream, peer))
            }
            Listener::Unix(listener, _) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }

    /// Closes the socket and returns the connections in its queue. It asks the kernel itself, because the runtime may not know
    /// of them yet.
    pub fn close(self) -> Vec<Accepted> {
        let mut waiting = Vec::new();
        if let Err(error) = self.empty(&mut waiting)
            && error.kind() != io::ErrorKind::WouldBlock
        {
            tracing::warn!(%error, "connections that waited could not be accepted");
        }
        waiting
    }

    /// Accepts until the kernel says that it would have to wait.
    fn empty(self, waiting: &mut Vec<Accepted>) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => {
                let listener = listener.into_std()?;
                loop {
                    let (stream, peer) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    waiting.push(Accepted::Tcp(TcpStream::from_std(stream)?, peer));
                }
            }
            Listener::Unix(listener, _file) => {
                let listener = listener.into_std()?;
                loop {
                    let (stream, _) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    waiting.push(Accepted::Unix(UnixStream::from_std(stream)?));
                }
            }
        }
    }
}

/// A folder that gives its group to what is made in it (setgid) names the proxy by it, so nobody else needs the socket. In any
/// other the group is the app's own, which the proxy is not in: there the folder alone decides who comes near.
fn mode_in(path: &Path) -> io::Result<u32> {
    const SETGID: u32 = 0o2000;
    let path = path::absolute(path)?;
    let folder = fs::metadata(path.parent().unwrap_or(&path))?;
    let names_group = folder.mode() & SETGID != 0;
    Ok(if names_group { 0o660 } else { 0o666 })
}

async fn bind_unix(path: &Path) -> Result<Listener> {
    let shown = path.display();
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            bail!("{shown} exists and is not a socket");
        }
        if UnixStream::connect(path).await.is_ok() {
            bail!("another process answers on {shown}");
        }
        fs::remove_file(path)
            .with_context(|| format!("the stale socket {shown} cannot be removed"))?;
    }
    let listener = UnixListener::bind(path).with_context(|| format!("cannot listen on {shown}"))?;
    mode_in(path)
        .and_then(|mode| fs::set_permissions(path, Permissions::from_mode(mode)))
        .with_context(|| format!("the mode of {shown} cannot be set"))?;
    let made = fs::symlink_metadata(path).with_context(|| format!("{shown} cannot be read"))?;
    let file = SocketFile {
        path: path.to_owned(),
        device: made.dev(),
        inode: made.ino(),
    };
    Ok(Listener::Unix(listener, file))
}

/// The file of a unix socket, known by its inode.
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode);
        if ours {
            // It may be gone already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

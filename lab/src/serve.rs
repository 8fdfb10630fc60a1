//! The API process: its lock, its listener, and how to find, start and stop it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sha2::{Digest, Sha256};

use crate::api;
use crate::lab::{Lab, PATIENCE, hex, start_apart, until};

/// Runs the API until it is asked to stop. Prints the endpoint when it listens; with port 0 it takes
/// a free port.
pub fn run(lab: &Lab, machines: bool) -> Result<()> {
    fs::create_dir_all(&lab.state)?;
    let mut lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lab.state.join("api.lock"))?;
    // Whoever checks whether the API is alive holds the lock for a moment.
    if !until(Duration::from_secs(10), || lock.try_lock().is_ok()) {
        bail!("another process serves this lab already; stop it with `citrino-lab down`");
    }
    lock.set_len(0)?;
    write!(lock, "{} {}", std::process::id(), own_digest()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(listen(lab, machines))
}

async fn listen(lab: &Lab, machines: bool) -> Result<()> {
    let address = ("127.0.0.1", lab.port);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| {
            format!(
                "port {} of 127.0.0.1 cannot be had; give another one in CITRINO_LAB_PORT",
                lab.port
            )
        })?;
    let app = api::router(api::open(lab, machines)?);
    let there = listener.local_addr()?;
    writeln!(std::io::stdout(), "http://{there}/v1")?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        () = api::wire::serve(listener, app) => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// A digest of this program: `up` replaces an API process of another version.
fn own_digest() -> Result<String> {
    let digest = Sha256::digest(fs::read("/proc/self/exe")?);
    Ok(hex(&digest[..8]))
}

/// The process that serves this lab. It holds a kernel lock as long as it runs.
pub struct Serving {
    pid: i32,
    digest: String,
}

impl Serving {
    pub fn find(lab: &Lab) -> Option<Self> {
        let mut file = File::open(lab.state.join("api.lock")).ok()?;
        if file.try_lock_shared().is_ok() {
            return None;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        let (pid, digest) = text.split_once(' ')?;
        Some(Self {
            pid: pid.parse().ok()?,
            digest: digest.to_owned(),
        })
    }

    /// Whether it runs this version of the program.
    pub fn is_ours(&self) -> bool {
        own_digest().is_ok_and(|digest| digest == self.digest)
    }
}

/// Stops the API process, if there is one. Its machines keep running.
pub fn stop(lab: &Lab) -> Result<()> {
    let Some(serving) = Serving::find(lab) else {
        return Ok(());
    };
    for (signal, patience) in [
        (Signal::SIGTERM, Duration::from_secs(5)),
        (Signal::SIGKILL, PATIENCE),
    ] {
        // The lock says whether it is alive. If the process is already gone, that is fine.
        let _ = kill(Pid::from_raw(serving.pid), signal);
        if until(patience, || Serving::find(lab).is_none()) {
            return Ok(());
        }
    }
    bail!("the API process {} of the lab does not stop", serving.pid)
}

/// Starts the API process and waits until it answers.
pub fn start(lab: &Lab) -> Result<()> {
    start_apart(&["serve"], &lab.state.join("api.log"), || answers(lab))
}

/// Whether the API accepts our token.
pub fn answers(lab: &Lab) -> bool {
    ask(lab).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn ask(lab: &Lab) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", lab.port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET /v1/locations HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        lab.token()?
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

//! Reach: a host over one ssh connection, through the agent that this binary is there too.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

mod agent;
mod target;
mod transfer;

pub use agent::{Agent, Blob, Ending};
pub use target::{Target, known_hosts_path};
pub use transfer::{Moved, TransferSource};

use crate::core::digest;
use crate::core::error::{Code, Fault, code};
use crate::core::report::Progress;
use crate::host::own::AGENTS;
use crate::protocol::{FromAgent, ToAgent};
use crate::storage::pack;

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many seconds the connection outlives its last channel. Between two of them this side may compress its binary on a
/// busy machine, or wait for a person's answer; a command that was killed leaves its connection for as long.
const IDLE: NonZeroUsize = NonZeroUsize::new(600).unwrap();

/// An open connection to a host.
pub struct Remote {
    session: Session,
    target: Target,
    /// The argument list that starts the agent.
    sudo: bool,
    agent: AgentBinary,
    address: String,
    progress: Option<Progress>,
}

/// This binary, as the host will know it.
struct AgentBinary {
    bytes: Vec<u8>,
    sha256: String,
}

impl Remote {
    /// Connects once.
    ///
    /// # Errors
    /// E0501 when nobody answers, E0502 when the wrong machine does.
    pub async fn open(target: &Target) -> Result<Self> {
        target.pin()?;
        let control = std::env::temp_dir();
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .user_known_hosts_file(&target.known_hosts)
            .user(target.user.clone())
            .port(target.port)
            .connect_timeout(CONNECT_TIMEOUT)
            .server_alive_interval(Duration::from_secs(15))
            // Ends by itself when we are gone, however we went.
            .control_persist(ControlPersist::IdleFor(IDLE))
            .control_directory(control);
        if let Some(identity) = &target.identity {
            builder.keyfile(identity);
        }
        let session = builder
            .connect_mux(&target.address)
            .await
            .map_err(|error| target.unreachable(&error))?;
        let path = std::env::current_exe().context("could not find this binary")?;
        let bytes = std::fs::read(path).context("could not read this binary")?;
        let sha256 = digest::sha256(&bytes);
        Ok(Self {
            session,
            target: target.clone(),
            sudo: target.user != "root",
            agent: AgentBinary { bytes, sha256 },
            address: target.address.clone(),
            progress: None,
        })
    }

    /// Connects as soon as the host answers, with growing pauses.
    ///
    /// # Errors
    /// The last one when `within` is over; a wrong host key at once.
    pub async fn wait(target: &Target, within: Duration) -> Result<Self> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(200);
        loop {
            let error = match Self::open(target).await {
                Ok(remote) => return Ok(remote),
                Err(error) => error,
            };
            let wrong_key = code(&error) == Code::E0502;
            if wrong_key || begun.elapsed() > within {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(3));
        }
    }

    /// How far files have come is told here.
    pub fn telling(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Where it leads.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Starts the agent and hears what the host says of itself.
    pub async fn agent(&self) -> Result<Agent<'_>> {
        if let Some(agent) = self.start().await? {
            Ok(agent)
        } else {
            self.store().await?;
            self.start().await?.ok_or_else(|| {
                Fault::new(
                    Code::E0505,
                    "the agent was stored on the host, but is not there",
                )
                .into()
            })
        }
    }

    /// Runs a program and gives its output: for what a plan is too much for.
    pub async fn output(&self, argv: &[&str]) -> Result<String> {
        let output = self.command(argv).output().await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Fault::new(
            Code::E0402,
            format!(
                "`{}` on the host: {}{}",
                argv.join(" "),
                text.trim(),
                said.trim()
            ),
        )
        .into())
    }

    /// Runs a program and tells each line of its output as it comes, until it ends.
    ///
    /// # Errors
    /// E0402 with what it said on stderr, when it ended badly.
    pub async fn lines(&self, argv: &[&str], tell: &mut impl FnMut(&str)) -> Result<()> {
        let mut child = self
            .command(argv)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await?;
        if let Some(stdout) = child.stdout().take() {
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await? {
                tell(&line);
            }
        }
        let output = child.wait_with_output().await?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Fault::new(
            Code::E0402,
            format!("`{}` on the host: {said}", argv.join(" ")),
        )
        .into())
    }

    /// What it was connected to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the connection; an error here changes nothing any more.
    pub async fn close(self) {
        let _ = self.session.close().await;
    }

    fn command(&self, argv: &[&str]) -> openssh::OwningCommand<&Session> {
        let argv: Vec<&str> = if self.sudo {
            [&["sudo", "-n"], argv].concat()
        } else {
            argv.to_vec()
        };
        let mut command = self.session.command(argv[0].to_owned());
        command.args(&argv[1..]);
        command
    }

    /// What the agent must know before it looks at its host: said before it greets, so that it costs no further round trip.
    fn first_line(&self) -> Result<Vec<u8>> {
        let profile = Box::new((*self.target.profile).clone());
        let mut line = serde_json::to_vec(&ToAgent::Profile(profile))?;
        line.push(b'\n');
        Ok(line)
    }

    /// `None` when the host has no agent of this version yet.
    async fn start(&self) -> Result<Option<Agent<'_>>> {
        let path = format!("{AGENTS}/{}", self.agent.sha256);
        let mut child = self
            .command(&[&path, "agent"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await?;
        let (Some(mut stdin), Some(stdout), Some(mut stderr)) = (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        ) else {
            return Err(Fault::new(Code::E0505, "ssh opened no pipes to the agent").into());
        };
        // A host without this agent takes in nothing; that it has none is told below.
        let _ = stdin.write_all(&self.first_line()?).await;
        let mut lines = BufReader::new(stdout).lines();
        if let Some(line) = lines.next_line().await? {
            return match serde_json::from_str(&line)
                .context("the agent's greeting cannot be parsed")?
            {
                FromAgent::Hello { facts, .. } => {
                    Ok(Some(Agent::new(child, stdin, lines, *facts, &self.target)))
                }
                FromAgent::Stop(trouble) => Err(Fault::new(
                    Code::E0505,
                    format!("the agent stopped: {}", trouble.message),
                )
                .into()),
                other => Err(Fault::new(
                    Code::E0505,
                    format!("the agent sent an unexpected greeting: {other:?}"),
                )
                .into()),
            };
        }
        let mut said = String::new();
        stderr.read_to_string(&mut said).await?;
        // The shell's word for "not found" is an error of openssh; sudo says 1 and the sentence.
        match child.wait().await {
            Err(openssh::Error::Remote(error)) if error.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            Ok(_) if said.contains("command not found") => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        Err(Fault::new(
            Code::E0505,
            format!("the agent ended before its greeting: {}", said.trim()),
        )
        .into())
    }

    /// Stores this binary on the host. The older ones go: they run on if they run.
    async fn store(&self) -> Result<()> {
        let script = format!(
            "set -eu; umask 077; mkdir -p {AGENTS}; cd {AGENTS}; t=.new.$$; trap 'rm -f $t' EXIT; \
             gzip -d > $t; echo '{sha}  '$t | sha256sum -c --quiet; chmod 700 $t; \
             find . -maxdepth 1 -type f ! -name $t -delete; mv $t {sha}",
            sha = self.agent.sha256
        );
        let packed = pack::gzip(&self.agent.bytes)?;
        let mut child = self
            .command(&["sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .await?;
        if let Some(mut stdin) = child.stdin().take() {
            // A shell that stops early says why on stderr and by its code.
            let _ = stdin.write_all(&packed).await;
        }
        let output = child.wait_with_output().await?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Fault::new(
            Code::E0505,
            format!("the agent could not be stored on the host: {said}"),
        )
        .hint("check free space and permissions of /var/lib/citrino on the host")
        .into())
    }
}

//! Reach: a host over one ssh connection, through the agent that this binary is there too.

use std::fs::File;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder, Stdio};
use tokio::io::{AsyncBufRead, BufReader};
use tokio::time::timeout;

mod agent;
mod passing;
mod reason;
mod socket;
mod target;
mod transfer;
mod wire;

pub use agent::{Agent, Blob, Ending};
pub use passing::{HostStream, LocalStreams, Tunnel};
pub use target::{Target, known_hosts_path};
pub use transfer::{Moved, TransferSource};
pub use wire::LogEnd;

use wire::{GREETING_WITHIN, HostLines, Unheard};

use crate::core::digest;
use crate::core::error::{Code, Fault, code};
use crate::core::plain;
use crate::core::report::Progress;
use crate::host::own::AGENTS;
use crate::protocol::{FromAgent, ToAgent};
use crate::storage::pack;

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a host that is waited for may refuse the login: its sshd can be up a moment before its keys are there.
const REFUSED_WITHIN: Duration = Duration::from_secs(15);

/// How many seconds the connection outlives its last channel. Between two of them this side may compress its binary on a
/// busy machine, or wait for a person's answer; a command that was killed leaves its connection for as long.
const IDLE: NonZeroUsize = NonZeroUsize::new(600).unwrap();

/// Starts a program that may not be there. The code says so; what sudo or a shell would say of it is in the host's language.
const START: &str = r#"test -e "$0" || exit 127; exec "$0" "$@""#;

/// What a host says where its programs cannot be started: its processor, and the options of that file system.
const WHY_NOT: &str = r#"uname -m; findmnt -no TARGET,OPTIONS -T "$0""#;

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
    path: PathBuf,
    sha256: String,
}

impl Remote {
    /// Connects once.
    ///
    /// # Errors
    /// E0501 when nobody answers, E0502 when the wrong machine does.
    pub async fn open(target: &Target) -> Result<Self> {
        target.prepare()?;
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .config_file(target.ssh_config())
            .user(target.user.to_string())
            .port(target.port)
            .connect_timeout(CONNECT_TIMEOUT)
            .server_alive_interval(Duration::from_secs(15))
            // Ends by itself when we are gone, however we went.
            .control_persist(ControlPersist::IdleFor(IDLE))
            .control_directory(socket::folder());
        if let Some(identity) = &target.identity {
            builder.keyfile(identity);
        }
        let session = builder
            .connect_mux(&target.address)
            .await
            .map_err(|error| target.unreachable(&error))?;
        let path = std::env::current_exe().context("could not find this binary")?;
        let mut file = File::open(&path).context("could not read this binary")?;
        let (sha256, _) = digest::sha256_of(&mut file).context("could not read this binary")?;
        Ok(Self {
            session,
            target: target.clone(),
            sudo: target.user != *"root",
            agent: AgentBinary { path, sha256 },
            address: target.address.to_string(),
            progress: None,
        })
    }

    /// Connects as soon as the host answers, with growing pauses.
    ///
    /// # Errors
    /// The last one when `within` is over; a wrong host key at once, and a refused login soon.
    pub async fn wait(target: &Target, within: Duration) -> Result<Self> {
        let begun = Instant::now();
        let mut refused_since = None;
        let mut pause = Duration::from_millis(200);
        loop {
            let error = match Self::open(target).await {
                Ok(remote) => return Ok(remote),
                Err(error) => error,
            };
            let is_final = match code(&error) {
                Code::E0502 | Code::E0525 => true,
                Code::E0526 => {
                    refused_since.get_or_insert_with(Instant::now).elapsed() > REFUSED_WITHIN
                }
                _ => {
                    refused_since = None;
                    false
                }
            };
            if is_final || begun.elapsed() > within {
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
        let child = self
            .command(argv)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|error| reason::no_session(&error))?;
        let said = wire::heard(child).await?;
        if said.is_ok {
            return Ok(said.stdout);
        }
        let words = format!("{}{}", said.stdout.trim(), said.stderr.trim());
        Err(failed(argv, &words).into())
    }

    /// Runs a program and tells each line of its output as it comes, until it ends.
    ///
    /// # Errors
    /// E0402 with what it said on stderr, when it ended badly.
    pub async fn lines(
        &self,
        argv: &[&str],
        end: LogEnd,
        tell: &mut impl FnMut(&str),
    ) -> Result<()> {
        let mut child = self
            .command(argv)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|error| reason::no_session(&error))?;
        if let Some(stdout) = child.stdout().take() {
            wire::tell_lines(BufReader::new(stdout), end, tell).await?;
        }
        let said = wire::heard(child).await?;
        if said.is_ok {
            return Ok(());
        }
        Err(failed(argv, said.stderr.trim()).into())
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
            .command(&["sh", "-c", START, &path, "agent"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|error| reason::no_session(&error))?;
        let (Some(mut stdin), Some(stdout), Some(mut stderr)) = (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        ) else {
            return Err(Fault::new(Code::E0505, "ssh opened no pipes to the agent").into());
        };
        // A host without this agent takes in nothing; that it has none is told below.
        let _ = wire::say_all(&mut stdin, &self.first_line()?).await;
        let mut lines = HostLines::new(BufReader::new(stdout));
        let heard = greeting(&mut lines).await?;
        if let Some(word) = heard.word {
            return match word {
                FromAgent::Hello { facts, .. } => {
                    Ok(Some(Agent::new(child, stdin, lines, *facts, &self.target)))
                }
                FromAgent::Stop(trouble) => Err(Fault::new(
                    Code::E0505,
                    format!("the agent stopped: {}", trouble.message),
                )
                .into()),
                other => Err(unknown(&format!("instead of its greeting {}", other.kind())).into()),
            };
        }
        let said = wire::complaint(Some(&mut stderr)).await?;
        // The code for "not found" is an error of openssh.
        match wire::gone(child).await {
            Some(Err(openssh::Error::Remote(error))) if error.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            Some(Err(error)) => return Err(error.into()),
            _ => {}
        }
        let before = heard.before.as_deref();
        let told = if before.is_none() {
            // One that cannot be asked either says nothing more.
            let asked = self.output(&["sh", "-c", WHY_NOT, &path]).await;
            asked.unwrap_or_default()
        } else {
            String::new()
        };
        Err(reason::no_agent(before, said.trim(), &told).into())
    }

    /// Stores this binary on the host. The older ones go: they run on if they run.
    async fn store(&self) -> Result<()> {
        let script = format!(
            "set -eu; umask 077; mkdir -p {AGENTS}; cd {AGENTS}; t=.new.$$; trap 'rm -f $t' EXIT; \
             gzip -d > $t; echo '{sha}  '$t | sha256sum -c --quiet; chmod 700 $t; \
             find . -maxdepth 1 -type f ! -name $t -delete; mv $t {sha}",
            sha = self.agent.sha256
        );
        let bytes = std::fs::read(&self.agent.path).context("could not read this binary")?;
        let packed = pack::gzip(&bytes)?;
        drop(bytes);
        let mut child = self
            .command(&["sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|error| reason::no_session(&error))?;
        if let Some(mut stdin) = child.stdin().take() {
            // A shell that stops early says why on stderr and by its code.
            let _ = wire::say_all(&mut stdin, &packed).await;
        }
        let said = wire::heard(child).await?;
        if said.is_ok {
            return Ok(());
        }
        let why = said.stderr.trim();
        Err(Fault::new(
            Code::E0505,
            format!("the agent could not be stored on the host: {why}"),
        )
        .hint("check free space and permissions of /var/lib/citrino on the host")
        .into())
    }
}

/// What came before anything else.
struct Greeting {
    /// The first word of an agent; none when there is none.
    word: Option<FromAgent>,
    /// What something else said before it: a shell that greets, or a program in the agent's place.
    before: Option<String>,
}

/// How many lines a shell may say before the agent speaks.
const LINES_BEFORE: usize = 200;

/// # Errors
/// E0518 when a message is none of ours, or does not arrive in time.
async fn greeting<R: AsyncBufRead + Unpin>(lines: &mut HostLines<R>) -> Result<Greeting> {
    let (mut before, mut noise) = (None, 0);
    let first = async {
        loop {
            match lines.next(GREETING_WITHIN).await? {
                None => return Ok(None),
                Some(line) => match understood(&line) {
                    Ok(FromAgent::Alive) => {}
                    Err(_)
                        if !line.trim_ascii_start().starts_with(b"{") && noise < LINES_BEFORE =>
                    {
                        noise += 1;
                        let said = String::from_utf8_lossy(&line);
                        before.get_or_insert(plain::at_most(said.trim(), SHOWN).into_owned());
                    }
                    word => return Ok(Some(word)),
                },
            }
        }
    };
    let heard = timeout(GREETING_WITHIN, first).await;
    match heard.unwrap_or(Err(Unheard::Silent(GREETING_WITHIN))) {
        Ok(word) => Ok(Greeting {
            word: word.transpose()?,
            before,
        }),
        // A host without this agent breaks off too.
        Err(Unheard::Lost) => Ok(Greeting { word: None, before }),
        Err(unheard) => Err(unheard
            .fault()
            .unwrap_or_else(|| unknown("nothing"))
            .hint("nothing was sent; log in with `citrino-ops ssh` and see what the host is busy with")
            .into()),
    }
}

/// A line of the agent.
fn understood(line: &[u8]) -> Result<FromAgent, Fault> {
    serde_json::from_slice(line).map_err(|error| {
        // The host's own words stand in it.
        let why = error.to_string();
        unknown(&format!(
            "what is no message: {}",
            plain::at_most(&why, SHOWN)
        ))
    })
}

/// How much is repeated of what the host said and nobody understands.
const SHOWN: usize = 200;

fn unknown(what: &str) -> Fault {
    Fault::new(Code::E0518, format!("the agent sent {what}"))
        .hint("nothing that it said was used; find out what answers on the host")
}

fn failed(argv: &[&str], words: &str) -> Fault {
    let program = argv.join(" ");
    Fault::new(Code::E0402, format!("`{program}` on the host: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::code;

    async fn greeted(said: &str) -> Result<Greeting> {
        greeting(&mut HostLines::new(said.as_bytes())).await
    }

    /// A shell may greet: the agent is the first who speaks in messages.
    #[tokio::test]
    async fn what_a_shell_says_before_the_agent_is_read_past() {
        let alive = serde_json::to_string(&FromAgent::Alive).unwrap();
        let word = serde_json::to_string(&FromAgent::Disarmed).unwrap();
        for before in ["", "Bienvenido\n", "\n\nA\n  * B\n", "[1]+ Done\n"] {
            let heard = greeted(&format!("{before}{alive}\n{word}\n"))
                .await
                .unwrap();
            assert!(matches!(heard.word, Some(FromAgent::Disarmed)), "{before}");
        }
        let heard = greeted("Please login as the user deploy\n").await.unwrap();
        assert!(heard.word.is_none());
        assert_eq!(heard.before.unwrap(), "Please login as the user deploy");
        let endless = "x\n".repeat(LINES_BEFORE * 2);
        for said in [&*endless, "{\"no\": 1}\n"] {
            let error = greeted(said).await.err().unwrap();
            assert_eq!(code(&error), Code::E0518);
        }
    }
}

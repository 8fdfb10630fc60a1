//! Reach: a host over one ssh connection, through the agent that this binary is there too.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::signal::ctrl_c;

mod target;
mod transfer;

pub use target::{Target, known_hosts_path};
pub use transfer::{Moved, Source};

use crate::audit::Head;
use crate::blob;
use crate::cache::Releases;
use crate::error::{Fault, trouble};
use crate::event::{Event, Tally, now};
use crate::facts::Facts;
use crate::facts::app::State;
use crate::journal::LastRun;
use crate::lock::Holder;
use crate::mirror::Mirror;
use crate::pack;
use crate::plan::{Claim, Mode, Plan};
use crate::report::Progress;
use crate::task::Task;
use crate::wire::{FromAgent, News, ToAgent};

/// Where hosts keep agents, each under the sha256 of its binary: the name is the version check.
const AGENTS: &str = "/var/lib/citrino/agent";

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many seconds the connection outlives its last channel.
const IDLE: NonZeroUsize = NonZeroUsize::new(60).unwrap();

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
        let sha256 = blob::sha256(&bytes);
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
            let wrong_key = trouble(&error).code == "E0502";
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
                    "E0505",
                    "the agent was stored on the host and still is not there",
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
            "E0402",
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
        Err(Fault::new("E0402", format!("`{}` on the host: {said}", argv.join(" "))).into())
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
        let (Some(stdin), Some(stdout), Some(mut stderr)) = (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        ) else {
            return Err(Fault::new("E0505", "ssh gave no pipes to the agent").into());
        };
        let mut lines = BufReader::new(stdout).lines();
        if let Some(line) = lines.next_line().await? {
            return match serde_json::from_str(&line)
                .context("the agent's greeting cannot be read")?
            {
                FromAgent::Hello { facts, .. } => Ok(Some(Agent {
                    child,
                    stdin,
                    lines,
                    facts: *facts,
                    applies: false,
                    mirror: self.target.mirror.clone(),
                    seen: None,
                })),
                FromAgent::Stop(trouble) => Err(Fault::new(
                    "E0505",
                    format!("the agent stopped: {}", trouble.message),
                )
                .into()),
                other => {
                    Err(Fault::new("E0505", format!("the agent greeted with {other:?}")).into())
                }
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
            "E0505",
            format!("the agent ended before it spoke: {}", said.trim()),
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
            "E0505",
            format!("the agent could not be stored on the host: {said}"),
        )
        .hint("check free space and rights of /var/lib/citrino on the host")
        .into())
    }
}

/// One conversation with the agent: facts, then at most one plan.
pub struct Agent<'s> {
    child: openssh::Child<&'s Session>,
    stdin: openssh::ChildStdin,
    lines: Lines<BufReader<openssh::ChildStdout>>,
    facts: Facts,
    /// Whether the host has a plan that it goes on with alone.
    applies: bool,
    mirror: Mirror,
    /// How far the mirror went when the host was told of it.
    seen: Option<Head>,
}

/// What is to become of a run that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Resume,
    Abort,
}

/// Content that a plan names by address.
pub struct Blob<'b> {
    pub sha256: &'b str,
    pub bytes: &'b [u8],
    /// What it may be sent as a patch against, when the host has it too.
    pub bases: &'b Releases,
}

impl Agent<'_> {
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Sends what the plan needs and is not there, then the plan, and tells what comes back.
    ///
    /// # Errors
    /// E0503 when the connection ends first, E0504 when another run holds the host.
    pub async fn run(
        mut self,
        plan: &Plan<Task>,
        blobs: &[Blob<'_>],
        tell: &mut impl FnMut(Event),
    ) -> Result<Tally> {
        if !blobs.is_empty() {
            self.send_blobs(blobs, tell).await?;
        }
        let mut plan = plan.clone();
        plan.after = self.facts.last_run.as_ref().map(LastRun::seen);
        self.applies = plan.mode == Mode::Apply;
        // `up` minds Ctrl-C for all of its parts.
        let halts = !plan.on_failure.is_empty() && plan.verb != "up";
        if self.applies {
            self.tell_of_mirror(tell).await?;
        }
        self.say(&ToAgent::Run(Box::new(plan))).await?;
        self.listen(halts, tell).await
    }

    /// Ends or undoes the run that was cut off.
    ///
    /// # Errors
    /// E0515 when none was, E0516 when it can no longer be undone, and those of [`Agent::run`].
    pub async fn finish(
        mut self,
        claim: Claim,
        end: Ending,
        tell: &mut impl FnMut(Event),
    ) -> Result<Tally> {
        self.applies = true;
        self.tell_of_mirror(tell).await?;
        self.say(&match end {
            Ending::Resume => ToAgent::Resume(claim),
            Ending::Abort => ToAgent::Abort(claim),
        })
        .await?;
        self.listen(end == Ending::Resume, tell).await
    }

    /// Tells the newest run from its start to its end, and changes nothing.
    ///
    /// # Errors
    /// E0515 when there was none, E0517 when it was cut off.
    pub async fn attach(mut self, tell: &mut impl FnMut(Event)) -> Result<Tally> {
        self.say(&ToAgent::Attach).await?;
        self.listen(false, tell).await
    }

    async fn listen(mut self, halts: bool, tell: &mut impl FnMut(Event)) -> Result<Tally> {
        let tally = self.hear_out(halts, tell).await?;
        // The agent waits for this; if it is lost, the next command tells the end once more.
        let _ = self.say(&ToAgent::Heard).await;
        drop(self.stdin);
        let _ = self.child.wait().await;
        Ok(tally)
    }

    /// Calls the dead man's switch of a run off, for this connection was made after it.
    ///
    /// # Errors
    /// E0512 when it is not armed any more.
    pub async fn disarm(
        mut self,
        run: &str,
        by: Claim,
        tell: &mut impl FnMut(Event),
    ) -> Result<()> {
        self.tell_of_mirror(tell).await?;
        let run = run.to_owned();
        self.say(&ToAgent::Disarm { run, by }).await?;
        loop {
            match self.hear().await? {
                FromAgent::Audit(news) => self.mirror(&news, tell),
                FromAgent::Disarmed => return Ok(()),
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// What the host's audit has behind a head.
    ///
    /// # Errors
    /// When the host cannot read it.
    pub async fn audit(mut self, from: Head) -> Result<News> {
        self.say(&ToAgent::Audit(from)).await?;
        match self.hear().await? {
            FromAgent::Audit(news) => Ok(news),
            other => Err(unexpected(&other)),
        }
    }

    /// Without a mirror that can be read the host tells nothing of its audit; the run goes on.
    async fn tell_of_mirror(&mut self, tell: &mut impl FnMut(Event)) -> Result<()> {
        match self.mirror.head() {
            Ok(head) => {
                self.seen = Some(head.clone());
                self.say(&ToAgent::Mirror(head)).await
            }
            Err(error) => {
                tell(Event::alarm(trouble(&error)));
                Ok(())
            }
        }
    }

    /// A run is not the worse for an audit that is not as it should be: it is told beside it.
    fn mirror(&self, news: &News, tell: &mut impl FnMut(Event)) {
        let Some(seen) = &self.seen else { return };
        if let Err(error) = self.mirror.take(seen, news) {
            tell(Event::alarm(trouble(&error)));
        }
    }

    async fn send_blobs(&mut self, blobs: &[Blob<'_>], tell: &mut impl FnMut(Event)) -> Result<()> {
        self.say(&ToAgent::Offer {
            blobs: blobs.iter().map(|blob| blob.sha256.to_owned()).collect(),
            bases: self.common(blobs),
        })
        .await?;
        let (missing, base) = match self.hear().await? {
            FromAgent::Missing { blobs, base } => (blobs, base),
            other => return Err(unexpected(&other)),
        };
        let is_missing = |blob: &&Blob| missing.iter().any(|missing| missing == blob.sha256);
        for blob in blobs.iter().filter(is_missing) {
            let base = base.as_deref();
            let held = base.and_then(|base| blob.bases.read(base));
            let packed = pack::pack(blob.bytes, held.as_deref().unwrap_or_default())?;
            self.say(&ToAgent::Blob {
                sha256: blob.sha256.to_owned(),
                bytes: blob.bytes.len(),
                packed_bytes: packed.len(),
                patch: held.is_some(),
            })
            .await?;
            if self.stdin.write_all(&packed).await.is_err() {
                return Err(self.stopped().await);
            }
            tell(Event::Sent {
                at: now(),
                sha256: blob.sha256.to_owned(),
                bytes: packed.len() as u64,
                of_bytes: blob.bytes.len() as u64,
                base: base.filter(|_| held.is_some()).map(|base| self.name(base)),
            });
        }
        Ok(())
    }

    /// The releases of the host that are at hand here too: those that went well first, the newest
    /// of them before the others.
    fn common(&self, blobs: &[Blob<'_>]) -> Vec<String> {
        let releases = &self.facts.app.releases;
        let (good, others): (Vec<_>, Vec<_>) = releases
            .iter()
            .partition(|release| release.state == State::Good);
        let at_hand = |sha256: &&String| blobs.iter().any(|blob| blob.bases.has(sha256));
        let each = good.into_iter().chain(others);
        each.map(|release| &release.sha256)
            .filter(at_hand)
            .cloned()
            .collect()
    }

    /// What people call the release with this binary.
    fn name(&self, sha256: &str) -> String {
        let mut releases = self.facts.app.releases.iter();
        let found = releases.find(|release| release.sha256 == sha256);
        found.map_or(sha256, |release| &release.id).to_owned()
    }

    /// Why nothing can be said to the agent any more: its last word, when it had one.
    async fn stopped(&mut self) -> anyhow::Error {
        match self.hear().await {
            Ok(word) => unexpected(&word),
            Err(error) => error,
        }
    }

    /// The first Ctrl-C asks the host to turn back, the second leaves it to the host.
    async fn hear_out(&mut self, halts: bool, tell: &mut impl FnMut(Event)) -> Result<Tally> {
        let mut asked = false;
        loop {
            let heard = tokio::select! {
                heard = self.hear() => heard?,
                _ = ctrl_c(), if halts => {
                    if asked {
                        return Err(left_alone().into());
                    }
                    asked = true;
                    tell(Event::note("interrupted: the host is asked to stop before its next step and to undo; past its point of no return it goes on to the end. Ctrl-C again leaves it to the host"));
                    self.say(&ToAgent::Halt).await?;
                    continue;
                }
            };
            match heard {
                FromAgent::Event(event) => {
                    let end = match event.as_ref() {
                        Event::End { tally, .. } => Some(*tally),
                        _ => None,
                    };
                    tell(*event);
                    if let Some(tally) = end {
                        return Ok(tally);
                    }
                }
                FromAgent::Audit(news) => self.mirror(&news, tell),
                FromAgent::Locked(holder) => return Err(locked(&holder).into()),
                other => return Err(unexpected(&other)),
            }
        }
    }

    fn lost(&self) -> Fault {
        if !self.applies {
            return Fault::new(
                "E0501",
                "the connection to the host was lost; nothing was changed by this plan",
            )
            .hint("run the verb again");
        }
        Fault::new(
            "E0503",
            "the connection was lost before the host said its last word; it goes on alone",
        )
        .hint("run the verb again: it first tells how the lost run ended. `citrino-ops deploy --attach` listens to it while it runs")
    }

    async fn hear(&mut self) -> Result<FromAgent> {
        let line = self
            .lines
            .next_line()
            .await
            .map_err(|_| self.lost())?
            .ok_or_else(|| self.lost())?;
        serde_json::from_str(&line).context("the agent said something unknown")
    }

    async fn say(&mut self, message: &ToAgent) -> Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let said = self.stdin.write_all(&line).await;
        if said.is_err() || self.stdin.flush().await.is_err() {
            return Err(self.stopped().await);
        }
        Ok(())
    }
}

fn left_alone() -> Fault {
    Fault::new("E0503", "interrupted; the host goes on alone")
        .hint("`citrino-ops deploy --attach` listens to it again")
}

fn unexpected(message: &FromAgent) -> anyhow::Error {
    match message {
        FromAgent::Stop(trouble) => Fault::from(trouble.clone()).into(),
        other => Fault::new("E0505", format!("the agent said {other:?} out of turn")).into(),
    }
}

fn locked(holder: &Holder) -> Fault {
    let step = if holder.step.is_empty() {
        String::new()
    } else {
        format!(", now at \"{}\"", holder.step)
    };
    Fault::new(
        "E0504",
        format!(
            "the host is locked by {} since {}: {} (run {}){step}",
            holder.who, holder.since, holder.verb, holder.run
        ),
    )
    .hint("wait until it has ended; the lock dies with it")
}

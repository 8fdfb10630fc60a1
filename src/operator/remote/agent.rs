//! What the operator's side says to the agent on the host, and hears from it.

mod described;
mod hooked;
mod refusal;
mod session;

use anyhow::Result;
use openssh::Session;
use tokio::io::BufReader;
use tokio::signal::ctrl_c;

use super::target::Target;
use super::wire::{self, HostLines, SILENCE, Unheard};
use super::{understood, unknown};
use crate::core::audit::{Head, lines};
use crate::core::error::{Code, Fault, error_info};
use crate::core::event::{Counts, ErrorInfo, Event, now};
use crate::core::plan::{Claim, Mode, Plan, Purpose};
use crate::core::secret;
use crate::core::stack_key::StackKey;
use crate::core::value::{HostName, Sha256};
use crate::facts::Facts;
use crate::facts::app::ReleaseState;
use crate::host::audit;
use crate::host::journal::LastRun;
use crate::operator::cache::Releases;
use crate::operator::hooks::Hooks;
use crate::operator::mirror::Mirror;
use crate::protocol::{AuditDelta, FromAgent, ToAgent};
use crate::storage::pack;
use crate::task::Task;

/// One conversation with the agent: facts, then at most one plan.
pub struct Agent<'s> {
    child: openssh::Child<&'s Session>,
    stdin: openssh::ChildStdin,
    lines: HostLines<BufReader<openssh::ChildStdout>>,
    facts: Facts,
    /// Whether the host has a plan that it goes on with alone.
    applies: bool,
    host: HostName,
    mirror: Mirror,
    /// How far the mirror went when the host was told of it.
    seen: Option<Head>,
    /// The operator's own programs, which run under the host's lock.
    hooks: Option<Box<Hooks>>,
    /// Whether the host may still ask for them.
    waits_to_begin: bool,
    /// The first error of a step that is not of the undo.
    failure: Option<Box<ErrorInfo>>,
}

/// What an audit has at most: that of many years.
const MOST_AUDIT: usize = 32 << 20;
const MOST_AUDIT_LINES: usize = 100_000;

/// What is to become of a run that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Resume,
    Abort,
}

/// Content that a plan names by address.
pub struct Blob<'b> {
    pub sha256: &'b Sha256,
    pub bytes: &'b [u8],
    /// What it may be sent as a patch against, when the host has it too.
    pub bases: &'b Releases,
}

impl<'s> Agent<'s> {
    /// One that has greeted.
    pub(super) fn new(
        child: openssh::Child<&'s Session>,
        stdin: openssh::ChildStdin,
        lines: HostLines<BufReader<openssh::ChildStdout>>,
        facts: Facts,
        target: &Target,
    ) -> Self {
        Self {
            child,
            stdin,
            lines,
            facts,
            applies: false,
            host: target.host.clone(),
            mirror: target.mirror.clone(),
            seen: None,
            hooks: None,
            waits_to_begin: false,
            failure: None,
        }
    }
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
    ) -> Result<Counts> {
        if plan.mode == Mode::Apply {
            // Before anything is sent.
            self.refuse_older()?;
            self.refuse_frozen(plan.in_freeze)?;
        }
        if !blobs.is_empty() {
            self.send_blobs(blobs, tell).await?;
        }
        let mut plan = plan.clone();
        plan.after = self.facts.last_run.as_ref().map(LastRun::seen);
        self.applies = plan.mode == Mode::Apply;
        plan.waits = self.hook_waits();
        let halts = !plan.on_failure.is_empty() && plan.purpose != Purpose::Part;
        if self.applies {
            self.tell_of_mirror(tell).await?;
        }
        self.say(&ToAgent::Run(Box::new(plan))).await?;
        self.listen(halts, tell).await
    }

    /// The key of the stack, as the host has it.
    ///
    /// # Errors
    /// When the host cannot read it.
    pub async fn stack_key(&mut self) -> Result<Option<StackKey>> {
        self.say(&ToAgent::StackKey).await?;
        match self.hear().await? {
            FromAgent::StackKey(key) => Ok(key),
            other => Err(unexpected(&other)),
        }
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
    ) -> Result<Counts> {
        self.refuse_older()?;
        self.refuse_frozen(false)?;
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
    pub async fn attach(mut self, tell: &mut impl FnMut(Event)) -> Result<Counts> {
        self.say(&ToAgent::Attach).await?;
        self.listen(false, tell).await
    }

    async fn listen(mut self, halts: bool, tell: &mut impl FnMut(Event)) -> Result<Counts> {
        let tally = self.hear_out(halts, tell).await?;
        let hooked = Box::pin(self.ended(tally, tell)).await;
        // The agent waits for this; if it is lost, the next command tells the end once more.
        let _ = self.say(&ToAgent::Heard).await;
        drop(self.stdin);
        let _ = wire::gone(self.child).await;
        hooked?;
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

    /// The bytes that the host's audit has behind a head; none when the head is not in it.
    ///
    /// # Errors
    /// When the host cannot read it, or says more than any audit has.
    pub async fn audit(mut self, mut from: Head) -> Result<Option<Vec<u8>>> {
        let mut all = Vec::new();
        loop {
            self.say(&ToAgent::Audit(from.clone())).await?;
            let news = match self.hear().await? {
                FromAgent::Audit(news) => news,
                other => return Err(unexpected(&other)),
            };
            let Some(bytes) = news.bytes()? else {
                return Ok(None);
            };
            let end = audit::check(&bytes, &from).head;
            let is_last = !news.has_more() || end.bytes == from.bytes;
            all.extend_from_slice(&bytes);
            let lines = lines(&all).count();
            if all.len() > MOST_AUDIT || lines > MOST_AUDIT_LINES {
                return Err(unknown("more lines than any audit has").into());
            }
            if is_last {
                return Ok(Some(all));
            }
            from = end;
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
                tell(Event::alarm(error_info(&error)));
                Ok(())
            }
        }
    }

    /// A run is not the worse for an audit that is not as it should be: it is told beside it.
    fn mirror(&mut self, news: &AuditDelta, tell: &mut impl FnMut(Event)) {
        // Once in a conversation: what comes after it was not asked for.
        let Some(seen) = self.seen.take() else { return };
        if let Err(error) = self.mirror.take(&seen, news) {
            tell(Event::alarm(error_info(&error)));
        }
    }

    async fn send_blobs(&mut self, blobs: &[Blob<'_>], tell: &mut impl FnMut(Event)) -> Result<()> {
        let bases = self.common(blobs);
        self.say(&ToAgent::Offer {
            blobs: blobs.iter().map(|blob| blob.sha256.clone()).collect(),
            bases: bases.clone(),
        })
        .await?;
        let (missing, base) = match self.hear().await? {
            FromAgent::Missing { blobs, base } => (blobs, base),
            other => return Err(unexpected(&other)),
        };
        // What was not offered is nothing to read here, whatever it is called.
        if base.as_ref().is_some_and(|base| !bases.contains(base)) {
            return Err(unknown("a base that it was not offered").into());
        }
        for blob in blobs.iter().filter(|blob| missing.contains(blob.sha256)) {
            let sent = self.send_blob(blob, base.as_ref()).await?;
            tell(sent);
        }
        Ok(())
    }

    async fn send_blob(&mut self, blob: &Blob<'_>, base: Option<&Sha256>) -> Result<Event> {
        let held = base.and_then(|base| blob.bases.read(base));
        let packed = pack::pack(blob.bytes, held.as_deref().unwrap_or_default())?;
        self.say(&ToAgent::Blob {
            sha256: blob.sha256.clone(),
            bytes: blob.bytes.len(),
            packed_bytes: packed.len(),
            patch: held.is_some(),
        })
        .await?;
        if wire::say_all(&mut self.stdin, &packed).await.is_err() {
            return Err(self.stopped().await);
        }
        Ok(Event::Sent {
            at: now(),
            host: Some(self.host.clone()),
            sha256: blob.sha256.to_string(),
            bytes: packed.len() as u64,
            of_bytes: blob.bytes.len() as u64,
            base: base.filter(|_| held.is_some()).map(|base| self.name(base)),
        })
    }

    /// The releases of the host that are at hand here too: those that went well first, the newest
    /// of them before the others.
    fn common(&self, blobs: &[Blob<'_>]) -> Vec<Sha256> {
        let releases = &self.facts.app.releases;
        let (good, others): (Vec<_>, Vec<_>) = releases
            .iter()
            .partition(|release| release.state == ReleaseState::Good);
        let at_hand = |sha256: &Sha256| blobs.iter().any(|blob| blob.bases.has(sha256));
        let each = good.into_iter().chain(others);
        each.filter_map(|release| release.sha256.parse().ok())
            .filter(at_hand)
            .collect()
    }

    /// What people call the release with this binary.
    fn name(&self, sha256: &Sha256) -> String {
        let mut releases = self.facts.app.releases.iter();
        let found = releases.find(|release| release.sha256 == *sha256);
        found.map_or(&**sha256, |release| &release.id).to_owned()
    }

    /// Why nothing can be said to the agent any more: its last word, when it had one.
    async fn stopped(&mut self) -> anyhow::Error {
        match self.hear().await {
            Ok(word) => unexpected(&word),
            Err(error) => error,
        }
    }

    /// The first Ctrl-C asks the host to turn back, the second leaves it to the host.
    async fn hear_out(&mut self, halts: bool, tell: &mut impl FnMut(Event)) -> Result<Counts> {
        let mut asked = false;
        loop {
            let heard = tokio::select! {
                heard = self.hear() => heard?,
                _ = ctrl_c(), if halts => {
                    if asked {
                        return Err(left_alone().into());
                    }
                    asked = true;
                    tell(Event::note("interrupted: asking the host to stop before its next step and undo; past the point of no return it finishes. Press Ctrl-C again to leave it to the host"));
                    self.say(&ToAgent::Halt).await?;
                    continue;
                }
            };
            match heard {
                FromAgent::Event(event) => {
                    self.note_failure(&event);
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
                FromAgent::Ready if self.waits_to_begin => Box::pin(self.begin(tell)).await?,
                FromAgent::Locked(holder) => return Err(refusal::locked(&holder).into()),
                other => return Err(unexpected(&other)),
            }
        }
    }

    fn lost(&self) -> Fault {
        if !self.applies {
            return Fault::new(
                Code::E0501,
                "the connection to the host was lost; nothing was changed by this plan",
            )
            .hint("run the command again");
        }
        Fault::new(
            Code::E0503,
            "the connection was lost before the host reported the end of the run; it continues alone",
        )
        .hint("run the command again: it first reports how that run ended. `citrino-ops deploy --attach` follows it while it runs")
    }

    /// Why nothing came: the connection is gone, or what comes over it is of no use.
    fn unheard(&self, unheard: &Unheard) -> Fault {
        let lost = self.lost();
        match unheard.fault() {
            None => lost,
            Some(why) if self.applies => {
                let message = format!("{}; the run continues alone", why.message);
                Fault { message, ..lost }
            }
            Some(why) => {
                why.hint("nothing was changed by this plan; find out what answers on the host")
            }
        }
    }

    /// The next word of the agent that tells something.
    async fn hear(&mut self) -> Result<FromAgent> {
        loop {
            let line = match self.lines.next(SILENCE).await {
                Ok(Some(line)) => line,
                Ok(None) => return Err(self.lost().into()),
                Err(unheard) => return Err(self.unheard(&unheard).into()),
            };
            match understood(&line)? {
                FromAgent::Alive => {}
                word => return Ok(word),
            }
        }
    }

    async fn say(&mut self, message: &ToAgent) -> Result<()> {
        let line = serde_json::to_string(message)?;
        secret::refuse_stand_in(&line)?;
        let mut line = line.into_bytes();
        line.push(b'\n');
        if wire::say_all(&mut self.stdin, &line).await.is_err() {
            return Err(self.stopped().await);
        }
        Ok(())
    }
}

fn left_alone() -> Fault {
    Fault::new(Code::E0503, "interrupted; the host continues alone")
        .hint("`citrino-ops deploy --attach` follows the run again")
}

fn unexpected(message: &FromAgent) -> anyhow::Error {
    match message {
        FromAgent::Stop(trouble) => Fault::from(trouble.clone()).into(),
        other => unknown(&format!("{}, which is not its turn", other.kind())).into(),
    }
}

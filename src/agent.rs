//! The host's side of a run: facts out, plan in, events out. It knows no YAML and no templates.
//!
//! Once it applies, it needs nobody: it ignores a hang-up, writes its journal before it speaks,
//! and finishes or undoes the plan whether or not anyone listens.

use std::io::{BufRead, BufReader, Read, Stdin, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::blob;
use crate::engine;
use crate::error::{Fault, trouble};
use crate::event::{Event, now};
use crate::facts;
use crate::journal::{self, Journal};
use crate::lock;
use crate::plan::{Mode, Plan};
use crate::system::System;
use crate::task::Task;
use crate::wire::{FromAgent, ToAgent};

/// How long the agent waits for the operator to say that the end was read.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// Speaks the protocol on stdin and stdout until a plan has run or stdin ends.
///
/// # Errors
/// What could not even be told to the other side; all else goes there as `Stop`.
pub async fn serve() -> Result<()> {
    let system = System::host();
    let voice = Voice::start();
    if let Err(error) = converse(&system, &voice).await {
        voice.say(FromAgent::Stop(trouble(&error)));
    }
    voice.finish();
    Ok(())
}

async fn converse(system: &System, voice: &Voice) -> Result<()> {
    let facts = facts::gather(system).await?;
    voice.say(FromAgent::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        facts: Box::new(facts),
    });
    let mut input = BufReader::new(std::io::stdin());
    let Some(plan) = listen(system, voice, &mut input).await? else {
        return Ok(());
    };
    match plan.mode {
        Mode::Check => check(system, voice, &plan).await,
        Mode::Apply => apply(system, voice, &plan, input).await,
    }
}

/// Takes blobs in until a plan comes; `None` when stdin ends before one.
async fn listen(
    system: &System,
    voice: &Voice,
    input: &mut BufReader<Stdin>,
) -> Result<Option<Plan<Task>>> {
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match serde_json::from_str(&line).context("the operator's side said something unknown")? {
            ToAgent::Offer(addresses) => {
                let missing = addresses
                    .into_iter()
                    .filter_map(|address| match blob::present(system, &address) {
                        Ok(true) => None,
                        Ok(false) => Some(Ok(address)),
                        Err(error) => Some(Err(error)),
                    })
                    .collect::<Result<_>>()?;
                voice.say(FromAgent::Missing(missing));
            }
            ToAgent::Blob {
                sha256,
                packed_bytes,
            } => {
                let mut packed = vec![0; packed_bytes];
                input.read_exact(&mut packed)?;
                blob::store(system, &sha256, &packed).await?;
            }
            ToAgent::Run(plan) => return Ok(Some(*plan)),
            ToAgent::Heard => {}
        }
    }
}

async fn check(system: &System, voice: &Voice, plan: &Plan<Task>) -> Result<()> {
    engine::run(plan, system, &mut |event| {
        voice.say(FromAgent::Event(Box::new(event)));
        Ok(())
    })
    .await?;
    Ok(())
}

async fn apply(
    system: &System,
    voice: &Voice,
    plan: &Plan<Task>,
    input: BufReader<Stdin>,
) -> Result<()> {
    let _lock = match lock::take(system, plan)? {
        Ok(lock) => lock,
        Err(holder) => {
            voice.say(FromAgent::Locked(holder));
            return Ok(());
        }
    };
    let newest = journal::last_run(system)?.map(|last| last.seen());
    if newest != plan.after {
        return Err(Fault::new("E0508", "another run changed the host between the look at it and this plan, so nothing of the plan was done")
            .hint("run the verb again")
            .into());
    }
    // Taking the signals in is what ignores them: a cut connection must not stop the host half-way.
    let _hangup = signal(SignalKind::hangup())?;
    let _terminate = signal(SignalKind::terminate())?;
    let mut journal = Journal::open(system)?;
    let tally = engine::run(plan, system, &mut |event| {
        journal.keep(&event)?;
        voice.say(FromAgent::Event(Box::new(event)));
        Ok(())
    })
    .await?;
    if heard(input) {
        journal.keep(&Event::Heard {
            at: now(),
            run: plan.run.clone(),
        })?;
    }
    if tally.failed == 0 {
        // What was made from them has its own copy; those of others stay.
        for address in plan.steps.iter().filter_map(|step| step.task.blob()) {
            blob::forget(system, address)?;
        }
    }
    Ok(())
}

/// Whether the operator's side says in time that it has read the end.
fn heard(mut input: BufReader<Stdin>) -> bool {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = input.read_line(&mut line);
        let said = read.is_ok() && matches!(serde_json::from_str(&line), Ok(ToAgent::Heard));
        // Nobody waits any more when this comes late.
        let _ = tell.send(said);
    });
    told.recv_timeout(HEARD_WITHIN).unwrap_or(false)
}

/// Stdout from a thread of its own: a connection that hangs must not hold up the work.
struct Voice {
    lines: Sender<FromAgent>,
    done: Receiver<()>,
}

impl Voice {
    fn start() -> Self {
        let (lines, queue) = channel::<FromAgent>();
        let (finished, done) = channel();
        thread::spawn(move || {
            for message in queue {
                if speak(&message).is_err() {
                    break; // Nobody listens any more; the journal has it.
                }
            }
            let _ = finished.send(());
        });
        Self { lines, done }
    }

    fn say(&self, message: FromAgent) {
        // Fails only when the thread has ended because nobody listens.
        let _ = self.lines.send(message);
    }

    fn finish(self) {
        drop(self.lines);
        let _ = self.done.recv_timeout(HEARD_WITHIN);
    }
}

fn speak(message: &FromAgent) -> Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

//! Asking as users do, all the time, and counting what goes wrong: the measured outage of a plan.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::watch;
use tokio::task::LocalSet;

use crate::core::event::{Outage, Side};
use crate::core::http::{Asker, HttpRequest, Manner};

/// Between two requests of one asker on the host, which the app does not limit. Four of them ask 160
/// times a second: a gap of 10 ms is seen, and a processor is busy with it to a few per cent.
pub const ON_HOST: Duration = Duration::from_millis(25);
/// The same of the operator's side, which must keep below what the app allows one address.
pub const FROM_OUTSIDE: Duration = Duration::from_millis(200);

/// A watch that goes on until it is ended. It has a thread of its own, so that what the plan does cannot
/// hold its clock up.
pub struct Watch {
    end: watch::Sender<bool>,
    thread: JoinHandle<Result<Outage>>,
}

impl Watch {
    /// Begins to make these requests, each over a connection that is kept and over new ones.
    pub fn begin(side: Side, asks: &[HttpRequest], pause: Duration) -> Option<Self> {
        if asks.is_empty() {
            return None;
        }
        let (end, ended) = watch::channel(false);
        let asks = asks.to_vec();
        let thread = thread::spawn(move || ask_all(side, &asks, pause, &ended));
        Some(Self { end, thread })
    }

    /// Waits for the answers that are under way, and tells what was seen. A request counts from the first
    /// good answer of its kind on: what did not serve before cannot be noticed now, and a watch that
    /// had no good answer at all has seen nothing.
    ///
    /// # Errors
    /// When the requests could not be made at all.
    pub fn end(self) -> Result<Option<Outage>> {
        // Fails only when the thread has ended, which says why.
        let _ = self.end.send(true);
        let Ok(seen) = self.thread.join() else {
            bail!("the thread that sends requests ended too early");
        };
        Ok(Some(seen?).filter(|outage| outage.requests > 0))
    }
}

/// What all askers saw.
#[derive(Default)]
struct Sight {
    outage: Outage,
    last_good: Option<Instant>,
}

impl Sight {
    fn count(&mut self, answer: Result<()>) {
        self.outage.requests += 1;
        match answer {
            Ok(()) => self.mark(),
            Err(error) => {
                self.outage.failed += 1;
                self.outage
                    .first
                    .get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }

    /// Now there is a good answer, or nobody asks any more.
    fn mark(&mut self) {
        let now = Instant::now();
        if let Some(last) = self.last_good.replace(now) {
            let gap = u64::try_from((now - last).as_millis()).unwrap_or(u64::MAX);
            self.outage.longest_gap_ms = self.outage.longest_gap_ms.max(gap);
        }
    }
}

fn ask_all(
    side: Side,
    asks: &[HttpRequest],
    pause: Duration,
    ended: &watch::Receiver<bool>,
) -> Result<Outage> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start a runtime for requests")?;
    let sight = Rc::new(RefCell::new(Sight::default()));
    sight.borrow_mut().outage.side = side;
    let askers = LocalSet::new();
    for ask in asks {
        for keeps in [true, false] {
            let asker = ask.asker(Manner::Watch { keeps })?;
            let (ask, ended, sight) = (ask.clone(), ended.clone(), Rc::clone(&sight));
            askers.spawn_local(async move {
                let asking = Asking { asker, ask, pause };
                asking.go_on(ended, &sight).await;
            });
        }
    }
    runtime.block_on(askers);
    let mut sight = sight.borrow_mut();
    sight.mark();
    Ok(std::mem::take(&mut sight.outage))
}

/// One of those that ask.
struct Asking {
    asker: Asker,
    ask: HttpRequest,
    pause: Duration,
}

impl Asking {
    async fn go_on(&self, mut ended: watch::Receiver<bool>, sight: &RefCell<Sight>) {
        let mut serves = false;
        loop {
            let answer = once(&self.asker, &self.ask).await;
            serves |= answer.is_ok();
            if serves {
                sight.borrow_mut().count(answer);
            } else {
                sight.borrow_mut().outage.was_silent = true;
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause) => {}
                // An error is the end too: nobody waits for the answers any more.
                _ = ended.wait_for(|ended| *ended) => return,
            }
        }
    }
}

async fn once(asker: &Asker, request: &HttpRequest) -> Result<()> {
    let answer = asker.ask().await.with_context(|| request.to_string())?;
    if !answer.status.is_success() {
        bail!("{request} answered {}", answer.status);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers requests, each on a new connection, by these statuses, the last one for
    /// ever. It tells when it has come to the last.
    fn serve(statuses: &'static [u16]) -> (String, mpsc::Receiver<()>) {
        let (tell, address) = mpsc::channel();
        let (done, through) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let mut left = statuses.iter().peekable();
                let mut status = 0;
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    if let Some(next) = left.next() {
                        status = *next;
                    } else {
                        let _ = done.send(());
                    }
                    let mut sent = vec![0; 4096];
                    let _ = stream.read(&mut sent).await;
                    let reply = format!(
                        "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    let _ = stream.write_all(reply.as_bytes()).await;
                }
            });
        });
        (format!("http://{}/", address.recv().unwrap()), through)
    }

    fn see(statuses: &'static [u16]) -> Option<Outage> {
        let (url, through) = serve(statuses);
        let ask = HttpRequest::get(url);
        let watch = Watch::begin(Side::Host, &[ask], Duration::from_millis(1)).unwrap();
        through.recv().unwrap();
        watch.end().unwrap()
    }

    #[test]
    fn counts_what_goes_wrong_once_it_went_right() {
        let seen = see(&[200, 200, 200, 502, 502, 200, 200, 200]).unwrap();
        assert_eq!(seen.failed, 2, "{seen:?}");
        assert!(seen.requests >= 8, "{seen:?}");
        assert!(seen.first.unwrap().ends_with("answered 502 Bad Gateway"));
        assert!(!seen.was_silent);
    }

    #[test]
    fn a_site_that_was_down_before_is_told_apart() {
        let seen = see(&[502, 502, 502, 502, 200, 200]).unwrap();
        assert_eq!((seen.failed, seen.was_silent), (0, true), "{seen:?}");
    }

    #[test]
    fn what_never_served_has_no_outage() {
        assert!(see(&[503, 503, 503]).is_none());
        assert!(Watch::begin(Side::Host, &[], ON_HOST).is_none());
    }
}

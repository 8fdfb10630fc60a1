//! Builds of the stand-in, and somebody who asks the site all the time.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::stack::{Stack, binary};

/// Between two questions: no user is so impatient.
const PACE: Duration = Duration::from_millis(40);

/// A binary of the workspace with an order behind its end; `null` is none. Two builds differ by their orders.
pub fn build(stack: &Stack, program: &str, name: &str, order: &Value) -> PathBuf {
    let mut bytes = fs::read(binary(program)).unwrap();
    if !order.is_null() {
        bytes.extend(format!("\nstand-in: {order}").as_bytes());
    }
    let path = stack.home.join(format!("build-{name}"));
    fs::write(&path, bytes).unwrap();
    path
}

/// Asks the site as users do, over a connection of its own each time, until it is asked what it saw.
pub struct User {
    gone: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What a user saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub answers: usize,
    /// The releases that answered.
    pub releases: BTreeSet<String>,
    /// What was no good answer.
    pub failures: Vec<String>,
}

impl User {
    pub fn comes(stack: &Stack) -> Self {
        let gone = Arc::new(AtomicBool::new(false));
        let (url, is_gone) = (
            format!("http://{}/api/health", stack.address()),
            gone.clone(),
        );
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let mut seen = Seen::default();
            loop {
                match runtime.block_on(ask(&url)) {
                    Ok(release) => {
                        seen.answers += 1;
                        seen.releases.insert(release);
                    }
                    Err(failure) => seen.failures.push(failure),
                }
                if is_gone.load(Ordering::Relaxed) {
                    return seen;
                }
                thread::sleep(PACE);
            }
        });
        Self { gone, thread }
    }

    /// Asks once more, and goes.
    pub fn leaves(self) -> Seen {
        self.gone.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The release that answers; what is wrong with the answer otherwise.
async fn ask(url: &str) -> Result<String, String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let answer = client
        .get(url)
        .send()
        .await
        .map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| format!("{error:?}"))?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    match body["release"].as_str() {
        Some(release) if status.is_success() => Ok(release.to_owned()),
        _ => Err(format!("{status}: {text}")),
    }
}

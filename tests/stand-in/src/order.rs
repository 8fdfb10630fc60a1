//! What a copy of the stand-in is told to do wrong.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use serde::Deserialize;
use serde_json::Value;

/// What follows this, at the end of the executable, is the order; an ELF file may have more bytes than are loaded.
const MARK: &[u8] = b"\nstand-in: ";
/// No order is longer, with its mark.
const TAIL_BYTES: u64 = 4096;

/// One way to be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It is healthy.
    #[default]
    None,
    /// `serve` says `message` and ends before it listens.
    DoesNotStart,
    /// `/api/ready` says 503 for ever.
    IsNeverReady,
    /// `/api/ready` takes the question and never answers.
    ReadyHangs,
    /// It is ready, and `/api/recomendar` says 500.
    FailsToRecommend,
    /// It is ready, and `/api/health` never answers when nginx asks.
    HangsBehindNginx,
    /// It is ready, and aborts `seconds` after it began to listen.
    DiesAfter,
    /// `migrate` says `message` and ends with 1.
    MigrateFails,
    /// `migrate` waits for ever, until it is told to end.
    MigrateWaits,
    /// `migrate` waits for ever, and does not end on SIGTERM.
    MigrateIsDeaf,
}

/// The whole order.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    pub fault: Fault,
    pub seconds: u64,
    message: Option<String>,
    /// What further command lines print as JSON, by their words.
    pub prints: BTreeMap<String, Value>,
    /// What further command lines do, as a line for the shell, by their words.
    pub runs: BTreeMap<String, String>,
    /// Tells builds apart, and means nothing.
    #[serde(rename = "build")]
    _build: Value,
}

impl Order {
    /// Reads what stands behind the end of this very executable.
    ///
    /// # Errors
    /// A sentence, when there is an order that cannot be read.
    pub fn read() -> Result<Self, String> {
        let tail = || -> std::io::Result<Vec<u8>> {
            let mut own = File::open("/proc/self/exe")?;
            let length = own.metadata()?.len();
            own.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
            let mut bytes = Vec::new();
            own.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let tail = tail().map_err(|error| format!("its own executable cannot be read: {error}"))?;
        Self::parse(&tail)
    }

    fn parse(tail: &[u8]) -> Result<Self, String> {
        let mut windows = tail.windows(MARK.len());
        let Some(at) = windows.rposition(|window| window == MARK) else {
            return Ok(Self::default());
        };
        serde_json::from_slice(&tail[at + MARK.len()..])
            .map_err(|error| format!("its order is wrong: {error}"))
    }

    pub fn is_about_migrations(&self) -> bool {
        [
            Fault::MigrateFails,
            Fault::MigrateWaits,
            Fault::MigrateIsDeaf,
        ]
        .contains(&self.fault)
    }

    /// The ordered words, or these.
    pub fn message(&self, usual: &str) -> String {
        self.message.clone().unwrap_or_else(|| usual.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_order_counts_and_a_wrong_one_is_told() {
        let parse = |tail: &str| Order::parse(tail.as_bytes());
        assert_eq!(parse("\u{7f}ELF, and no order"), Ok(Order::default()));
        let two = "x\nstand-in: {\"fault\":\"ready_hangs\"}\nstand-in: {\"fault\":\"dies_after\",\"seconds\":3}\n";
        let order = parse(two).unwrap();
        assert_eq!((order.fault, order.seconds), (Fault::DiesAfter, 3));
        for wrong in ["{\"fault\":\"sulks\"}", "{\"flaw\":1}", "{} and more"] {
            assert!(parse(&format!("x\nstand-in: {wrong}")).is_err(), "{wrong}");
        }
    }
}

//! The calls of the API, in the order of arrival, for tests that check what a client did.

use std::collections::VecDeque;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The number of calls that are remembered.
const KEPT: usize = 10_000;

#[derive(Serialize)]
struct Call {
    #[serde(skip)]
    number: u64,
    method: String,
    path: String,
    query: Option<String>,
    /// Absent until there is an answer, and if the connection was cut.
    status: Option<u16>,
    at: String,
}

/// The calls that are remembered.
#[derive(Default, Serialize)]
pub struct Calls {
    #[serde(skip)]
    last: u64,
    calls: VecDeque<Call>,
}

impl Calls {
    /// Records a call on arrival. Returns its number for `answered`.
    pub fn came(&mut self, method: &str, path: &str, query: Option<&str>) -> u64 {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.last += 1;
        self.calls.push_back(Call {
            number: self.last,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            status: None,
            at: OffsetDateTime::now_utc()
                .format(&Rfc3339)
                .unwrap_or_default(),
        });
        self.last
    }

    /// Records its status, unless it is forgotten by then.
    pub fn answered(&mut self, number: u64, status: u16) {
        let mut latest_first = self.calls.iter_mut().rev();
        if let Some(call) = latest_first.find(|call| call.number == number) {
            call.status = Some(status);
        }
    }

    pub fn forget(&mut self) {
        self.calls.clear();
    }
}

//! A backup that could not be made.

use crate::core::error::{Code, Fault};

/// Why there is no backup.
pub fn failed(why: &str) -> Fault {
    Fault::new(Code::E0421, format!("no backup could be made: {why}"))
        .hint("nothing was changed; the backups of before are as they were")
}

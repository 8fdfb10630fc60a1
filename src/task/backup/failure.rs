//! A backup that could not be made.

use crate::core::error::{Code, Fault};

/// Why there is no backup.
pub fn failed(why: &str) -> Fault {
    Fault::new(Code::E0421, format!("could not take a backup: {why}"))
        .hint("nothing was changed; existing backups are kept")
}

//! A rehearsal that went wrong.

use crate::core::error::{Code, Fault};

/// A rehearsal that went wrong: production has not noticed it.
pub fn failed(why: &str) -> Fault {
    Fault::new(Code::E0420, format!("the rehearsal failed: {why}")).hint(
        "the live database was only read; correct the migration or the release, and deploy again",
    )
}

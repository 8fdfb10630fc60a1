//! A dump that is not taken.

use crate::core::error::{Code, Fault};

/// Why a dump is not taken.
pub fn refused(why: impl std::fmt::Display) -> Fault {
    Fault::new(Code::E0451, format!("the dump cannot be imported: {why}"))
        .hint("the live database is unchanged; make the dump again with `pg_dump --format=custom` or `pg_dump | gzip`, and import that")
}

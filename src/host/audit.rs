//! The audit on a host: how it is written, and whether what is read of it is whole (docs/decisions/0011-audit.md).

mod chain;
mod file;

pub use chain::{Checked, Flaw, check, compare, other_chain};
pub use file::{PATH, head, since, write};

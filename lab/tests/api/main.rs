//! The API over HTTP, without machines. What it does with machines is in
//! `tests/machines`.

#![allow(clippy::expect_used, clippy::unwrap_used)] // clippy.toml allows them in tests, and does not see that helpers are of a test

mod behaviour;
mod crates;
mod harness;
mod refusals;

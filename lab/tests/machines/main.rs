//! The lab's real machines, through the program and its API. What the API does without machines,
//! `tests/api` shows.

#![allow(clippy::expect_used, clippy::unwrap_used)] // clippy.toml allows them in tests, and does not see that helpers are of a test

mod birth;
mod equipment;
mod firewalls;
mod lab;
mod leavings;
mod power;
mod rebirth;
mod server;
mod survival;
mod way_out;

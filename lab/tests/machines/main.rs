//! The lab's real machines, through the program and its API. What the API does without machines,
//! `tests/api` shows.

#![allow(clippy::expect_used, clippy::unwrap_used)] // clippy.toml allows them in tests, and does not see that helpers are of a test

mod bootstrap;
mod equipment;
mod firewalls;
mod lab;
mod leavings;
#[path = "../../../tests/need/mod.rs"]
mod need;
mod power;
mod rebuild;
mod server;
mod survival;
mod way_out;

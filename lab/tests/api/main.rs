//! The API over HTTP, without machines. What it does with machines is in
//! `tests/machines`.

#![allow(clippy::expect_used, clippy::unwrap_used)] // clippy.toml allows them in tests, and does not see that helpers are of a test

mod behaviour;
mod checking_proxy;
mod crates;
mod faults;
mod harness;
#[path = "../../../tests/need/mod.rs"]
mod need;
mod openapi;
mod refusals;
#[allow(dead_code)] // made for the tests of the clients too
mod spec;
mod stories;
mod walk;

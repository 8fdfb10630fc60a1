//! The Hetzner world against an API that fails in every way it can.
#![allow(clippy::unwrap_used)] // clippy.toml lets tests unwrap, and does not see that helpers are of a test

mod begun;
mod changes;
mod clients;
mod destroy;
mod failed_create;
mod fake_api;
mod faults;
mod holders;
mod hosts;
mod kills;
#[path = "../need/mod.rs"]
mod need;
mod operator;
mod others;
mod plans;
mod project;
mod run;
mod said;
mod saved;
mod tokens;
#[path = "../../lab/tests/clients/venv.rs"]
mod venv;
mod wanderings;
mod way_back;

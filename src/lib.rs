//! citrino-ops: every verb is a plan, run by one engine, told as events.

pub mod agent;
pub mod cli;
pub mod config;
pub mod core;
pub mod facts;
pub mod hetzner;
pub mod host;
pub mod operator;
pub mod planner;
pub mod protocol;
pub mod storage;
pub mod task;
pub mod verb;

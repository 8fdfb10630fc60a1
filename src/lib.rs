//! citrino-ops: every verb is a plan, run by one engine, told as events.

pub mod blob;
pub mod engine;
pub mod error;
pub mod event;
pub mod plan;
pub mod secret;
pub mod stack;
pub mod system;
pub mod task;

//! citrino-ops: every verb is a plan, run by one engine, told as events.

pub mod agent;
pub mod blob;
pub mod cloud;
pub mod engine;
pub mod error;
pub mod event;
pub mod facts;
pub mod hetzner;
pub mod journal;
pub mod plan;
pub mod playbook;
pub mod remote;
pub mod report;
pub mod secret;
pub mod stack;
pub mod system;
pub mod task;
pub mod template;
pub mod wire;

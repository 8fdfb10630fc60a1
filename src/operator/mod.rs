//! The operator's side of reaching out: ssh, artifacts, caches, the mirror of the audit log, the public probe.

pub mod artifact;
pub mod cache;
pub mod doctor;
pub mod hooks;
pub mod known_host;
pub mod mirror;
pub mod name_lookup;
pub mod outside;
pub mod preview;
pub mod public_probe;
pub mod remote;
pub mod seen;
pub mod stack_key;

//! Facts and configuration in, a plan out. No I/O.

pub mod alerts;
pub mod backup;
pub mod before;
pub mod certificate;
pub mod cloud;
pub mod freeze;
pub mod host_key;
pub mod import;
pub mod maintenance;
pub mod migration;
pub mod monitoring;
pub mod release;
pub mod rotation;
pub mod session;

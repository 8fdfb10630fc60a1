//! A host: its files, programs, journal, lock and audit.

pub mod alert_spool;
pub mod armed;
pub mod audit;
pub mod cluster;
pub mod disk_samples;
pub mod env_file;
pub mod figures;
pub mod journal;
pub mod lock;
pub mod mail;
pub mod memory_usage;
pub mod mounts;
pub mod neighbours;
pub mod own;
pub mod profile;
pub mod sandbox;
pub mod stack_key;
pub mod system;
pub mod unit_log;

//! Certificates of an issuer: the task against a real ACME server (pebble), and against one that spoils any of its answers. Each test
//! has a network and a name service of its own.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests; helpers of a test are outside of #[test]

mod ca;
mod issue;
mod namespace;
#[path = "../need/mod.rs"]
mod need;
#[path = "../pebble/mod.rs"]
mod pebble;
mod site;
mod spoiled;

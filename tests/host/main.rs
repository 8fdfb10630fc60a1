//! The host ring: the real binary against real machines of a lab of the tests' own.
//!
//! The tests are in six rings, side by side (`.config/nextest.toml`). Those of a ring share one stack that `up` has
//! brought from nothing to serving, one after the other; the rings of another app and of the first hour have one test each, with
//! a stack of its own.
//! What a test breaks, the product mends before the test ends: that is what it proves.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy.toml allows them in tests, and does not see that helpers are of a test

mod agent;
mod alerts;
mod attacks_paths;
mod audit;
mod backup_faults;
mod backups;
mod browser;
mod certificates;
mod consequences;
mod cuts;
mod deploy;
mod drift;
mod faults;
mod first_hour;
mod forged;
mod guard;
mod import;
mod in_force;
#[path = "../json/mod.rs"]
mod json;
#[path = "../../lab/tests/machines/lab.rs"]
mod lab;
mod limits;
mod monitoring;
#[path = "../need/mod.rs"]
mod need;
mod neighbours;
mod offsite;
mod other_app;
#[path = "../pebble/mod.rs"]
mod pebble;
mod pitr;
mod planted;
mod posture;
mod rebirth;
mod rehearsal;
mod rescue;
mod rollback;
#[path = "../s3/mod.rs"]
mod s3;
mod seat;
mod serving;
mod stack;
mod stand_in;
mod strangers;
mod takeover;
mod tasks;
mod transfer;
mod trust;
#[path = "../../lab/tests/clients/venv.rs"]
mod venv;

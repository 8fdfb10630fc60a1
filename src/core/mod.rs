//! What everything else stands on: engine, plan, event, error codes, secret, digest.

pub mod alert_ledger;
pub mod app_profile;
pub mod audit;
pub mod catalogue;
pub mod code;
pub mod datum;
pub mod digest;
pub mod engine;
pub mod error;
pub mod event;
pub mod forecast;
pub mod handbook;
pub mod http;
pub mod outage;
pub mod plain;
pub mod plan;
pub mod report;
pub mod role;
pub mod secret;
pub mod shell;
pub mod stack_key;
pub mod value;
pub mod webhook;
pub mod wrap;

//! The real binary against a real `PostgreSQL` with `PostGIS`, which these tests start themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed; clippy.toml's exception reaches test functions only"
)]

mod answers;
mod app;
mod around;
mod browser;
mod catalogue;
mod chat;
mod chat_lies;
mod chat_models;
mod chat_providers;
mod chat_questions;
mod chat_texts;
mod cluster;
mod contact;
mod contract;
mod files;
mod lifecycle;
mod load;
mod memory;
mod migrate;
#[path = "../../../tests/need/mod.rs"]
mod need;
mod openai;
mod page;
mod properties;
mod provider;
mod ranking_cache;
mod recommend;
mod reference;
mod schema;
mod search;
mod stop;
mod token;
mod usted;
mod v1;
mod wishes;

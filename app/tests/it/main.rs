//! The real binary against a real `PostgreSQL` with `PostGIS`, which these tests start themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed; clippy.toml's exception reaches test functions only"
)]

mod answers;
mod app;
mod cluster;
mod lifecycle;
mod load;
mod migrate;
mod recommend;
mod reference;
mod schema;
mod search;

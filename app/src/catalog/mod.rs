//! What the database is asked: typed rows out of plain SQL; and what is kept of it in memory, to rank by.

pub mod best;
pub mod candidate_filter;
pub mod candidates;
pub mod filters;
pub mod fold;
pub mod map;
pub mod names;
pub mod preferences;
pub mod property;
pub mod ranking;
pub mod ranking_cache;
pub mod recommend;
pub mod score;
pub mod scored_property;
pub mod search;
pub mod services;
pub mod spell;
pub mod statistics;
pub mod summary;
pub mod zone;

/// The kinds of property that the schema admits.
pub const KINDS: &[&str] = &[
    "departamento",
    "casa",
    "terreno",
    "local",
    "oficina",
    "galpon",
    "duplex",
    "quinta",
    "penthouse",
    "edificio",
    "otro",
];

/// The operations that the schema admits.
pub const OPERATIONS: &[&str] = &["venta", "alquiler", "anticretico"];

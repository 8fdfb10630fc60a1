//! The catalogue: queries with typed rows, and the cache that properties are ranked by.

pub mod best;
pub mod candidate_filter;
pub mod candidates;
pub mod chosen_row;
pub mod contact;
pub mod explanation;
pub mod filters;
pub mod fold;
pub mod fragments;
pub mod map;
pub mod map_in_memory;
pub mod market;
pub mod memory;
pub mod names;
pub mod narrow;
pub mod preferences;
pub mod property;
pub mod prover;
pub mod query_error;
pub mod ranking;
pub mod ranking_cache;
pub mod recommend;
pub mod rings;
pub mod score;
pub mod scored_property;
pub mod search;
pub mod search_in_memory;
pub mod services;
pub mod similar;
pub mod spell;
pub mod statistics;
pub mod statistics_in_memory;
pub mod summary;
pub mod zone;

/// The kinds of property in the schema.
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

/// The kinds that people live in.
pub const LIVING: &[&str] = &["departamento", "casa", "duplex", "quinta", "penthouse"];

/// The kind that is ground; every other one is measured by what is built on it.
pub const GROUND: &str = "terreno";

/// The operations in the schema.
pub const OPERATIONS: &[&str] = &["venta", "alquiler", "anticretico"];

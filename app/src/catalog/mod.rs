//! What the database is asked: typed rows out of plain SQL; and what is kept of it in memory, to rank by.

pub mod best;
pub mod candidates;
pub mod filter;
pub mod fold;
pub mod map;
pub mod names;
pub mod property;
pub mod ranking;
pub mod recommend;
pub mod roll;
pub mod score;
pub mod search;
pub mod services;
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

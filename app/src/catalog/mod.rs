//! What the database is asked: typed rows out of plain SQL.

pub mod map;
pub mod property;
pub mod recommend;
pub mod relax;
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

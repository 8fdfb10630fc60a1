//! YAML that knows where it stands: a tree with the place of each key and value, made into types, with all faults at once.

mod de;
mod document;
mod error;
mod found;
mod node;
mod parse;

pub use document::Document;
pub use error::nearest;
pub use node::{Entry, Node, NodeContent, Position, Scalar};

#[cfg(test)]
mod tests;

//! What is kept: dumps, archives, buckets, retention, blobs.

pub mod archive;
pub mod blob;
pub mod bucket;
pub mod disk_reserve;
pub mod dump;
pub mod pack;
pub mod retention;

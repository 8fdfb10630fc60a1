//! Files that operators bring for the database: which form they have, and what of a dump may run.

mod extension;
mod filter;
mod form;
mod lexer;
mod refused;

pub use extension::Extension;
pub use filter::{DumpFilter, RowCounts};
pub use form::{DumpKind, DumpPacking, Form};
pub use refused::{DumpFault, refused};

use std::fs::File;
use std::io::Read;

use anyhow::Result;

/// What is read at a time.
pub const PIECE: usize = 64 * 1024;

/// Reads a dump in SQL to its end and keeps nothing of it but what it counts.
///
/// # Errors
/// E0451 when it is not whole, or has something in it that may not run.
pub fn count(file: File, packing: DumpPacking) -> Result<RowCounts> {
    let mut read = packing.open(file)?;
    let mut sieve = DumpFilter::default();
    let (mut piece, mut out) = (vec![0; PIECE], Vec::new());
    loop {
        match read_piece(&mut read, &mut piece)? {
            0 => return sieve.end(&mut out),
            length => sieve.push(&piece[..length], &mut out)?,
        }
        out.clear();
    }
}

/// The next bytes of what is unpacked meanwhile.
///
/// # Errors
/// E0451 when it cannot be unpacked.
pub fn read_piece(read: &mut impl Read, piece: &mut [u8]) -> Result<usize> {
    read.read(piece).map_err(|error| {
        refused(
            DumpFault::Torn,
            format!("it is cut short or damaged: {error}"),
        )
        .into()
    })
}

//! What content is known by: its sha256.

use std::io::Read;

use sha2::{Digest, Sha256};

/// The address of content: sha256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The address of what comes from a reader, and its length; read in pieces, since a host's memory is small.
///
/// # Errors
/// When it cannot be read to its end.
pub fn sha256_of(from: &mut impl Read) -> std::io::Result<(String, u64)> {
    let mut digest = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match from.read(&mut piece)? {
            0 => return Ok((hex(&digest.finalize()), bytes)),
            length => {
                digest.update(&piece[..length]);
                bytes += length as u64;
            }
        }
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

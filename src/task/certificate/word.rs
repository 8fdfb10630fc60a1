//! A name that nobody guesses, for what is new.

use std::io;

use crate::core::digest;
use crate::host::system::random;

/// # Errors
/// When the kernel has no random bytes.
pub fn word() -> io::Result<String> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(digest::sha256(&bytes))
}

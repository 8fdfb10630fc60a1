//! What `PostgreSQL` keeps of a password.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::core::secret::Secret;
use crate::host::system::random;

/// What `PostgreSQL` keeps of a password: `SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>`
/// (`pg_authid` in its manual; the keys are those of RFC 5802, 3). It is made here, so that the password
/// itself never goes into a statement: the server logs statements that fail or are slow.
#[derive(Debug, PartialEq, Eq)]
pub struct Verifier {
    rounds: u32,
    salt: Vec<u8>,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl Verifier {
    /// `PostgreSQL`'s own number of rounds and length of salt.
    const ROUNDS: u32 = 4096;
    const SALT: usize = 16;

    /// A new one with a salt of the kernel.
    pub fn make(password: &Secret) -> Result<Self> {
        let mut salt = vec![0; Self::SALT];
        random(&mut salt)?;
        Ok(Self::of(password, salt, Self::ROUNDS))
    }

    fn of(password: &Secret, salt: Vec<u8>, rounds: u32) -> Self {
        // As PostgreSQL does: a password that cannot be prepared is taken byte for byte.
        let prepared = stringprep::saslprep(password.reveal());
        let bytes = prepared
            .as_deref()
            .unwrap_or_else(|_| password.reveal())
            .as_bytes();
        let mut salted = [0; 32];
        // HMAC takes a key of any length, so neither call below can fail.
        let _: Result<(), _> = pbkdf2::pbkdf2::<Hmac<Sha256>>(bytes, &salt, rounds, &mut salted);
        let stored_key = Sha256::digest(hmac(&salted, b"Client Key")).to_vec();
        Self {
            rounds,
            salt,
            stored_key,
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// Reads one; `None` for another way of keeping passwords, such as MD5.
    pub fn parse(text: &str) -> Option<Self> {
        let (rounds, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
        let (salt, keys) = rest.split_once('$')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        Some(Self {
            rounds: rounds.parse().ok()?,
            salt: BASE64.decode(salt).ok()?,
            stored_key: BASE64.decode(stored_key).ok()?,
            server_key: BASE64.decode(server_key).ok()?,
        })
    }

    /// Whether it is of this password. No connection is tried, so that neither `pg_hba.conf` nor a
    /// role that may not log in can give a wrong answer.
    pub fn is_of(&self, password: &Secret) -> bool {
        Self::of(password, self.salt.clone(), self.rounds) == *self
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SCRAM-SHA-256${}:{}${}:{}",
            self.rounds,
            BASE64.encode(&self.salt),
            BASE64.encode(&self.stored_key),
            BASE64.encode(&self.server_key)
        )
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by `PostgreSQL` 15 for `CREATE ROLE … PASSWORD 'hunter2'`.
    const KEPT: &str = "SCRAM-SHA-256$4096:j6k82ARR7jNdA4Y8/9PqbQ==$1hBDnxgHp3wsfRFw8K7/Ab3MBj5UJ4gas3cM4qiuE7A=:mrqchFE3G7SYQ3WeMZ8L60sQN8J6FVumebAHIhBnI3g=";
    /// … and for `contraseña`.
    const KEPT_WIDE: &str = "SCRAM-SHA-256$4096:g9VXK1LgY5Wa+4oj8pofHA==$kg/Yp7SYbShKs+bN/+dQOTAqnk2rw5ZlfSY+N3ftjh8=:cwYfnamrJclmBc7pbWZ87/Iu3JDrgyWLQOer5p18Q7M=";

    #[test]
    fn knows_the_password_of_what_the_server_kept() {
        let kept = Verifier::parse(KEPT).unwrap();
        assert!(kept.is_of(&Secret::new("hunter2")));
        assert!(!kept.is_of(&Secret::new("hunter3")));
        assert_eq!(kept.to_string(), KEPT);
        assert!(
            Verifier::parse(KEPT_WIDE)
                .unwrap()
                .is_of(&Secret::new("contraseña"))
        );
        assert!(Verifier::parse("md5d41d8cd98f00b204e9800998ecf8427e").is_none());
    }

    /// As `PostgreSQL` prepares passwords (RFC 4013): a soft hyphen is nothing, a wide letter a letter.
    #[test]
    fn prepares_a_password_as_the_server_does() {
        let kept = Verifier::of(&Secret::new("I\u{ad}X"), vec![1; 16], 4096);
        assert!(kept.is_of(&Secret::new("IX")));
    }

    #[test]
    fn a_new_verifier_is_of_its_password_and_like_no_other() {
        let secret = Secret::new("contraseña");
        let (one, other) = (
            Verifier::make(&secret).unwrap(),
            Verifier::make(&secret).unwrap(),
        );
        assert!(one.is_of(&secret) && other.is_of(&secret));
        assert_ne!(one, other);
    }
}

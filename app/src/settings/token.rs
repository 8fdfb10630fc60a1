//! The access token.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Characters of a token, at least and at most.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=512;

/// The hash of a token. The token itself is not kept, so it cannot leak.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    fn new(text: &str) -> Result<Self, &'static str> {
        // A header can carry these characters without quotes.
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if plain && LENGTH.contains(&text.len()) {
            Ok(Token(Sha256::digest(text).into()))
        } else {
            Err("token must have 16 to 512 printable ASCII letters and no blank")
        }
    }

    /// Whether this is the token, in a time that does not depend on how much of it is right.
    pub fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.0.ct_eq(&given).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(hidden)")
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

/// Accepts a string. The error for another type does not repeat the value.
struct Text;

impl Visitor<'_> for Text {
    type Value = Token;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Token, E> {
        Token::new(text).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Token, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Token, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Token, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Token, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Token, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Token, E> {
        Err(E::custom(NO_TEXT))
    }
}

const NO_TEXT: &str = "token reads as a number; put it between quotes";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Token, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_token_itself_is_the_token() {
        let token = read("una-clave-bien-larga").unwrap();
        assert!(token.is(b"una-clave-bien-larga"));
        for other in [
            "",
            "una-clave-bien-larg",
            "una-clave-bien-larga ",
            "Una-clave-bien-larga",
        ] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn it_is_never_shown() {
        let secret = "una-clave-bien-larga";
        let token = read(secret).unwrap();
        let shown = format!("{token:?} {}", serde_yaml::to_string(&token).unwrap());
        assert!(
            !shown.contains("clave") && shown.contains("(hidden)"),
            "{shown}"
        );
        for wrong in [
            "corta",
            "1234567890123456",
            "1234567890123456789012345678901234567890",
            "-1234567890123456",
            "1e999999999",
            "con espacio en medio",
        ] {
            let error = read(wrong).unwrap_err();
            assert!(
                error.starts_with("token ") && !error.contains(wrong),
                "{error}"
            );
        }
    }
}

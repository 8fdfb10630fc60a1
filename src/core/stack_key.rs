//! The key of a stack, by which it knows its own backups: what was not signed with it was written by somebody else.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use super::digest::hex;
use super::secret::{DOTS, Secret};
use super::value::KeyId;

/// What is signed with a stack's key. A signature of one is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedKind {
    Manifest,
    Proof,
}

impl SignedKind {
    fn label(self) -> &'static str {
        match self {
            Self::Manifest => "citrino-ops backup manifest 1",
            Self::Proof => "citrino-ops backup proof 1",
        }
    }
}

/// A key of at least 32 characters, on one line. It prints as dots.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Secret", into = "Secret")]
pub struct StackKey(Secret);

/// Fewer characters could be guessed.
const SHORTEST: usize = 32;
const LONGEST: usize = 1024;

impl StackKey {
    /// Of random bytes, in hexadecimal digits.
    pub fn of(bytes: [u8; 32]) -> Self {
        Self(Secret::new(hex(&bytes)))
    }

    /// A key as it stands in a file or is said by a secret's source; spaces around it do not count.
    ///
    /// # Errors
    /// Why the text is none; the text itself is not told.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err("must be one word on one line".to_owned());
        }
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(format!(
                "must have {SHORTEST} to {LONGEST} characters, and has {}; `openssl rand -hex 32` makes one",
                text.len()
            ));
        }
        Ok(Self(Secret::new(text)))
    }

    /// By what it is called where it must not be told.
    pub fn id(&self) -> KeyId {
        let digest = self.mac(&[b"citrino-ops key id 1"]).map(finished);
        KeyId::of(&digest.unwrap_or_default()[..8])
    }

    /// As it goes into a file: with the end of its line.
    pub fn line(&self) -> String {
        format!("{}\n", self.0.reveal())
    }

    /// The signature of what is said, in hexadecimal digits.
    pub fn sign(&self, kind: SignedKind, said: &Value) -> String {
        let mac = self.signature(kind, said).map(finished);
        mac.map_or_else(String::new, |mac| hex(&mac))
    }

    /// Whether this is the signature of what is said.
    pub fn has_signed(&self, kind: SignedKind, said: &Value, signature: &str) -> bool {
        let (mac, bytes) = (self.signature(kind, said), unhex(signature));
        // In constant time: whoever may ask again and again must not find it out digit by digit.
        mac.zip(bytes)
            .is_some_and(|(mac, bytes)| mac.verify_slice(&bytes).is_ok())
    }

    fn signature(&self, kind: SignedKind, said: &Value) -> Option<Hmac<Sha256>> {
        let said = sorted(said).to_string();
        self.mac(&[kind.label().as_bytes(), b"\n", said.as_bytes()])
    }

    /// HMAC takes a key of any length. Were there none after all, nothing would be signed by it.
    fn mac(&self, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.reveal().as_bytes()).ok()?;
        for part in parts {
            mac.update(part);
        }
        Some(mac)
    }
}

fn finished(mac: Hmac<Sha256>) -> [u8; 32] {
    mac.finalize().into_bytes().into()
}

impl TryFrom<Secret> for StackKey {
    type Error = String;

    fn try_from(secret: Secret) -> Result<Self, String> {
        Self::parse(secret.reveal()).map_err(|why| format!("the key of the stack {why}"))
    }
}

impl From<StackKey> for Secret {
    fn from(key: StackKey) -> Self {
        key.0
    }
}

impl fmt::Debug for StackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DOTS)
    }
}

/// The same with the keys of every map in order: what is signed must not hang on who wrote it down.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map
                .iter()
                .map(|(name, value)| (name.clone(), sorted(value)));
            let fields: BTreeMap<_, _> = fields.collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| digits.map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(letter: &str) -> StackKey {
        StackKey::parse(&letter.repeat(32)).unwrap()
    }

    #[test]
    fn a_signature_is_of_one_key_one_purpose_and_one_text() {
        let said = json!({ "name": "a", "rows": { "x": 1, "y": 2 } });
        let signature = key("k").sign(SignedKind::Manifest, &said);
        assert!(key("k").has_signed(SignedKind::Manifest, &said, &signature));
        let turned: Value = serde_json::from_str(r#"{"rows":{"y":2,"x":1},"name":"a"}"#).unwrap();
        assert!(key("k").has_signed(SignedKind::Manifest, &turned, &signature));
        assert!(!key("l").has_signed(SignedKind::Manifest, &said, &signature));
        assert!(!key("k").has_signed(SignedKind::Proof, &said, &signature));
        let other = json!({ "name": "b", "rows": { "x": 1, "y": 2 } });
        assert!(!key("k").has_signed(SignedKind::Manifest, &other, &signature));
        for wrong in [
            "",
            "00",
            "zz",
            &signature[..62],
            &format!("{signature}00"),
            "ää",
        ] {
            assert!(
                !key("k").has_signed(SignedKind::Manifest, &said, wrong),
                "{wrong}"
            );
        }
    }

    #[test]
    fn it_is_what_the_standard_says() {
        // RFC 4231, test case 2, has a shorter key; this is one of Python's hmac.
        let key = StackKey::parse(&"0123456789abcdef".repeat(2)).unwrap();
        let expected = "dc3f3dcd2931d63369e3b4a6d02dea28d55a97f3a860ad137a436a726da9a5a1";
        assert_eq!(key.sign(SignedKind::Manifest, &json!({ "a": 1 })), expected);
    }

    #[test]
    fn a_key_that_could_be_guessed_or_has_lines_is_refused_and_none_is_told() {
        for wrong in [
            "",
            "hunter2",
            &"x".repeat(31),
            &format!("{}\n{}", "y".repeat(32), "z"),
        ] {
            let why = StackKey::parse(wrong).unwrap_err();
            assert!(wrong.is_empty() || !why.contains(wrong), "{why}");
        }
        let sound = StackKey::parse(&format!("{}\n", "s".repeat(40))).unwrap();
        assert_eq!(format!("{sound:?}"), DOTS);
        assert!(!sound.id().contains('s'));
        assert_ne!(key("a").id(), key("b").id());
        let wire = serde_json::to_string(&sound).unwrap();
        assert_eq!(serde_json::from_str::<StackKey>(&wire).unwrap(), sound);
        assert!(serde_json::from_str::<StackKey>(r#"{"secret":"short"}"#).is_err());
    }
}

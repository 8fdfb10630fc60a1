//! What all values over checked text have in common.

use crate::core::plain::is_hidden;

/// Gives a type over a `String` its ways in and out. The type has a function `refusal(&str) -> Option<String>`: why a text is
/// none of it.
macro_rules! checked_text {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                match Self::refusal(&text) {
                    Some(why) => Err(why),
                    None => Ok(Self(text)),
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::try_from(text.to_owned())
            }
        }

        $crate::core::value::text::text_of!($type);
    };
}

/// The ways out: it reads as the text that it holds.
macro_rules! text_of {
    ($type:ident) => {
        impl std::ops::Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<$type> for String {
            fn eq(&self, other: &$type) -> bool {
                *self == other.0
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.0
            }
        }
    };
}

pub(super) use {checked_text, text_of};

/// The longest part of a refused text that is repeated.
const LONGEST: usize = 60;

/// A refused text as it may be repeated on a terminal: short, and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .flat_map(|c| {
            let is_plain = !is_hidden(c);
            let plain = is_plain.then_some(c);
            let escaped = (!is_plain).then(|| c.escape_unicode());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether it is one to `longest` letters, digits or characters of `more`, of ASCII.
pub(super) fn is_plain(text: &str, longest: usize, more: &str) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

//! The codes of errors: what each leads to, and which area it belongs to. What they mean is in docs/errors.yml.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Exit codes (docs/glossary.md has the same table).
pub mod exit {
    pub const OK: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const PENDING: u8 = 3;
    pub const UNHEALTHY: u8 = 4;
    pub const LOCKED: u8 = 5;
    pub const OLD_SERVES: u8 = 6;
    pub const REFUSED: u8 = 7;
    pub const HOOK_FAILED: u8 = 8;
}

macro_rules! codes {
    ($($(#[$doc:meta])* $area:ident { $($code:ident => $exit:ident),* $(,)? })*) => {
        /// What an error is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Area { $($(#[$doc])* $area),* }

        /// What an error is known by. `citrino-ops explain CODE` prints its page.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            #[default]
            $($($code),*),*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Code] = &[$($(Code::$code),*),*];

            /// The exit code of a command that ends with this error.
            pub fn exit(self) -> u8 {
                match self { $($(Code::$code => exit::$exit),*),* }
            }

            pub fn area(self) -> Area {
                match self { $($(Code::$code => Area::$area),*),* }
            }

            pub fn as_str(self) -> &'static str {
                match self { $($(Code::$code => stringify!($code)),*),* }
            }
        }
    };
}

codes! {
    /// A failure of no area of its own.
    General {
        E0001 => FAILED,
        E0002 => USAGE,
    }
    /// citrino.yml and its secrets.
    Configuration {
        E0101 => USAGE,
        E0102 => USAGE,
        E0103 => USAGE,
        E0104 => USAGE,
        E0105 => REFUSED,
        E0106 => REFUSED,
    }
    /// Playbooks, templates and migrations.
    Desired {
        E0201 => USAGE,
        E0202 => USAGE,
        E0203 => USAGE,
    }
    /// The Hetzner API.
    Cloud {
        E0301 => FAILED,
        E0302 => FAILED,
        E0303 => FAILED,
        E0304 => USAGE,
        E0305 => USAGE,
        E0306 => REFUSED,
        E0307 => FAILED,
        E0308 => REFUSED,
        E0309 => FAILED,
        E0310 => REFUSED,
        E0311 => REFUSED,
        E0312 => REFUSED,
        E0313 => FAILED,
        E0314 => FAILED,
        E0315 => REFUSED,
    }
    /// Steps on a host, its database and its backups.
    Host {
        E0401 => FAILED,
        E0402 => FAILED,
        E0403 => FAILED,
        E0404 => FAILED,
        E0405 => FAILED,
        E0406 => FAILED,
        E0407 => FAILED,
        E0408 => FAILED,
        E0409 => FAILED,
        E0410 => FAILED,
        E0411 => FAILED,
        E0412 => FAILED,
        E0415 => REFUSED,
        E0416 => REFUSED,
        E0420 => FAILED,
        E0421 => FAILED,
        E0422 => FAILED,
        E0423 => REFUSED,
        E0424 => FAILED,
        E0425 => USAGE,
        E0426 => FAILED,
        E0427 => REFUSED,
        E0428 => REFUSED,
        E0429 => USAGE,
        E0430 => FAILED,
        E0431 => FAILED,
        E0432 => FAILED,
        E0433 => FAILED,
        E0434 => FAILED,
        E0435 => FAILED,
        E0436 => REFUSED,
        E0437 => REFUSED,
        E0440 => REFUSED,
        E0441 => FAILED,
        E0442 => REFUSED,
        E0450 => USAGE,
        E0451 => FAILED,
        E0452 => REFUSED,
        E0453 => REFUSED,
        E0454 => FAILED,
        E0455 => REFUSED,
        E0460 => FAILED,
        E0461 => FAILED,
        E0462 => REFUSED,
        E0463 => REFUSED,
        E0464 => REFUSED,
        E0465 => FAILED,
        E0466 => REFUSED,
        E0470 => FAILED,
        E0471 => USAGE,
        E0472 => FAILED,
    }
    /// The connection to a host, and the runs on it.
    Connection {
        E0501 => FAILED,
        E0502 => FAILED,
        E0503 => FAILED,
        E0504 => LOCKED,
        E0505 => FAILED,
        E0506 => FAILED,
        E0508 => LOCKED,
        E0509 => REFUSED,
        E0510 => FAILED,
        E0511 => FAILED,
        E0512 => FAILED,
        E0513 => LOCKED,
        E0514 => FAILED,
        E0515 => FAILED,
        E0516 => REFUSED,
        E0517 => FAILED,
        E0518 => FAILED,
        E0519 => REFUSED,
        E0520 => FAILED,
        E0521 => FAILED,
        E0522 => FAILED,
        E0523 => FAILED,
        E0524 => FAILED,
        E0525 => FAILED,
        E0526 => FAILED,
        E0527 => REFUSED,
        E0528 => REFUSED,
        E0529 => HOOK_FAILED,
    }
    /// Releases of the app.
    Release {
        E0601 => FAILED,
        E0602 => OLD_SERVES,
        E0604 => FAILED,
        E0605 => REFUSED,
        E0606 => FAILED,
        E0607 => FAILED,
        E0608 => USAGE,
        E0609 => USAGE,
    }
    /// Health, and what is not safe.
    Judgement {
        E0701 => UNHEALTHY,
        E0702 => REFUSED,
        E0703 => REFUSED,
        E0704 => REFUSED,
        E0705 => UNHEALTHY,
    }
    /// What the operator asked for, or answered.
    Question {
        E0801 => REFUSED,
        E0802 => USAGE,
        E0803 => USAGE,
        E0804 => FAILED,
        E0805 => FAILED,
        E0806 => REFUSED,
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is not an error code of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    /// Upper or lower case, as a person types it.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let mut all = Code::ALL.iter();
        let found = all.find(|code| code.as_str().eq_ignore_ascii_case(text));
        found.copied().ok_or(UnknownCode)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    /// A journal or an audit may hold a code of a later version: it has no page here.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Ok(text.parse().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_in_any_case_and_an_unknown_one_is_told_apart() {
        assert_eq!("e0102".parse(), Ok(Code::E0102));
        assert_eq!("E9999".parse::<Code>(), Err(UnknownCode));
        assert_eq!(
            serde_json::from_str::<Code>("\"E9999\"").unwrap(),
            Code::E0001
        );
        assert_eq!(serde_json::to_string(&Code::E0602).unwrap(), "\"E0602\"");
    }

    #[test]
    fn an_area_is_told_by_the_first_two_digits() {
        let areas = |code: &Code| (code.as_str()[1..3].to_owned(), code.area() as usize);
        for (digits, area) in Code::ALL.iter().map(areas) {
            assert_eq!(digits.parse::<usize>().unwrap(), area);
        }
        assert!(Code::ALL.is_sorted());
    }
}

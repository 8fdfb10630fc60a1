//! One question: what was given is not asked again, and where nobody is asked a default holds.

use std::str::FromStr;

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::core::report::questions;

/// Whether a person is asked.
pub struct InitAsker {
    pub asks: bool,
}

impl InitAsker {
    /// What was given; else what the person says, or the default where nobody is asked.
    ///
    /// # Errors
    /// E0802 when there is neither, or the default is none of its kind.
    pub fn text<T: FromStr<Err = String>>(
        &self,
        question: &str,
        option: &str,
        given: Option<T>,
        default: Option<&str>,
    ) -> Result<T> {
        if let Some(given) = given {
            return Ok(given);
        }
        let read = |line: &str| line.parse::<T>();
        if self.asks {
            let line = questions::text(question, default, |line| read(line).map(drop))?;
            return read(&line).map_err(|why| Fault::new(Code::E0802, why).into());
        }
        let missing = || {
            Fault::new(
                Code::E0802,
                format!("{option} is not given, and nobody is asked"),
            )
        };
        let default = default.ok_or_else(missing)?;
        read(default)
            .map_err(|why| Fault::new(Code::E0802, format!("{option}: `{default}` {why}")).into())
    }

    /// Nobody who is not asked has agreed.
    pub fn agrees(&self, question: &str, default: bool) -> Result<bool, Fault> {
        if self.asks {
            questions::agree(question, default)
        } else {
            Ok(false)
        }
    }

    /// What was given; else what the person says, who may leave it empty. Nobody who is not asked wants it.
    pub fn optional<T: FromStr<Err = String>>(
        &self,
        question: &str,
        given: Option<T>,
    ) -> Result<Option<T>> {
        if given.is_some() || !self.asks {
            return Ok(given);
        }
        let check = |line: &str| {
            if line.is_empty() {
                return Ok(());
            }
            line.parse::<T>().map(drop)
        };
        let line = questions::text(question, Some(""), check)?;
        if line.is_empty() {
            return Ok(None);
        }
        let read = line.parse::<T>();
        Ok(Some(read.map_err(|why| Fault::new(Code::E0802, why))?))
    }
}

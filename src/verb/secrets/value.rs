//! The value of a secret: given on stdin, typed unseen, or made.

use std::io::{IsTerminal, Read};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;
use crate::host::system::random;
use crate::verb::job::Job;

/// What a secret has at most.
const MOST: u64 = 64 << 10;
/// As much as nobody guesses.
const RANDOM: usize = 32;

/// What stdin gives, or a person types.
///
/// # Errors
/// E0103 when that is nothing, or more than one line.
pub async fn told(job: &mut Job<'_>, name: &str) -> Result<Secret> {
    let text = if std::io::stdin().is_terminal() {
        typed(job, name).await?
    } else {
        given()?
    };
    let text = text.trim_end_matches(['\n', '\r']);
    let wrong = |why: &str, hint: &str| {
        Fault::new(Code::E0103, format!("{name} was not set: {why}")).hint(hint)
    };
    if text.trim().is_empty() {
        let hint = "type it, or give it on stdin: `pass show key | citrino-ops secrets set NAME`";
        return Err(wrong("there is no value", hint).into());
    }
    if text.contains(['\n', '\r', '\0']) {
        let hint = "encode it, as with base64, and let the app decode it";
        return Err(wrong("it has several lines", hint).into());
    }
    if text.trim() != text {
        let hint = "give it without them";
        return Err(wrong("it begins or ends with blanks", hint).into());
    }
    Ok(Secret::new(text))
}

async fn typed(job: &mut Job<'_>, name: &str) -> Result<String> {
    let question = format!("Value of {name} (it is not shown):");
    let broken_off = "Cancelled. Nothing was changed.";
    let asked = job.report.ask_hidden(&question).await;
    asked.map_err(|_| Fault::new(Code::E0801, broken_off).into())
}

fn given() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().take(MOST + 1).read_to_string(&mut text);
    read.context("could not read stdin")?;
    if text.len() as u64 > MOST {
        return Err(Fault::new(Code::E0103, "stdin gives more than a secret can have").into());
    }
    Ok(text)
}

/// A new one, of letters, digits, `-` and `_`.
///
/// # Errors
/// When the kernel gives no random bytes.
pub fn made() -> Result<Secret> {
    let mut bytes = [0; RANDOM];
    random(&mut bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_fits_everywhere_and_is_new_each_time() {
        let (one, other) = (made().unwrap(), made().unwrap());
        assert!(one != other && one.reveal().len() == 43);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(one.reveal().chars().all(is_plain));
    }
}

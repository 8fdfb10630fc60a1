//! The labels that make resources ours, and the host key that travels in them. Pure.

use std::collections::BTreeMap;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::config::stack::Host;
use crate::core::error::{Code, Fault};

/// Says which stack a resource belongs to.
pub const STACK: &str = "citrino-ops/stack";
/// Says which of the stack's hosts a resource belongs to. What earlier versions made does not have it.
pub const HOST: &str = "citrino-ops/host";
/// Says what a host is there for.
pub const ROLE: &str = "citrino-ops/role";
/// The host key that the server was born with.
pub const BOOTSTRAP_KEY: &str = "citrino-ops/bootstrap-key";
/// The host key that replaced it.
pub const HOST_KEY: &str = "citrino-ops/host-key";

/// The host key that a rebuild gives, until it is known whether the rebuild came to be.
pub const REBIRTH_KEY: &str = "citrino-ops/rebirth-key";
/// Says before which risky step a snapshot was taken.
pub const BEFORE: &str = "citrino-ops/before";

pub type Labels = BTreeMap<String, String>;

/// Before and after the key in a pin: a label's value must start and end with a letter or digit.
const PIN_START: &str = "ed25519.";
const PIN_END: &str = ".v1";
/// The head of an ed25519 public key on the wire: two lengths and the name between them.
const KEY_HEAD: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";
const KEY_LEN: usize = 32;

/// The labels of everything of a stack.
pub fn of_stack(stack: &str) -> Labels {
    Labels::from([(STACK.to_owned(), stack.to_owned())])
}

/// The labels of what belongs to one host.
pub fn of_host(host: &Host) -> Labels {
    let mut labels = of_stack(&host.stack);
    labels.insert(HOST.to_owned(), host.name.to_string());
    labels
}

/// Whether a server with these labels, among them the stack's, is this host. Of a stack with one host no other question is
/// asked: what an earlier version made is found, and two servers are noticed.
pub fn is_of_host(labels: &Labels, host: &Host) -> bool {
    host.is_only
        || labels
            .get(HOST)
            .is_some_and(|name| host.name == *name.as_str())
}

/// These labels with those that must be there.
pub fn with(found: &Labels, wished: Labels) -> Labels {
    let mut all = found.clone();
    all.extend(wished);
    all
}

/// The selector that finds everything of a stack.
pub fn selector(stack: &str) -> String {
    format!("{STACK}={stack}")
}

/// The selector that finds the server of a host.
pub fn host_selector(host: &Host) -> String {
    let stack = selector(&host.stack);
    if host.is_only {
        return stack;
    }
    format!("{stack},{HOST}={}", host.name)
}

/// An ed25519 public key (`ssh-ed25519 AAAA…`) as the value of a label.
///
/// # Errors
/// When the line is no ed25519 public key.
pub fn pin_label(public_key_line: &str) -> Result<String> {
    let mut words = public_key_line.split_whitespace();
    let key = (words.next() == Some("ssh-ed25519"))
        .then(|| words.next())
        .flatten()
        .and_then(|body| STANDARD.decode(body).ok())
        .and_then(|wire| wire.strip_prefix(KEY_HEAD).map(<[u8]>::to_vec))
        .filter(|key| key.len() == KEY_LEN)
        .ok_or_else(|| {
            Fault::new(
                Code::E0001,
                "the host key is not an ed25519 public key, so it cannot be pinned",
            )
        })?;
    Ok(format!(
        "{PIN_START}{}{PIN_END}",
        URL_SAFE_NO_PAD.encode(key)
    ))
}

/// The public key line of a pin.
///
/// # Errors
/// When the label's value is no pin: somebody changed it.
pub fn pinned_line(label: &str) -> Result<String> {
    let key = label
        .strip_prefix(PIN_START)
        .and_then(|rest| rest.strip_suffix(PIN_END))
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .filter(|key| key.len() == KEY_LEN)
        .ok_or_else(|| {
            Fault::new(Code::E0303, format!("the label value `{label}` is not a pinned host key"))
                .hint("somebody changed the labels of the server: compare its host key in the Hetzner console, and correct the label")
        })?;
    let wire = [KEY_HEAD, &key].concat();
    Ok(format!("ssh-ed25519 {}", STANDARD.encode(wire)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real key, as ssh-keygen wrote it.
    const LINE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";

    #[test]
    fn a_pin_is_a_valid_label_and_gives_the_line_back() {
        let pin = pin_label(&format!("{LINE} root@host\n")).unwrap();
        assert!(pin.len() <= 63, "{pin}");
        assert!(
            pin.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        );
        assert!(pin.starts_with('e') && pin.ends_with('1'));
        assert_eq!(pinned_line(&pin).unwrap(), LINE);
    }

    #[test]
    fn every_byte_survives() {
        for byte in 0..=255_u8 {
            let wire = [KEY_HEAD, &[byte; KEY_LEN]].concat();
            let line = format!("ssh-ed25519 {}", STANDARD.encode(wire));
            assert_eq!(pinned_line(&pin_label(&line).unwrap()).unwrap(), line);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for line in [
            "",
            "ssh-rsa AAAA",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-ed25519 !",
        ] {
            assert!(pin_label(line).is_err(), "{line}");
        }
        for label in ["", "ed25519..v1", "ed25519.AAAA.v1", "rsa.x.v1"] {
            assert!(pinned_line(label).is_err(), "{label}");
        }
    }
}

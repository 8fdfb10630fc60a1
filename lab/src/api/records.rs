//! DNS records: the form of each type, and changes to record sets.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::error::ApiError;
use super::request;

/// The supported types.
pub const TYPES: &[&str] = &[
    "A", "AAAA", "CAA", "CNAME", "DS", "HINFO", "HTTPS", "MX", "NS", "PTR", "RP", "SOA", "SRV",
    "SVCB", "TLSA", "TXT",
];

/// Checks a name within a zone; `@` is the zone itself.
pub fn check_name(zone: &str, name: &str) -> Result<(), ApiError> {
    let label = |text: &str| {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        (1..=63).contains(&text.len()) && text.chars().all(known)
    };
    let good = name
        .strip_prefix("*.")
        .unwrap_or(name)
        .split('.')
        .all(label);
    let is_whole = name == zone || name.ends_with(&format!(".{zone}"));
    if name == "@" || name == "*" || (good && !is_whole) {
        return Ok(());
    }
    let message = "must be in lower case, without the zone's name and a dot at its end";
    Err(ApiError::invalid("name", message))
}

/// Reads the records of a set of one type: at least one, and no duplicates.
pub fn read(kind: &str, requested: &[Value]) -> Result<Vec<Value>, ApiError> {
    let wrong = |message: String| Err(ApiError::invalid("records", message));
    let mut read: Vec<Value> = Vec::new();
    for body in requested {
        let Some(value) = body["value"].as_str() else {
            return wrong(format!("a record needs a value: {body}"));
        };
        if !is_good(kind, value) {
            return wrong(format!("`{value}` is not a valid {kind} record"));
        }
        if read.iter().any(|record| record["value"] == value) {
            return wrong(format!("`{value}` is given twice"));
        }
        let comment = request::text(body, "comment")?.unwrap_or_default();
        read.push(json!({ "value": value, "comment": comment }));
    }
    match read.len() {
        0 => wrong("must not be empty".to_owned()),
        1 => Ok(read),
        _ if kind == "CNAME" => wrong("a name has one CNAME".to_owned()),
        _ => Ok(read),
    }
}

/// The records of a set after an action.
pub fn changed(set: &Value, action: &str, requested: &[Value]) -> Result<Vec<Value>, ApiError> {
    let kind = set["type"].as_str().unwrap_or_default();
    let had = set["records"].as_array().cloned().unwrap_or_default();
    let given = read(kind, requested)?;
    let in_had = |record: &Value| had.iter().any(|other| other["value"] == record["value"]);
    match action {
        "set_records" => Ok(given),
        "add_records" => {
            let all: Vec<Value> = had.iter().chain(&given).cloned().collect();
            read(kind, &all)
        }
        _ if !given.iter().all(in_had) => {
            let message = "a record is not in the rrset";
            Err(ApiError::invalid("records", message))
        }
        "remove_records" => {
            let stays =
                |record: &&Value| !given.iter().any(|gone| gone["value"] == record["value"]);
            Ok(had.iter().filter(stays).cloned().collect())
        }
        _ => {
            let now = |record: &Value| {
                let mut given = given.iter();
                let changed = given.find(|other| other["value"] == record["value"]);
                changed.unwrap_or(record).clone()
            };
            Ok(had.iter().map(now).collect())
        }
    }
}

fn is_good(kind: &str, value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().collect();
    let numbers = |words: &[&str]| words.iter().all(|word| word.parse::<u16>().is_ok());
    match (kind, &words[..]) {
        ("A", [address]) => address.parse::<Ipv4Addr>().is_ok(),
        ("AAAA", [address]) => address.parse::<Ipv6Addr>().is_ok(),
        ("CNAME" | "NS" | "PTR", [host]) => is_host(host),
        ("MX", [preference, host]) => numbers(&[preference]) && is_host(host),
        ("SRV", [priority, weight, port, host]) => {
            numbers(&[priority, weight, port]) && is_host(host)
        }
        ("CAA", [flags, tag, ..]) => {
            let rest = value.splitn(3, ' ').nth(2).unwrap_or_default();
            flags.parse::<u8>().is_ok()
                && tag.chars().all(|c| c.is_ascii_alphanumeric())
                && strings(rest).is_some_and(|strings| strings.len() == 1)
        }
        ("TXT", _) => {
            strings(value).is_some_and(|strings| strings.iter().all(|text| text.len() <= 255))
        }
        ("A" | "AAAA" | "CNAME" | "NS" | "PTR" | "MX" | "SRV" | "CAA", _) => false,
        (_, words) => !words.is_empty(),
    }
}

/// A host name: absolute with a dot at its end, or relative to the zone.
fn is_host(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        (1..=63).contains(&label.len()) && label.chars().all(known)
    };
    text == "@" || (text.len() <= 253 && text.split('.').all(label))
}

/// The quoted strings in a value; `None` if it is anything else.
fn strings(value: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = value.trim();
    while !rest.is_empty() {
        rest = rest.strip_prefix('"')?;
        let (mut text, mut escaped, mut end) = (String::new(), false, None);
        for (place, c) in rest.char_indices() {
            match c {
                '"' if !escaped => {
                    end = Some(place);
                    break;
                }
                '\\' if !escaped => escaped = true,
                _ => {
                    text.push(c);
                    escaped = false;
                }
            }
        }
        found.push(text);
        rest = rest.get(end? + 1..)?.trim_start();
    }
    (!found.is_empty()).then_some(found)
}

/// A time to live; absent and null are none.
pub fn ttl(body: &Value) -> Result<Option<u64>, ApiError> {
    let ttl = request::number(body, "ttl")?;
    if ttl.is_some_and(|ttl| !(60..=2_147_483_647).contains(&ttl)) {
        return Err(ApiError::invalid("ttl", "must be 60 to 2147483647 seconds"));
    }
    Ok(ttl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_form() {
        for (kind, value, good) in [
            ("A", "192.0.2.1", true),
            ("A", "2001:db8::1", false),
            ("AAAA", "2001:db8::1", true),
            ("CNAME", "www.example.com.", true),
            ("CNAME", "www", true),
            ("CNAME", "two words", false),
            ("MX", "10 mail.example.com.", true),
            ("MX", "mail.example.com.", false),
            ("TXT", "\"v=spf1 -all\"", true),
            ("TXT", "\"one\" \"two\"", true),
            ("TXT", "\"a \\\" b\"", true),
            ("TXT", "bare", false),
            ("CAA", "0 issue \"letsencrypt.org\"", true),
            ("CAA", "0 issue letsencrypt.org", false),
            ("SRV", "0 5 5060 sip.example.com.", true),
            ("SRV", "0 5 sip.example.com.", false),
        ] {
            assert_eq!(is_good(kind, value), good, "{kind} {value}");
        }
    }

    #[test]
    fn names_are_relative_to_the_zone() {
        for (name, good) in [
            ("@", true),
            ("www", true),
            ("*", true),
            ("*.a", true),
            ("_acme-challenge.www", true),
            ("WWW", false),
            ("www.", false),
            ("www.example.com", false),
            ("", false),
        ] {
            assert_eq!(check_name("example.com", name).is_ok(), good, "{name}");
        }
    }
}

//! Label selectors: `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, joined by commas.

use serde_json::Value;

use super::error::{Answer, ApiError};
use super::request;

/// Whether an object's labels match all terms of a selector.
pub fn matches(object: &Value, selector: &str) -> Answer<bool> {
    let labels = &object["labels"];
    let mut all = true;
    // Every term is parsed, so that an invalid one is always refused.
    for term in terms(selector) {
        all &= term_matches(labels, term.trim())?;
    }
    Ok(all)
}

/// Splits at the commas that are not inside parentheses.
fn terms(selector: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let split = selector.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    if selector.trim().is_empty() {
        return Vec::new();
    }
    split.collect()
}

fn term_matches(labels: &Value, term: &str) -> Answer<bool> {
    let wrong = || ApiError::invalid("label_selector", format!("cannot read `{term}`"));
    let value = |key: &str| {
        let key = key.trim();
        let is_key = request::is_label_key(key).then(|| labels[key].as_str());
        is_key.ok_or_else(wrong)
    };
    let body = |text: &'_ str| {
        let text = text.trim().to_owned();
        request::is_label_value(&text)
            .then_some(text)
            .ok_or_else(wrong)
    };
    let is_member = |key: &str, list: &str| {
        let inside = list
            .trim()
            .strip_prefix('(')
            .and_then(|list| list.strip_suffix(')'));
        let mut members = inside
            .ok_or_else(wrong)?
            .split(',')
            .map(body)
            .collect::<Answer<Vec<String>>>()?
            .into_iter();
        let value = value(key)?;
        Ok(members.any(|member| value == Some(member.as_str())))
    };
    if let Some((key, list)) = term.split_once(" notin ") {
        return is_member(key, list).map(|is_member| !is_member);
    }
    if let Some((key, list)) = term.split_once(" in ") {
        return is_member(key, list);
    }
    if let Some((key, requested)) = term.split_once("!=") {
        return Ok(value(key)? != Some(body(requested)?.as_str()));
    }
    if let Some((key, requested)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Ok(value(key)? == Some(body(requested)?.as_str()));
    }
    match term.strip_prefix('!') {
        Some(key) => Ok(value(key)?.is_none()),
        None => Ok(value(term)?.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_the_grammar_selects() {
        let object = json!({ "labels": { "app": "x", "env": "prod", "empty": "" } });
        for (selector, requested) in [
            ("app", true),
            ("!app", false),
            ("none", false),
            ("!none", true),
            ("empty", true),
            ("app=x", true),
            ("app==x", true),
            ("app=y", false),
            ("app!=y", true),
            ("none!=y", true),
            ("env in (prod, stage)", true),
            ("env in (stage)", false),
            ("env notin (stage)", true),
            ("none notin (a)", true),
            ("app=x,env in (prod,stage),!none", true),
            ("app=x,env=stage", false),
            ("", true),
        ] {
            assert_eq!(matches(&object, selector).unwrap(), requested, "{selector}");
        }
        for wrong in [
            "a b", "=x", "a=b=c", "a in b", "a in (b", "-a", "a,,b", "!", "a=b c", "\u{fffd}",
        ] {
            assert!(matches(&object, wrong).is_err(), "{wrong}");
        }
    }
}

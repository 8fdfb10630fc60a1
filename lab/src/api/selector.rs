//! Label selectors: `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, joined by commas.

use serde_json::Value;

use super::error::{Answer, ApiError};

/// Whether an object's labels match all terms of a selector.
pub fn matches(object: &Value, selector: &str) -> Answer<bool> {
    let labels = &object["labels"];
    for term in terms(selector) {
        if !term_matches(labels, term.trim())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Splits at the commas that are not inside parentheses.
fn terms(selector: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    selector
        .split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .filter(|term| !term.trim().is_empty())
        .collect()
}

fn term_matches(labels: &Value, term: &str) -> Answer<bool> {
    let value = |key: &str| labels[key.trim()].as_str();
    if let Some((key, list)) = term.split_once(" notin ") {
        return Ok(!value(key).is_some_and(|value| members(list).contains(&value)));
    }
    if let Some((key, list)) = term.split_once(" in ") {
        return Ok(value(key).is_some_and(|value| members(list).contains(&value)));
    }
    if let Some((key, wished)) = term.split_once("!=") {
        return Ok(value(key) != Some(wished.trim()));
    }
    if let Some((key, wished)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Ok(value(key) == Some(wished.trim()));
    }
    if let Some(key) = term.strip_prefix('!') {
        return Ok(value(key).is_none());
    }
    if term.contains(|c: char| c.is_whitespace() || "()".contains(c)) {
        return Err(ApiError::invalid(
            "label_selector",
            format!("cannot read `{term}`"),
        ));
    }
    Ok(value(term).is_some())
}

fn members(list: &str) -> Vec<&str> {
    list.trim()
        .trim_start_matches('(')
        .trim_end_matches(')')
        .split(',')
        .map(str::trim)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_the_grammar_selects() {
        let object = json!({ "labels": { "app": "x", "env": "prod", "empty": "" } });
        for (selector, wished) in [
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
            assert_eq!(matches(&object, selector).unwrap(), wished, "{selector}");
        }
        assert!(matches(&object, "a b").is_err());
    }
}

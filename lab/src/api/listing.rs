//! Lists: filter by name and label, sort, and paginate.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::{Answer, ApiError};
use super::selector;
use crate::store::id_of;

/// Query parameters in their order; a key may occur more than once.
pub type Query = axum::extract::Query<Vec<(String, String)>>;

/// Larger than any list, and valid in every client.
const MAX_PAGE: usize = 1 << 31;
const DEFAULT_PER_PAGE: usize = 25;
const MAX_PER_PAGE: usize = 50;

/// One page of the matching objects under the kind's key, with `meta.pagination`.
pub fn list<'a>(
    kind: &str,
    objects: impl Iterator<Item = &'a Value>,
    query: &[(String, String)],
) -> Answer<Response> {
    list_upto(MAX_PER_PAGE, kind, objects, query)
}

/// The same with another maximum page size.
pub fn list_upto<'a>(
    max: usize,
    kind: &str,
    objects: impl Iterator<Item = &'a Value>,
    query: &[(String, String)],
) -> Answer<Response> {
    // An invalid selector is refused even if there is nothing to select from.
    for (_, requested) in query.iter().filter(|(key, _)| key == "label_selector") {
        selector::matches(&Value::Null, requested)?;
    }
    let mut found = Vec::new();
    for object in objects {
        if wanted(object, query)? {
            found.push(object);
        }
    }
    sort(&mut found, query)?;
    let (page, per_page) = (
        number(query, "page", 1, MAX_PAGE)?,
        number(query, "per_page", DEFAULT_PER_PAGE, max)?,
    );
    let total = found.len();
    let last = total.div_ceil(per_page).max(1);
    let shown: Vec<&Value> = found
        .into_iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page)
        .collect();
    let body = HashMap::from([
        (kind.to_owned(), json!(shown)),
        (
            "meta".to_owned(),
            json!({ "pagination": {
                "page": page,
                "per_page": per_page,
                "previous_page": (page > 1).then(|| page - 1),
                "next_page": (page < last).then(|| page + 1),
                "last_page": last,
                "total_entries": total,
            }}),
        ),
    ]);
    Ok(Json(body).into_response())
}

pub fn value<'q>(query: &'q [(String, String)], key: &str) -> Option<&'q str> {
    query
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.as_str())
}

fn wanted(object: &Value, query: &[(String, String)]) -> Answer<bool> {
    for (key, requested) in query {
        let fits = match key.as_str() {
            "label_selector" => selector::matches(object, requested)?,
            // A key may occur more than once: any of its values matches.
            "name" | "fingerprint" | "architecture" | "ip" | "id" | "status" | "type" | "mode"
            | "bound_to" => any_of(object, query, key),
            _ => true,
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any_of(object: &Value, query: &[(String, String)], key: &str) -> bool {
    let text = match &object[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    query
        .iter()
        .any(|(name, requested)| name == key && *requested == text)
}

/// Sorts by each key in turn.
fn sort(objects: &mut [&Value], query: &[(String, String)]) -> Answer<()> {
    let orders: Vec<&str> = query
        .iter()
        .filter(|(key, _)| key == "sort")
        .map(|(_, order)| order.as_str())
        .collect();
    for order in orders.into_iter().rev() {
        let (key, direction) = order.split_once(':').unwrap_or((order, "asc"));
        if !["asc", "desc"].contains(&direction) {
            return Err(ApiError::invalid(
                "sort",
                format!("`{direction}` is neither asc nor desc"),
            ));
        }
        let compare = |left: &Value, right: &Value| match key {
            "id" if left[key].is_u64() => id_of(left).cmp(&id_of(right)),
            _ => left[key].as_str().cmp(&right[key].as_str()),
        };
        if ![
            "id", "name", "created", "status", "command", "progress", "started", "finished", "type",
        ]
        .contains(&key)
        {
            return Err(ApiError::invalid("sort", format!("cannot sort by `{key}`")));
        }
        objects.sort_by(|left, right| {
            if direction == "desc" {
                compare(right, left)
            } else {
                compare(left, right)
            }
        });
    }
    Ok(())
}

fn number(query: &[(String, String)], key: &str, default: usize, max: usize) -> Answer<usize> {
    let Some(text) = value(query, key) else {
        return Ok(default);
    };
    match text.parse::<usize>() {
        Ok(number) if number >= 1 => Ok(number.min(max)),
        _ => Err(ApiError::invalid(
            key,
            format!("`{text}` is not a number from 1"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_bounded_and_counted() {
        let query = |text: &[(&str, &str)]| -> Vec<(String, String)> {
            text.iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        assert_eq!(
            number(&query(&[("per_page", "500")]), "per_page", 25, 50).unwrap(),
            50
        );
        assert!(number(&query(&[("page", "0")]), "page", 1, 9).is_err());
        let object = json!({ "id": 7, "name": "a", "labels": {} });
        assert!(wanted(&object, &query(&[("id", "8"), ("id", "7")])).unwrap());
        assert!(!wanted(&object, &query(&[("name", "b")])).unwrap());
    }

    #[test]
    fn objects_are_sorted_by_each_key_in_turn() {
        let objects = [(1, "b", "off"), (2, "a", "off"), (3, "c", "running")]
            .map(|(id, name, status)| json!({ "id": id, "name": name, "status": status }));
        let ids = |orders: &[&str]| -> Vec<u64> {
            let mut list: Vec<&Value> = objects.iter().collect();
            let query: Vec<(String, String)> = orders
                .iter()
                .map(|order| ("sort".to_owned(), (*order).to_owned()))
                .collect();
            sort(&mut list, &query).unwrap();
            list.into_iter().map(id_of).collect()
        };
        assert_eq!(ids(&["name"]), [2, 1, 3]);
        assert_eq!(ids(&["id:desc"]), [3, 2, 1]);
        assert_eq!(ids(&["status:desc", "name:asc"]), [3, 2, 1]);
        assert!(sort(&mut [], &[("sort".to_owned(), "id:up".to_owned())]).is_err());
    }
}

//! A JSON answer whose last field is a list of what is written already.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::error::ApiError;

/// The answer with these items: `answer` has an empty list as its last field, and `write` writes one item.
pub fn spliced<Item>(
    answer: &impl Serialize,
    items: impl Iterator<Item = Item>,
    mut write: impl FnMut(&mut Vec<u8>, Item),
) -> Result<Response, ApiError> {
    let mut body = serde_json::to_vec(answer).map_err(|_| ApiError::internal())?;
    let Some(head) = body.strip_suffix(b"[]}") else {
        return Err(ApiError::internal());
    };
    body.truncate(head.len() + 1);
    for (index, item) in items.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write(&mut body, item);
    }
    body.extend_from_slice(b"]}");
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Answer {
        total: u8,
        items: Vec<u8>,
    }

    async fn body(items: &[u8]) -> Vec<u8> {
        let answer = Answer {
            total: 2,
            items: Vec::new(),
        };
        let write = |to: &mut Vec<u8>, item: &u8| to.extend(item.to_string().bytes());
        let answer = spliced(&answer, items.iter(), write).unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 100).await;
        body.unwrap().to_vec()
    }

    #[tokio::test]
    async fn items_are_where_serde_would_write_them() {
        for items in [vec![], vec![7], vec![7, 8]] {
            let whole = Answer {
                total: 2,
                items: items.clone(),
            };
            assert_eq!(body(&items).await, serde_json::to_vec(&whole).unwrap());
        }
    }
}

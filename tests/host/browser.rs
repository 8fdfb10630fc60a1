//! The page in a real browser, on the host, through nginx.

#[path = "../../app/tests/browser/drive.rs"]
mod drive;

use reqwest::header::HeaderMap;

use crate::stack::{Stack, serving};

#[test]
fn people_can_use_the_page_through_nginx() {
    let Some(stack) = serving() else { return };
    let Some(browser) = drive::browser() else {
        return;
    };
    browser.plays(&format!("http://{}", stack.address()));
}

/// What nginx says of every answer and what the app says of its own stand side by side, each once.
#[test]
fn the_headers_of_nginx_and_of_the_app_both_hold() {
    let Some(stack) = serving() else { return };
    let document = stack.heads("/");
    let policy = only(&document, "content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let file = document_file(&stack);
    for path in ["/", &file, "/api/health", "/api/nada", "/v1/models"] {
        let heads = stack.heads(path);
        assert_eq!(only(&heads, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(only(&heads, "x-frame-options"), "DENY", "{path}");
        assert!(only(&heads, "x-request-id").len() >= 16, "{path}");
    }
    assert!(only(&stack.heads(&file), "cache-control").contains("immutable"));
}

/// A header's value, which must be there once.
fn only(heads: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = heads.get_all(name).iter().collect();
    assert_eq!(values.len(), 1, "{name}: {heads:?}");
    values[0].to_str().unwrap().to_owned()
}

/// One of the files that the page asks for.
fn document_file(stack: &Stack) -> String {
    let page = stack.text("/");
    let (_, rest) = page.split_once("src=\"/ui/").unwrap();
    format!("/ui/{}", rest.split_once('"').unwrap().0)
}

//! The page at `/` and its files, embedded in the binary.
//!
//! The files are served under a folder whose name is the hash of all of them, so that a browser may cache them for ever and
//! never mixes two releases. It only revalidates the document itself.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::extract::{Path, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use crate::http::error::ApiError;

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/ui");
/// The hash of every file, which names the folder that they are served from.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    add(&FILES, &mut hash);
    hex(&hash.finalize())
});
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let text = FILES
        .get_file("index.html")
        .and_then(|file| file.contents_utf8())
        .unwrap_or_default();
    text.replace("{ui}", &format!("/ui/{}", *VERSION))
});

/// Nothing from other sites, nothing inline, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// The document.
pub async fn document(headers: HeaderMap) -> Response {
    let mut response = answer(&headers, "index.html", DOCUMENT.as_bytes(), ASK_AGAIN);
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        axum::http::HeaderValue::from_static(POLICY),
    );
    response
}

/// A file of the page. Under the folder of another release, whose page may still be loading, it is served but not cached.
pub async fn file(Path((version, path)): Path<(String, String)>, request: Request) -> Response {
    let Some(file) = FILES.get_file(&path).filter(|_| path != "index.html") else {
        return ApiError::not_found(format!("No existe la ruta {}.", request.uri().path()))
            .into_response();
    };
    let keep = if version == *VERSION {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    answer(request.headers(), &path, file.contents(), keep)
}

/// The icon, under the name that browsers request by themselves.
pub async fn icon(headers: HeaderMap) -> Response {
    let bytes = FILES
        .get_file("icon.svg")
        .map_or(&[][..], |file| file.contents());
    answer(&headers, "icon.svg", bytes, "public, max-age=86400")
}

fn answer(asked: &HeaderMap, path: &str, bytes: &'static [u8], keep: &'static str) -> Response {
    let tag = format!("\"{}\"", hex(&Sha256::digest(bytes)));
    let headers = [
        (CONTENT_TYPE, kind(path).to_owned()),
        (CACHE_CONTROL, keep.to_owned()),
        (ETAG, tag.clone()),
    ];
    if known(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, bytes).into_response()
}

/// Whether the browser has it. Compared weakly: a proxy that compresses makes the tag a weak one.
fn known(asked: &HeaderMap, tag: &str) -> bool {
    let tags = asked.get_all(IF_NONE_MATCH).into_iter();
    tags.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

fn add(folder: &Dir, hash: &mut Sha256) {
    for file in folder.files() {
        hash.update(file.path().as_os_str().as_encoded_bytes());
        hash.update(Sha256::digest(file.contents()));
    }
    for inner in folder.dirs() {
        add(inner, hash);
    }
}

/// Sixteen hexadecimal digits of a hash.
fn hex(hash: &[u8]) -> String {
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

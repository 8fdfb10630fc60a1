//! The page's files as they are served, and what its sources may not do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::app::{Answer, App};
use crate::cluster::Database;

#[test]
fn the_document_is_asked_for_again_and_lets_nothing_in() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let page = app.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self';",
        "style-src 'self';",
        "connect-src 'self';",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{part} is not in {policy}");
    }
    for loose in ["unsafe", "data:", "http:", "https:", "*"] {
        assert!(!policy.contains(loose), "{loose} is in {policy}");
    }
    kept_by_tag(&app, "/", &page);
}

#[test]
fn every_file_is_reached_and_may_be_kept_for_ever() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let document = app.get("/").text;
    let mut open: Vec<String> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|start| between(&document, start, "\""))
        .filter(|path| path.starts_with("/ui/"))
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !reached.insert(path.clone()) {
            continue;
        }
        let file = app.get(&path);
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(
            file.header("cache-control"),
            Some("public, max-age=31536000, immutable"),
            "{path}"
        );
        let kind = match path.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other} has no type"),
        };
        assert_eq!(file.header("content-type"), Some(kind), "{path}");
        kept_by_tag(&app, &path, &file);
        let folder = path.rsplit_once('/').unwrap().0;
        let imports = between(&file.text, "from \"./", "\"");
        open.extend(imports.map(|name| format!("{folder}/{name}")));
    }
    for path in &reached {
        assert!(document.contains(path), "{path} is found late");
    }
    let served: BTreeSet<String> = reached
        .iter()
        .map(|path| path.splitn(4, '/').nth(3).unwrap().to_owned())
        .collect();
    let there: BTreeSet<String> = sources()
        .iter()
        .map(|path| path.strip_prefix(ui()).unwrap().display().to_string())
        .filter(|path| path != "index.html")
        .collect();
    assert_eq!(served, there, "a file is missing, or nothing asks for it");
}

#[test]
fn a_visit_takes_no_tokens_of_the_client() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), "rate_limit: {per_second: 1, burst: 1}\n");
    let from = &["x-forwarded-for: 192.0.2.7"];
    for _ in 0..30 {
        assert_eq!(app.ask("GET", "/ui/x/js/main.js", from, "").status, 200);
    }
    assert_eq!(app.ask("GET", "/api/health", from, "").status, 200);
    let wrong = app.ask("POST", "/", &[], "");
    assert_eq!(
        (wrong.status, &wrong.json()["error"]["codigo"]),
        (405, &Value::from("metodo_no_permitido"))
    );
}

#[test]
fn another_releases_folder_is_served_but_not_kept() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let file = app.get("/ui/0123456789abcdef/js/main.js");
    assert_eq!(
        (file.status, file.header("cache-control")),
        (200, Some("no-cache"))
    );
    for path in [
        "/ui/x/js/none.js",
        "/ui/x/index.html",
        "/ui/x/../index.html",
        "/ui/x",
    ] {
        let answer = app.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["error"]["codigo"], "no_encontrado", "{path}");
    }
    let icon = app.get("/favicon.ico");
    assert_eq!(
        (icon.status, icon.header("content-type")),
        (200, Some("image/svg+xml"))
    );
}

#[test]
fn the_sources_have_nothing_inline_and_nothing_from_elsewhere() {
    const NAMESPACE: &str = "http://www.w3.org/2000/svg";
    // Where a visitor may go by a link of his own choice; nothing is loaded from there.
    const LINKS: [&str; 2] = ["https://wa.me/", "https://www.openstreetmap.org/"];
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.display();
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "new Function",
            "srcdoc",
            "javascript:",
            "\"style\"",
            "@import",
            "url(",
        ] {
            assert!(!text.contains(word), "{word} is in {name}");
        }
        for scheme in ["http://", "https://", "\"//"] {
            let text = LINKS
                .iter()
                .fold(text.replace(NAMESPACE, ""), |text, link| {
                    if path.ends_with("js/contact.js") {
                        text.replace(link, "")
                    } else {
                        text
                    }
                });
            assert!(!text.contains(scheme), "{name} names another place");
        }
        let lines = text.lines().count();
        assert!(
            lines <= 320,
            "{name} has {lines} lines; it is more than one subject"
        );
    }
    let document = fs::read_to_string(ui().join("index.html")).unwrap();
    assert!(between(&document, "<script", "</script>").all(|rest| rest.contains(" src=")));
    for inline in ["<style", " style=", " onclick=", " onload=", " onerror="] {
        assert!(!document.contains(inline), "{inline}");
    }
}

#[test]
fn the_map_draws_what_the_search_finds() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for (query, condition) in [
        ("", "true"),
        ("?zona=urubo", "zona = 'Urubó'"),
        (
            "?operacion=alquiler&precio_max=900",
            "operacion = 'alquiler' AND precio_usd <= 900",
        ),
    ] {
        let body = app.get(&format!("/api/mapa{query}")).json();
        let count = |more: &str| -> i64 {
            database.scalar(&format!(
                "SELECT count(*) FROM propiedades WHERE {condition}{more}"
            ))
        };
        assert_eq!(body["total"], count(""), "{query}");
        assert_eq!(
            body["sin_coordenadas"],
            count(" AND coordenadas IS NULL"),
            "{query}"
        );
        let drawn = body["propiedades"].as_array().unwrap();
        assert_eq!(
            Value::from(drawn.len()),
            count(" AND coordenadas IS NOT NULL"),
            "{query}"
        );
        assert!(
            drawn
                .iter()
                .all(|point| point["lat"].is_f64() && point["lng"].is_f64())
        );
    }
    assert_eq!(app.get("/api/mapa?zona=nada").status, 422);
    assert_eq!(app.get("/api/mapa?limite=5").status, 422);

    let services = app.get("/api/servicios");
    let total: usize = services.json()["servicios"]
        .as_object()
        .unwrap()
        .values()
        .map(|group| group.as_array().unwrap().len())
        .sum();
    let placed: i64 =
        database.scalar("SELECT count(*) FROM servicios WHERE coordenadas IS NOT NULL");
    assert_eq!(i64::try_from(total).unwrap(), placed);
    kept_by_tag(&app, "/api/servicios", &services);
}

/// The same tag answers 304 without a body, also when a proxy that compresses has made it weak.
fn kept_by_tag(app: &App, path: &str, first: &Answer) {
    let tag = first.header("etag").unwrap();
    let strong = tag.trim_start_matches("W/");
    for given in [
        tag.to_owned(),
        format!("W/{strong}"),
        format!("\"other\", {tag}"),
    ] {
        let again = app.ask("GET", path, &[&format!("if-none-match: {given}")], "");
        assert_eq!(
            (again.status, again.text.as_str()),
            (304, ""),
            "{path} {given}"
        );
        assert_eq!(again.header("etag"), Some(tag), "{path}");
    }
    let changed = app.ask("GET", path, &["if-none-match: \"other\""], "");
    assert_eq!(changed.status, 200, "{path}");
}

/// What stands between each of these starts and the end after it.
fn between<'a>(
    text: &'a str,
    start: &'a str,
    end: &'a str,
) -> impl Iterator<Item = String> + use<'a> {
    text.split(start)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(end)?.0.to_owned()))
}

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}

fn sources() -> Vec<PathBuf> {
    let mut open = vec![ui()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

//! What surrounds every request: limits, compression, origins, metrics, and the settings for them.

use std::process::Command;

use serde_json::json;

use crate::app::App;
use crate::cluster::Database;

#[test]
fn a_client_that_asks_too_much_is_told_when_to_come_back() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), "rate_limit: {per_second: 1, burst: 3}\n");
    let from = |client: &str| {
        app.ask(
            "GET",
            "/api/health",
            &[&format!("x-forwarded-for: {client}")],
            "",
        )
    };
    // A token comes in every second, so on a slow machine more than three are served before one is refused.
    let served = (0..1000).take_while(|_| from("203.0.113.7").status == 200);
    assert!((3..1000).contains(&served.count()));
    // Its own word about who it is does not help.
    let refused = (0..1000)
        .map(|n| from(&format!("198.51.{}.{}, 203.0.113.7", n / 250, n % 250)))
        .find(|answer| answer.status != 200)
        .expect("the client is refused");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"]["codigo"], "demasiadas_peticiones");
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    assert_eq!(from("203.0.113.8").status, 200);
    // The host itself is not limited.
    for _ in 0..10 {
        assert_eq!(app.get("/api/health").status, 200);
    }
}

#[test]
fn an_error_names_its_request() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let answer = App::start(&database).get("/api/nada");
    assert_eq!(
        answer.json()["error"]["solicitud"],
        answer.header("x-request-id").unwrap()
    );
}

#[test]
fn only_listed_origins_may_ask() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), "cors: [\"https://citrino.example\"]\n");
    let allowed = |origin: &str| {
        let answer = app.ask("GET", "/api/health", &[&format!("origin: {origin}")], "");
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    assert_eq!(
        allowed("https://citrino.example").as_deref(),
        Some("https://citrino.example")
    );
    assert_eq!(allowed("https://otro.example"), None);
    let asked = [
        "origin: https://citrino.example",
        "access-control-request-method: POST",
    ];
    let preflight = app.ask("OPTIONS", "/api/recomendar", &asked, "");
    assert_eq!(preflight.status, 200);
    assert!(
        preflight
            .header("access-control-allow-methods")
            .unwrap()
            .contains("POST")
    );
}

#[test]
fn long_answers_are_compressed_for_who_wants_it() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let head = app.head("/api/zonas", &["accept-encoding: gzip"]);
    assert!(
        head.to_lowercase().contains("content-encoding: gzip"),
        "{head}"
    );
    assert_eq!(app.get("/api/zonas").header("content-encoding"), None);
}

#[test]
fn metrics_count_by_route_and_stay_few() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for id in 1..5 {
        app.get(&format!("/api/propiedades/{id}"));
        app.get(&format!("/inventada/{id}"));
    }
    app.post("/api/recomendar", &json!({}));
    let abroad = app.ask("GET", "/metrics", &["x-forwarded-for: 203.0.113.7"], "");
    assert_eq!(abroad.status, 404);
    let text = app.get("/metrics").text;
    for line in [
        "citrino_requests_total{method=\"GET\",route=\"/api/propiedades/{id}\",status=\"200\"} 4",
        "citrino_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 4",
        "citrino_request_duration_seconds_count{route=\"/api/recomendar\"} 1",
        "citrino_resident_memory_bytes ",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn it_needs_little_memory() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for _ in 0..200 {
        assert_eq!(
            app.post("/api/recomendar", &json!({"limite": 100})).status,
            200
        );
    }
    let text = app.get("/metrics").text;
    let bytes: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("citrino_resident_memory_bytes "))
        .unwrap()
        .parse()
        .unwrap();
    assert!(bytes < 50 * 1024 * 1024, "{bytes} bytes");
}

#[test]
fn the_environment_may_set_what_the_file_may() {
    let run = |name: &str, value: &str| {
        Command::new(env!("CARGO_BIN_EXE_citrino-app"))
            .args(["serve", "--check"])
            .env_clear()
            .env(name, value)
            .output()
            .unwrap()
    };
    let output = run("CITRINO_APP_CORS", "[https://citrino.example]");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("- https://citrino.example"));
    let output = run("CITRINO_APP_CORS", "[https://citrino.example/con/ruta]");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("without a path"));
}

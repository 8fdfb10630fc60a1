//! A server that answers only who shows its token.

use serde_json::json;

use crate::app::App;
use crate::cluster::Database;

/// What these servers want to be shown.
pub const TOKEN: &str = "una-clave-solo-para-pruebas";

/// A server with the token.
pub fn locked(database: &Database) -> App {
    App::start_with(&database.url(), &format!("token: {TOKEN}\n"))
}

#[test]
fn without_the_token_nothing_of_the_catalogue_is_told() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = locked(&database);
    let right = format!("Authorization: Bearer {TOKEN}");
    let lower = format!("authorization: bearer {TOKEN}");
    let longer = format!("{right}x");
    let basic = format!("Authorization: Basic {TOKEN}");
    let json = "Content-Type: application/json";
    let routes = [
        ("GET", "/api/zonas", "", 200),
        ("GET", "/api/openapi.json", "", 200),
        ("GET", "/api/propiedades?limite=1", "", 200),
        ("POST", "/api/recomendar", "{}", 200),
        ("POST", "/api/chat/process", "{}", 422),
        ("GET", "/v1/models", "", 200),
        ("GET", "/api/no-such-path", "", 404),
    ];
    for (method, path, body, status) in routes {
        for (header, challenge) in [
            ("X-Nothing: x", "Bearer realm=\"citrino\""),
            (&basic, "Bearer realm=\"citrino\""),
            (&longer, "Bearer realm=\"citrino\", error=\"invalid_token\""),
            ("Authorization: Bearer ", "Bearer realm=\"citrino\""),
        ] {
            let answer = app.ask(method, path, &[json, header], body);
            assert_eq!(answer.status, 401, "{path} {header}: {}", answer.text);
            assert_eq!(
                answer.header("www-authenticate"),
                Some(challenge),
                "{path} {header}"
            );
            let error = &answer.json()["error"];
            if path.starts_with("/v1/") {
                assert_eq!(
                    (&error["type"], &error["code"]),
                    (&json!("authentication_error"), &json!("sin_autorizacion"))
                );
            } else {
                assert_eq!(
                    (&error["codigo"], &error["campos"]),
                    (&json!("sin_autorizacion"), &json!([]))
                );
            }
        }
        for header in [&right, &lower] {
            let answer = app.ask(method, path, &[json, header], body);
            assert_eq!(answer.status, status, "{path}: {}", answer.text);
        }
    }
    for path in ["/", "/api/health", "/api/ready", "/metrics"] {
        assert_eq!(app.get(path).status, 200, "{path}");
    }
    let log = serde_json::to_string(&app.log()).unwrap();
    assert!(log.contains("/api/zonas") && !log.contains(TOKEN), "{log}");
}

#[test]
fn the_host_itself_may_be_spared_and_then_nobody_else_is() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let settings = format!("token: {TOKEN}\ntoken_spares_host: true\n");
    let app = App::start_with(&database.url(), &settings);
    for (from, status) in [
        ("X-Nothing: x", 200),
        ("X-Forwarded-For: 127.0.0.1", 200),
        ("X-Forwarded-For: 203.0.113.9", 401),
        ("X-Forwarded-For: 127.0.0.1, 203.0.113.9", 401),
        ("X-Forwarded-For: ::ffff:203.0.113.9", 401),
        ("X-Forwarded-For: unknown", 401),
        ("X-Forwarded-For:", 401),
    ] {
        let answer = app.ask("GET", "/api/zonas", &[from], "");
        assert_eq!(answer.status, status, "{from}");
    }
    let strict = locked(&database);
    assert_eq!(
        strict
            .ask("GET", "/api/zonas", &["X-Forwarded-For: 127.0.0.1"], "")
            .status,
        401
    );
}

#[test]
fn the_document_tells_of_the_token_where_there_is_one() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let document = |app: &App| {
        let header = format!("Authorization: Bearer {TOKEN}");
        app.ask("GET", "/api/openapi.json", &[&header], "").json()
    };
    let open = document(&App::start(&database));
    assert!(open["components"]["securitySchemes"].is_null());
    assert!(open["paths"]["/api/zonas"]["get"]["responses"]["401"].is_null());
    let told = document(&locked(&database));
    assert_eq!(
        told["components"]["securitySchemes"]["clave"],
        json!({"type": "http", "scheme": "bearer"})
    );
    for (path, method, is_guarded) in [
        ("/api/zonas", "get", true),
        ("/api/recomendar-mejorado", "post", true),
        ("/v1/models", "get", true),
        ("/api/ready", "get", false),
        ("/metrics", "get", false),
    ] {
        let operation = &told["paths"][path][method];
        assert_eq!(
            operation["security"],
            if is_guarded {
                json!([{"clave": []}])
            } else {
                json!(null)
            },
            "{path}"
        );
        assert_eq!(
            operation["responses"]["401"].is_object(),
            is_guarded,
            "{path}"
        );
    }
}

#[test]
fn pages_of_other_origins_may_ask_with_the_token() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let settings = format!("token: {TOKEN}\ncors: [https://citrino.example]\n");
    let app = App::start_with(&database.url(), &settings);
    let asks = [
        "Origin: https://citrino.example",
        "Access-Control-Request-Method: GET",
        "Access-Control-Request-Headers: authorization",
    ];
    // A browser asks first whether it may, without the token.
    let may = app.ask("OPTIONS", "/api/zonas", &asks, "");
    assert_eq!(may.status, 200);
    assert!(
        may.header("access-control-allow-headers")
            .is_some_and(|names| names.contains("authorization"))
    );
    let refused = app.ask("GET", "/api/zonas", &asks[..1], "");
    assert_eq!(
        (
            refused.status,
            refused.header("access-control-allow-origin")
        ),
        (401, Some("https://citrino.example"))
    );
}

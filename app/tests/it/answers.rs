//! Health, readiness, and the one shape of errors.

use serde_json::{Value, json};

use crate::app::{Answer, App, citrino, eventually};
use crate::cluster::Database;

#[test]
fn ready_only_with_schema_and_an_empty_catalogue_is_told() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let app = App::start(&database);
    let health = app.get("/api/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["estado"], "ok");
    assert_eq!(health.json()["release"], "prueba-1");

    let reasons = |answer: &Answer| answer.json()["motivos"].to_string();
    let ready = app.get("/api/ready");
    assert_eq!(ready.status, 503);
    assert!(reasons(&ready).contains("0001_esquema"), "{}", ready.text);
    let search = app.post("/api/buscar", &json!({}));
    assert_eq!(
        (search.status, &search.json()["error"]["codigo"]),
        (503, &json!("base_sin_migrar"))
    );

    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let ready = app.get("/api/ready");
    assert_eq!(ready.status, 200, "{}", ready.text);
    let body = ready.json();
    assert_eq!(
        (&body["estado"], &body["catalogo"], &body["motivos"]),
        (&json!("listo"), &json!("vacio"), &json!([]))
    );
    assert_eq!(
        body["avisos"],
        json!([
            "La tabla propiedades está vacía.",
            "La tabla servicios está vacía."
        ])
    );

    assert_eq!(citrino(&database, &["load", "--demo"]).code, 0);
    let ready = app.get("/api/ready");
    assert_eq!(ready.status, 200, "{}", ready.text);
    let body = ready.json();
    assert_eq!(
        (&body["catalogo"], &body["avisos"]),
        (&json!("con_datos"), &json!([]))
    );
    assert_eq!(
        (&body["propiedades"], &body["servicios"]),
        (&json!(1588), &json!(4777))
    );
    assert!(
        body["postgis"]
            .as_str()
            .is_some_and(|version| version.starts_with('3'))
    );
}

/// Before its first data comes, a release is asked whatever `deploy` and `health` ask of every one.
#[test]
fn an_empty_catalogue_answers_every_question_of_the_profile() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let app = App::start(&database);
    let profile = include_str!("../../../templates/app/profile.yml");
    let profile: Value = serde_yaml::from_str(profile).unwrap();
    let lists = [
        &profile["smoke"],
        &profile["outage"],
        &profile["on_copy"],
        &profile["health"]["requests"],
    ];
    let requests = lists.iter().flat_map(|list| list.as_array().unwrap());
    for request in requests {
        let path = request["path"].as_str().unwrap();
        let answer = match request["body"].as_str() {
            Some(body) => app.post(path, &serde_json::from_str(body).unwrap()),
            None => app.get(path),
        };
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    for path in [
        "/api/zonas",
        "/api/servicios",
        "/api/estadisticas",
        "/api/mapa",
    ] {
        let answer = app.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
}

#[test]
fn a_database_without_postgis_is_not_ready() {
    let Some(database) = Database::bare() else {
        return;
    };
    let ready = App::start(&database).get("/api/ready");
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains("no tiene PostGIS"), "{}", ready.text);
}

/// Method, path, headers and body of a request; status and code of its answer.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a str, u16, &'a str);

#[test]
fn every_error_has_the_one_shape() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), "body_limit_bytes: 2000\n");
    let kind = "content-type: application/json";
    let large = format!("{{\"zona\": \"{}\"}}", "x".repeat(3000));
    let cases: &[Case] = &[
        ("GET", "/api/nada", &[], "", 404, "no_encontrado"),
        ("GET", "/otra/cosa", &[], "", 404, "no_encontrado"),
        ("GET", "/api/propiedades/0", &[], "", 404, "no_encontrado"),
        ("GET", "/api/propiedades/x", &[], "", 404, "no_encontrado"),
        ("GET", "/api/buscar", &[], "", 405, "metodo_no_permitido"),
        ("DELETE", "/api/health", &[], "", 405, "metodo_no_permitido"),
        (
            "POST",
            "/api/buscar",
            &["content-type: text/plain"],
            "{}",
            415,
            "tipo_no_admitido",
        ),
        (
            "POST",
            "/api/recomendar",
            &[],
            "{}",
            415,
            "tipo_no_admitido",
        ),
        (
            "POST",
            "/api/buscar",
            &[kind],
            &large,
            413,
            "cuerpo_demasiado_grande",
        ),
        (
            "POST",
            "/api/buscar",
            &[kind],
            "{\"zona\": ",
            400,
            "json_invalido",
        ),
        ("POST", "/api/buscar", &[kind], "", 400, "json_invalido"),
        (
            "POST",
            "/api/recomendar",
            &[kind],
            "null",
            422,
            "campos_invalidos",
        ),
        (
            "POST",
            "/api/recomendar",
            &[kind],
            "[1]",
            422,
            "campos_invalidos",
        ),
        (
            "GET",
            "/api/propiedades/1?radio_m=7",
            &[],
            "",
            422,
            "campos_invalidos",
        ),
        (
            "GET",
            "/api/propiedades/1?radio=500",
            &[],
            "",
            422,
            "campos_invalidos",
        ),
    ];
    for (method, path, headers, body, status, code) in cases {
        let answer = app.ask(method, path, headers, body);
        assert_eq!(answer.status, *status, "{method} {path}: {}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!(error["codigo"], *code, "{method} {path}");
        assert!(
            error["mensaje"].is_string() && error["campos"].is_array(),
            "{}",
            answer.text
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.header("x-request-id").is_some());
    }
    assert_eq!(app.get("/api/buscar").header("allow"), Some("POST"));
}

#[test]
fn field_faults_are_all_told_at_once() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let faults = |path: &str, body: Value| -> Vec<String> {
        let answer = app.post(path, &body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        let campos = answer.json()["error"]["campos"].as_array().unwrap().clone();
        campos
            .iter()
            .map(|campo| campo["campo"].as_str().unwrap().to_owned())
            .collect()
    };
    let search = json!({"limite": "5", "precio_min": 9, "precio_max": 3, "zonna": "x", "tipo_propiedad": "castillo",
                        "tiene_garaje": 1, "offset": -1});
    let mut found = faults("/api/buscar", search);
    found.sort();
    assert_eq!(
        found,
        [
            "limite",
            "offset",
            "precio_min",
            "tiene_garaje",
            "tipo_propiedad",
            "zonna"
        ]
    );
    for (path, body, field) in [
        ("/api/buscar", json!({"limite": 0}), "limite"),
        ("/api/buscar", json!({"limite": 101}), "limite"),
        ("/api/buscar", json!({"limite": 2.5}), "limite"),
        ("/api/buscar", json!({"precio_min": -1}), "precio_min"),
        ("/api/buscar", json!({"precio_max": 1e300}), "precio_max"),
        (
            "/api/buscar",
            json!({"precio_max": "200.000"}),
            "precio_max",
        ),
        ("/api/buscar", json!({"zona": ["Equipetrol"]}), "zona"),
        ("/api/buscar", json!({"zona": "x".repeat(501)}), "zona"),
        ("/api/buscar", json!({"zona": "a\u{0}b"}), "zona"),
        ("/api/buscar", json!({"zona": "Ekipetrol"}), "zona"),
        (
            "/api/recomendar",
            json!({"zona_preferida": "zona"}),
            "zona_preferida",
        ),
        (
            "/api/recomendar",
            json!({"presupuesto_min": 2, "presupuesto_max": 1}),
            "presupuesto_min",
        ),
        (
            "/api/recomendar",
            json!({"necesidades": ["helipuerto"]}),
            "necesidades",
        ),
        (
            "/api/recomendar",
            json!({"necesidades": vec!["salud"; 51]}),
            "necesidades",
        ),
        ("/api/recomendar", json!({"ninos": 3}), "ninos"),
        (
            "/api/recomendar",
            json!({"umbral_minimo": 1.5}),
            "umbral_minimo",
        ),
        ("/api/recomendar", json!({"radio_m": 750}), "radio_m"),
    ] {
        assert_eq!(faults(path, body.clone()), [field], "{body}");
    }
    let suggestions = |body: Value| {
        app.post("/api/recomendar", &body).json()["error"]["campos"][0]["sugerencias"].clone()
    };
    assert_eq!(
        suggestions(json!({"zona_preferida": "Ekipetrol"}))[0],
        "Equipetrol"
    );
    assert_eq!(
        suggestions(json!({"zona_preferida": "zona"})),
        json!(["Zona Este", "Zona Norte", "Zona Oeste", "Zona Sur"])
    );
    assert_eq!(
        suggestions(json!({"presupesto_max": 1}))[0],
        "presupuesto_max"
    );
}

#[test]
fn a_request_is_one_line_of_the_log() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let answer = app.ask(
        "GET",
        "/api/health?secreto=1",
        &["x-request-id: abc-123"],
        "",
    );
    assert_eq!(answer.header("x-request-id"), Some("abc-123"));
    let own = app.ask("GET", "/api/health", &["x-request-id: <malo>"], "");
    assert_eq!(own.header("x-request-id").map(str::len), Some(16));
    let line = || {
        app.log()
            .into_iter()
            .find(|line| line["request_id"] == "abc-123")
    };
    eventually("the line is written", || line().is_some());
    let line = line().unwrap();
    assert_eq!(
        (&line["method"], &line["path"], &line["status"]),
        (&json!("GET"), &json!("/api/health"), &json!(200))
    );
    assert!(
        line["ms"].is_f64() && line["time"].is_string() && line["level"] == "INFO",
        "{line}"
    );
}

//! Starting, stopping, waiting and outliving a database.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::thread;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection};

use crate::app::{App, citrino, eventually, write_request};
use crate::cluster::{Cluster, Database, block_on};

/// Holds `propiedades` so that every question about it waits, and lets go when told, or when the test fails.
fn hold(database: &Database) -> impl FnOnce() {
    hold_table(database, "propiedades")
}

fn hold_table(database: &Database, table: &str) -> impl FnOnce() {
    let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let (held, wait) = std::sync::mpsc::channel::<()>();
    let database = database.clone();
    let holder = thread::spawn(move || {
        block_on(async {
            let mut connection = database.connect().await;
            let mut transaction = connection.begin().await.unwrap();
            sqlx::query(AssertSqlSafe(lock))
                .execute(&mut *transaction)
                .await
                .unwrap();
            held.send(()).unwrap();
            let _ = told.recv();
            transaction.rollback().await.unwrap();
        });
    });
    wait.recv().unwrap();
    move || {
        tell.send(()).unwrap();
        holder.join().unwrap();
    }
}

/// Sends a search that waits for whoever holds `propiedades`, and returns once it does.
fn waiting_search(app: &App, database: &Database) -> TcpStream {
    let mut busy = app.connect();
    let kind = ["content-type: application/json"];
    write_request(&mut busy, "POST", "/api/buscar", &kind, "{\"limite\": 1}");
    until_waiting(database);
    busy
}

/// Until a statement waits for a lock.
fn until_waiting(database: &Database) {
    eventually("a statement waits", || {
        database.scalar::<i64>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ) > 0
    });
}

/// Nothing ends by itself before a test's patience does.
const NEVER: &str = "request_timeout_s: 3600\nkeep_alive_s: 3600\nshutdown_timeout_s: 3600\n";
const LOADED: &str = "the catalogue is in memory";
const CUT: &str = "some requests did not finish in time and were cut";

#[test]
fn a_stop_finishes_what_is_in_flight_and_closes_what_is_idle() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let settings = format!("{NEVER}pool: {{statement_timeout_s: 3600}}\n");
    let mut app = App::start_with(&database.url(), &settings);
    app.wait_until_ready();
    let mut idle = app.connect();
    write_request(&mut idle, "GET", "/api/health", &[], "");
    let mut buffer = [0; 4096];
    assert!(idle.read(&mut buffer).unwrap() > 0);
    let mut silent = app.connect();

    let release = hold(&database);
    let mut busy = waiting_search(&app, &database);
    app.terminate();
    assert_eq!(
        idle.read(&mut buffer).unwrap(),
        0,
        "the idle connection is closed"
    );
    // Perhaps it was never taken; then it is refused now.
    assert!(
        !silent.read(&mut buffer).is_ok_and(|bytes| bytes > 0),
        "the silent connection is closed"
    );
    assert!(
        TcpStream::connect(&app.address).is_err(),
        "no new connection is taken"
    );
    release();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert_eq!(app.wait().code(), Some(0));
    assert!(!app.said(CUT));
}

#[test]
fn a_stop_waits_no_longer_than_it_was_told() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let settings =
        "request_timeout_s: 3600\nshutdown_timeout_s: 1\npool: {statement_timeout_s: 3600}\n";
    let mut app = App::start_with(&database.url(), settings);
    app.wait_until_ready();
    let release = hold(&database);
    let _busy = waiting_search(&app, &database);
    app.terminate();
    assert_eq!(app.wait().code(), Some(0));
    eventually("the log says so", || app.said(CUT));
    release();
}

#[test]
fn a_slow_request_is_given_up() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let settings = "request_timeout_s: 1\npool: {statement_timeout_s: 3600}\n";
    let app = App::start_with(&database.url(), settings);
    app.wait_until_ready();
    let release = hold(&database);
    let answer = app.post("/api/buscar", &json!({}));
    assert_eq!(
        (answer.status, &answer.json()["error"]["codigo"]),
        (504, &json!("tiempo_agotado"))
    );
    assert_eq!(app.get("/api/health").status, 200);
    release();
    eventually("it answers again", || {
        app.post("/api/buscar", &json!({})).status == 200
    });
}

#[test]
fn a_slow_statement_is_cancelled() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let settings = format!("{NEVER}pool: {{statement_timeout_s: 1}}\n");
    let app = App::start_with(&database.url(), &settings);
    let release = hold(&database);
    assert_eq!(app.post("/api/buscar", &json!({})).status, 504);
    release();
}

#[test]
fn a_full_pool_is_told_and_keeps_no_answer_from_memory_waiting() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let settings =
        format!("{NEVER}pool: {{max: 1, acquire_timeout_s: 1, statement_timeout_s: 3600}}\n");
    let app = App::start_with(&database.url(), &settings);
    app.wait_until_ready();
    let kept = app.post("/api/buscar", &json!({}));
    let release = hold_table(&database, "servicios");
    let mut first = app.connect();
    write_request(&mut first, "GET", "/api/propiedades/1", &[], "");
    until_waiting(&database);
    let refused = app.get("/api/propiedades/2");
    assert_eq!(
        (refused.status, &refused.json()["error"]["codigo"]),
        (503, &json!("base_no_disponible"))
    );
    assert_eq!(app.post("/api/buscar", &json!({})).text, kept.text);
    release();
    let mut status = [0; 12];
    first.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
}

#[test]
fn the_catalogue_is_read_before_anybody_asks_and_ready_waits_for_it() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let release = hold(&database);
    let app = App::start_with(&database.url(), "pool: {statement_timeout_s: 3600}\n");
    until_waiting(&database);
    let waits = app.get("/api/ready");
    assert_eq!(waits.status, 503, "{}", waits.text);
    assert!(!app.said(LOADED));
    release();
    eventually("it is read", || app.said(LOADED));
    assert_eq!(app.get("/api/ready").status, 200);
}

#[test]
fn a_catalogue_that_cannot_be_read_is_not_ready() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    // The database answers, and has its schema and its rows.
    let rename = |from: &str, to: &str| {
        let rename = format!("ALTER TABLE propiedades RENAME {from} TO {to}");
        database.execute(&rename).unwrap();
    };
    rename("titulo", "otro");
    let app = App::start(&database);
    let ready = app.get("/api/ready");
    assert_eq!(ready.status, 503, "{}", ready.text);
    rename("otro", "titulo");
    assert_eq!(app.get("/api/ready").status, 200);
}

#[test]
fn an_idle_connection_is_closed_after_its_time() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), "keep_alive_s: 1\n");
    let mut stream = app.connect();
    write_request(&mut stream, "GET", "/api/health", &[], "");
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert!(all.starts_with("HTTP/1.1 200"), "{all}");
    assert!(!all.to_lowercase().contains("connection: close"), "{all}");
}

#[test]
fn connections_beyond_the_limit_wait() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let settings = format!("{NEVER}max_connections: 2\n");
    let app = App::start_with(&database.url(), &settings);
    let mut held = [app.connect(), app.connect()];
    let mut third = app.connect();
    write_request(&mut third, "GET", "/api/health", &["connection: close"], "");
    let mut buffer = [0; 4096];
    for stream in &mut held {
        write_request(stream, "GET", "/api/health", &[], "");
        assert!(stream.read(&mut buffer).unwrap() > 0);
    }
    third.set_nonblocking(true).unwrap();
    let waits = third.peek(&mut buffer).unwrap_err();
    assert_eq!(waits.kind(), ErrorKind::WouldBlock, "the third waits");
    third.set_nonblocking(false).unwrap();
    drop(held);
    third.read_exact(&mut buffer[..12]).unwrap();
    assert_eq!(&buffer[..12], b"HTTP/1.1 200");
}

#[test]
fn a_unix_socket_comes_and_goes() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    drop(UnixListener::bind(&path).unwrap());
    let settings = format!("bind: unix:{}\n", path.display());
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    // Whoever comes past the folder may speak to it, unless the folder names a group for what is in it.
    drop(App::start_with(&database.url(), &settings));
    assert_eq!(mode(), 0o666);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o2755)).unwrap();
    let mut app = App::start_with(&database.url(), &settings);
    assert_eq!(mode(), 0o660);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream
        .write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let second = citrino(
        &database,
        &["serve", "--bind", &format!("unix:{}", path.display())],
    );
    assert_eq!(second.code, 1);
    assert!(
        second.err.contains("another process answers"),
        "{}",
        second.err
    );

    app.terminate();
    assert_eq!(app.wait().code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_restarted_database_is_found_again() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let database = cluster.database("plantilla");
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    assert_eq!(citrino(&database, &["load", "--demo"]).code, 0);
    cluster.control("stop");

    // Starts without a database.
    let app = App::start(&database);
    assert_eq!(app.get("/api/health").status, 200);
    assert_eq!(app.get("/api/ready").status, 503);
    let refused = app.post("/api/buscar", &json!({}));
    assert_eq!(
        (refused.status, &refused.json()["error"]["codigo"]),
        (503, &json!("base_no_disponible"))
    );

    cluster.control("start");
    eventually("ready again", || app.get("/api/ready").status == 200);
    assert_eq!(
        app.post("/api/recomendar", &json!({"zona_preferida": "Centro"}))
            .status,
        200
    );

    cluster.control("restart");
    eventually("ready again", || app.get("/api/ready").status == 200);
    for _ in 0..20 {
        assert_eq!(
            app.post("/api/recomendar", &json!({"zona_preferida": "Centro"}))
                .status,
            200
        );
    }
}

#[test]
fn settings_are_shown_without_secrets() {
    let binary = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_citrino-app"));
        command.env_clear();
        command
    };
    let parts = [
        ("DB_HOST", "localhost"),
        ("DB_NAME", "citrino_prod"),
        ("DB_USER", "citrino_user"),
        ("DB_PASSWORD", "hunter2"),
    ];
    let output = binary().arg("check").envs(parts).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text.contains("name: citrino_prod")
            && text.contains("password: (hidden)")
            && !text.contains("hunter2"),
        "{text}"
    );

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("app.yml");
    fs::write(&config, "token: una-clave-del-archivo\n").unwrap();
    for token in [None, Some("una-clave-del-entorno")] {
        let mut check = binary();
        check.arg("check").arg("--config").arg(&config);
        check.envs(token.map(|token| ("CITRINO_APP_TOKEN", token)));
        let output = check.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("token: (hidden)") && !text.contains("clave"),
            "{text}"
        );
    }
    fs::write(&config, "workers: 2\nwrokers: 4\n").unwrap();
    let output = binary()
        .arg("check")
        .arg("--config")
        .arg(&config)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("wrokers"));
}

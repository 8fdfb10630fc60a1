//! Starting, stopping, waiting and outliving a database.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Connection;

use crate::app::{App, citrino, eventually, write_request};
use crate::cluster::{Cluster, Database, block_on};

/// Holds `propiedades` so that every question about it waits, and lets go when told.
fn hold(database: &Database) -> impl FnOnce() {
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let (held, wait) = std::sync::mpsc::channel::<()>();
    let database = database.clone();
    let holder = thread::spawn(move || {
        block_on(async {
            let mut connection = database.connect().await;
            let mut transaction = connection.begin().await.unwrap();
            sqlx::query("LOCK TABLE propiedades IN ACCESS EXCLUSIVE MODE")
                .execute(&mut *transaction)
                .await
                .unwrap();
            held.send(()).unwrap();
            let _ = told.recv_timeout(Duration::from_secs(20));
            transaction.rollback().await.unwrap();
        });
    });
    wait.recv().unwrap();
    move || {
        tell.send(()).unwrap();
        holder.join().unwrap();
    }
}

#[test]
fn a_stop_finishes_what_is_in_flight_and_closes_what_is_idle() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let mut app = App::start(&database);
    let mut idle = app.connect();
    write_request(&mut idle, "GET", "/api/health", &[], "");
    let mut buffer = [0; 4096];
    assert!(idle.read(&mut buffer).unwrap() > 0);
    let mut silent = app.connect();

    let release = hold(&database);
    let mut busy = app.connect();
    write_request(
        &mut busy,
        "POST",
        "/api/buscar",
        &["content-type: application/json"],
        "{\"limite\": 1}",
    );
    thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    app.terminate();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(
        idle.read(&mut buffer).unwrap(),
        0,
        "the idle connection is closed"
    );
    assert_eq!(
        silent.read(&mut buffer).unwrap_or(0),
        0,
        "the silent connection is closed"
    );
    assert!(
        std::net::TcpStream::connect(&app.address).is_err(),
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
    assert_eq!(app.wait(Duration::from_secs(2)).code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn a_stop_waits_no_longer_than_it_was_told() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let mut app = App::start_with(&database.url(), "shutdown_timeout_s: 1\n");
    let release = hold(&database);
    let mut busy = app.connect();
    write_request(
        &mut busy,
        "POST",
        "/api/buscar",
        &["content-type: application/json"],
        "{}",
    );
    thread::sleep(Duration::from_millis(300));
    app.terminate();
    assert_eq!(app.wait(Duration::from_secs(4)).code(), Some(0));
    release();
}

#[test]
fn a_slow_request_is_given_up() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let app = App::start_with(&database.url(), "request_timeout_s: 1\n");
    let release = hold(&database);
    let started = Instant::now();
    let answer = app.post("/api/buscar", &json!({}));
    assert_eq!(
        (answer.status, &answer.json()["error"]["codigo"]),
        (504, &json!("tiempo_agotado"))
    );
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(app.get("/api/health").status, 200);
    release();
    assert_eq!(app.post("/api/buscar", &json!({})).status, 200);
}

#[test]
fn a_slow_statement_and_a_full_pool_are_told() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let settings = "pool: {max: 1, acquire_timeout_s: 1, statement_timeout_s: 3}\n";
    let app = App::start_with(&database.url(), settings);
    let release = hold(&database);
    thread::scope(|scope| {
        let slow = scope.spawn(|| app.post("/api/buscar", &json!({})));
        thread::sleep(Duration::from_millis(300));
        let refused = app.post("/api/buscar", &json!({}));
        assert_eq!(
            (refused.status, &refused.json()["error"]["codigo"]),
            (503, &json!("base_no_disponible"))
        );
        assert_eq!(slow.join().unwrap().status, 504);
    });
    release();
}

#[test]
fn an_idle_connection_is_closed_after_its_time() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), "keep_alive_s: 1\n");
    let mut stream = app.connect();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    write_request(&mut stream, "GET", "/api/health", &[], "");
    let mut all = Vec::new();
    let started = Instant::now();
    stream.read_to_end(&mut all).unwrap();
    assert!(all.starts_with(b"HTTP/1.1 200"));
    assert!(
        (500..4000).contains(&started.elapsed().as_millis()),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn connections_beyond_the_limit_wait() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), "max_connections: 2\n");
    let held = [app.connect(), app.connect()];
    thread::sleep(Duration::from_millis(100));
    let mut third = app.connect();
    third
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    write_request(&mut third, "GET", "/api/health", &["connection: close"], "");
    let mut buffer = [0; 16];
    assert!(third.read(&mut buffer).is_err(), "the third waits");
    drop(held);
    third
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    third.read_exact(&mut buffer).unwrap();
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
    let mut app = App::start_with(&database.url(), &settings);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o666
    );
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
    assert_eq!(app.wait(Duration::from_secs(2)).code(), Some(0));
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
    let app = App::start_with(&database.url(), "pool: {acquire_timeout_s: 1}\n");
    assert_eq!(app.get("/api/health").status, 200);
    assert_eq!(app.get("/api/ready").status, 503);
    let refused = app.post("/api/buscar", &json!({}));
    assert_eq!(
        (refused.status, &refused.json()["error"]["codigo"]),
        (503, &json!("base_no_disponible"))
    );

    cluster.control("start");
    eventually(Duration::from_secs(10), "ready again", || {
        app.get("/api/ready").status == 200
    });
    assert_eq!(
        app.post("/api/recomendar", &json!({"zona_preferida": "Centro"}))
            .status,
        200
    );

    cluster.control("restart");
    eventually(Duration::from_secs(10), "ready again", || {
        app.get("/api/ready").status == 200
    });
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

//! Who had connected before the server was told to stop is answered. A proxy in front of it cannot ask again: a POST
//! whose connection was reset is a failed POST of a client.

use std::io::Read;

use sqlx::Connection;
use tokio::sync::oneshot;

use crate::app::{App, write_request};
use crate::cluster::{Database, block_on};

/// Nothing ends by itself before a test does.
const PATIENT: &str = "request_timeout_s: 3600\nkeep_alive_s: 3600\nshutdown_timeout_s: 3600\npool: {statement_timeout_s: 3600}\n";
const JSON: &[&str] = &["content-type: application/json"];

fn answer(stream: &mut impl Read) -> String {
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn whoever_waits_in_the_sockets_queue_is_answered() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let app = App::start_with(&database.url(), &format!("{PATIENT}max_connections: 1\n"));
    let (held, wait) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let holder = {
        let database = database.clone();
        std::thread::spawn(move || {
            block_on(async {
                let mut connection = database.connect().await;
                let mut transaction = connection.begin().await.unwrap();
                sqlx::query("LOCK TABLE propiedades IN ACCESS EXCLUSIVE MODE")
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
                held.send(()).unwrap();
                let _ = released.await;
                transaction.rollback().await.unwrap();
            });
        })
    };
    wait.blocking_recv().unwrap();

    // The first takes the only place, so that the server leaves the others in the queue.
    let mut first = app.connect();
    write_request(&mut first, "POST", "/api/buscar", JSON, "{\"limite\": 1}");
    let mut queued: Vec<_> = (0..3).map(|_| app.connect()).collect();
    for stream in &mut queued {
        write_request(stream, "POST", "/api/buscar", JSON, "{\"limite\": 1}");
    }
    app.terminate();
    release.send(()).unwrap();
    holder.join().unwrap();
    for stream in std::iter::once(&mut first).chain(&mut queued) {
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[test]
fn a_request_that_nobody_has_read_yet_is_answered() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start_with(&database.url(), PATIENT);
    let mut asking: Vec<_> = (0..100).map(|_| app.connect()).collect();
    for stream in &mut asking {
        write_request(stream, "GET", "/api/health", &[], "");
    }
    app.terminate();
    for stream in &mut asking {
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

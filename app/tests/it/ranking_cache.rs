//! What is ranked by is kept in memory, and still an answer is what the database holds when it is asked.

use std::thread;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::runtime::{Builder, Runtime};

use crate::app::{App, citrino};
use crate::cluster::Database;

const NONE: [i64; 0] = [];

/// An empty database with a server that has looked at it already.
fn start() -> Option<(Database, App)> {
    let database = Database::fresh()?;
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let app = App::start(&database);
    assert_eq!(ids(&app, &json!({})), NONE);
    Some((database, app))
}

fn insert(id: i64, price: i64, zone: &str) -> String {
    format!(
        "INSERT INTO propiedades (id, titulo, tipo_propiedad, precio_usd, precio_original, zona, coordenadas, fuente, codigo)
         VALUES ({id}, 'x', 'casa', {price}, {price}, '{zone}', 'POINT(-63.18 -17.78)', 'prueba', '{id}')"
    )
}

fn answer(app: &App, wish: &Value) -> Value {
    let answer = app.post("/api/recomendar", wish);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn ids(app: &App, wish: &Value) -> Vec<i64> {
    let answer = answer(app, wish);
    let items = answer["recomendaciones"].as_array().unwrap();
    let ids: Vec<i64> = items
        .iter()
        .map(|item| item["id"].as_i64().unwrap())
        .collect();
    assert_eq!(answer["total_recomendaciones"], ids.len());
    ids
}

#[test]
fn whatever_is_written_is_ranked_in_the_next_answer() {
    let Some((database, app)) = start() else {
        return;
    };
    let write = |sql: &str| database.execute(sql).unwrap();
    let all = json!({});
    write(&insert(1, 100, "Centro"));
    assert_eq!(ids(&app, &all), [1]);
    // An answer that is refused by what is known must not rest on what was known.
    write(&insert(2, 50, "Urubó"));
    assert_eq!(ids(&app, &json!({"zona_preferida": "urubo"})), [2]);
    assert_eq!(ids(&app, &all), [2, 1]);
    write("UPDATE propiedades SET precio_usd = 20, precio_original = 20 WHERE id = 1");
    assert_eq!(ids(&app, &all), [1, 2]);
    write("UPDATE propiedades SET zona = 'Centro' WHERE id = 2");
    assert_eq!(ids(&app, &json!({"zona_preferida": "Centro"})), [1, 2]);
    assert_eq!(
        app.post("/api/recomendar", &json!({"zona_preferida": "Urubó"}))
            .status,
        422
    );
    write("UPDATE propiedades SET estado_propiedad = 'reservado' WHERE id = 1");
    assert_eq!(ids(&app, &all), [2]);
    write("DELETE FROM propiedades WHERE id = 2");
    assert_eq!(ids(&app, &all), NONE);
    write(&insert(3, 10, "Centro"));
    write("TRUNCATE propiedades");
    assert_eq!(ids(&app, &all), NONE);
    write("BEGIN; DELETE FROM propiedades; ROLLBACK");
    write(&insert(4, 10, "Centro"));
    assert_eq!(ids(&app, &all), [4]);
}

#[test]
fn a_service_that_comes_or_goes_changes_the_score_at_once() {
    let Some((database, app)) = start() else {
        return;
    };
    let wish = json!({"necesidades": ["salud"]});
    let score = || answer(&app, &wish)["recomendaciones"][0]["compatibilidad"].as_f64();
    database.execute(&insert(1, 100, "Centro")).unwrap();
    assert_eq!(score(), Some(0.0));
    database
        .execute(
            "INSERT INTO servicios (nombre, categoria, coordenadas, fuente, codigo)
             VALUES ('x', 'salud', 'POINT(-63.18 -17.78)', 'prueba', 's')",
        )
        .unwrap();
    // All of 30 of 65 points, of which an unchecked listing gets 60 %.
    assert_eq!(score(), Some(27.7));
    database.execute("DELETE FROM servicios").unwrap();
    assert_eq!(score(), Some(0.0));
}

#[test]
fn a_transaction_that_began_early_and_ends_late_is_not_missed() {
    let Some((database, app)) = start() else {
        return;
    };
    let all = json!({});
    let mut early = Open::begin(&database, &insert(1, 100, "Centro"));
    let mut undone = Open::begin(&database, &insert(9, 1, "Centro"));
    // Younger ones end before it, and are seen; it is not.
    database.execute(&insert(2, 200, "Centro")).unwrap();
    assert_eq!(ids(&app, &all), [2]);
    database.execute(&insert(3, 300, "Centro")).unwrap();
    assert_eq!(ids(&app, &all), [2, 3]);
    undone.run("ROLLBACK");
    assert_eq!(ids(&app, &all), [2, 3]);
    early.run("COMMIT");
    assert_eq!(ids(&app, &all), [1, 2, 3]);
}

/// A transaction that stays open.
struct Open {
    runtime: Runtime,
    connection: PgConnection,
}

impl Open {
    fn begin(database: &Database, sql: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(database.connect());
        let mut open = Open {
            runtime,
            connection,
        };
        open.run("BEGIN");
        open.run(sql);
        open
    }

    fn run(&mut self, sql: &str) {
        let statement = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        self.runtime.block_on(statement).unwrap();
    }
}

#[test]
fn an_answer_among_writers_is_of_one_moment() {
    let Some((database, app)) = start() else {
        return;
    };
    for id in 1..=20 {
        database.execute(&insert(id, 1000 + id, "Centro")).unwrap();
    }
    thread::scope(|scope| {
        // Each transaction moves all prices alike, and takes one property away for one that comes.
        let writer = scope.spawn(|| {
            for round in 1..=60 {
                let write = format!(
                    "BEGIN; DELETE FROM propiedades WHERE id = {round}; {};
                     UPDATE propiedades SET precio_usd = id + 1000 * {round}, precio_original = id + 1000 * {round}; COMMIT",
                    insert(round + 20, 1, "Centro")
                );
                database.execute(&write).unwrap();
            }
        });
        while !writer.is_finished() {
            let answer = answer(&app, &json!({"limite": 100}));
            assert_eq!(answer["total_recomendaciones"], 20);
            let items = answer["recomendaciones"].as_array().unwrap();
            for (index, item) in (0..).zip(items) {
                for key in ["id", "precio"] {
                    let expected = items[0][key].as_f64().unwrap() + f64::from(index);
                    assert_eq!(item[key].as_f64(), Some(expected), "{answer}");
                }
            }
        }
        writer.join().unwrap();
    });
    assert_eq!(
        ids(&app, &json!({"limite": 100})),
        (61..=80).collect::<Vec<i64>>()
    );
}

#[test]
fn numbers_of_another_servers_transactions_do_no_harm() {
    let Some((database, _)) = start() else {
        return;
    };
    database.execute(&insert(1, 100, "Centro")).unwrap();
    // As a dump brings them: without triggers, and far ahead of this server's own.
    database
        .execute(
            "ALTER TABLE propiedades DISABLE TRIGGER USER; UPDATE propiedades SET cambio = 1000000000000;
             ALTER TABLE propiedades ENABLE TRIGGER USER",
        )
        .unwrap();
    let app = App::start(&database);
    assert_eq!(ids(&app, &json!({})), [1]);
    database.execute(&insert(2, 200, "Centro")).unwrap();
    database
        .execute("UPDATE propiedades SET precio_usd = 300, precio_original = 300 WHERE id = 1")
        .unwrap();
    assert_eq!(ids(&app, &json!({})), [2, 1]);
}

#[test]
fn more_than_is_added_one_by_one_is_read_anew() {
    let Some((database, app)) = start() else {
        return;
    };
    database
        .execute(
            "INSERT INTO propiedades (titulo, tipo_propiedad, fuente, codigo)
             SELECT 'x', 'casa', 'prueba', n FROM generate_series(1, 5001) AS n",
        )
        .unwrap();
    assert_eq!(answer(&app, &json!({}))["total_recomendaciones"], 5001);
    database.execute(&insert(900_000, 100, "Centro")).unwrap();
    assert_eq!(answer(&app, &json!({}))["total_recomendaciones"], 5002);
}

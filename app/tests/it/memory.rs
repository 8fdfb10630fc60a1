//! Answers from memory: they are those of the database byte for byte, and never old.
//!
//! `make memory` runs each for a minute (`CITRINO_MEMORY_SECONDS`), `make test` for some rounds.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::cluster::Database;

/// Whether another round is due: so many, or as long as was asked for.
fn goes_on(rounds: u32) -> impl FnMut() -> bool {
    let seconds = std::env::var("CITRINO_MEMORY_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().unwrap());
    let began = Instant::now();
    let mut done = 0;
    move || {
        done += 1;
        match seconds {
            Some(seconds) => began.elapsed() < Duration::from_secs(seconds),
            None => done <= rounds,
        }
    }
}

/// Numbers that look random and are the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn of<'v>(&mut self, values: &[&'v str]) -> &'v str {
        values[self.below(values.len())]
    }

    fn often(&mut self) -> bool {
        self.below(3) == 0
    }
}

const ZONES: [&str; 8] = [
    "Equipetrol",
    "urubó",
    "  ZONA NORTE ",
    "Av. Banzer",
    "zona",
    "nueva",
    "Sirari",
    "ninguna parte",
];
const KINDS: [&str; 4] = ["departamento", "casa", "terreno", "galpon"];
const OPERATIONS: [&str; 3] = ["venta", "alquiler", "anticretico"];
const ORDERS: [&str; 5] = [
    "id",
    "precio_asc",
    "precio_desc",
    "superficie_desc",
    "recientes",
];

/// The fields of a search; each is there or not.
fn search(draw: &mut Draw) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    let mut put = |draw: &mut Draw, name, value: Value| {
        if draw.often() {
            fields.push((name, value));
        }
    };
    let value = json!(draw.of(&ZONES));
    put(draw, "zona", value);
    let value = json!(draw.of(&KINDS));
    put(draw, "tipo_propiedad", value);
    let value = json!(draw.of(&OPERATIONS));
    put(draw, "operacion", value);
    let (least, more) = (draw.below(200_000), draw.below(400_000));
    put(draw, "precio_min", json!(least));
    put(draw, "precio_max", json!(least + more));
    let (least, more) = (draw.below(200), draw.below(300));
    put(draw, "superficie_min", json!(least));
    put(draw, "superficie_max", json!(least + more));
    let rooms = draw.below(4);
    put(draw, "habitaciones_min", json!(rooms));
    put(draw, "habitaciones_max", json!(rooms + 1));
    let rooms = draw.below(3);
    put(draw, "banos_min", json!(rooms));
    let with = draw.often();
    put(draw, "tiene_garaje", json!(with));
    let unit = format!("uv {}", draw.below(30));
    put(draw, "unidad_vecinal", json!(unit));
    fields
}

/// The fields of a recommendation.
fn wish(draw: &mut Draw) -> Value {
    let mut wish = json!({"limite": 1 + draw.below(12), "offset": draw.below(40)});
    let mut put = |draw: &mut Draw, name: &str, value: Value| {
        if draw.often() {
            wish[name] = value;
        }
    };
    let value = json!(draw.of(&ZONES));
    put(draw, "zona_preferida", value);
    let value = json!(draw.of(&KINDS));
    put(draw, "tipo_propiedad", value);
    let value = json!(draw.of(&OPERATIONS));
    put(draw, "operacion", value);
    let most = 500 + draw.below(400_000);
    put(draw, "presupuesto_max", json!(most));
    let heads = 1 + draw.below(4);
    put(draw, "adultos", json!(heads));
    put(draw, "ninos", json!([3, 9]));
    let needs = draw.of(&["salud", "seguridad", "finanzas", "plusvalia"]);
    put(draw, "necesidades", json!([needs]));
    let rooms = draw.below(4);
    put(draw, "habitaciones_min", json!(rooms));
    put(draw, "umbral_minimo", json!(0.5));
    put(draw, "relajar", json!(true));
    wish
}

/// A random request, to any route that memory answers.
fn request(draw: &mut Draw) -> (&'static str, String, Value) {
    let fields = search(draw);
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let query = |fields: &[(&str, Value)]| {
        let pairs = fields.iter().map(|(name, value)| {
            let value = text(value).replace(' ', "+").replace('ó', "%C3%B3");
            format!("{name}={value}")
        });
        pairs.collect::<Vec<_>>().join("&")
    };
    match draw.below(9) {
        0 => ("GET", "/api/zonas".to_owned(), Value::Null),
        1 => {
            let operation = draw.of(&OPERATIONS);
            let path = format!("/api/estadisticas?operacion={operation}");
            ("GET", path, Value::Null)
        }
        2 => ("GET", format!("/api/mapa?{}", query(&fields)), Value::Null),
        3 => {
            let order = draw.of(&ORDERS);
            let path = format!("/api/propiedades?{}&orden={order}", query(&fields));
            ("GET", path, Value::Null)
        }
        4..=6 => {
            let mut body: Value = fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into();
            body["orden"] = json!(draw.of(&ORDERS));
            body["limite"] = json!(1 + draw.below(40));
            body["offset"] = json!(draw.below(60));
            ("POST", "/api/buscar".to_owned(), body)
        }
        _ => ("POST", "/api/recomendar".to_owned(), wish(draw)),
    }
}

/// A random change of the catalogue.
fn change(draw: &mut Draw) -> String {
    let id = 1 + draw.below(1700);
    let price = format!("{}.{:02}", 100 + draw.below(900_000), draw.below(100));
    match draw.below(8) {
        0 => format!("DELETE FROM propiedades WHERE id = {id}"),
        1 => format!("UPDATE propiedades SET zona = 'NUEVA' WHERE id = {id}"),
        2 => format!("UPDATE propiedades SET zona = 'Nueva', operacion = 'venta' WHERE id = {id}"),
        3 => format!("UPDATE propiedades SET estado_propiedad = 'reservado' WHERE id = {id}"),
        4 => format!("UPDATE propiedades SET coordenadas = NULL, zona = NULL WHERE id = {id}"),
        5 => format!(
            "UPDATE propiedades SET coordenadas = 'POINT(-63.1821235 -17.7834125)' WHERE id = {id}"
        ),
        6 => format!(
            "UPDATE propiedades SET titulo = 'Una \"comilla\" ñ', superficie_construida = 0.07 WHERE id = {id}"
        ),
        _ => format!(
            "UPDATE propiedades SET moneda = 'USD', precio_usd = {price}, precio_original = {price} WHERE id = {id}"
        ),
    }
}

/// Status and body; of an error without the request's id.
fn told(answer: &Answer) -> (u16, String) {
    if answer.status == 200 {
        return (200, answer.text.clone());
    }
    let mut body = answer.json();
    body["error"]["solicitud"] = Value::Null;
    (answer.status, body.to_string())
}

#[test]
fn answers_from_memory_are_those_of_the_database_byte_for_byte() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let memory = App::start(&database);
    let plain = App::start_with(&database.url(), "from_memory: false\n");
    let mut draw = Draw(20_251_016);
    let mut again = goes_on(60);
    let mut found = 0;
    while again() {
        database.execute(&change(&mut draw)).unwrap();
        for _ in 0..6 {
            let (method, path, body) = request(&mut draw);
            let text = if body.is_null() {
                String::new()
            } else {
                body.to_string()
            };
            let ask = |app: &App| {
                told(&app.ask(method, &path, &["content-type: application/json"], &text))
            };
            let (from_memory, expected) = (ask(&memory), ask(&plain));
            assert_eq!(from_memory, expected, "{path} {text}");
            found += u32::from(expected.0 == 200);
        }
    }
    assert!(found > 100, "{found} requests were answered");
}

const WRITERS: u32 = 3;

/// A property in a zone of its own, whose only price everybody must see who asks after it was written.
struct Writer<'a> {
    app: &'a App,
    database: &'a Database,
    number: u32,
}

impl Writer<'_> {
    fn write(&self, price: u32) {
        let id = 900_000 + self.number;
        let write = if price.is_multiple_of(7) {
            format!(
                "DELETE FROM propiedades WHERE id = {id}; {}",
                self.insert(price)
            )
        } else {
            format!(
                "UPDATE propiedades SET precio_usd = {price}, precio_original = {price} WHERE id = {id}"
            )
        };
        self.database
            .execute(&format!("BEGIN; {write}; COMMIT"))
            .unwrap();
    }

    fn insert(&self, price: u32) -> String {
        format!(
            "INSERT INTO propiedades (id, titulo, tipo_propiedad, precio_usd, precio_original, zona, coordenadas, fuente, codigo)
             VALUES ({}, 'x', 'casa', {price}, {price}, '{}', 'POINT(-63.18 -17.78)', 'prueba', '{}')",
            900_000 + self.number,
            self.zone(),
            self.number
        )
    }

    fn zone(&self) -> String {
        format!("Zona del escritor {}", self.number)
    }

    /// How many answers are of before the price was written.
    fn stale(&self, price: u32) -> u32 {
        let zone = self.zone();
        let search = self.app.post("/api/buscar", &json!({"zona": zone})).json();
        let wish = json!({"zona_preferida": zone});
        let best = self.app.post("/api/recomendar", &wish).json();
        let map = format!("/api/mapa?zona={}", zone.replace(' ', "+"));
        let map = self.app.get(&map).json();
        let zones = self.app.get("/api/zonas").json();
        let own = zones["detalle"].as_array().unwrap();
        let own = own.iter().find(|one| one["zona"] == zone.as_str());
        let seen = [
            &search["propiedades"][0]["precio"],
            &best["recomendaciones"][0]["precio"],
            &map["propiedades"][0]["precio"],
            &own.unwrap()["precio_mediano"],
        ];
        let is_old = |told: &&&Value| told.as_f64() != Some(f64::from(price));
        u32::try_from(seen.iter().filter(is_old).count()).unwrap()
    }
}

#[test]
fn whoever_has_written_sees_it_in_every_next_answer() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let app = App::start(&database);
    let (stale, seen) = (AtomicU32::new(0), AtomicU32::new(0));
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        // Those who only ask, so that each proof answers many.
        for number in 0..4 {
            let (app, ended) = (&app, &ended);
            scope.spawn(move || {
                let mut draw = Draw(number);
                while !ended.load(Ordering::Relaxed) {
                    assert_eq!(
                        app.post("/api/recomendar", &json!({"limite": 1 + draw.below(30)}))
                            .status,
                        200
                    );
                }
            });
        }
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let writer = Writer {
                    app: &app,
                    database: &database,
                    number,
                };
                let (stale, seen) = (&stale, &seen);
                scope.spawn(move || {
                    writer.database.execute(&writer.insert(1)).unwrap();
                    let mut again = goes_on(40);
                    for price in 2.. {
                        if !again() {
                            break;
                        }
                        writer.write(price);
                        stale.fetch_add(writer.stale(price), Ordering::Relaxed);
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let results: Vec<_> = writers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        ended.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    let (stale, seen) = (stale.into_inner(), seen.into_inner());
    println!("{seen} writes, each looked for in four answers: {stale} stale");
    assert_eq!(stale, 0);
    assert!(seen >= 3 * 40);
}

#[test]
fn memory_is_bounded() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let app = App::start(&database);
    for offset in (0..1600).step_by(100) {
        let page = json!({"limite": 100, "offset": offset});
        assert_eq!(app.post("/api/buscar", &page).status, 200);
        assert_eq!(app.post("/api/recomendar", &page).status, 200);
    }
    // The limit is that of a release build with 2,000 properties.
    let megabytes = app.resident_bytes() / 1_000_000;
    assert!(megabytes < 50, "{megabytes} MB");
}

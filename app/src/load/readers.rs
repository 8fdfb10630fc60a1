//! The columns that the files of each table may have.

use serde_json::json;

use crate::catalog::fold::fold;
use crate::catalog::services::CATEGORIES;
use crate::catalog::{KINDS, OPERATIONS};
use crate::load::row::{Given, Row, known};

/// A property. Understands Spanish words and the owner's own column names; a price needs a currency.
pub fn property(row: &mut Row<'_>, given: &Given) {
    row.required("titulo", 500);
    row.text("descripcion", 100_000);
    row.text("agente", 100);
    kind_and_operation(row, given);
    let estado = row.word("estado_propiedad", &["disponible", "reservado", "cerrado"]);
    row.put("estado_propiedad", json!(estado.unwrap_or("disponible")));
    price(row, given);
    for (column, most) in [
        ("direccion", 1000),
        ("uv", 50),
        ("manzana", 50),
        ("url_origen", 2000),
    ] {
        row.text(column, most);
    }
    row.zone(given);
    for column in ["superficie_total", "superficie_construida"] {
        let metres = row.number(column, 0.01, 99_999_999.0);
        row.put(column, json!(metres));
    }
    for (column, most) in [
        ("num_dormitorios", 100.0),
        ("num_banos", 100.0),
        ("num_garajes", 1000.0),
    ] {
        let count = row.number(column, 0.0, most);
        if count.is_some_and(|count| count.fract() != 0.0) {
            row.fault(format!("{column} is not a whole number."));
        }
        row.put(column, json!(count.map(|count| format!("{count:.0}"))));
    }
    row.place();
    row.date("fecha_publicacion");
}

/// A service of one of the known categories.
pub fn service(row: &mut Row<'_>, given: &Given) {
    row.required("nombre", 500);
    let category = row.word("categoria", CATEGORIES);
    if category.is_none() && row.sound() {
        row.fault("categoria is missing.".to_owned());
    }
    row.put("categoria", json!(category));
    for (column, most) in [
        ("subcategoria", 100),
        ("direccion", 1000),
        ("telefono", 50),
        ("horario", 100),
    ] {
        row.text(column, most);
    }
    row.zone(given);
    row.place();
}

/// An agent.
pub fn agent(row: &mut Row<'_>, _: &Given) {
    row.required("nombre", 255);
    row.text("telefono", 50);
    row.text("email", 255);
    row.text("empresa", 255);
}

/// The owner's files have the operation in `tipo_propiedad`; then the kind is read from the title.
fn kind_and_operation(row: &mut Row<'_>, given: &Given) {
    let kind = row.taken("tipo_propiedad").map(|text| fold(&text));
    let kind = kind
        .as_deref()
        .map(|text| text.strip_prefix("en ").unwrap_or(text));
    let title = row.title();
    let told = row.word("operacion", OPERATIONS);
    let operation = told.or_else(|| known(OPERATIONS, kind?)).or_else(|| {
        let word = OPERATIONS.iter().find(|word| title.contains(*word));
        word.copied()
            .or_else(|| known(OPERATIONS, given.operacion.as_deref()?))
    });
    if operation.is_none() {
        row.fault("No operation is named; --operacion gives one to such rows.".to_owned());
    }
    row.put("operacion", json!(operation));
    let kind = match kind {
        Some(word) if known(OPERATIONS, word).is_none() => {
            let found = kind_of(word);
            if found.is_none() {
                row.fault_of(
                    "tipo_propiedad is not a known kind.",
                    format!("\"{word}\""),
                    format!("tipo_propiedad is \"{word}\", which is not a known kind."),
                );
            }
            found
        }
        _ => Some(kind_of(&title).unwrap_or("otro")),
    };
    row.put("tipo_propiedad", json!(kind));
}

/// The kind that a text names first.
fn kind_of(text: &str) -> Option<&'static str> {
    const OTHER_WORDS: [(&str, &str); 4] = [
        ("apartamento", "departamento"),
        ("monoambiente", "departamento"),
        ("lote", "terreno"),
        ("bodega", "galpon"),
    ];
    let own = KINDS.iter().map(|kind| (*kind, *kind));
    own.chain(OTHER_WORDS)
        .filter_map(|(word, kind)| Some((text.find(word)?, kind)))
        .min()
        .map(|(_, kind)| kind)
}

/// The price as given, and in dollars. Sources write 0 for an unknown price.
fn price(row: &mut Row<'_>, given: &Given) {
    let price = row
        .number("precio", 0.0, 9_999_999_999.0)
        .filter(|price| *price > 0.0);
    let told = row.taken("moneda").or_else(|| given.moneda.clone());
    let currency = match told.as_deref().map(fold).as_deref() {
        Some("usd" | "$us" | "sus" | "dolares") => Some("USD"),
        Some("bob" | "bs" | "bs." | "bolivianos") => Some("BOB"),
        Some(other) => {
            row.fault_of(
                "moneda must be USD or BOB.",
                format!("\"{other}\""),
                format!("moneda is \"{other}\"; it must be USD or BOB."),
            );
            return;
        }
        None => None,
    };
    let usd = match (price, currency) {
        (None, _) => None,
        (Some(price), Some("USD")) => Some(price),
        (Some(price), Some(_)) => match given.cambio {
            Some(rate) => Some((100.0 * price / rate).round().max(1.0) / 100.0),
            None => {
                return row
                    .fault("The price is in BOB; --cambio says how many are a dollar.".to_owned());
            }
        },
        (Some(_), None) => {
            return row.fault("The price has no currency; --moneda gives one.".to_owned());
        }
    };
    row.put("precio_original", json!(price));
    row.put("precio_usd", json!(usd));
    row.put("moneda", json!(currency.unwrap_or("USD")));
}

//! Whom to ask about a property, what of that is shown, and homes like it.

use serde_json::{Value, json};

use crate::app::App;
use crate::cluster::Database;

const AGENT: &str = "UPDATE agentes SET nombre = 'Ana Rojas', empresa = NULL, telefono = '700-12345 int. 2',
        email = 'ana@casa.bo?bcc=x@y.bo' WHERE id = (SELECT min(id) FROM agentes);
    UPDATE propiedades SET agente_id = (SELECT min(id) FROM agentes), titulo = 'Casa & patio', codigo = 'P-1' WHERE id = 1;
    UPDATE propiedades SET agente_id = NULL WHERE id = 2";

fn contact(app: &App, id: i64) -> Value {
    let answer = app.get(&format!("/api/propiedades/{id}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["contacto"].clone()
}

#[test]
fn a_seller_is_told_as_the_settings_say() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    database.execute(AGENT).unwrap();
    let app = App::start(&database);
    let link =
        "https://wa.me/59170012345?text=Hola%2C+me+interesa+%C2%ABCasa+%26+patio%C2%BB+%28P-1%29.";
    assert_eq!(
        contact(&app, 1),
        json!({
            "nombre": "Ana Rojas", "empresa": null, "telefono": "700-12345 int. 2",
            "telefono_marcar": "+59170012345", "whatsapp": link, "email": null,
        })
    );
    assert_eq!(contact(&app, 2), Value::Null);

    let some = App::start_with(&database.url(), "contact: [name]\n");
    assert_eq!(contact(&some, 1)["nombre"], "Ana Rojas");
    assert!(!some.get("/api/propiedades/1").text.contains("12345"));
    let none = App::start_with(&database.url(), "contact: []\n");
    assert_eq!(contact(&none, 1), Value::Null);
}

#[test]
fn homes_like_another_one_are_of_its_market() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for id in [1, 7, 40, 300] {
        let own = app.get(&format!("/api/propiedades/{id}")).json();
        let answer = app.get(&format!("/api/propiedades/{id}/parecidas")).json();
        let alike = answer["propiedades"].as_array().unwrap();
        assert_eq!(alike.len(), 4, "{id}");
        for one in alike {
            assert_ne!(one["id"], own["id"]);
            for key in ["operacion", "tipo_propiedad"] {
                assert_eq!(one[key], own[key], "{id}: {key}");
            }
            assert_eq!(one["estado"], "disponible");
        }
    }
    for id in ["999999999", "x", "9223372036854775808"] {
        let missing = app.get(&format!("/api/propiedades/{id}/parecidas"));
        assert_eq!(missing.status, 404, "{id}");
    }
}

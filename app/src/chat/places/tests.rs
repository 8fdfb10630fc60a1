use super::*;
use crate::http::fold;

fn read(text: &str) -> Places {
    let zones: Vec<Zone> = [
        "Equipetrol",
        "Centro",
        "Zona Norte",
        "Satélite Norte",
        "Av. Beni",
        "La Guardia / Doble Vía",
        "Plan 3000",
        "Los Lotes",
        "El Palmar",
        "Urubó",
        "Villa 1ro de Mayo",
        "Av. San Martín",
    ]
    .iter()
    .map(|name| Zone {
        zona: (*name).to_owned(),
        zona_normalizada: fold(name),
    })
    .collect();
    find(&tokens(text), &zones)
}

fn names(text: &str) -> Vec<String> {
    read(text).zones.into_iter().map(|zone| zone.zona).collect()
}

#[test]
fn zones_are_found_however_they_are_written() {
    for (text, zones) in [
        ("casas en EQUIPETROL o urubo", vec!["Equipetrol", "Urubó"]),
        ("cerca del centro", vec!["Centro"]),
        ("cerca de un centro comercial", vec![]),
        ("en la zona norte", vec!["Zona Norte"]),
        ("al norte de la ciudad", vec!["Zona Norte"]),
        ("en satélite norte", vec!["Satélite Norte"]),
        ("avenida beni", vec!["Av. Beni"]),
        ("por la Av Beni", vec!["Av. Beni"]),
        ("en la doble vía", vec!["La Guardia / Doble Vía"]),
        ("plan 3000", vec!["Plan 3000"]),
        ("los lotes más baratos", vec![]),
        ("terreno en Los Lotes", vec!["Los Lotes"]),
        ("casas del Palmar", vec!["El Palmar"]),
        ("villa 1ro de mayo", vec!["Villa 1ro de Mayo"]),
        ("en la san martin", vec!["Av. San Martín"]),
        ("que no sea Equipetrol", vec![]),
    ] {
        assert_eq!(names(text), zones, "{text}");
    }
    assert_eq!(read("menos en Equipetrol").unwanted[0].zona, "Equipetrol");
}

#[test]
fn unknown_places_are_noticed() {
    let unknown = |text: &str| read(text).unknown;
    assert_eq!(unknown("casas en Montero").as_deref(), Some("montero"));
    assert_eq!(unknown("en la zona Los Cusis").as_deref(), None);
    assert_eq!(unknown("en ekipetrol").as_deref(), Some("ekipetrol"));
    assert_eq!(unknown("departamentos en venta en Equipetrol"), None);
    assert_eq!(unknown("casas en Santa Cruz de la Sierra"), None);
    assert_eq!(
        read("casas en montero").doubtful.as_deref(),
        Some("montero")
    );
}

use super::*;
use crate::catalog::fold::fold;

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
}

#[test]
fn zones_may_be_refused() {
    let refused = |text: &str| -> (Vec<String>, Vec<String>) {
        let found = read(text);
        let names = |zones: Vec<Zone>| zones.into_iter().map(|zone| zone.zona).collect();
        (names(found.zones), names(found.unwanted))
    };
    for (text, wanted, unwanted) in [
        ("menos en Equipetrol", vec![], vec!["Equipetrol"]),
        (
            "que no sean en Equipetrol ni en la zona norte",
            vec![],
            vec!["Equipetrol", "Zona Norte"],
        ),
        (
            "fuera de Equipetrol y Urubó",
            vec![],
            vec!["Equipetrol", "Urubó"],
        ),
        (
            "menos Equipetrol, Urubó o Centro",
            vec![],
            vec!["Equipetrol", "Urubó", "Centro"],
        ),
        (
            "no quiero Equipetrol, en Urubó",
            vec!["Urubó"],
            vec!["Equipetrol"],
        ),
        (
            "en Urubó pero no en Equipetrol",
            vec!["Urubó"],
            vec!["Equipetrol"],
        ),
        ("menos de 90 mil en Equipetrol", vec!["Equipetrol"], vec![]),
        ("sin garaje en Equipetrol", vec!["Equipetrol"], vec![]),
    ] {
        let expected = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        assert_eq!(
            refused(text),
            (expected(wanted), expected(unwanted)),
            "{text}"
        );
    }
}

#[test]
fn unknown_places_are_noticed() {
    let unknown = |text: &str| read(text).unknown.map(|(name, _, _)| name);
    assert_eq!(unknown("casas en Montero").as_deref(), Some("montero"));
    assert_eq!(unknown("en la zona Los Cusis").as_deref(), None);
    assert_eq!(unknown("en ekipetrol").as_deref(), Some("ekipetrol"));
    assert_eq!(unknown("departamentos en venta en Equipetrol"), None);
    assert_eq!(unknown("casas en Santa Cruz de la Sierra"), None);
    // Without a capital it may be anything, unless it is known to be elsewhere: the parser says that it was not understood.
    assert_eq!(unknown("casas en yapacani"), None);
    assert_eq!(unknown("casas en montero").as_deref(), Some("montero"));
    assert_eq!(unknown("depto en la paz").as_deref(), Some("la paz"));
}

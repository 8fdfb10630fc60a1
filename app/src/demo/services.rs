//! Services: schools, clinics, shops and the like, most of them near the zones.

use serde::Serialize;

use crate::demo::places;
use crate::demo::random::Random;

/// Their number.
pub const COUNT: u32 = 4777;

/// One row of `servicios`.
#[derive(Debug, Serialize)]
pub struct Service {
    pub codigo: String,
    pub nombre: String,
    pub categoria: &'static str,
    pub subcategoria: &'static str,
    pub zona: Option<&'static str>,
    pub direccion: Option<String>,
    pub telefono: Option<String>,
    pub horario: Option<&'static str>,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
}

struct Category {
    name: &'static str,
    /// In percent; assumed.
    share: u32,
    kinds: &'static [(&'static str, &'static str)],
}

const CATEGORIES: &[Category] = &[
    Category {
        name: "comercio",
        share: 24,
        kinds: &[
            ("tienda", "Tienda"),
            ("supermercado", "Supermercado"),
            ("mercado", "Mercado"),
            ("centro_comercial", "Centro comercial"),
        ],
    },
    Category {
        name: "educacion",
        share: 22,
        kinds: &[
            ("colegio", "Colegio"),
            ("escuela", "Escuela"),
            ("academia", "Academia"),
            ("universidad", "Universidad"),
        ],
    },
    Category {
        name: "salud",
        share: 16,
        kinds: &[
            ("farmacia", "Farmacia"),
            ("clinica", "Clínica"),
            ("centro_de_salud", "Centro de salud"),
            ("hospital", "Hospital"),
        ],
    },
    Category {
        name: "recreacion",
        share: 12,
        kinds: &[("plaza", "Plaza"), ("parque", "Parque")],
    },
    Category {
        name: "transporte",
        share: 9,
        kinds: &[("parada_bus", "Parada"), ("terminal", "Terminal")],
    },
    Category {
        name: "finanzas",
        share: 7,
        kinds: &[
            ("cajero_automatico", "Cajero automático"),
            ("banco", "Banco"),
        ],
    },
    Category {
        name: "gobierno",
        share: 4,
        kinds: &[("oficina", "Oficina pública")],
    },
    Category {
        name: "seguridad",
        share: 3,
        kinds: &[("policia", "Módulo policial")],
    },
    Category {
        name: "otros",
        share: 3,
        kinds: &[("otro", "Servicio")],
    },
];

/// Services are spread wider than their zone; assumed.
const SPREAD: f64 = 1.5;

const HOURS: &[&str] = &["08:00-18:00", "09:00-21:00", "00:00-24:00"];

/// All services: 70 % around a zone, the rest anywhere, 1 % without coordinates.
pub fn generate(mut random: Random) -> Vec<Service> {
    (1..=COUNT)
        .map(|number| service(&mut random, number))
        .collect()
}

/// Names that a school, a shop or a square may have.
const NAMES: &[&str] = &[
    "San Marcos",
    "Santa Rita",
    "Los Almendros",
    "San Lorenzo",
    "La Esperanza",
    "San Isidro",
    "El Carmen",
    "Las Américas",
    "Santa Teresa",
    "San Rafael",
    "La Merced",
    "El Progreso",
    "San Antonio",
    "Los Ángeles",
    "Santa Lucía",
    "El Porvenir",
    "San Jorge",
    "Nueva Era",
    "San Gabriel",
    "La Floresta",
    "Santa Elena",
    "El Amanecer",
    "San Miguel",
];

/// "Colegio San Marcos, Equipetrol"; what has no name of its own is called by its place: "Cajero automático, Centro".
fn named(label: &str, place: &str, number: u32) -> String {
    let plain = [
        "Cajero automático",
        "Parada",
        "Oficina pública",
        "Módulo policial",
        "Servicio",
    ];
    if plain.contains(&label) {
        return format!("{label}, {place}");
    }
    let name = NAMES[(number as usize * 7) % NAMES.len()];
    format!("{label} {name}, {place}")
}

fn service(random: &mut Random, number: u32) -> Service {
    let category = random.weighted(CATEGORIES, |category| category.share);
    let (subcategoria, label) = *random.pick(category.kinds);
    let zone = random.chance(70.0).then(|| places::any_zone(random));
    let place = match zone {
        Some(zone) => places::near(random, zone, SPREAD),
        None => places::anywhere(random),
    };
    let known = !random.chance(1.0);
    Service {
        codigo: format!("S-{number:05}"),
        nombre: named(label, zone.map_or("Santa Cruz", |zone| zone.name), number),
        categoria: category.name,
        subcategoria,
        zona: zone.map(|zone| zone.name),
        direccion: (!random.chance(20.0))
            .then(|| format!("Calle {} nro. {}", random.whole(1, 60), number % 900 + 1)),
        telefono: random
            .chance(40.0)
            .then(|| format!("+591 0001 {number:04}")),
        horario: random.chance(50.0).then(|| *random.pick(HOURS)),
        lat: known.then_some(place.0),
        lng: known.then_some(place.1),
    }
}

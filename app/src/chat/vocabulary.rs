//! The folded words for kinds, operations, needs, measures and orders.

use crate::chat::words::Token;

/// What a number may count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Bedrooms,
    Baths,
    Surface,
    Garages,
    People,
    Children,
    /// Properties.
    Items,
    /// Something that does not matter here: years, floors, rings.
    Other,
}

/// Folded words and the kinds of property that they name.
const KINDS: &[(&str, &str)] = &[
    (
        "departamento",
        "departamento departamentos depto deptos dpto dptos depa depas apartamento apartamentos apto \
         aptos monoambiente monoambientes garzonier",
    ),
    ("casa", "casa casas casita casitas chalet chalets"),
    ("terreno", "terreno terrenos lote lotes parcela parcelas"),
    ("local", "local locales"),
    ("oficina", "oficina oficinas consultorio consultorios"),
    ("galpon", "galpon galpones deposito depositos"),
    ("duplex", "duplex"),
    ("quinta", "quinta quintas"),
    ("penthouse", "penthouse penthouses"),
    ("edificio", "edificio edificios"),
];

const OPERATIONS: &[(&str, &str)] = &[
    (
        "venta",
        "venta ventas comprar compra compro comprarme vende venden invertir inversion adquirir",
    ),
    (
        "alquiler",
        "alquiler alquileres alquilar alquilo alquila alquilan renta rentar arrendar arriendo mensual \
         mensuales",
    ),
    ("anticretico", "anticretico anticreticos anticresis"),
];

/// Words for needs, and the service category that each asks for.
const NEEDS: &[(&str, &str)] = &[
    (
        "educacion",
        "educacion colegio colegios escuela escuelas universidad universidades guarderia",
    ),
    (
        "salud",
        "salud hospital hospitales clinica clinicas farmacia farmacias medicos",
    ),
    (
        "comercio",
        "comercio comercios comercial supermercado supermercados tiendas mercados abasto",
    ),
    (
        "transporte",
        "transporte micro micros bus buses parada paradas",
    ),
    ("seguridad", "policia seguridad segura seguro"),
    (
        "recreacion",
        "recreacion parque parques plaza plazas gimnasio gimnasios deporte areas verdes",
    ),
    ("finanzas", "finanzas banco bancos cajero cajeros"),
];

const MEASURES: &[(Measure, &str)] = &[
    (
        Measure::Bedrooms,
        "dormitorio dormitorios dorm dorms habitacion habitaciones hab habs cuarto cuartos recamara \
         recamaras alcoba alcobas",
    ),
    (Measure::Baths, "bano banos"),
    (
        Measure::Surface,
        "m2 mt2 mts2 mts mt m metro metros superficie",
    ),
    (
        Measure::Garages,
        "garaje garajes garage garages parqueo parqueos cochera cocheras estacionamiento \
         estacionamientos",
    ),
    (
        Measure::People,
        "persona personas adulto adultos integrantes miembros",
    ),
    (
        Measure::Children,
        "hijo hijos hija hijas nino ninos nina ninas",
    ),
    (
        Measure::Items,
        "propiedad propiedades inmueble inmuebles opcion opciones resultados mas",
    ),
    (
        Measure::Other,
        "anillo anillos piso pisos planta plantas ano anos mes meses dia dias minuto minutos hora \
         horas cuadra cuadras km kilometro kilometros perro perros gato gatos auto autos vehiculo \
         vehiculos ambiente ambientes cuotas ro er do to no % ha hectarea hectareas frente fondo \
         veces",
    ),
];

/// Words of an order, after "más", "menos", "menor" or "mayor", and the name of the order.
const ORDERS: &[(&str, &str, &str)] = &[
    ("mas", "barat", "precio_asc"),
    ("mas", "economic", "precio_asc"),
    ("mas", "accesible", "precio_asc"),
    ("menos", "car", "precio_asc"),
    ("menor", "precio", "precio_asc"),
    ("menor", "costo", "precio_asc"),
    ("mas", "car", "precio_desc"),
    ("mas", "costos", "precio_desc"),
    ("mayor", "precio", "precio_desc"),
    ("mas", "grande", "superficie_desc"),
    ("mas", "ampli", "superficie_desc"),
    ("mayor", "superficie", "superficie_desc"),
    ("mas", "reciente", "recientes"),
    ("mas", "nuev", "recientes"),
];

/// The kind of property that a word names.
pub fn kind(token: &Token) -> Option<&'static str> {
    look(KINDS, token)
}

/// The operation that a word names.
pub fn operation(token: &Token) -> Option<&'static str> {
    look(OPERATIONS, token)
}

/// The service category that a word asks for.
pub fn need(token: &Token) -> Option<&'static str> {
    look(NEEDS, token)
}

/// What a word measures.
pub fn measure(token: &Token) -> Option<Measure> {
    look(MEASURES, token)
}

/// The order that two words ask for.
pub fn order(first: &Token, second: &Token) -> Option<&'static str> {
    let stem = |stem: &str| {
        second
            .text
            .strip_prefix(stem)
            .is_some_and(|ending| matches!(ending, "" | "a" | "o" | "as" | "os" | "s" | "es"))
    };
    ORDERS
        .iter()
        .find(|(word, begin, _)| first.is(word) && stem(begin))
        .map(|(_, _, order)| *order)
}

fn look<T: Copy>(list: &[(T, &str)], token: &Token) -> Option<T> {
    list.iter()
        .find(|(_, words)| words.split(' ').any(|word| token.is(word)))
        .map(|(meaning, _)| *meaning)
}

//! The folded words for kinds, operations, needs, measures and orders.

use crate::chat::verbs;
use crate::chat::words::Token;

/// What a number may count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Bedrooms,
    Baths,
    Surface,
    Hectares,
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
         aptos monoambiente monoambientes garzonier garzoniere",
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
        "venta ventas comprar compra compro comprarme vende venden vender vendo invertir inversion adquirir",
    ),
    (
        "alquiler",
        "alquiler alquileres alquilar alquilarme alquilo alquila alquilan renta rentas rentar arrendar arriendo mensual \
         mensuales",
    ),
    ("anticretico", "anticretico anticreticos anticresis"),
];

/// Stems of verbs that name an operation in any of their forms: "alquilaría", "comprarnos".
const TRADING: &[(&str, &str)] = &[
    ("venta", "compr"),
    ("venta", "vend"),
    ("venta", "inviert"),
    ("venta", "invert"),
    ("alquiler", "alquil"),
    ("alquiler", "arriend"),
    ("alquiler", "arrend"),
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
        "comercio comercios comercial supermercado supermercados tienda tiendas mercado mercados abasto",
    ),
    (
        "transporte",
        "transporte micro micros bus buses parada paradas",
    ),
    ("seguridad", "policia seguridad segura seguro"),
    (
        "recreacion",
        "recreacion parque parques plaza plazas gimnasio gimnasios deporte verdes",
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
        "m2 mt2 mts2 mts mt m metro metros superficie construidos construido edificados techados",
    ),
    (
        Measure::Garages,
        "garaje garajes garage garages parqueo parqueos cochera cocheras estacionamiento \
         estacionamientos auto autos carro carros vehiculo vehiculos",
    ),
    (Measure::Hectares, "ha hectarea hectareas"),
    (
        Measure::People,
        "persona personas adulto adultos integrantes miembros amigos amigas estudiantes hermanos inquilinos ocupantes",
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
         horas cuadra cuadras km kilometro kilometros perro perros gato gatos ambiente ambientes cuotas ro er do to no % \
         frente fondo veces",
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

const ENDINGS: &[&str] = &["", "a", "o", "as", "os", "s", "es"];

/// Words for a price in the lowest and in the highest quarter of its zone and kind, and for such a surface of its kind.
const QUARTERS: &[(Quarter, &str)] = &[
    (
        Quarter::Cheap,
        "barato barata baratos baratas economico economica economicos economicas accesible accesibles \
         modico modica comodo",
    ),
    (
        Quarter::Dear,
        "caro cara caros caras lujo lujoso lujosa lujosos lujosas exclusivo exclusiva premium costoso costosa",
    ),
    (
        Quarter::Small,
        "chico chica chicos chicas pequeno pequena pequenos pequenas chiquito chiquita chiquitos \
         chiquitas compacto compacta",
    ),
    (
        Quarter::Large,
        "grande grandes amplio amplia amplios amplias espacioso espaciosa enorme gigante",
    ),
];

/// A quarter of what is on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quarter {
    Cheap,
    Dear,
    Small,
    Large,
}

/// The quarter that a word asks for.
pub fn quarter(token: &Token) -> Option<Quarter> {
    look(QUARTERS, token)
}

/// Every word that means something, for correcting those that are nearly so.
pub fn words() -> impl Iterator<Item = &'static str> {
    let lists = [
        KINDS.iter().map(|(_, words)| *words).collect::<Vec<_>>(),
        OPERATIONS.iter().map(|(_, words)| *words).collect(),
        NEEDS.iter().map(|(_, words)| *words).collect(),
        MEASURES.iter().map(|(_, words)| *words).collect(),
        QUARTERS.iter().map(|(_, words)| *words).collect(),
    ];
    lists
        .into_iter()
        .flatten()
        .flat_map(|words| words.split(' '))
}

/// Whether a word means something.
pub fn is_known(token: &Token) -> bool {
    words().any(|word| token.is(word)) || operation(token).is_some()
}

/// The kind of property that a word names.
pub fn kind(token: &Token) -> Option<&'static str> {
    look(KINDS, token)
}

/// The operation that a word names.
pub fn operation(token: &Token) -> Option<&'static str> {
    look(OPERATIONS, token).or_else(|| {
        let stems = TRADING.iter();
        let mut known = stems.filter(|(_, stem)| verbs::is_form_of(&token.text, stem));
        known.next().map(|(operation, _)| *operation)
    })
}

/// The service category that a word asks for.
pub fn need(token: &Token) -> Option<&'static str> {
    look(NEEDS, token)
}

/// What a word measures.
pub fn measure(token: &Token) -> Option<Measure> {
    look(MEASURES, token)
}

/// Whether a word is a car, for which there may be a place.
pub fn is_car(token: Option<&Token>) -> bool {
    const CARS: &[&str] = &["auto", "autos", "carro", "carros", "vehiculo", "vehiculos"];
    token.is_some_and(|token| token.is_one_of(CARS))
}

/// The order that two words ask for.
pub fn order(first: &Token, second: &Token) -> Option<&'static str> {
    let stem = |stem: &str| {
        second
            .text
            .strip_prefix(stem)
            .is_some_and(|ending| ENDINGS.contains(&ending))
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

//! Agents: invented names, addresses under example.com, unused telephone numbers.

use serde::Serialize;

use crate::demo::random::Random;

/// Their number.
pub const COUNT: u32 = 150;

/// One row of `agentes`.
#[derive(Debug, Serialize)]
pub struct Agent {
    pub codigo: String,
    pub nombre: String,
    pub telefono: Option<String>,
    pub email: Option<String>,
    pub empresa: Option<&'static str>,
}

const FIRST: &[&str] = &[
    "María",
    "José",
    "Carla",
    "Luis",
    "Ana",
    "Jorge",
    "Daniela",
    "Marco",
    "Paola",
    "Raúl",
    "Lucía",
    "Óscar",
    "Verónica",
    "Hugo",
    "Claudia",
    "Iván",
    "Gabriela",
    "Rodrigo",
    "Silvia",
    "Ernesto",
];

const LAST: &[&str] = &[
    "Suárez",
    "Rojas",
    "Gutiérrez",
    "Vaca",
    "Justiniano",
    "Áñez",
    "Roca",
    "Méndez",
    "Ribera",
    "Saucedo",
    "Antelo",
    "Cuéllar",
    "Parada",
    "Barba",
    "Flores",
    "Mamani",
    "Peña",
    "Soliz",
    "Chávez",
    "Landívar",
];

const COMPANIES: &[&str] = &[
    "Inmobiliaria Demo Norte",
    "Inmobiliaria Demo Sur",
    "Propiedades de Ejemplo",
];

/// The code of the agent with this number, from 1.
pub fn code(number: u32) -> String {
    format!("A-{number:04}")
}

/// All agents.
pub fn generate(mut random: Random) -> Vec<Agent> {
    (1..=COUNT)
        .map(|number| agent(&mut random, number))
        .collect()
}

fn agent(random: &mut Random, number: u32) -> Agent {
    let nombre = format!(
        "{} {} {}",
        random.pick(FIRST),
        random.pick(LAST),
        random.pick(LAST)
    );
    Agent {
        codigo: code(number),
        nombre,
        telefono: (!random.chance(15.0)).then(|| format!("+591 0000 {number:04}")),
        email: (!random.chance(25.0)).then(|| format!("agente{number:04}@example.com")),
        empresa: (!random.chance(30.0)).then(|| *random.pick(COMPANIES)),
    }
}

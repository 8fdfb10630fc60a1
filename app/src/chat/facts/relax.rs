//! Nothing matches: which filters to drop, how many match then, and what misses by little.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::catalog::search::{self, Page};
use crate::chat::facts::{Facts, order, plain, select};
use crate::chat::question::{Intent, Question};

/// Near misses shown.
const NEAR: i64 = 3;
/// Ways out that are told.
const TOLD: usize = 6;
/// How far a near miss may be from what was asked for, as a share of it.
const LITTLE: f64 = 0.25;

/// A filter, and how many properties match without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Alternativa)]
pub struct Relaxation {
    /// The keys of `entendido` to drop.
    pub quitar: Vec<&'static str>,
    /// The same for people: "sin el tope de precio".
    pub texto: String,
    /// Properties that match then.
    pub cantidad: i64,
}

type Drop = (&'static [&'static str], &'static str, fn(&mut Question));

/// Every filter of a question, and how to drop it.
const DROPS: &[Drop] = &[
    (&["presupuesto_max"], "sin el tope de precio", |question| {
        question.presupuesto_max = None;
    }),
    (&["presupuesto_min"], "sin el precio mínimo", |question| {
        question.presupuesto_min = None;
    }),
    (&["gama"], "a cualquier precio de la zona", |question| {
        question.gama = None;
    }),
    (
        &["dormitorios_min", "dormitorios_max"],
        "con cualquier número de dormitorios",
        |question| {
            (question.dormitorios_min, question.dormitorios_max) = (None, None);
        },
    ),
    (
        &["banos_min", "banos_max"],
        "con cualquier número de baños",
        |question| {
            (question.banos_min, question.banos_max) = (None, None);
        },
    ),
    (
        &["superficie_min", "superficie_max"],
        "de cualquier superficie",
        |question| {
            (question.superficie_min, question.superficie_max) = (None, None);
        },
    ),
    (&["tamano"], "de cualquier tamaño", |question| {
        question.tamano = None;
    }),
    (
        &["tiene_garaje", "garajes_min"],
        "sin mirar el garaje",
        |question| {
            (question.tiene_garaje, question.garajes_min) = (None, None);
        },
    ),
    (
        &["caracteristicas"],
        "sin las características",
        |question| question.caracteristicas.clear(),
    ),
    (
        &["sin_caracteristicas"],
        "sin descartar características",
        |question| question.sin_caracteristicas.clear(),
    ),
    (
        &["anillo_min", "anillo_max"],
        "en cualquier anillo",
        |question| {
            (question.anillo_min, question.anillo_max) = (None, None);
        },
    ),
    (&["lugares"], "lejos de ese lugar", |question| {
        question.lugares.clear();
    }),
    (&["zonas"], "en cualquier zona", |question| {
        question.zonas.clear();
    }),
    (&["zonas_excluidas"], "sin excluir zonas", |question| {
        question.zonas_excluidas.clear();
    }),
    (
        &["tipos", "tipos_excluidos"],
        "de cualquier tipo",
        |question| {
            question.tipos.clear();
            question.tipos_excluidos.clear();
        },
    ),
    (&["operacion"], "en cualquier operación", |question| {
        question.operacion = None;
    }),
];

type Near = (&'static str, fn(&mut Question));

/// What misses by little, the least first.
const NEARLY: &[Near] = &[
    ("pasan el presupuesto en hasta un 25 %", |question| {
        question.presupuesto_max = question.presupuesto_max.map(|most| most * (1.0 + LITTLE));
        question.presupuesto_min = question.presupuesto_min.map(|least| least * (1.0 - LITTLE));
    }),
    ("tienen un dormitorio menos", |question| {
        question.dormitorios_min = question.dormitorios_min.map(|least| (least - 1).max(0));
    }),
    ("tienen un baño menos", |question| {
        question.banos_min = question.banos_min.map(|least| (least - 1).max(0));
    }),
    ("difieren en la superficie en hasta un 25 %", |question| {
        question.superficie_min = question.superficie_min.map(|least| least * (1.0 - LITTLE));
        question.superficie_max = question.superficie_max.map(|most| most * (1.0 + LITTLE));
    }),
];

/// Finds both. Where no single filter helps, two are dropped together.
pub async fn relax(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let set: Vec<&Drop> = DROPS
        .iter()
        .filter(|drop| dropped(&facts.question, &[drop]).is_some())
        .collect();
    for drop in &set {
        try_without(connection, facts, &[drop]).await?;
    }
    if facts.relaxations.is_empty() {
        for (index, first) in set.iter().enumerate() {
            for second in &set[index + 1..] {
                try_without(connection, facts, &[first, second]).await?;
            }
        }
    }
    facts.relaxations.truncate(TOLD);
    if matches!(facts.intent, Intent::Recomendacion | Intent::Ranking) {
        nearly(connection, facts).await?;
    }
    Ok(())
}

/// The question without these filters; none if it has none of them.
fn dropped(question: &Question, drops: &[&Drop]) -> Option<Question> {
    let mut without = question.clone();
    for (_, _, drop) in drops {
        drop(&mut without);
    }
    (without != *question).then_some(without)
}

async fn try_without(
    connection: &mut PgConnection,
    facts: &mut Facts,
    drops: &[&Drop],
) -> sqlx::Result<()> {
    let Some(question) = dropped(&facts.question, drops) else {
        return Ok(());
    };
    let filters = select::filters(connection, &question).await?;
    let cantidad = search::count(connection, &filters).await?;
    if cantidad > 0 {
        let texts: Vec<&str> = drops.iter().map(|(_, text, _)| *text).collect();
        facts.relaxations.push(Relaxation {
            quitar: drops
                .iter()
                .flat_map(|(keys, _, _)| keys.iter().copied())
                .collect(),
            texto: texts.join(" y "),
            cantidad,
        });
    }
    Ok(())
}

async fn nearly(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let page = Page {
        limite: NEAR,
        offset: 0,
    };
    for (how, widen) in NEARLY {
        let mut question = facts.question.clone();
        widen(&mut question);
        if question == facts.question {
            continue;
        }
        let filters = select::filters(connection, &question).await?;
        let (_, rows) = search::find(connection, &filters, order("precio_asc"), page).await?;
        if !rows.is_empty() {
            facts.notes.push(format!("Estas no cumplen todo: {how}."));
            facts.cards = plain(rows);
            return Ok(());
        }
    }
    Ok(())
}

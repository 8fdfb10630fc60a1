//! The results of the database for a question.

use std::convert::Infallible;

use serde::Serialize;
use sqlx::PgConnection;

use crate::catalog::candidates::Candidates;
use crate::catalog::filters::Filters;
use crate::catalog::preferences::{Family, Preferences};
use crate::catalog::property::{self, PropertyView};
use crate::catalog::ranking_cache::RankingCache;
use crate::catalog::recommend::{self, Resolved};
use crate::catalog::scored_property::ScoredProperty;
use crate::catalog::search::{self, ORDERS, Page};
use crate::catalog::services::{self, CATEGORIES, NearService, RADII};
use crate::catalog::summary::{self, Summary, ZONE_ORDERS, ZoneSummary};
use crate::catalog::zone::{self, Zone};
use crate::chat::question::{Intent, Question};

/// Properties shown of a ranking, and of a recommendation, by default.
const RANKED: i64 = 5;
const RECOMMENDED: i64 = 6;
/// Properties shown if the budget had to be ignored.
const BEYOND: i64 = 3;
/// Zones and services shown at most.
const ZONES: i64 = 40;
const SERVICES: i64 = 15;

/// A property that is shown.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Card {
    /// With its score.
    Scored(Box<ScoredProperty>),
    /// As it is.
    Plain(Box<PropertyView>),
}

impl Card {
    /// The property.
    pub fn property(&self) -> &PropertyView {
        match self {
            Card::Scored(item) => &item.propiedad,
            Card::Plain(view) => view,
        }
    }

    /// Its score from 0 to 100, if it has one.
    pub fn score(&self) -> Option<f64> {
        match self {
            Card::Scored(item) => Some(item.compatibilidad),
            Card::Plain(_) => None,
        }
    }
}

/// Everything that an answer may contain.
pub struct Facts {
    pub intent: Intent,
    /// The question, completed with defaults.
    pub question: Question,
    /// Matching properties in all.
    pub total: i64,
    pub cards: Vec<Card>,
    pub summaries: Vec<Summary>,
    pub zones: Vec<ZoneSummary>,
    pub services: Vec<NearService>,
    /// Sentences that the reader should know.
    pub notes: Vec<String>,
}

/// Asks the database.
pub async fn find(
    ranking_cache: &RankingCache,
    connection: &mut PgConnection,
    question: Question,
    zones: &[Zone],
) -> sqlx::Result<Facts> {
    let mut facts = Facts {
        intent: question.intent(),
        total: 0,
        cards: Vec::new(),
        summaries: Vec::new(),
        zones: Vec::new(),
        services: Vec::new(),
        notes: question.avisos.clone(),
        question,
    };
    if let Some(name) = &facts.question.zona_desconocida
        && !matches!(facts.intent, Intent::Propiedad | Intent::Ayuda)
    {
        let similar = zone::similar(zones.to_vec(), name).join(", ");
        facts.notes.push(format!(
            "No hay propiedades en una zona llamada «{name}». Zonas parecidas: {similar}."
        ));
        return Ok(facts);
    }
    match facts.intent {
        Intent::Recomendacion => recommended(ranking_cache, connection, &mut facts).await?,
        Intent::Ranking => ranked(connection, &mut facts).await?,
        Intent::Cantidad | Intent::Precios => {
            facts.summaries = summary::by_operation(connection, &filters(&facts.question)).await?;
            facts.total = facts.summaries.iter().map(|summary| summary.cantidad).sum();
        }
        Intent::Zonas => compared(connection, &mut facts).await?,
        Intent::Propiedad => single_property(connection, &mut facts).await?,
        Intent::Ayuda => {
            let everything = filters(&Question::default());
            facts.summaries = summary::by_operation(connection, &everything).await?;
            facts.zones =
                summary::by_zone(connection, &everything, ZONE_ORDERS[0].1, ZONES).await?;
        }
    }
    Ok(facts)
}

/// The hard filters of a question. Only properties on offer are shown.
fn filters(question: &Question) -> Filters {
    let zonas: Vec<String> = question
        .zonas
        .iter()
        .map(|zone| zone.zona_normalizada.clone())
        .collect();
    let sin_zonas = question.zonas_excluidas.iter();
    Filters {
        zonas: (!zonas.is_empty()).then_some(zonas),
        sin_zonas: sin_zonas
            .map(|zone| zone.zona_normalizada.clone())
            .collect(),
        precio_min: question.presupuesto_min,
        precio_max: question.presupuesto_max,
        tipos: question.tipos.clone(),
        operacion: question.operacion,
        estado: Some("disponible"),
        superficie_min: question.superficie_min,
        superficie_max: question.superficie_max,
        habitaciones_min: question.dormitorios_min,
        habitaciones_max: question.dormitorios_max,
        banos_min: question.banos_min,
        banos_max: question.banos_max,
        tiene_garaje: question.tiene_garaje,
        ..Filters::default()
    }
}

async fn recommended(
    ranking_cache: &RankingCache,
    connection: &mut PgConnection,
    facts: &mut Facts,
) -> sqlx::Result<()> {
    let question = &mut facts.question;
    question.operacion = question.operacion.or(Some("venta"));
    let wanted = preferences_of(question);
    let page = Page {
        limite: question.limite.unwrap_or(RECOMMENDED),
        offset: 0,
    };
    let resolve = |_: &Candidates| {
        Ok::<_, Infallible>(Resolved {
            wanted: wanted.clone(),
            relaxed: Vec::new(),
            zone: None,
        })
    };
    let Ok(found) =
        recommend::find(ranking_cache, connection, wanted.radio_m, page, resolve).await?;
    facts.total = found.total;
    facts.cards = found
        .rows
        .into_iter()
        .map(|row| Card::Scored(Box::new(ScoredProperty::new(row, &wanted))))
        .collect();
    if facts.total == 0 {
        beyond(connection, facts).await?;
    }
    Ok(())
}

fn preferences_of(question: &Question) -> Preferences {
    let default = Preferences::default();
    let places: Vec<i32> = question
        .necesidades
        .iter()
        .filter_map(|need| CATEGORIES.iter().position(|category| category == need))
        .filter_map(|index| i32::try_from(index + 1).ok())
        .collect();
    let heads = question
        .personas
        .or(question.ninos.map(|children| children + 1));
    Preferences {
        operacion: question.operacion.unwrap_or(default.operacion),
        presupuesto_min: question.presupuesto_min,
        presupuesto_max: question.presupuesto_max,
        categorias: if places.is_empty() {
            default.categorias
        } else {
            places
        },
        familia: heads
            .and_then(|heads| i32::try_from(heads).ok())
            .map(|personas| Family {
                personas,
                ninos: question.ninos.is_some(),
            }),
        ademas: filters(question),
        ..default
    }
}

/// Nothing matches: shows the cheapest that match without the budget, and adds a note.
async fn beyond(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let question = &facts.question;
    if question.presupuesto_min.is_none() && question.presupuesto_max.is_none() {
        return Ok(());
    }
    let filters = Filters {
        precio_min: None,
        precio_max: None,
        ..filters(question)
    };
    let page = Page {
        limite: BEYOND,
        offset: 0,
    };
    let (_, rows) = search::find(connection, &filters, order("precio_asc"), page).await?;
    if !rows.is_empty() {
        facts
            .notes
            .push("Estas son las más baratas que cumplen todo menos el presupuesto.".to_owned());
    }
    facts.cards = plain(rows);
    Ok(())
}

async fn ranked(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let question = &mut facts.question;
    question.operacion = question.operacion.or(Some("venta"));
    let page = Page {
        limite: question.limite.unwrap_or(RANKED),
        offset: 0,
    };
    let order = order(question.orden.unwrap_or("precio_asc"));
    let (total, rows) = search::find(connection, &filters(question), order, page).await?;
    facts.total = total;
    facts.cards = plain(rows);
    if total == 0 {
        beyond(connection, facts).await?;
    }
    Ok(())
}

async fn compared(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let question = &mut facts.question;
    question.operacion = question.operacion.or(Some("venta"));
    let name = question.orden.unwrap_or("cantidad");
    let order = ZONE_ORDERS
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap_or(&ZONE_ORDERS[0]);
    let limit = question.limite.unwrap_or(10);
    facts.zones = summary::by_zone(connection, &filters(question), order.1, limit).await?;
    facts.total = facts.zones.iter().map(|zone| zone.cantidad).sum();
    Ok(())
}

async fn single_property(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let id = facts.question.propiedad.unwrap_or_default();
    let Some(row) = property::find(connection, id).await? else {
        facts.notes.push(format!("No existe la propiedad {id}."));
        return Ok(());
    };
    if row.place().is_some() {
        facts.services = services::around(connection, id, RADII[1], SERVICES).await?;
    }
    facts.total = 1;
    facts.cards = plain(vec![row]);
    Ok(())
}

fn plain(rows: Vec<property::Property>) -> Vec<Card> {
    rows.into_iter()
        .map(|row| Card::Plain(Box::new(row.into())))
        .collect()
}

fn order(name: &str) -> &'static str {
    ORDERS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(ORDERS[0].1, |(_, sql)| sql)
}

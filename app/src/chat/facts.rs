//! The results of the database for a question.

mod relax;
mod select;

use std::convert::Infallible;

use serde::Serialize;
use sqlx::PgConnection;

use crate::catalog::candidates::Candidates;
use crate::catalog::filters::Filters;
use crate::catalog::preferences::{Family, Preferences};
use crate::catalog::property::{self, PropertyView};
use crate::catalog::query_error::QueryError;
use crate::catalog::ranking_cache::RankingCache;
use crate::catalog::recommend::{self, Resolved};
use crate::catalog::scored_property::ScoredProperty;
use crate::catalog::search::{self, ORDERS, Order, Page};
use crate::catalog::services::{self, CATEGORIES, NearService, RADII};
use crate::catalog::summary::{self, Summary, ZONE_ORDERS, ZoneSummary};
use crate::catalog::zone::{self, Zone};
use crate::chat::question::{Intent, Question};

pub use relax::Relaxation;

/// Properties shown of a ranking, and of a recommendation, by default.
const RANKED: i64 = 5;
const RECOMMENDED: i64 = 6;
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
            Card::Scored(item) => Some(item.juicio.compatibilidad),
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
    /// What was asked for and could not be searched by, because no listing says it.
    pub unfiltered: Vec<String>,
    /// Where nothing matches: which filters to drop, and how many properties match then.
    pub relaxations: Vec<Relaxation>,
}

impl Facts {
    /// Whether everything that was asked for was searched by.
    pub fn is_whole(&self) -> bool {
        self.unfiltered.is_empty() && self.question.no_entendido.is_empty()
    }

    /// Properties on the pages before this one.
    pub fn offset(&self) -> i64 {
        self.question.pagina.unwrap_or(0) * page_size(self.intent, &self.question)
    }
}

/// Asks the database.
pub async fn find(
    ranking_cache: &RankingCache,
    connection: &mut PgConnection,
    question: Question,
    zones: &[Zone],
) -> Result<Facts, QueryError> {
    let mut facts = Facts {
        intent: question.intent(),
        total: 0,
        cards: Vec::new(),
        summaries: Vec::new(),
        zones: Vec::new(),
        services: Vec::new(),
        notes: question.avisos.clone(),
        unfiltered: Vec::new(),
        relaxations: Vec::new(),
        question,
    };
    if !matches!(facts.intent, Intent::Propiedad | Intent::Ayuda) {
        select::resolve(connection, &mut facts).await?;
        if unknown_zone(&mut facts, zones) {
            return Ok(facts);
        }
    }
    answer(ranking_cache, connection, &mut facts).await?;
    Ok(facts)
}

/// Notes a zone that the catalogue does not have.
fn unknown_zone(facts: &mut Facts, zones: &[Zone]) -> bool {
    let Some(name) = &facts.question.zona_desconocida else {
        return false;
    };
    let similar = zone::similar(zones.to_vec(), name).join(", ");
    facts.notes.push(format!(
        "No hay propiedades en una zona llamada «{name}», y ningún anuncio la menciona. Zonas parecidas: {similar}."
    ));
    true
}

async fn answer(
    ranking_cache: &RankingCache,
    connection: &mut PgConnection,
    facts: &mut Facts,
) -> Result<(), QueryError> {
    match facts.intent {
        Intent::Ranking => ranked(connection, facts).await?,
        Intent::Cantidad | Intent::Precios => figures(connection, facts).await?,
        Intent::Zonas | Intent::Comparacion => compared(connection, facts).await?,
        Intent::Propiedad => single_property(connection, facts).await?,
        Intent::Contacto if facts.question.propiedad.is_some() => {
            single_property(connection, facts).await?;
        }
        // Of a question that names nothing, whom to ask is not known.
        Intent::Contacto if facts.question.is_vague() => {}
        Intent::Recomendacion | Intent::Contacto => {
            recommended(ranking_cache, connection, facts).await?;
        }
        Intent::Ayuda => everything(connection, facts).await?,
    }
    Ok(())
}

async fn figures(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let filters = select::filters(connection, &facts.question).await?;
    facts.summaries = summary::by_operation(connection, &filters).await?;
    facts.total = facts.summaries.iter().map(|summary| summary.cantidad).sum();
    if facts.total == 0 {
        relax::relax(connection, facts).await?;
    }
    Ok(())
}

/// What the catalogue has, for somebody who asks for nothing in it.
async fn everything(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let all = select::filters(connection, &Question::default()).await?;
    facts.summaries = summary::by_operation(connection, &all).await?;
    facts.zones = summary::by_zone(connection, &all, ZONE_ORDERS[0].1, ZONES).await?;
    Ok(())
}

/// Properties on a page.
fn page_size(intent: Intent, question: &Question) -> i64 {
    let usual = if intent == Intent::Ranking {
        RANKED
    } else {
        RECOMMENDED
    };
    question.limite.unwrap_or(usual)
}

async fn recommended(
    ranking_cache: &RankingCache,
    connection: &mut PgConnection,
    facts: &mut Facts,
) -> Result<(), QueryError> {
    let question = &mut facts.question;
    question.operacion = question.operacion.or(Some("venta"));
    let wanted = preferences_of(question, select::filters(connection, question).await?);
    let page = Page {
        limite: page_size(facts.intent, &facts.question),
        offset: facts.offset(),
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
        relax::relax(connection, facts).await?;
    }
    Ok(())
}

fn preferences_of(question: &Question, ademas: Filters) -> Preferences {
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
        ademas,
        ..default
    }
}

async fn ranked(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let question = &mut facts.question;
    question.operacion = question.operacion.or(Some("venta"));
    let order = order(question.orden.unwrap_or("precio_asc"));
    let filters = select::filters(connection, question).await?;
    let page = Page {
        limite: page_size(facts.intent, &facts.question),
        offset: facts.offset(),
    };
    let (total, rows) = search::find(connection, &filters, order, page).await?;
    facts.total = total;
    facts.cards = plain(rows);
    if total == 0 {
        relax::relax(connection, facts).await?;
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
    let filters = select::filters(connection, question).await?;
    facts.zones = summary::by_zone(connection, &filters, order.1, limit).await?;
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
    select::of_one(connection, facts, id).await?;
    facts.total = 1;
    facts.cards = plain(vec![row]);
    Ok(())
}

fn plain(rows: Vec<property::Property>) -> Vec<Card> {
    rows.into_iter()
        .map(|row| Card::Plain(Box::new(row.into())))
        .collect()
}

fn order(name: &str) -> Order {
    ORDERS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(Order::Id, |(_, order)| *order)
}

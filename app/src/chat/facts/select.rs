//! What a question selects: the filters of its columns, and the ids of what only the whole row shows.

use sqlx::PgConnection;

use crate::catalog::KINDS;
use crate::catalog::filters::Filters;
use crate::catalog::narrow::{self, End, Narrowing};
use crate::catalog::spell;
use crate::chat::facts::Facts;
use crate::chat::question::{Feature, Intent, Landmark, Question};

/// Metres around a named place.
const AROUND_M: f64 = 1000.0;
/// Services of one name from which on it names no place: every zone has a "Farmacia".
const TOO_MANY: i64 = 20;

/// Looks up the places and features of the question. What the catalogue does not say is dropped from the question, and told.
pub async fn resolve(connection: &mut PgConnection, facts: &mut Facts) -> sqlx::Result<()> {
    let mut question = std::mem::take(&mut facts.question);
    unknown_zone(connection, &mut question).await?;
    for place in std::mem::take(&mut question.lugares) {
        match located(connection, place).await? {
            Ok(place) => question.lugares.push(place),
            Err(place) => facts.unfiltered.push(place.nombre),
        }
    }
    for feature in std::mem::take(&mut question.caracteristicas) {
        if is_said(connection, &feature.patron).await? {
            question.caracteristicas.push(feature);
        } else {
            facts.unfiltered.push(feature.nombre);
        }
    }
    for feature in std::mem::take(&mut question.sin_caracteristicas) {
        if is_said(connection, &feature.patron).await? {
            question.sin_caracteristicas.push(feature);
        } else {
            facts.unfiltered.push(format!("sin {}", feature.nombre));
        }
    }
    facts.notes.extend(notes(&question, &facts.unfiltered));
    facts.notes.extend(soft(&question, facts.intent));
    facts.question = question;
    Ok(())
}

/// What is asked about one property: whether its listing says it, and what was not understood.
pub async fn of_one(connection: &mut PgConnection, facts: &mut Facts, id: i64) -> sqlx::Result<()> {
    let one = Filters {
        solo: Some(vec![id]),
        ..Filters::default()
    };
    let question = &facts.question;
    for feature in question
        .caracteristicas
        .iter()
        .chain(&question.sin_caracteristicas)
    {
        let says = [Narrowing::Says(feature.patron.clone())];
        let said = !narrow::ids(connection, &one, &says).await?.is_empty();
        let verb = if said { "dice" } else { "no dice" };
        facts
            .notes
            .push(format!("El anuncio {verb} «{}».", feature.nombre));
    }
    facts.notes.extend(not_understood(question));
    Ok(())
}

/// A zone that the catalogue does not have may still be named by a listing.
async fn unknown_zone(connection: &mut PgConnection, question: &mut Question) -> sqlx::Result<()> {
    let Some(name) = question.zona_desconocida.take() else {
        return Ok(());
    };
    if is_said(connection, &narrow::literal(&name)).await? {
        question.lugares.push(Landmark {
            nombre: name,
            puntos: Vec::new(),
        });
    } else {
        question.zona_desconocida = Some(name);
    }
    Ok(())
}

/// The place with its coordinates, or as it is if a listing names it; the place back if neither is so.
async fn located(
    connection: &mut PgConnection,
    mut place: Landmark,
) -> sqlx::Result<Result<Landmark, Landmark>> {
    let found = narrow::services_named(connection, &place.nombre, TOO_MANY).await?;
    let is_one = i64::try_from(found.len()).is_ok_and(|count| (1..TOO_MANY).contains(&count));
    if is_one {
        place.puntos = found;
        return Ok(Ok(place));
    }
    let said = is_said(connection, &narrow::literal(&place.nombre)).await?;
    Ok(if said { Ok(place) } else { Err(place) })
}

/// Whether any listing on offer says it.
async fn is_said(connection: &mut PgConnection, pattern: &str) -> sqlx::Result<bool> {
    let says = [Narrowing::Says(pattern.to_owned())];
    Ok(
        !narrow::ids(connection, &columns(&Question::default()), &says)
            .await?
            .is_empty(),
    )
}

/// The filters of a question. Only properties on offer are shown.
pub async fn filters(connection: &mut PgConnection, question: &Question) -> sqlx::Result<Filters> {
    let mut filters = columns(question);
    let narrowings = narrowings(question);
    if !narrowings.is_empty() {
        filters.solo = Some(narrow::ids(connection, &filters, &narrowings).await?);
    }
    Ok(filters)
}

fn narrowings(question: &Question) -> Vec<Narrowing> {
    let mut all = Vec::new();
    let pattern = |feature: &Feature| feature.patron.clone();
    all.extend(
        question
            .caracteristicas
            .iter()
            .map(pattern)
            .map(Narrowing::Says),
    );
    all.extend(
        question
            .sin_caracteristicas
            .iter()
            .map(pattern)
            .map(Narrowing::SaysNot),
    );
    all.extend(question.lugares.iter().map(|place| {
        if place.puntos.is_empty() {
            Narrowing::Says(narrow::literal(&place.nombre))
        } else {
            Narrowing::Around(place.puntos.clone(), AROUND_M)
        }
    }));
    if question.anillo_min.is_some() || question.anillo_max.is_some() {
        all.push(Narrowing::Rings(question.anillo_min, question.anillo_max));
    }
    let end = |name: &str| match name {
        "barata" | "chica" => End::Lowest,
        _ => End::Highest,
    };
    all.extend(question.gama.map(|name| Narrowing::PriceQuarter(end(name))));
    all.extend(
        question
            .tamano
            .map(|name| Narrowing::SurfaceQuarter(end(name))),
    );
    all
}

fn columns(question: &Question) -> Filters {
    let folded = |zones: &[crate::catalog::zone::Zone]| -> Vec<String> {
        zones
            .iter()
            .map(|zone| zone.zona_normalizada.clone())
            .collect()
    };
    let zonas = folded(&question.zonas);
    Filters {
        zonas: (!zonas.is_empty()).then_some(zonas),
        sin_zonas: folded(&question.zonas_excluidas),
        precio_min: question.presupuesto_min,
        precio_max: question.presupuesto_max,
        tipos: kinds(question),
        operacion: question.operacion,
        estado: Some("disponible"),
        superficie_min: question.superficie_min,
        superficie_max: question.superficie_max,
        habitaciones_min: question.dormitorios_min,
        habitaciones_max: question.dormitorios_max,
        banos_min: question.banos_min,
        banos_max: question.banos_max,
        tiene_garaje: question.tiene_garaje,
        garajes_min: question.garajes_min,
        ..Filters::default()
    }
}

/// The kinds that are wanted, or else all but those that are not.
fn kinds(question: &Question) -> Vec<&'static str> {
    if !question.tipos.is_empty() || question.tipos_excluidos.is_empty() {
        return question.tipos.clone();
    }
    let kinds = KINDS.iter().copied();
    kinds
        .filter(|kind| !question.tipos_excluidos.contains(kind))
        .collect()
}

/// What only orders a recommendation, and what no other answer looks at.
fn soft(question: &Question, intent: Intent) -> Option<String> {
    let needs = question.necesidades.iter();
    let mut names: Vec<String> = needs
        .map(|need| format!("cercanía a {}", spell::category(need)))
        .collect();
    let heads = question.personas.or(question.ninos);
    names.extend(heads.map(|_| "espacio para quienes vivirán ahí".to_owned()));
    if names.is_empty() {
        return None;
    }
    let names = names.join(" y ");
    Some(match intent {
        Intent::Recomendacion => format!("No es un filtro, pero cuenta en el orden: {names}."),
        _ => format!("No filtré por {names}: esta respuesta no lo mira."),
    })
}

fn not_understood(question: &Question) -> Option<String> {
    let words = &question.no_entendido;
    (!words.is_empty()).then(|| {
        format!(
            "No filtré por {}: no lo entendí o el catálogo no lo registra.",
            spell::quoted(words)
        )
    })
}

/// How the filters are to be read, and what was not searched by.
fn notes(question: &Question, unfiltered: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    if !unfiltered.is_empty() {
        notes.push(format!(
            "No pude filtrar por {}: el catálogo no lo dice en ningún anuncio.",
            spell::quoted(unfiltered)
        ));
    }
    notes.extend(not_understood(question));
    let places = question
        .lugares
        .iter()
        .filter(|place| place.puntos.is_empty());
    let said = question
        .caracteristicas
        .iter()
        .map(|feature| feature.nombre.clone());
    let said: Vec<String> = said
        .chain(places.map(|place| place.nombre.clone()))
        .collect();
    if !said.is_empty() {
        notes.push(format!(
            "De {} sé solo lo que el anuncio dice; confírmelo con el vendedor.",
            spell::quoted(&said)
        ));
    }
    if question.anillo_min.is_some() || question.anillo_max.is_some() {
        notes.push(
            "El catálogo no dice el anillo: lo estimo por la distancia a la plaza 24 de Septiembre.".to_owned(),
        );
    }
    notes
}

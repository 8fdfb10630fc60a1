//! Words the facts without a model.

use crate::catalog::spell;
use crate::catalog::summary::{Summary, ZoneSummary};
use crate::chat::facts::{Card, Facts};
use crate::chat::question::{Intent, Question};

const HELP: &str = "Puedo buscar propiedades en Santa Cruz de la Sierra, contar cuántas hay, decir cuánto cuestan y \
comparar zonas. Por ejemplo: «busco un departamento de 3 dormitorios en Equipetrol hasta 200.000 dólares».";

/// The answer in Markdown. Everything in it is in the facts.
pub fn tell(facts: &Facts) -> String {
    let body = match facts.intent {
        Intent::Recomendacion | Intent::Ranking => properties(facts),
        Intent::Cantidad => counts(facts),
        Intent::Precios => prices(facts),
        Intent::Zonas => zones(facts),
        Intent::Propiedad => single_property(facts),
        Intent::Ayuda => HELP.to_owned(),
    };
    let mut parts = facts.notes.clone();
    parts.push(body);
    if facts.total == 0 && !facts.cards.is_empty() {
        // First that nothing fits, then what is shown instead.
        parts.insert(0, nothing(&facts.question));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// Further questions that can be answered.
pub fn suggestions(facts: &Facts) -> Vec<String> {
    let place = facts
        .question
        .zonas
        .first()
        .map_or_else(|| "Equipetrol".to_owned(), |zone| zone.zona.clone());
    let what = spell::kinds(&facts.question.tipos);
    let first = facts
        .cards
        .first()
        .map(|card| format!("Cuéntame de la propiedad #{}", card.property().id));
    let mut all: Vec<String> = first.into_iter().collect();
    all.extend([
        format!("¿Cuál es el precio promedio de {what} en {place}?"),
        format!("¿Cuántas propiedades hay en {place}?"),
        format!("¿Cuáles son las 5 propiedades más baratas en {place}?"),
        "¿Qué zonas son las más caras?".to_owned(),
        "Busco un departamento de 2 dormitorios hasta 120.000 dólares".to_owned(),
    ]);
    // Do not suggest what was just asked.
    match facts.intent {
        Intent::Precios => all.retain(|question| !question.contains("promedio")),
        Intent::Zonas => all.retain(|question| !question.contains("zonas")),
        Intent::Propiedad => all.retain(|question| !question.starts_with("Cuéntame")),
        _ => {}
    }
    all.truncate(5);
    all
}

/// "casas en venta en Urubó con al menos 3 dormitorios hasta USD 150.000".
fn wanted(question: &Question) -> String {
    let mut text = spell::kinds(&question.tipos);
    if let Some(operation) = question.operacion {
        text = format!("{text} {}", spell::operation(operation));
    }
    if !question.zonas.is_empty() {
        let names: Vec<&str> = question
            .zonas
            .iter()
            .map(|zone| zone.zona.as_str())
            .collect();
        text = format!("{text} en {}", names.join(" o "));
    }
    if !question.zonas_excluidas.is_empty() {
        let names = question.zonas_excluidas.iter();
        let names: Vec<&str> = names.map(|zone| zone.zona.as_str()).collect();
        text = format!("{text} fuera de {}", names.join(" y "));
    }
    let mut more = Vec::new();
    for (least, most, one, many) in [
        (
            question.dormitorios_min,
            question.dormitorios_max,
            "dormitorio",
            "dormitorios",
        ),
        (question.banos_min, question.banos_max, "baño", "baños"),
    ] {
        more.extend(match (least, most) {
            (Some(least), Some(most)) if least == most => {
                Some(format!("con {}", spell::count(least, one, many)))
            }
            (Some(least), Some(most)) => Some(format!("con {least} a {most} {many}")),
            (Some(least), None) => Some(format!("con al menos {}", spell::count(least, one, many))),
            (None, Some(most)) => Some(format!("con a lo sumo {}", spell::count(most, one, many))),
            (None, None) => None,
        });
    }
    more.extend(
        question
            .superficie_min
            .map(|least| format!("desde {} m²", spell::tenth(least))),
    );
    more.extend(
        question
            .superficie_max
            .map(|most| format!("hasta {} m²", spell::tenth(most))),
    );
    more.extend(
        question
            .tiene_garaje
            .map(|with| if with { "con garaje" } else { "sin garaje" }.to_owned()),
    );
    more.extend(
        question
            .presupuesto_min
            .map(|least| format!("desde USD {}", spell::whole(least))),
    );
    more.extend(
        question
            .presupuesto_max
            .map(|most| format!("hasta USD {}", spell::whole(most))),
    );
    more.insert(0, text);
    more.join(" ")
}

fn properties(facts: &Facts) -> String {
    let wanted = wanted(&facts.question);
    if facts.question.zona_desconocida.is_some() {
        return String::new();
    }
    let mut lines = vec![match (facts.total, facts.cards.len()) {
        (0, 0) => nothing(&facts.question),
        (0, _) => return list(facts),
        (total, shown) if usize::try_from(total).is_ok_and(|total| total > shown) => format!(
            "Hay {} que cumplen: {wanted}. Las primeras {shown}:",
            spell::count(total, "propiedad", "propiedades")
        ),
        (total, _) => format!(
            "Hay {}: {wanted}.",
            spell::count(total, "propiedad", "propiedades")
        ),
    }];
    lines.push(list(facts));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn list(facts: &Facts) -> String {
    let lines: Vec<String> = facts.cards.iter().map(line_of).collect();
    lines.join("\n")
}

fn nothing(question: &Question) -> String {
    format!("No hay {} disponibles en el catálogo.", wanted(question))
}

fn counts(facts: &Facts) -> String {
    if facts.question.zona_desconocida.is_some() {
        return String::new();
    }
    let parts: Vec<String> = facts
        .summaries
        .iter()
        .map(|summary| {
            format!(
                "{} {}",
                summary.cantidad,
                spell::operation(&summary.operacion)
            )
        })
        .collect();
    let detail = if parts.len() > 1 {
        format!(": {}", parts.join(", "))
    } else {
        String::new()
    };
    format!(
        "Hay {} disponibles de lo que preguntas ({}){detail}.",
        spell::count(facts.total, "propiedad", "propiedades"),
        wanted(&facts.question)
    )
}

fn prices(facts: &Facts) -> String {
    if facts.question.zona_desconocida.is_some() {
        return String::new();
    }
    if facts.summaries.is_empty() {
        return nothing(&facts.question);
    }
    let mut lines = vec![format!("Precios de {}:", wanted(&facts.question))];
    lines.extend(facts.summaries.iter().map(summary));
    lines.join("\n")
}

fn summary(summary: &Summary) -> String {
    let monthly = if summary.operacion == "alquiler" {
        " al mes"
    } else {
        ""
    };
    let mut line = format!(
        "- {} ({}): mediana {}{monthly}, promedio {}, de {} a {}",
        spell::operation(&summary.operacion).replacen('e', "E", 1),
        spell::count(summary.cantidad, "propiedad", "propiedades"),
        spell::price(summary.precio_mediano),
        spell::price(summary.precio_promedio),
        spell::price(summary.precio_minimo),
        spell::price(summary.precio_maximo),
    );
    if let Some(per_metre) = summary.usd_m2_mediano {
        line = format!("{line}; mediana por m²: USD {}", spell::whole(per_metre));
    }
    line
}

fn zones(facts: &Facts) -> String {
    if facts.zones.is_empty() {
        return nothing(&facts.question);
    }
    let line = |zone: &ZoneSummary| {
        format!(
            "- {}: {}, mediana {}",
            zone.zona,
            spell::count(zone.cantidad, "propiedad", "propiedades"),
            spell::price(zone.precio_mediano)
        )
    };
    let mut lines = vec![format!("Zonas con {}:", wanted(&facts.question))];
    lines.extend(facts.zones.iter().map(line));
    lines.join("\n")
}

fn single_property(facts: &Facts) -> String {
    let Some(card) = facts.cards.first() else {
        return String::new();
    };
    let property = card.property();
    let mut lines = vec![line_of(card)];
    lines.push(format!(
        "- Operación: {}; estado: {}",
        spell::operation(&property.operacion),
        property.estado
    ));
    lines.extend(
        property
            .direccion
            .as_ref()
            .map(|address| format!("- Dirección: {address}")),
    );
    if !facts.services.is_empty() {
        lines.push("- Cerca:".to_owned());
        lines.extend(facts.services.iter().take(5).map(|service| {
            format!(
                "  - {} ({}), a {} m",
                service.nombre,
                spell::category(&service.categoria),
                spell::tenth(service.distancia_m)
            )
        }));
    }
    lines.join("\n")
}

/// One line of a list: the id, the name, the price and other facts.
fn line_of(card: &Card) -> String {
    let property = card.property();
    let monthly = if property.operacion == "alquiler" && property.precio.is_some() {
        " al mes"
    } else {
        ""
    };
    let mut parts = vec![format!("{}{monthly}", spell::price(property.precio))];
    let rooms = |number: Option<i32>, one: &str, many: &str| {
        number.map(|number| spell::count(number.into(), one, many))
    };
    parts.extend(rooms(property.habitaciones, "dormitorio", "dormitorios"));
    parts.extend(rooms(property.banos, "baño", "baños"));
    parts.extend(
        property
            .superficie_m2
            .map(|metres| format!("{} m²", spell::tenth(metres))),
    );
    if let Some(zone) = &property.zona {
        parts.push(zone.clone());
    }
    let score = card
        .score()
        .map(|score| format!(" (compatibilidad {} %)", spell::tenth(score)))
        .unwrap_or_default();
    format!(
        "- **#{}** {}: {}{score}",
        property.id,
        property.nombre,
        parts.join(", ")
    )
}

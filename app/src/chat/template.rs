//! Words the facts without a model.

mod wanted;

use crate::catalog::property::PropertyView;
use crate::catalog::spell;
use crate::catalog::summary::{Summary, ZoneSummary};
use crate::chat::facts::{Card, Facts};
use crate::chat::question::Intent;
use wanted::wanted;

const HELP: &str = "Puedo buscar propiedades en Santa Cruz de la Sierra, contar cuántas hay, decir cuánto cuestan y \
comparar zonas. Por ejemplo: «busco un departamento de 3 dormitorios en Equipetrol hasta 200.000 dólares».";

/// The answer in Markdown. Everything in it is in the facts.
pub fn tell(facts: &Facts) -> String {
    let body = match facts.intent {
        Intent::Recomendacion | Intent::Ranking => properties(facts),
        Intent::Cantidad => counts(facts),
        Intent::Precios => prices(facts),
        Intent::Zonas => zones(facts),
        Intent::Comparacion => comparison(facts),
        Intent::Contacto => contact(facts),
        Intent::Propiedad => single_property(facts),
        Intent::Ayuda => help(facts),
    };
    let mut parts = facts.notes.clone();
    parts.push(body);
    if facts.total == 0 && !facts.cards.is_empty() {
        // First that nothing fits, then what is shown instead.
        parts.insert(0, nothing(facts));
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
        .map(|card| format!("Cuénteme de la propiedad #{}", card.property().id));
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
        Intent::Propiedad => all.retain(|question| !question.starts_with("Cuénteme")),
        _ => {}
    }
    all.truncate(5);
    all
}

fn properties(facts: &Facts) -> String {
    let wanted = wanted(&facts.question);
    if facts.question.zona_desconocida.is_some() {
        return String::new();
    }
    let mut lines = vec![match (facts.total, facts.cards.len()) {
        (0, 0) => nothing(facts),
        (0, _) => return list(facts),
        (total, 0) => format!(
            "No hay más: ya se mostraron {}.",
            spell::count(total, "propiedad", "propiedades")
        ),
        (total, shown) => headline(facts, total, shown, &wanted),
    }];
    lines.push(list(facts));
    lines.retain(|line| !line.is_empty());
    let told = lines.join("\n");
    match comparing(facts) {
        Some(comparison) => format!("{told}\n\n{comparison}"),
        None => told,
    }
}

/// What sets the shown properties apart: the cheapest and the largest, if these are one each.
fn comparing(facts: &Facts) -> Option<String> {
    let shown = || facts.cards.iter().map(Card::property);
    let by = |figure: fn(&PropertyView) -> Option<f64>, sign: f64| {
        let known = || shown().filter_map(|one| Some((one, sign * figure(one)?)));
        let (best, most) = known().max_by(|one, other| one.1.total_cmp(&other.1))?;
        let alike = known().filter(|(_, value)| value.total_cmp(&most).is_eq());
        (known().count() > 1 && alike.count() == 1).then_some(best)
    };
    let cheapest = by(|one| one.precio, -1.0);
    let largest = by(|one| one.superficie_m2, 1.0);
    let price = |one: &PropertyView| spell::price(one.precio);
    let surface = |one: &PropertyView| spell::tenth(one.superficie_m2.unwrap_or_default());
    let sentence = match (cheapest, largest) {
        (Some(one), Some(same)) if one.id == same.id => format!(
            "La más barata es también la más grande: #{}, {} y {} m².",
            one.id,
            price(one),
            surface(one)
        ),
        (Some(cheap), Some(large)) => format!(
            "La más barata es #{} ({}); la más grande, #{} ({} m²).",
            cheap.id,
            price(cheap),
            large.id,
            surface(large)
        ),
        (Some(one), None) => format!("La más barata es #{} ({}).", one.id, price(one)),
        (None, Some(one)) => format!("La más grande es #{} ({} m²).", one.id, surface(one)),
        (None, None) => return None,
    };
    Some(sentence)
}

/// How many there are, and which of them are shown.
fn headline(facts: &Facts, total: i64, shown: usize, wanted: &str) -> String {
    let count = spell::count(total, "propiedad", "propiedades");
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    match facts.offset() {
        0 if total > shown => format!("Hay {count}: {wanted}. Estas son las primeras {shown}."),
        0 => format!("Hay {count}: {wanted}."),
        before => format!(
            "Hay {count}: {wanted}. Estas van de la {} a la {}.",
            before + 1,
            before + shown
        ),
    }
}

fn list(facts: &Facts) -> String {
    let lines: Vec<String> = facts.cards.iter().map(line_of).collect();
    lines.join("\n")
}

/// That nothing matches, and what would if a filter were dropped.
fn nothing(facts: &Facts) -> String {
    let nothing = format!(
        "No hay {} disponibles en el catálogo.",
        wanted(&facts.question)
    );
    let without = facts.relaxations.iter();
    let without: Vec<String> = without
        .map(|relaxation| format!("{}: {}", relaxation.texto, relaxation.cantidad))
        .collect();
    if without.is_empty() {
        return nothing;
    }
    format!("{nothing} Cambiando filtros hay: {}.", without.join("; "))
}

/// What can be asked; first, that something else was.
fn help(facts: &Facts) -> String {
    let words = &facts.question.no_entendido;
    if words.is_empty() {
        return HELP.to_owned();
    }
    format!(
        "No entendí {}: solo respondo con lo que el catálogo registra. {HELP}",
        spell::quoted(words)
    )
}

/// Whom to ask: the chat has no telephone numbers, so it says where the listing is.
fn contact(facts: &Facts) -> String {
    if facts.cards.is_empty() {
        return "Diga de qué propiedad, por ejemplo «contacto de la propiedad #12». Este chat no publica teléfonos ni \
                correos; le diré dónde están: en la página de la propiedad y en el anuncio."
            .to_owned();
    }
    let mut lines = vec![
        "Este chat no publica teléfonos ni correos de vendedores. Están en la página de la propiedad, si el vendedor los da, y en el anuncio:"
            .to_owned(),
    ];
    lines.extend(facts.cards.iter().map(|card| {
        let property = card.property();
        let place = property.url.as_ref().map_or_else(
            || "sin enlace".to_owned(),
            |url| format!("anuncio en {url}"),
        );
        format!(
            "- **#{}** {}: {place} (fuente {}, código {})",
            property.id, property.nombre, property.fuente, property.codigo
        )
    }));
    lines.join("\n")
}

/// Zones beside each other, and which costs less for a square metre.
fn comparison(facts: &Facts) -> String {
    if facts.zones.is_empty() {
        return nothing(facts);
    }
    let per_metre = |zone: &ZoneSummary| {
        zone.usd_m2_mediano.map_or_else(
            || "sin precio por m²".to_owned(),
            |price| format!("USD {} por m²", spell::whole(price)),
        )
    };
    let mut lines = vec![format!("Comparación de {}:", wanted(&facts.question))];
    lines.extend(facts.zones.iter().map(|zone| {
        format!(
            "- {}: {}, mediana {}, {}",
            zone.zona,
            spell::count(zone.cantidad, "propiedad", "propiedades"),
            spell::price(zone.precio_mediano),
            per_metre(zone)
        )
    }));
    let cheapest = facts
        .zones
        .iter()
        .filter_map(|zone| Some((zone, zone.usd_m2_mediano?)));
    let cheapest = cheapest.min_by(|one, other| one.1.total_cmp(&other.1));
    lines.extend(cheapest.map(|(zone, _)| {
        format!(
            "El metro cuadrado cuesta menos en {}. El catálogo no dice cuánto se revaloriza una zona ni qué renta deja.",
            zone.zona
        )
    }));
    lines.join("\n")
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
        "Hay {} de lo que pregunta ({}){detail}.",
        spell::count(facts.total, "propiedad", "propiedades"),
        wanted(&facts.question)
    )
}

fn prices(facts: &Facts) -> String {
    if facts.question.zona_desconocida.is_some() {
        return String::new();
    }
    if facts.summaries.is_empty() {
        return nothing(facts);
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
        return nothing(facts);
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

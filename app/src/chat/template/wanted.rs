//! What a question asks for, in words.

use crate::catalog::spell;
use crate::chat::question::{Feature, Question};

/// "casas en venta en Urubó con al menos 3 dormitorios hasta USD 150.000".
pub fn wanted(question: &Question) -> String {
    let parts = [
        places(question),
        rooms(question),
        surfaces(question),
        features(question),
        money(question),
    ];
    let mut text = vec![kinds(question)];
    text.extend(parts.into_iter().flatten());
    text.join(" ")
}

fn kinds(question: &Question) -> String {
    let mut text = spell::kinds(&question.tipos);
    if question.tipos.is_empty() && !question.tipos_excluidos.is_empty() {
        text = format!(
            "{text} que no son {}",
            spell::kinds(&question.tipos_excluidos)
        );
    }
    if let Some(operation) = question.operacion {
        text = format!("{text} {}", spell::operation(operation));
    }
    text
}

fn places(question: &Question) -> Vec<String> {
    let names = |zones: &[crate::catalog::zone::Zone], join: &str| {
        let names: Vec<&str> = zones.iter().map(|zone| zone.zona.as_str()).collect();
        names.join(join)
    };
    let mut parts = Vec::new();
    if !question.zonas.is_empty() {
        parts.push(format!("en {}", names(&question.zonas, " o ")));
    }
    if !question.zonas_excluidas.is_empty() {
        parts.push(format!(
            "fuera de {}",
            names(&question.zonas_excluidas, " y ")
        ));
    }
    let ring = |ring: f64| format!("{}.º", spell::tenth(ring));
    parts.extend(match (question.anillo_min, question.anillo_max) {
        (Some(inner), Some(outer)) if (outer - inner - 1.0).abs() < 1e-9 && inner.fract() > 0.1 => {
            Some(format!("cerca del {} anillo", ring(inner + 0.5)))
        }
        (Some(inner), Some(outer)) => Some(format!(
            "entre el {} y el {} anillo",
            ring(inner),
            ring(outer)
        )),
        (Some(inner), None) => Some(format!("fuera del {} anillo", ring(inner))),
        (None, Some(outer)) => Some(format!("dentro del {} anillo", ring(outer))),
        (None, None) => None,
    });
    for place in &question.lugares {
        parts.push(if place.puntos.is_empty() {
            format!("cuyo anuncio dice «{}»", place.nombre)
        } else {
            format!("a menos de 1 km de «{}»", place.nombre)
        });
    }
    parts
}

fn rooms(question: &Question) -> Vec<String> {
    let bedrooms = (
        question.dormitorios_min,
        question.dormitorios_max,
        "dormitorio",
        "dormitorios",
    );
    let baths = (question.banos_min, question.banos_max, "baño", "baños");
    let range = |(least, most, one, many)| match (least, most) {
        (Some(least), Some(most)) if least == most => {
            Some(format!("con {}", spell::count(least, one, many)))
        }
        (Some(least), Some(most)) => Some(format!("con {least} a {most} {many}")),
        (Some(least), None) => Some(format!("con al menos {}", spell::count(least, one, many))),
        (None, Some(most)) => Some(format!("con a lo sumo {}", spell::count(most, one, many))),
        (None, None) => None,
    };
    let mut parts: Vec<String> = [bedrooms, baths].into_iter().filter_map(range).collect();
    parts.extend(match (question.garajes_min, question.tiene_garaje) {
        (Some(least), _) => Some(format!("con garaje para {least}")),
        (None, Some(true)) => Some("con garaje".to_owned()),
        (None, Some(false)) => Some("sin garaje".to_owned()),
        (None, None) => None,
    });
    parts
}

fn surfaces(question: &Question) -> Vec<String> {
    let least = question
        .superficie_min
        .map(|least| format!("desde {} m²", spell::tenth(least)));
    let most = question
        .superficie_max
        .map(|most| format!("hasta {} m²", spell::tenth(most)));
    let size = question.tamano.map(|size| {
        let quarter = if size == "chica" {
            "más chico"
        } else {
            "más grande"
        };
        format!("del cuarto {quarter} de su tipo")
    });
    [least, most, size].into_iter().flatten().collect()
}

fn features(question: &Question) -> Vec<String> {
    let says = |verb: &'static str| {
        move |feature: &Feature| format!("cuyo anuncio {verb} «{}»", feature.nombre)
    };
    let with = question.caracteristicas.iter().map(says("dice"));
    let without = question.sin_caracteristicas.iter().map(says("no dice"));
    with.chain(without).collect()
}

fn money(question: &Question) -> Vec<String> {
    let quarter = question.gama.map(|quarter| {
        format!(
            "en el cuarto más {} de su zona y tipo",
            if quarter == "barata" {
                "barato"
            } else {
                "caro"
            }
        )
    });
    let least = question
        .presupuesto_min
        .map(|least| format!("desde USD {}", spell::whole(least)));
    let most = question
        .presupuesto_max
        .map(|most| format!("hasta USD {}", spell::whole(most)));
    [quarter, least, most].into_iter().flatten().collect()
}

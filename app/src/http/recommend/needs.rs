//! The words for needs, and the service categories that each of them asks for.

use crate::catalog::preferences::DEFAULT_CATEGORIES;
use crate::catalog::services::CATEGORIES;
use crate::http::fields::Fields;

/// Every word that the original's form and engine know, and the categories themselves.
const NEEDS: &[(&str, &[&str])] = &[
    ("educacion", &["educacion"]),
    ("escuela_primaria", &["educacion"]),
    ("colegio", &["educacion"]),
    ("colegios_cercanos", &["educacion"]),
    ("universidad", &["educacion"]),
    ("salud", &["salud"]),
    ("hospital", &["salud"]),
    ("clinica", &["salud"]),
    ("farmacia", &["salud"]),
    ("servicios_medicos", &["salud"]),
    ("comercio", &["comercio"]),
    ("abastecimiento", &["comercio"]),
    ("supermercado", &["comercio"]),
    ("transporte", &["transporte"]),
    ("accesibilidad", &["transporte"]),
    ("estacionamiento", &["transporte"]),
    ("seguridad", &["seguridad"]),
    ("recreacion", &["recreacion"]),
    ("deporte", &["recreacion"]),
    ("gimnasio", &["recreacion"]),
    ("areas_verdes", &["recreacion"]),
    ("tranquilidad", &["recreacion"]),
    ("espacio", &["recreacion"]),
    ("entretenimiento", &["recreacion"]),
    ("cultura", &["recreacion"]),
    ("areas_comunes", &["recreacion", "otros"]),
    ("finanzas", &["finanzas"]),
    ("gobierno", &["gobierno"]),
    ("otros", &["otros"]),
    ("calidad_construccion", &["otros"]),
    ("plusvalia", &["comercio", "transporte"]),
    ("rentabilidad", &["comercio", "transporte"]),
    ("ubicacion_estrategica", &["comercio", "transporte"]),
    ("inversion_segura", &["salud", "transporte"]),
    ("prestigio", &["educacion", "salud"]),
];

/// The ids of the categories of `necesidades`, each once and in order; an unknown need is a fault.
pub fn read(fields: &mut Fields) -> Vec<i32> {
    let known: Vec<&'static str> = NEEDS.iter().map(|(need, _)| *need).collect();
    let wanted = fields.many_of("necesidades", &known, |word| word.replace([' ', '-'], "_"));
    let mut places: Vec<i32> = NEEDS
        .iter()
        .filter(|(need, _)| wanted.contains(need))
        .flat_map(|(_, categories)| *categories)
        .filter_map(|category| place(category))
        .collect();
    places.sort_unstable();
    places.dedup();
    if places.is_empty() {
        DEFAULT_CATEGORIES.to_vec()
    } else {
        places
    }
}

fn place(category: &str) -> Option<i32> {
    let index = CATEGORIES.iter().position(|known| *known == category)?;
    i32::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fold::fold;
    use crate::catalog::services::category_names;

    #[test]
    fn every_need_asks_for_categories_that_exist() {
        for (need, categories) in NEEDS {
            assert!(!categories.is_empty(), "{need}");
            assert!(
                categories.iter().all(|category| place(category).is_some()),
                "{need}"
            );
            assert_eq!(&fold(need), need);
        }
        assert_eq!(
            category_names(DEFAULT_CATEGORIES),
            ["educacion", "salud", "transporte"]
        );
    }
}

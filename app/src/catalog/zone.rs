//! Zones as the database has them: found without regard to case and accents, suggested when not found.

use sqlx::PgPool;

/// A zone: its name, and the name folded.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Zone {
    /// As it is written.
    pub zona: String,
    /// As it is compared.
    pub zona_normalizada: String,
}

/// What a wanted zone turned out to be.
#[derive(Debug)]
pub enum Found {
    /// Zones whose name is the wanted one, or else contains it; in order, at least one.
    Zones(Vec<Zone>),
    /// No zone, but these have similar names.
    Similar(Vec<String>),
}

/// How many names are suggested.
const SUGGESTIONS: usize = 5;

/// Looks the wanted zone (folded) up: by its whole name, then by a part of it.
pub async fn find(pool: &PgPool, wanted: &str) -> sqlx::Result<Found> {
    let exact: Option<Zone> = sqlx::query_as(
        "SELECT zona, zona_normalizada FROM propiedades WHERE zona_normalizada = $1 ORDER BY id LIMIT 1",
    )
    .bind(wanted)
    .fetch_optional(pool)
    .await?;
    if let Some(zone) = exact {
        return Ok(Found::Zones(vec![zone]));
    }
    let zones = all(pool).await?;
    let containing: Vec<Zone> = zones
        .iter()
        .filter(|zone| zone.zona_normalizada.contains(wanted))
        .cloned()
        .collect();
    if containing.is_empty() {
        Ok(Found::Similar(similar(zones, wanted)))
    } else {
        Ok(Found::Zones(containing))
    }
}

async fn all(pool: &PgPool) -> sqlx::Result<Vec<Zone>> {
    sqlx::query_as(
        "SELECT min(zona) AS zona, zona_normalizada FROM propiedades
         WHERE zona_normalizada IS NOT NULL GROUP BY zona_normalizada ORDER BY zona_normalizada",
    )
    .fetch_all(pool)
    .await
}

fn similar(mut zones: Vec<Zone>, wanted: &str) -> Vec<String> {
    let likeness = |zone: &Zone| strsim::jaro_winkler(&zone.zona_normalizada, wanted);
    zones.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    zones
        .into_iter()
        .take(SUGGESTIONS)
        .map(|zone| zone.zona)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_comes_first() {
        let zone = |name: &str| Zone {
            zona: name.to_owned(),
            zona_normalizada: name.to_lowercase(),
        };
        let zones = vec![
            zone("Centro"),
            zone("Urbari"),
            zone("Equipetrol"),
            zone("Sirari"),
        ];
        assert_eq!(similar(zones, "ekipetrol")[0], "Equipetrol");
    }
}

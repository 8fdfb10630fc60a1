//! The part of every property that is kept in memory: what it is filtered and scored by.
//!
//! Properties of one operation and zone are one group, so a request for a zone looks at no other.

use std::collections::HashMap;

use crate::catalog::fold::fold;
use crate::catalog::names::Names;
use crate::catalog::services::CATEGORIES;
use crate::catalog::zone::Zone;
use crate::catalog::{KINDS, OPERATIONS};

/// Metres within which a service counts in full.
const AT_THE_DOOR_M: f64 = 250.0;
/// Metres from which it does not count; the schema measures no further.
const A_WALK_M: f64 = 1000.0;

/// A property. An unknown amount is NaN and an unknown count is negative, so neither passes a range.
#[derive(Debug)]
pub struct Candidate {
    pub id: i64,
    /// US dollars.
    pub precio: f64,
    /// Square metres.
    pub superficie: f64,
    /// Days since 1970.
    pub publicada: i32,
    pub dormitorios: i16,
    pub banos: i16,
    pub garajes: i16,
    /// Its index in [`KINDS`].
    pub tipo: u8,
    /// Indices among the names.
    pub uv: u32,
    pub manzana: u32,
}

/// The columns of [`Row`].
pub const COLUMNS: &str = "id, estado_propiedad = 'disponible' AS en_oferta, operacion, tipo_propiedad, zona, zona_normalizada, \
     uv, manzana, precio_usd::float8 AS precio, superficie_m2 AS superficie, num_dormitorios, num_banos, num_garajes, \
     fecha_publicacion - date '1970-01-01' AS publicada, distancias_m";

/// A property as the database has it.
#[derive(Debug, sqlx::FromRow)]
pub struct Row {
    id: i64,
    en_oferta: bool,
    operacion: String,
    tipo_propiedad: String,
    zona: Option<String>,
    zona_normalizada: Option<String>,
    uv: Option<String>,
    manzana: Option<String>,
    precio: Option<f64>,
    superficie: Option<f64>,
    num_dormitorios: Option<i32>,
    num_banos: Option<i32>,
    num_garajes: Option<i32>,
    publicada: Option<i32>,
    distancias_m: Option<Vec<Option<f64>>>,
}

/// The properties that share an operation and a zone.
#[derive(Debug)]
pub struct Group {
    /// Its index in [`OPERATIONS`]; `None` for properties that are not on offer.
    pub operacion: Option<usize>,
    /// Its index among the names.
    pub zona: u32,
    pub rows: Vec<Candidate>,
    /// By category, for each row: from 1 at the door to 0 beyond a walk, NaN without coordinates. A request reads three of
    /// the nine categories, so they are stored column by column.
    cercania: [Vec<f64>; CATEGORIES.len()],
}

impl Group {
    /// The columns of these categories, in this order.
    pub fn cercania(&self, categories: &[usize]) -> Vec<&[f64]> {
        categories
            .iter()
            .map(|category| self.cercania[*category].as_slice())
            .collect()
    }

    fn push(&mut self, candidate: Candidate, cercania: [f64; CATEGORIES.len()]) -> usize {
        for (column, near) in self.cercania.iter_mut().zip(cercania) {
            column.push(near);
        }
        self.rows.push(candidate);
        self.rows.len() - 1
    }

    fn swap_remove(&mut self, row: usize) -> Candidate {
        for column in &mut self.cercania {
            column.swap_remove(row);
        }
        self.rows.swap_remove(row)
    }
}

/// All properties.
#[derive(Debug, Default)]
pub struct Candidates {
    pub groups: Vec<Group>,
    of: HashMap<(Option<usize>, u32), usize>,
    /// The group of each property, and its row in the group.
    places: HashMap<i64, (usize, usize)>,
    pub zonas: Names,
    pub uvs: Names,
    pub manzanas: Names,
}

impl Candidates {
    /// Adds a property, or replaces it.
    pub fn put(&mut self, row: Row) {
        self.remove(row.id);
        let folded = row.zona_normalizada.unwrap_or_default();
        let zona = self.zonas.take(row.zona, |_| folded);
        let offered = row.en_oferta.then(|| position(OPERATIONS, &row.operacion));
        let candidate = Candidate {
            id: row.id,
            precio: row.precio.unwrap_or(f64::NAN),
            superficie: row.superficie.unwrap_or(f64::NAN),
            publicada: row.publicada.unwrap_or(i32::MIN),
            dormitorios: count(row.num_dormitorios),
            banos: count(row.num_banos),
            garajes: count(row.num_garajes),
            tipo: u8::try_from(position(KINDS, &row.tipo_propiedad)).unwrap_or(u8::MAX),
            uv: self.uvs.take(row.uv, fold),
            manzana: self.manzanas.take(row.manzana, fold),
        };
        let groups = &mut self.groups;
        let group = *self.of.entry((offered, zona)).or_insert_with(|| {
            groups.push(Group {
                operacion: offered,
                zona,
                rows: Vec::new(),
                cercania: Default::default(),
            });
            groups.len() - 1
        });
        let unknown = [f64::NAN; _];
        let cercania = row
            .distancias_m
            .map_or(unknown, |distances| nearness(&distances));
        let place = self.groups[group].push(candidate, cercania);
        self.places.insert(row.id, (group, place));
    }

    fn remove(&mut self, id: i64) {
        let Some((group, row)) = self.places.remove(&id) else {
            return;
        };
        let group_of = &mut self.groups[group];
        let gone = group_of.swap_remove(row);
        if let Some(moved) = group_of.rows.get(row) {
            self.places.insert(moved.id, (group, row));
        }
        self.zonas.give_back(group_of.zona);
        self.uvs.give_back(gone.uv);
        self.manzanas.give_back(gone.manzana);
    }

    /// Every zone that a property has, by its folded name; of several spellings the first.
    pub fn zones(&self) -> Vec<Zone> {
        let mut zones: Vec<Zone> = self
            .zonas
            .used()
            .map(|name| Zone {
                zona: name.written.clone(),
                zona_normalizada: name.folded.clone(),
            })
            .collect();
        zones.sort_by(|a, b| (&a.zona_normalizada, &a.zona).cmp(&(&b.zona_normalizada, &b.zona)));
        zones.dedup_by(|later, first| later.zona_normalizada == first.zona_normalizada);
        zones
    }
}

/// How near the nearest service of each category is: 1 within 250 m, then linear to 0 at 1000 m.
fn nearness(distances_m: &[Option<f64>]) -> [f64; CATEGORIES.len()] {
    std::array::from_fn(|category| {
        let metres = distances_m
            .get(category)
            .copied()
            .flatten()
            .unwrap_or(A_WALK_M);
        ((A_WALK_M - metres) / (A_WALK_M - AT_THE_DOOR_M)).clamp(0.0, 1.0)
    })
}

/// The index of a word in a vocabulary that is also in the schema; its length if a newer schema has more words.
fn position(words: &[&str], word: &str) -> usize {
    words
        .iter()
        .position(|known| *known == word)
        .unwrap_or(words.len())
}

fn count(number: Option<i32>) -> i16 {
    number.map_or(-1, |number| i16::try_from(number).unwrap_or(i16::MAX))
}

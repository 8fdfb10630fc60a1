//! The part of every property that is kept in memory: what it is filtered and scored by.
//!
//! Properties of one operation and zone are one group, so a request for a zone looks at no other.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use crate::catalog::fold::fold;
use crate::catalog::market::{self, Collected, Market, Reference};
use crate::catalog::names::{Names, UNKNOWN};
use crate::catalog::property::Place;
use crate::catalog::services::CATEGORIES;
use crate::catalog::zone::Zone;
use crate::catalog::{GROUND, KINDS, LIVING, OPERATIONS};

/// Square metres of living space below which a bedroom is not plausible.
const BEDROOM_M2: f64 = 18.0;

/// A property. An unknown amount is NaN and an unknown count is negative, so neither passes a range.
#[derive(Debug)]
pub struct Candidate {
    pub id: i64,
    /// US dollars.
    pub precio: f64,
    /// Square metres that filters look at: built, or else of the ground.
    pub superficie: f64,
    /// Square metres that it is judged by: of the ground for a plot, built for everything else.
    pub medida: f64,
    /// How good its price is on the market, from 0 to 1; NaN if it cannot be compared.
    pub mercado: f64,
    /// Whether its figures agree with each other and with the market; false also if one that this needs is unknown.
    pub comprobada: bool,
    /// Days since 1970.
    pub publicada: i32,
    pub dormitorios: i16,
    pub banos: i16,
    pub garajes: i16,
    /// Its index in [`KINDS`].
    pub tipo: u8,
    /// Its index in [`OPERATIONS`], also if it is not on offer.
    pub operacion: u8,
    /// Indices among the names.
    pub uv: u32,
    pub manzana: u32,
}

/// The columns of [`Row`].
pub const COLUMNS: &str = "id, estado_propiedad = 'disponible' AS en_oferta, operacion, tipo_propiedad, zona, zona_normalizada, \
     uv, manzana, precio_usd::float8 AS precio, superficie_m2 AS superficie, \
     superficie_total::float8 AS terreno, superficie_construida::float8 AS construida, num_dormitorios, num_banos, num_garajes, \
     fecha_publicacion - date '1970-01-01' AS publicada, cercanos_2000m, titulo, \
     ST_Y(coordenadas::geometry) AS lat, ST_X(coordenadas::geometry) AS lng";

/// A property as the database has it.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub en_oferta: bool,
    pub operacion: String,
    pub tipo_propiedad: String,
    pub zona: Option<String>,
    pub zona_normalizada: Option<String>,
    pub uv: Option<String>,
    pub manzana: Option<String>,
    pub precio: Option<f64>,
    pub superficie: Option<f64>,
    pub terreno: Option<f64>,
    pub construida: Option<f64>,
    pub num_dormitorios: Option<i32>,
    pub num_banos: Option<i32>,
    pub num_garajes: Option<i32>,
    pub publicada: Option<i32>,
    /// Metres to the nearest service of each category, up to the largest radius that may be asked for.
    pub cercanos_2000m: Option<Vec<Option<f64>>>,
    pub titulo: String,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
}

/// What the map shows of a property, and no ranking reads.
#[derive(Debug)]
pub struct Sign {
    pub titulo: Box<str>,
    pub lugar: Option<Place>,
}

/// The properties that share an operation and a zone.
#[derive(Debug)]
pub struct Group {
    /// Its index in [`OPERATIONS`]; `None` for properties that are not on offer.
    pub operacion: Option<usize>,
    /// Its index among the names.
    pub zona: u32,
    /// The index of the first spelling of its zone; none if the zone is unknown.
    spelling: Option<u32>,
    pub rows: Vec<Candidate>,
    /// One for each row.
    pub signs: Vec<Sign>,
    /// By category, for each row: metres to the nearest service, infinite beyond what the schema measures, NaN without
    /// coordinates. A request reads three of the nine categories, so they are stored column by column.
    metros: [Vec<f64>; CATEGORIES.len()],
}

impl Group {
    /// The columns of these categories, in this order.
    pub fn metros(&self, categories: &[usize]) -> Vec<&[f64]> {
        categories
            .iter()
            .map(|category| self.metros[*category].as_slice())
            .collect()
    }

    fn push(&mut self, candidate: Candidate, sign: Sign, metros: [f64; CATEGORIES.len()]) -> usize {
        self.signs.push(sign);
        for (column, metres) in self.metros.iter_mut().zip(metros) {
            column.push(metres);
        }
        self.rows.push(candidate);
        self.rows.len() - 1
    }

    /// Counts what a square metre costs here, by kind.
    fn collect(&self, kinds: Kinds, collected: &mut Collected) {
        let mut prices: [Vec<f64>; KINDS.len() + 1] = Default::default();
        for row in self.rows.iter().filter(|row| kinds.contains(row.tipo)) {
            let usd_m2 = row.usd_m2();
            if !usd_m2.is_nan() {
                prices[usize::from(row.tipo)].push(usd_m2);
            }
        }
        for (kind, prices) in (0..).zip(&prices).filter(|(_, prices)| !prices.is_empty()) {
            collected.add(self.spelling, kind, prices);
        }
    }

    /// Compares with the market the rows of these kinds that are new, or whose median is another one now.
    fn compare_again(&mut self, kinds: Kinds, before: &Market, now: &Market) {
        let references: [Option<Reference>; KINDS.len() + 1] =
            by_kind(|kind| now.reference(self.spelling, kind));
        let moved =
            by_kind(|kind| references[usize::from(kind)] != before.reference(self.spelling, kind));
        for row in &mut self.rows {
            let kind = usize::from(row.tipo);
            if kinds.contains(row.tipo) && (moved[kind] || row.mercado.is_nan()) {
                row.compare(references[kind]);
            }
        }
    }

    fn swap_remove(&mut self, row: usize) -> Candidate {
        for column in &mut self.metros {
            column.swap_remove(row);
        }
        self.signs.swap_remove(row);
        self.rows.swap_remove(row)
    }
}

/// Some kinds of property.
#[derive(Debug, Clone, Copy, Default)]
struct Kinds {
    /// By their index in [`KINDS`], and one more for those of a newer schema.
    has: [bool; KINDS.len() + 1],
}

impl Kinds {
    fn contains(self, kind: u8) -> bool {
        self.has.get(usize::from(kind)) == Some(&true)
    }
}

/// A value for each kind of property, and for those of a newer schema.
fn by_kind<T>(mut value: impl FnMut(u8) -> T) -> [T; KINDS.len() + 1] {
    #[allow(clippy::cast_possible_truncation)] // there are eleven
    std::array::from_fn(|kind| value(kind as u8))
}

/// All properties.
#[derive(Debug, Default)]
pub struct Candidates {
    pub groups: Vec<Group>,
    of: HashMap<(Option<usize>, u32), usize>,
    /// The group of each property, and its row in the group.
    places: HashMap<i64, (usize, usize)>,
    /// By operation.
    markets: [Market; OPERATIONS.len()],
    /// The kinds of each operation whose properties changed since the last [`Candidates::settle`].
    unsettled: BTreeMap<usize, Kinds>,
    pub zonas: Names,
    pub uvs: Names,
    pub manzanas: Names,
    /// Made when it is first asked for.
    zones: OnceLock<Vec<Zone>>,
}

impl Candidates {
    /// Adds a property, or replaces it. Afterwards [`Candidates::settle`] compares it with the market.
    pub fn put(&mut self, row: Row) {
        self.zones = OnceLock::new();
        self.remove(row.id);
        let candidate = Candidate::of(&row);
        let folded = row.zona_normalizada.unwrap_or_default();
        let zona = self.zonas.take(row.zona, |_| folded);
        let offered = row.en_oferta.then(|| position(OPERATIONS, &row.operacion));
        let candidate = Candidate {
            uv: self.uvs.take(row.uv, fold),
            manzana: self.manzanas.take(row.manzana, fold),
            ..candidate
        };
        let sign = Sign {
            titulo: row.titulo.into(),
            lugar: row.lat.zip(row.lng).map(|(lat, lng)| Place { lat, lng }),
        };
        self.unsettle(offered, candidate.tipo);
        let group = self.group(offered, zona);
        let metres = metres(row.cercanos_2000m.as_deref());
        let place = self.groups[group].push(candidate, sign, metres);
        self.places.insert(row.id, (group, place));
    }

    /// The group of a property, and its row in the group.
    pub fn find(&self, id: i64) -> Option<(&Group, usize)> {
        let (group, row) = self.places.get(&id)?;
        Some((&self.groups[*group], *row))
    }

    fn unsettle(&mut self, operacion: Option<usize>, tipo: u8) {
        if let Some(operacion) = operacion {
            let kinds = self.unsettled.entry(operacion).or_default();
            kinds.has[usize::from(tipo)] = true;
        }
    }

    /// The group of an operation and a zone.
    fn group(&mut self, operacion: Option<usize>, zona: u32) -> usize {
        let groups = &mut self.groups;
        *self.of.entry((operacion, zona)).or_insert_with(|| {
            groups.push(Group {
                operacion,
                zona,
                spelling: None,
                rows: Vec::new(),
                signs: Vec::new(),
                metros: Default::default(),
            });
            groups.len() - 1
        })
    }

    /// Compares with the market what came, and what the market has moved for.
    pub fn settle(&mut self) {
        let spellings = self.zonas.spellings();
        for (operacion, kinds) in std::mem::take(&mut self.unsettled) {
            let Some(market) = self.markets.get_mut(operacion) else {
                continue;
            };
            let before = market.clone();
            let of_it = |group: &&mut Group| group.operacion == Some(operacion);
            let mut collected = Collected::default();
            for group in self.groups.iter_mut().filter(of_it) {
                group.spelling = spellings.get(group.zona as usize).copied();
                group.collect(kinds, &mut collected);
            }
            market.replace(|kind| kinds.contains(kind), collected.medians());
            for group in self.groups.iter_mut().filter(of_it) {
                group.compare_again(kinds, &before, market);
            }
        }
    }

    /// What a property of this group is compared with.
    pub fn reference(&self, group: &Group, tipo: u8) -> Option<Reference> {
        let market = self.markets.get(group.operacion?)?;
        market.reference(group.spelling, tipo)
    }

    fn remove(&mut self, id: i64) {
        let Some((group, row)) = self.places.remove(&id) else {
            return;
        };
        let group_of = &mut self.groups[group];
        let operacion = group_of.operacion;
        let gone = group_of.swap_remove(row);
        if let Some(moved) = group_of.rows.get(row) {
            self.places.insert(moved.id, (group, row));
        }
        self.zonas.give_back(group_of.zona);
        self.uvs.give_back(gone.uv);
        self.manzanas.give_back(gone.manzana);
        self.unsettle(operacion, gone.tipo);
    }

    /// Every zone that a property has, by its folded name; of several spellings the first.
    pub fn zones(&self) -> &[Zone] {
        self.zones.get_or_init(|| self.make_zones())
    }

    fn make_zones(&self) -> Vec<Zone> {
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

impl Candidate {
    /// A row, not yet compared with the market, without its names.
    fn of(row: &Row) -> Self {
        let measure = if row.tipo_propiedad == GROUND {
            row.terreno
        } else {
            row.construida
        };
        Candidate {
            id: row.id,
            precio: row.precio.unwrap_or(f64::NAN),
            superficie: row.superficie.unwrap_or(f64::NAN),
            medida: measure.unwrap_or(f64::NAN),
            mercado: f64::NAN,
            comprobada: false,
            publicada: row.publicada.unwrap_or(i32::MIN),
            dormitorios: count(row.num_dormitorios),
            banos: count(row.num_banos),
            garajes: count(row.num_garajes),
            #[allow(clippy::cast_possible_truncation)] // there are eleven kinds
            tipo: position(KINDS, &row.tipo_propiedad) as u8,
            #[allow(clippy::cast_possible_truncation)] // there are three
            operacion: position(OPERATIONS, &row.operacion) as u8,
            uv: UNKNOWN,
            manzana: UNKNOWN,
        }
    }

    /// US dollars per square metre; NaN if one of the two is unknown.
    pub fn usd_m2(&self) -> f64 {
        self.precio / self.medida
    }

    fn compare(&mut self, reference: Option<Reference>) {
        let share = self.usd_m2() / reference.map_or(f64::NAN, |reference| reference.usd_m2);
        self.mercado = market::value(share);
        self.comprobada = market::is_plausible(share) && self.has_plausible_rooms() == Some(true);
    }

    /// Whether its bedrooms fit into its living space; true for kinds without bedrooms, none if one of the two is unknown.
    pub fn has_plausible_rooms(&self) -> Option<bool> {
        let kind = KINDS.get(usize::from(self.tipo))?;
        if !LIVING.contains(kind) {
            return Some(true);
        }
        if self.dormitorios < 0 || self.medida.is_nan() {
            return None;
        }
        Some(self.medida >= BEDROOM_M2 * f64::from(self.dormitorios))
    }
}

/// Metres to the nearest service of each category: infinite beyond what the schema measures, NaN without coordinates.
fn metres(distances_m: Option<&[Option<f64>]>) -> [f64; CATEGORIES.len()] {
    let Some(known) = distances_m else {
        return [f64::NAN; _];
    };
    std::array::from_fn(|category| {
        known
            .get(category)
            .copied()
            .flatten()
            .unwrap_or(f64::INFINITY)
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

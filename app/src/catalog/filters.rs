//! What properties can be filtered by.
//!
//! Each filter becomes a condition here, once. `search.rs` says the conditions in SQL; `candidate_filter.rs` checks them on
//! the properties that are kept in memory.

/// The filters of a request. Every one is hard, and a property whose value is unknown never passes one.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// Folded names of zones, one of which it must be.
    pub zonas: Option<Vec<String>>,
    /// Folded names of zones, none of which it may be.
    pub sin_zonas: Vec<String>,
    pub precio_min: Option<f64>,
    pub precio_max: Option<f64>,
    /// Kinds, one of which it must be; none means any.
    pub tipos: Vec<&'static str>,
    pub operacion: Option<&'static str>,
    pub estado: Option<&'static str>,
    pub unidad_vecinal: Option<String>,
    pub manzana: Option<String>,
    pub superficie_min: Option<f64>,
    pub superficie_max: Option<f64>,
    pub habitaciones_min: Option<i64>,
    pub habitaciones_max: Option<i64>,
    pub banos_min: Option<i64>,
    pub banos_max: Option<i64>,
    pub tiene_garaje: Option<bool>,
    /// Places for cars.
    pub garajes_min: Option<i64>,
    /// Published within so many days.
    pub dias: Option<i64>,
    pub cerca: Option<Near>,
    /// Ids, one of which it must be: what [`crate::catalog::narrow`] found.
    pub solo: Option<Vec<i64>>,
}

/// A circle on the spheroid.
#[derive(Debug, Clone, Copy)]
pub struct Near {
    pub lat: f64,
    pub lng: f64,
    /// Metres.
    pub radio_m: i64,
}

/// One filter.
#[derive(Debug, Clone, Copy)]
pub enum Condition<'f> {
    /// Folded names of zones, one of which it must be.
    Zones(&'f [String]),
    /// Folded names of zones, none of which it may be.
    OtherZones(&'f [String]),
    Kinds(&'f [&'static str]),
    Operation(&'static str),
    State(&'static str),
    /// At least and at most, both included; one of them is given.
    Amount(Amount, Option<f64>, Option<f64>),
    Rooms(Rooms, Option<i64>, Option<i64>),
    /// A part of a name, without regard to case and accents.
    Contains(PlaceName, &'f str),
    /// Days.
    PublishedWithin(i64),
    Near(Near),
    /// Ids, one of which it must be.
    Only(&'f [i64]),
}

/// An amount that a property has.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// US dollars.
    Price,
    /// Square metres.
    Surface,
}

/// Something that a property has a number of.
#[derive(Debug, Clone, Copy)]
pub enum Rooms {
    Bedrooms,
    Bathrooms,
    Garages,
}

/// A name of the place where a property is.
#[derive(Debug, Clone, Copy)]
pub enum PlaceName {
    /// The `unidad vecinal`.
    Neighbourhood,
    /// The `manzana`.
    Block,
}

impl Filters {
    /// The filters that are set.
    pub fn conditions(&self) -> Vec<Condition<'_>> {
        let garages = self.tiene_garaje.map(|with| {
            if with {
                (Some(1), None)
            } else {
                (Some(0), Some(0))
            }
        });
        let (least_garages, most_garages) = garages.unwrap_or_default();
        let least_garages = self.garajes_min.or(least_garages);
        let zones = [
            self.zonas.as_deref().map(Condition::Zones),
            (!self.sin_zonas.is_empty()).then_some(Condition::OtherZones(&self.sin_zonas)),
        ];
        let words = [
            (!self.tipos.is_empty()).then_some(Condition::Kinds(&self.tipos)),
            self.operacion.map(Condition::Operation),
            self.estado.map(Condition::State),
        ];
        let ranges = [
            amount(Amount::Price, self.precio_min, self.precio_max),
            amount(Amount::Surface, self.superficie_min, self.superficie_max),
            rooms(
                Rooms::Bedrooms,
                self.habitaciones_min,
                self.habitaciones_max,
            ),
            rooms(Rooms::Bathrooms, self.banos_min, self.banos_max),
            rooms(Rooms::Garages, least_garages, most_garages),
        ];
        let places = [
            contains(PlaceName::Neighbourhood, self.unidad_vecinal.as_ref()),
            contains(PlaceName::Block, self.manzana.as_ref()),
            self.dias.map(Condition::PublishedWithin),
            self.cerca.map(Condition::Near),
            self.solo.as_deref().map(Condition::Only),
        ];
        let all = zones.into_iter().chain(words).chain(ranges).chain(places);
        all.flatten().collect()
    }
}

fn amount(amount: Amount, least: Option<f64>, most: Option<f64>) -> Option<Condition<'static>> {
    (least.is_some() || most.is_some()).then_some(Condition::Amount(amount, least, most))
}

fn rooms(rooms: Rooms, least: Option<i64>, most: Option<i64>) -> Option<Condition<'static>> {
    (least.is_some() || most.is_some()).then_some(Condition::Rooms(rooms, least, most))
}

fn contains(name: PlaceName, part: Option<&String>) -> Option<Condition<'_>> {
    part.map(|part| Condition::Contains(name, part))
}

//! Zones of the city and points in them.

use crate::demo::random::Random;

/// What a zone is built of, which decides what is on offer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Flats and offices.
    Towers,
    /// Large houses with ground.
    Gardens,
    /// Small houses.
    Popular,
    /// Plots and weekend houses outside of the city.
    Edge,
    /// Halls.
    Works,
}

/// A zone: its name, centre, number of listings, size and price level.
pub struct Zone {
    pub name: &'static str,
    lat: f64,
    lng: f64,
    pub weight: u32,
    /// Standard deviation in metres; assumed.
    spread_m: f64,
    /// Dollars for a square metre of a flat; near the survey where it has a figure, else assumed.
    pub flat: f64,
    /// Dollars for a square metre of ground; assumed.
    pub ground: f64,
    pub style: Style,
}

const fn zone(
    name: &'static str,
    [lat, lng]: [f64; 2],
    weight: u32,
    spread_m: f64,
    [flat, ground]: [f64; 2],
    style: Style,
) -> Zone {
    Zone {
        name,
        lat,
        lng,
        weight,
        spread_m,
        flat,
        ground,
        style,
    }
}

/// Names, centres and counts of the survey.
pub const ZONES: &[Zone] = &[
    zone(
        "Zona Norte",
        [-17.7240, -63.1683],
        335,
        1800.0,
        [1150.0, 160.0],
        Style::Popular,
    ),
    zone(
        "Equipetrol",
        [-17.7657, -63.1973],
        248,
        700.0,
        [1650.0, 750.0],
        Style::Towers,
    ),
    zone(
        "Centro",
        [-17.7848, -63.1783],
        136,
        900.0,
        [1150.0, 600.0],
        Style::Towers,
    ),
    zone(
        "Zona Sur",
        [-17.8451, -63.1769],
        118,
        1800.0,
        [950.0, 120.0],
        Style::Popular,
    ),
    zone(
        "Av. Banzer",
        [-17.7299, -63.1683],
        99,
        1200.0,
        [1250.0, 280.0],
        Style::Towers,
    ),
    zone(
        "Av. Beni",
        [-17.7529, -63.1700],
        80,
        800.0,
        [1250.0, 350.0],
        Style::Towers,
    ),
    zone(
        "Zona Este",
        [-17.7745, -63.1036],
        79,
        1600.0,
        [900.0, 110.0],
        Style::Popular,
    ),
    zone(
        "Av. San Martín",
        [-17.7655, -63.1971],
        71,
        500.0,
        [1600.0, 700.0],
        Style::Towers,
    ),
    zone(
        "La Guardia / Doble Vía",
        [-17.8461, -63.2431],
        67,
        1500.0,
        [950.0, 70.0],
        Style::Edge,
    ),
    zone(
        "Cotoca",
        [-17.7698, -63.1031],
        60,
        1600.0,
        [800.0, 40.0],
        Style::Edge,
    ),
    zone(
        "Warnes / Cambódromo",
        [-17.7047, -63.1194],
        58,
        1600.0,
        [800.0, 45.0],
        Style::Edge,
    ),
    zone(
        "Av. Alemana",
        [-17.7461, -63.1607],
        49,
        800.0,
        [1150.0, 280.0],
        Style::Popular,
    ),
    zone(
        "Santos Dumont",
        [-17.8371, -63.1810],
        41,
        1000.0,
        [1000.0, 150.0],
        Style::Popular,
    ),
    zone(
        "Urubó",
        [-17.7645, -63.2203],
        37,
        1100.0,
        [1450.0, 170.0],
        Style::Gardens,
    ),
    zone(
        "Zona Oeste",
        [-17.8018, -63.2083],
        32,
        1200.0,
        [1100.0, 220.0],
        Style::Gardens,
    ),
    zone(
        "Roca y Coronado",
        [-17.7864, -63.2169],
        29,
        800.0,
        [1100.0, 250.0],
        Style::Gardens,
    ),
    zone(
        "Valle Sánchez",
        [-17.6800, -63.1700],
        26,
        1200.0,
        [850.0, 60.0],
        Style::Edge,
    ),
    zone(
        "Plan 3000",
        [-17.8536, -63.1000],
        26,
        1200.0,
        [750.0, 70.0],
        Style::Popular,
    ),
    zone(
        "Las Palmas",
        [-17.8005, -63.2090],
        24,
        700.0,
        [1450.0, 450.0],
        Style::Gardens,
    ),
    zone(
        "Canal Isuto",
        [-17.7570, -63.1913],
        24,
        600.0,
        [1350.0, 420.0],
        Style::Towers,
    ),
    zone(
        "Mutualista",
        [-17.7657, -63.1619],
        20,
        700.0,
        [1050.0, 260.0],
        Style::Popular,
    ),
    zone(
        "Remanso",
        [-17.7121, -63.1755],
        19,
        800.0,
        [1200.0, 230.0],
        Style::Gardens,
    ),
    zone(
        "Sirari",
        [-17.7649, -63.2025],
        17,
        500.0,
        [1800.0, 650.0],
        Style::Towers,
    ),
    zone(
        "Urbari",
        [-17.7949, -63.1973],
        17,
        600.0,
        [1350.0, 420.0],
        Style::Gardens,
    ),
    zone(
        "Parque Industrial",
        [-17.7475, -63.1462],
        13,
        1000.0,
        [900.0, 160.0],
        Style::Works,
    ),
    zone(
        "Hamacas",
        [-17.7529, -63.1709],
        12,
        600.0,
        [1300.0, 350.0],
        Style::Towers,
    ),
    zone(
        "El Trompillo",
        [-17.8039, -63.1808],
        12,
        700.0,
        [1200.0, 320.0],
        Style::Gardens,
    ),
    zone(
        "El Palmar",
        [-17.8580, -63.1654],
        12,
        1000.0,
        [850.0, 80.0],
        Style::Popular,
    ),
    zone(
        "Barrio Lindo",
        [-17.7910, -63.1542],
        10,
        600.0,
        [950.0, 190.0],
        Style::Popular,
    ),
    zone(
        "Villa 1ro de Mayo",
        [-17.7945, -63.1338],
        7,
        1000.0,
        [800.0, 100.0],
        Style::Popular,
    ),
    zone(
        "Satélite Norte",
        [-17.6800, -63.1355],
        7,
        1200.0,
        [700.0, 30.0],
        Style::Edge,
    ),
    zone(
        "Los Lotes",
        [-17.8683, -63.1654],
        6,
        1000.0,
        [750.0, 60.0],
        Style::Popular,
    ),
    zone(
        "Pampa de la Isla",
        [-17.7632, -63.1029],
        4,
        1000.0,
        [800.0, 90.0],
        Style::Popular,
    ),
    zone(
        "Santa Mónica",
        [-17.7945, -63.2045],
        2,
        500.0,
        [1350.0, 380.0],
        Style::Gardens,
    ),
];

/// Metres of a degree at 17.78° south.
const METRES_LAT: f64 = 110_900.0;
const METRES_LNG: f64 = 105_900.0;

/// The bounds of the services: south, north, west, east.
const EXTENT: [f64; 4] = [-17.93, -17.66, -63.25, -63.06];

/// A random zone, weighted by its listings.
pub fn any_zone(random: &mut Random) -> &'static Zone {
    random.weighted(ZONES, |zone| zone.weight)
}

/// Random latitude and longitude in the zone, in degrees with six decimals (0.1 m); `spread` widens the zone.
pub fn near(random: &mut Random, zone: &Zone, spread: f64) -> (f64, f64) {
    let lat = zone.lat + random.bell() * spread * zone.spread_m / METRES_LAT;
    let lng = zone.lng + random.bell() * spread * zone.spread_m / METRES_LNG;
    (six(lat), six(lng))
}

/// The centre of the zone: where sources without a better position put a listing.
pub fn centre(zone: &Zone) -> (f64, f64) {
    (zone.lat, zone.lng)
}

/// Any place within the bounds.
pub fn anywhere(random: &mut Random) -> (f64, f64) {
    let [south, north, west, east] = EXTENT;
    let lat = south + random.unit() * (north - south);
    let lng = west + random.unit() * (east - west);
    (six(lat), six(lng))
}

fn six(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

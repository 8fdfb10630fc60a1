// A sketch of Santa Cruz de la Sierra, so that the city is recognised where no map of streets is: ring roads, main avenues, the
// river. It is this project's own drawing and approximate: the rings by their mean radius from the Plaza 24 de Septiembre, as in
// `rings.rs`; the avenues and the Piraí through a few places on each, from the centres of the zones that are named after them.

import { s } from "./dom.js";
import { flat } from "./geo.js";

/** Metres from the square, from the first ring outwards. */
export const RINGS_M = [1000, 1900, 2900, 4000, 5200, 6500, 8000, 9500];

/** Latitude and longitude in degrees, from the first ring outwards. */
const AVENUES = {
  "Av. Banzer": [[-17.7745, -63.1815], [-17.7585, -63.178], [-17.7435, -63.173], [-17.7299, -63.1683], [-17.706, -63.164], [-17.672, -63.1605], [-17.63, -63.159]],
  "Av. Beni": [[-17.7745, -63.1795], [-17.7645, -63.1745], [-17.7529, -63.17], [-17.7405, -63.163], [-17.7265, -63.1565]],
  "Av. Alemana": [[-17.7755, -63.1765], [-17.7605, -63.1675], [-17.7461, -63.1607], [-17.7345, -63.1525]],
  "Av. Mutualista": [[-17.7775, -63.1745], [-17.7657, -63.1619], [-17.7545, -63.1505], [-17.7475, -63.1462]],
  "Av. Virgen de Cotoca": [[-17.7825, -63.1725], [-17.7795, -63.152], [-17.7745, -63.129], [-17.7698, -63.1031], [-17.7615, -63.066], [-17.755, -63.03]],
  "Av. Villa 1.º de Mayo": [[-17.7865, -63.1735], [-17.7905, -63.1545], [-17.7945, -63.1338], [-17.7985, -63.1135]],
  "Al Plan 3000": [[-17.7905, -63.1765], [-17.8105, -63.152], [-17.8335, -63.1255], [-17.8536, -63.1]],
  "Av. Santos Dumont": [[-17.7925, -63.1815], [-17.8085, -63.1805], [-17.8371, -63.181], [-17.8665, -63.1835]],
  "Doble vía a La Guardia": [[-17.7905, -63.1885], [-17.8055, -63.2035], [-17.8261, -63.2231], [-17.8461, -63.2431], [-17.8735, -63.2805]],
  "Av. Roca y Coronado": [[-17.7845, -63.1915], [-17.7855, -63.2045], [-17.7864, -63.2169]],
  "Av. San Martín": [[-17.7765, -63.1885], [-17.7655, -63.1971], [-17.7575, -63.2045]],
};

const RIVER = [[-17.93, -63.272], [-17.9, -63.262], [-17.868, -63.255], [-17.84, -63.252], [-17.815, -63.239], [-17.795, -63.228], [-17.776, -63.217], [-17.757, -63.2125], [-17.735, -63.205], [-17.712, -63.2015], [-17.688, -63.2035], [-17.66, -63.206], [-17.625, -63.2]];

const points = (places) => places.map(([lat, lng]) => flat({ lat, lng }));
const line = (places) => `M${points(places).map(({ x, y }) => `${x.toFixed(0)} ${y.toFixed(0)}`).join("L")}`;

/** The drawing, in metres. */
export function city() {
  return [
    s("path", { class: "city-river", d: line(RIVER) }),
    RINGS_M.map((r) => s("circle", { class: "city-ring", r })),
    Object.values(AVENUES).map((places) => s("path", { class: "city-avenue", d: line(places) })),
  ];
}

/** Names and where they stand, in metres. */
export function cityNames() {
  const rings = RINGS_M.map((r, i) => ({ name: `${i + 1}.º anillo`, x: r * Math.sin(2.2), y: -r * Math.cos(2.2) }));
  const avenues = Object.entries(AVENUES).map(([name, places]) => ({ name, ...points(places)[Math.min(2, places.length - 1)] }));
  return [...rings, { name: "Río Piraí", ...points(RIVER)[5] }, ...avenues];
}

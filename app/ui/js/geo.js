// A flat drawing of the city: metres east and south of its main square. Over the fifty kilometres of the data the error is
// far below a pixel.

/** Plaza 24 de Septiembre, which people measure from. */
export const SQUARE = { lat: -17.7834, lng: -63.1821 };

const LAT_M = 110_900;
const LNG_M = 105_900;

/** A place in metres. */
export const flat = ({ lat, lng }) => ({ x: (lng - SQUARE.lng) * LNG_M, y: (SQUARE.lat - lat) * LAT_M });

/** The box around places, without the far outliers when there are many; null around none. */
export function bounds(places) {
  if (places.length === 0) return null;
  const far = places.length > 50 ? 0.01 : 0;
  const ends = (values) => {
    const sorted = values.sort((a, b) => a - b);
    const skip = Math.floor(sorted.length * far);
    return [sorted[skip], sorted[sorted.length - 1 - skip]];
  };
  const [left, right] = ends(places.map((place) => place.x));
  const [top, bottom] = ends(places.map((place) => place.y));
  return { left, right, top, bottom };
}

/** The largest of 1, 2, 5, 10, … that is not above the value. */
export function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].find((step) => step * power <= value) * power;
}

/** Dots as one path: each a line of no length, whose round cap is the dot. */
export const dots = (places) => places.map(({ x, y }) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("");

// A map of our own data: a sketch of the city, dots, names of zones. No tiles and nothing from elsewhere.
//
// Dots are one path per group, so thousands cost nothing; the view is one transform. What the map shows is always in a list
// beside it as well, for those who cannot see or point.

import { city, cityNames } from "./city.js";
import { clusters } from "./clusters.js";
import { h, refill, s } from "./dom.js";
import { brief, isNumber, metres } from "./format.js";
import { bounds, dots, flat, round } from "./geo.js";
import { gestures } from "./gestures.js";

/** Where a property is: as a point of the map, or as the rest of the API tells it. */
const place = (property) => (isNumber(property.lat) ? property : property.coordenadas);

const NEAR_PX = 16;
const PRICES_UP_TO = 45;
const CLOSEST = 1.5;
const FARTHEST = 0.004;

/** `pick` is told of the property or else the service under a click. `free`: the wheel zooms without Ctrl. */
export function createMap({ name, pick = () => {}, free = false }) {
  const state = { x: 0, y: 0, k: 0.03, width: 0, height: 0, points: [], services: [], zones: [], crowds: [], singles: [], chosen: null, wish: null };
  const layers = {
    city: s("g", { class: "map-city" }, city()),
    rings: s("g", { class: "map-rings" }),
    fabric: s("path", { class: "map-fabric" }),
    services: s("g", {}),
    points: s("g", {}),
  };
  const world = s("g", {}, Object.values(layers));
  const over = s("g", {});
  const svg = s("svg", { class: "map-svg", "aria-hidden": "true", focusable: "false" }, world, over);
  const scale = h("div", { class: "map-scale", "aria-hidden": "true" });
  const board = h(
    "div",
    { class: "map-board", tabindex: 0, role: "group", "aria-label": `${name}. Flechas para mover, más y menos para acercar.` },
    svg,
  );
  const zoomButton = (text, label, by) => h("button", { type: "button", "aria-label": label, onclick: () => zoom(by) }, text);
  const buttons = h(
    "div",
    { class: "map-buttons" },
    zoomButton("+", "Acercar", 1.6),
    zoomButton("−", "Alejar", 1 / 1.6),
    h("button", { type: "button", "aria-label": "Ver todo", onclick: () => fit() }, "⤢"),
  );
  const element = h("div", { class: "map" }, board, buttons, scale);

  new ResizeObserver(([entry]) => {
    const first = state.width === 0;
    ({ width: state.width, height: state.height } = entry.contentRect);
    if (first || state.wish) fit(state.wish ?? undefined);
    draw();
  }).observe(board);
  gestures(board, { free, move, zoom, click });

  const screen = ({ x, y }) => ({ x: (x - state.x) * state.k + state.width / 2, y: (y - state.y) * state.k + state.height / 2 });

  function move(dx, dy) {
    state.x -= dx / state.k;
    state.y -= dy / state.k;
    state.wish = null;
    draw();
  }

  function zoom(by, at = { x: state.width / 2, y: state.height / 2 }) {
    const k = Math.min(CLOSEST, Math.max(FARTHEST, state.k * by));
    const away = { x: at.x - state.width / 2, y: at.y - state.height / 2 };
    state.x += away.x / state.k - away.x / k;
    state.y += away.y / state.k - away.y / k;
    state.k = k;
    state.wish = null;
    draw();
  }

  /** Shows these places, or all points; at least a kilometre wide. */
  function fit(places = state.points) {
    state.wish = places;
    const box = bounds(places.length > 0 ? places : state.zones);
    if (!box || state.width === 0) return;
    state.x = (box.left + box.right) / 2;
    state.y = (box.top + box.bottom) / 2;
    const wide = Math.max(box.right - box.left, 1000) * 1.15;
    const high = Math.max(box.bottom - box.top, 1000) * 1.15;
    state.k = Math.min(CLOSEST, state.width / wide, state.height / high);
    draw();
  }

  function nearest(points, at) {
    let best = null;
    let distance = NEAR_PX;
    for (const point of points) {
      const here = screen(point);
      const away = Math.hypot(here.x - at.x, here.y - at.y);
      if (away < distance) [best, distance] = [point, away];
    }
    return best;
  }

  function click(at) {
    const crowd = nearest(state.crowds, at);
    if (crowd && state.k < CLOSEST) return fit(crowd.points);
    const point = nearest(state.k < CLOSEST ? state.singles : state.points, at);
    const service = point ? null : nearest(state.services, at);
    choose(point?.property.id ?? null);
    pick(point?.property ?? null, service);
  }

  function choose(id) {
    state.chosen = state.points.find((point) => point.property.id === id) ?? null;
    draw();
  }

  function draw() {
    if (state.width === 0) return;
    const { x, y, k, width, height } = state;
    world.setAttribute("transform", `translate(${width / 2 - x * k} ${height / 2 - y * k}) scale(${k})`);
    gather();
    refill(over, names(), crowds(), prices(), mark());
    const length = round(110 / k);
    scale.style.width = `${length * k}px`;
    scale.textContent = metres(length);
  }

  const inside = ({ x, y }) => x > -20 && y > -20 && x < state.width + 20 && y < state.height + 20;

  /** What is drawn one by one, and what as a number. */
  function gather() {
    ({ singles: state.singles, crowds: state.crowds } = state.k < CLOSEST ? clusters(state.points, state.k) : { singles: state.points, crowds: [] });
    const groups = Map.groupBy(state.singles, (point) => point.property.operacion);
    for (const path of layers.points.children) path.setAttribute("d", dots(groups.get(path.dataset.operation) ?? []));
  }

  function crowds() {
    return state.crowds.filter((crowd) => inside(screen(crowd))).map((crowd) => {
      const at = screen(crowd);
      const many = crowd.points.length;
      return s("g", { class: "map-crowd", transform: `translate(${at.x} ${at.y})` }, s("circle", { r: 11 + Math.min(9, Math.log2(many)) }), s("text", { y: 4 }, String(many)));
    });
  }

  /** The zones with most properties first, then the city's; a name that would cover another is left out. */
  function names() {
    const taken = state.crowds.map((crowd) => ({ ...screen(crowd), half: 18 }));
    const roads = cityNames().map((one) => ({ ...one, ring: true }));
    return [...state.zones, ...roads].map(({ name, ring, ...place }) => {
      const at = screen(place);
      const half = name.length * 3.8 + 6;
      const whole = at.x > half && at.x < state.width - half && at.y > 12 && at.y < state.height - 6;
      const free = taken.every((other) => Math.abs(other.y - at.y) > 18 || Math.abs(other.x - at.x) > other.half + half);
      if (!whole || !free) return null;
      taken.push({ ...at, half });
      return s("text", { class: ring ? "map-ring-name" : "map-zone", x: at.x, y: at.y + 4 }, name);
    });
  }

  function prices() {
    const seen = state.singles.filter((point) => inside(screen(point)) && isNumber(point.property.precio));
    if (seen.length > PRICES_UP_TO) return [];
    return seen.map((point) => {
      const at = screen(point);
      return s("text", { class: "map-price", x: at.x, y: at.y - 10 }, brief(point.property.precio));
    });
  }

  function mark() {
    if (!state.chosen) return null;
    const at = screen(state.chosen);
    return s("g", { class: "map-mark", transform: `translate(${at.x} ${at.y})` }, s("circle", { r: 13 }), s("circle", { r: 6 }));
  }

  return {
    element,
    fit: (properties) => fit(properties?.filter(place).map((one) => flat(place(one)))),
    choose,
    /** Properties; those without coordinates are passed over. */
    setPoints(properties) {
      state.points = properties.filter(place).map((property) => ({ property, ...flat(place(property)) }));
      const operations = new Set(state.points.map((point) => point.property.operacion));
      refill(layers.points, [...operations].map((operation) => s("path", { class: `map-dots ${operation}`, "data-operation": operation })));
      state.chosen = null;
      draw();
    },
    /** Zones with their middle, those with most properties first. */
    setZones(zones) {
      state.zones = zones.filter((zone) => isNumber(zone.lat)).map((zone) => ({ name: zone.zona, ...flat(zone) }));
      draw();
    },
    /** Every service as a faint dot: the shape of the city. */
    setFabric(places) {
      layers.fabric.setAttribute("d", dots(places.map(flat)));
    },
    /** Services in the colours of their categories: `{categoria: places}`. */
    setServices(groups) {
      state.services = Object.entries(groups).flatMap(([categoria, places]) => places.map((one) => ({ ...one, categoria, ...flat(one) })));
      const paths = Map.groupBy(state.services, (one) => one.categoria);
      refill(layers.services, [...paths].map(([category, places]) => s("path", { class: `map-service ${category}`, d: dots(places) })));
    },
    /** A circle around a place, such as the radius of a search. */
    setCircle(place, r) {
      const at = flat(place);
      refill(layers.rings, s("circle", { class: "map-radius", cx: at.x, cy: at.y, r }));
      const corner = (dx, dy) => ({ x: at.x + dx * r, y: at.y + dy * r });
      fit([corner(-1, -1), corner(1, 1)]);
    },
  };
}


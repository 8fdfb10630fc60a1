// An answer of the assistant: its words, then the facts that they rest on.

import { card } from "./card.js";
import { background } from "./catalogue.js";
import { h } from "./dom.js";
import { CATEGORIES, OPERATIONS, count, dollars, isNumber, label, metres, number, price } from "./format.js";
import { createMap } from "./map.js";
import { waiting } from "./parts.js";
import { rich } from "./text.js";

const SERVICES = 8;

/** The elements of a turn. `chip` makes a button that asks further. */
export function answer(turn, chip) {
  const found = turn.found ?? {};
  const items = found.recomendaciones ?? [];
  return [
    h("div", { class: "words" }, turn.text ? rich(once(turn.text, items)) : turn.open && waiting("Consultando la base de datos…")),
    turn.stopped && h("p", { class: "soft" }, "Respuesta detenida."),
    (found.avisos ?? []).map((text) => h("p", { class: "notice" }, text)),
    items.length > 0 && h("div", { class: "cards" }, items.map((item) => card(item))),
    !turn.open && mapOf(items),
    !turn.open && [zoneTable(found.zonas), figures(found.estadisticas), serviceList(found.servicios), more(found), footer(found)],
    !turn.open && found.sugerencias?.length > 0 && h("ul", { class: "chips" }, found.sugerencias.map((text) => h("li", {}, chip(text)))),
  ];
}

/** The words without the lines that only repeat the cards. */
function once(text, items) {
  const shown = new Set(items.map((item) => String(item.id)));
  const repeats = (line) => shown.has(/^\s*(?:[-*•]|\d+[.)])\s+\**#(\d+)\b/.exec(line)?.[1]);
  return text.split("\n").filter((line) => !repeats(line)).join("\n");
}

/** Where the properties are. One place alone needs no map; its page has one. */
function mapOf(items) {
  const placed = items.filter((item) => item.coordenadas);
  if (placed.length < 2) return null;
  const name = h("p", { class: "map-picked soft", role: "status" }, "Toque un punto para ver cuál es.");
  const map = createMap({
    name: "Mapa de estas propiedades",
    pick: (property) => {
      name.replaceChildren(
        property
          ? h("a", { href: `#/propiedad/${property.id}` }, `${property.nombre} · ${price(property)}`)
          : "Toque un punto para ver cuál es.",
      );
    },
  });
  background(map);
  map.setPoints(placed);
  map.fit(placed);
  return h("div", { class: "map-small" }, map.element, name);
}

function figures(statistics) {
  const rows = rowsOf(statistics, "operacion").filter((row) => row.cantidad > 0);
  if (rows.length === 0) return null;
  return table(
    "Cifras de lo encontrado",
    ["Operación", "Propiedades", "Mínimo", "Mediana", "Máximo", "USD por m²"],
    rows.map((row) => [
      label(OPERATIONS, row.operacion),
      number(row.cantidad),
      money(row.precio_minimo),
      money(row.precio_mediano),
      money(row.precio_maximo),
      number(row.usd_m2_mediano),
    ]),
  );
}

function zoneTable(zones) {
  if (!zones?.length) return null;
  return table(
    "Zonas",
    ["Zona", "Propiedades", "Precio mediano", "USD por m²"],
    zones.map((zone) => [zone.zona, number(zone.cantidad), money(zone.precio_mediano), number(zone.usd_m2_mediano)]),
  );
}

function serviceList(services) {
  if (!services?.length) return null;
  return h(
    "ul",
    { class: "plain" },
    services.slice(0, SERVICES).map((one) => h("li", {}, `${one.nombre} (${label(CATEGORIES, one.categoria).toLowerCase()}), a ${metres(one.distancia_m)}`)),
  );
}

/** The same wishes as a search, where all that fit can be seen and sorted. */
function more(found) {
  const wish = found.entendido;
  if (!wish || !(found.datos_encontrados > (found.recomendaciones?.length ?? 0))) return null;
  // The search has no field for it, and would find more.
  const only = ["zonas_excluidas", "tipos_excluidos", "lugares", "caracteristicas", "sin_caracteristicas", "anillo_min", "anillo_max", "gama", "tamano", "garajes_min"];
  if (only.some((key) => (Array.isArray(wish[key]) ? wish[key].length > 0 : wish[key] !== undefined))) return null;
  const query = new URLSearchParams();
  const put = (name, value) => value !== undefined && value !== null && query.set(name, value);
  put("operacion", wish.operacion);
  put("tipo_propiedad", wish.tipos?.length === 1 ? wish.tipos[0] : null);
  put("zona", wish.zonas?.length === 1 ? wish.zonas[0] : null);
  put("precio_min", wish.presupuesto_min);
  put("precio_max", wish.presupuesto_max);
  put("habitaciones_min", wish.dormitorios_min);
  put("habitaciones_max", wish.dormitorios_max);
  put("banos_min", wish.banos_min);
  put("banos_max", wish.banos_max);
  put("superficie_min", wish.superficie_min);
  put("superficie_max", wish.superficie_max);
  if (wish.tiene_garaje) put("tiene_garaje", true);
  return h(
    "p",
    { class: "more" },
    h("a", { href: `#/buscar?${query}` }, `Ver en la búsqueda (${count(found.datos_encontrados, "encontrada", "encontradas")})`),
    " · ",
    h("a", { href: `#/mapa?${query}` }, "Ver en el mapa"),
  );
}

function footer(found) {
  if (found.llm_usado === undefined) return null;
  const who = found.llm_usado ? "Redactado por un modelo de lenguaje y comprobado contra los datos." : "Redactado con una plantilla a partir de los datos.";
  return h("p", { class: "soft small" }, who);
}

function table(caption, head, rows) {
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, cell)))),
      h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell))))),
    ),
  );
}

/** A list of rows, or an object whose keys name them. */
function rowsOf(value, key) {
  if (Array.isArray(value)) return value;
  return Object.entries(value ?? {}).map(([name, row]) => ({ [key]: name, ...row }));
}

const money = (value) => (isNumber(value) ? dollars(value) : "—");

// What properties cost: the server's own figures, for one operation at a time.

import { aborted, ask } from "./api.js";
import { zones } from "./catalogue.js";
import { bars, columns, spread } from "./charts.js";
import { h, refill } from "./dom.js";
import { KINDS, OPERATIONS, brief, count, dollars, isNumber, label, number } from "./format.js";
import { failure, nothing, waiting } from "./parts.js";

/** A median of fewer properties says little. */
const ENOUGH = 5;
const ZONES = 15;

/** Shows the figures of the operation that the address names. */
export async function show(root, { query, signal }) {
  const operation = OPERATIONS[query.get("operacion")] ? query.get("operacion") : "venta";
  const body = h("div", { class: "stats" }, waiting("Calculando…"));
  refill(root, h("div", { class: "results-head" }, h("h1", {}, "Precios"), choice(operation)), body);
  try {
    const { estadisticas } = await ask(`/api/estadisticas?operacion=${operation}`, { signal });
    const places = operation === "venta" ? await zones().catch(() => []) : [];
    if (signal.aborted) return;
    refill(body, estadisticas.cantidad > 0 ? figures(estadisticas, operation, places) : nothing("No hay propiedades", "La base de datos no tiene ninguna de esta operación."));
  } catch (error) {
    if (!aborted(error)) refill(body, failure(error, () => show(root, { query, signal })));
  }
}

function choice(operation) {
  return h(
    "nav",
    { class: "tabs", "aria-label": "Operación" },
    Object.entries(OPERATIONS).map(([name, text]) => h("a", { href: `#/estadisticas?operacion=${name}`, "aria-current": name === operation && "true" }, text)),
  );
}

function figures(all, operation, places) {
  const monthly = operation === "alquiler" ? " al mes" : "";
  const known = all.cantidad - all.sin_precio;
  return [
    h(
      "ul",
      { class: "figures" },
      figure(number(all.cantidad), "propiedades", all.sin_precio > 0 && `${number(all.sin_precio)} sin precio`),
      figure(dollars(all.precio_mediano), `precio mediano${monthly}`, "la mitad cuesta menos"),
      figure(dollars(all.precio_promedio), `promedio${monthly}`, "lo alteran las muy caras"),
      isNumber(all.precio_m2_mediano) && figure(dollars(all.precio_m2_mediano), `por m²${monthly}`, `mediana de ${number(all.con_precio_m2)}`),
      isNumber(all.superficie_mediana) && figure(`${number(all.superficie_mediana)} m²`, "superficie mediana"),
    ),
    h(
      "div",
      { class: "charts" },
      known >= ENOUGH && spread({
        title: "Dónde está la mitad del mercado",
        note: `Precio en dólares${monthly}. La franja es la mitad central; la línea, la mediana.`,
        low: all.precio_cuartil_1,
        middle: all.precio_mediano,
        high: all.precio_cuartil_3,
        text: dollars,
      }),
      classes(all),
      byZone(places),
      byKind(all.medianas_por_tipo ?? [], operation, monthly),
      counts("Propiedades por tipo", "Tipo", all.por_tipo, (name) => [label(KINDS, name), { operacion: operation, tipo_propiedad: name }]),
      counts("Zonas con más propiedades", "Zona", all.distribucion_zonas, (name) => [name, { operacion: operation, zona: name }]),
    ),
    h("p", { class: "soft small" }, `Según ${count(known, "propiedad", "propiedades")} con precio. Precios pedidos, no de cierre.`),
  ];
}

function figure(value, name, note) {
  return h("li", { class: "figure" }, h("strong", {}, value), h("span", {}, name), note && h("p", { class: "soft small" }, note));
}

/** The classes of the server; one class alone is no distribution. */
function classes(all) {
  if (all.distribucion_precios.filter((one) => one.cantidad > 0).length < 2) return null;
  const rows = all.distribucion_precios.map(({ desde, hasta, cantidad }) => ({
    name: hasta === null ? `desde ${brief(desde)}` : `${number(desde / 1000)}–${number(hasta / 1000)} mil`,
    brief: hasta === null ? `${number(desde / 1000)}+` : `${number(desde / 1000)}–${number(hasta / 1000)}`,
    value: cantidad,
    text: number(cantidad),
    // The last class has no end; it is drawn as wide as the one before.
    wide: (hasta ?? 400_000) - desde,
  }));
  return columns({ title: "Cuántas hay de cada precio", note: "Miles de dólares. El ancho es el de la clase, el área la cantidad; la última clase no tiene fin.", head: ["Precio", "Propiedades"], rows });
}

function byZone(places) {
  const rows = places
    .filter((zone) => zone.en_venta >= ENOUGH && isNumber(zone.precio_mediano))
    .sort((a, b) => b.precio_mediano - a.precio_mediano)
    .slice(0, ZONES)
    .map((zone) => ({ name: zone.zona, value: zone.precio_mediano, text: dollars(zone.precio_mediano), href: link({ operacion: "venta", zona: zone.zona }) }));
  if (rows.length === 0) return null;
  return bars({ title: "Precio mediano por zona", note: `En venta, de todos los tipos; zonas con ${ENOUGH} propiedades o más.`, head: ["Zona", "Mediana"], rows });
}

/** The middle price of each kind: plots, flats and houses are not one market. */
function byKind(all, operation, monthly) {
  const rows = all
    .filter((kind) => kind.con_precio >= ENOUGH)
    .map((kind) => ({ name: label(KINDS, kind.nombre), value: kind.precio_mediano, text: dollars(kind.precio_mediano), href: link({ operacion: operation, tipo_propiedad: kind.nombre }) }));
  if (rows.length === 0) return null;
  return bars({ title: "Precio mediano por tipo", note: `En dólares${monthly}; tipos con ${ENOUGH} propiedades con precio o más.`, head: ["Tipo", "Mediana"], rows });
}

function counts(title, head, all, read) {
  const named = all.filter((one) => one.nombre !== null);
  if (named.length === 0) return null;
  const rows = named.map((one) => {
    const [name, query] = read(one.nombre);
    return { name, value: one.cantidad, text: number(one.cantidad), href: link(query) };
  });
  return bars({ title, head: [head, "Propiedades"], rows });
}

const link = (query) => `#/buscar?${new URLSearchParams(query)}`;

// The map of what fits the filters, with the city's services.

import { aborted, ask, latest } from "./api.js";
import { card } from "./card.js";
import { services, zones } from "./catalogue.js";
import { announce, h, refill } from "./dom.js";
import { filterForm, wanted } from "./filters.js";
import { CATEGORIES, OPERATIONS, count, label, number, price } from "./format.js";
import { createMap } from "./map.js";
import { failure, nothing, waiting } from "./parts.js";

const LISTED = 50;

const serviceLine = ({ nombre, categoria }) => h("p", { role: "status" }, h("strong", {}, nombre), ` · ${label(CATEGORIES, categoria)}`);

/** Shows the properties of the address's query. */
export async function show(root, { query, signal }) {
  const filters = filterForm(query, (next) => (location.hash = `#/mapa?${next}`), false);
  const side = h("div", { class: "map-side" });
  const status = h("div", { class: "map-status" }, waiting());
  const map = createMap({ name: "Mapa de propiedades y servicios", free: true, pick: (...what) => picked(...what) });
  const legend = h("div", { class: "legend" });
  refill(
    root,
    h("h1", {}, "Mapa"),
    h(
      "div",
      { class: "split" },
      h("div", { class: "map-left" }, filters.element, side),
      h("section", { class: "map-main", "aria-label": "Mapa y leyenda" }, status, map.element, legend),
    ),
  );
  const next = latest(signal);
  const picked = async (point, service) => {
    const asked = next();
    if (!point) return refill(status, service ? serviceLine(service) : status.summary);
    try {
      const property = await ask(`/api/propiedades/${point.id}?radio_m=500`, { signal: asked });
      refill(status, h("div", { class: "map-card" }, card(property, { level: "h2" })));
      announce(`${property.nombre}, ${price(property)}`);
    } catch (error) {
      if (!aborted(error)) refill(status, failure(error, () => picked(point)));
    }
  };
  const background = Promise.all([
    zones().then(map.setZones, () => {}),
    services().then((all) => showServices(map, legend, all), () => refill(legend, operations(), h("p", { class: "soft" }, "Los servicios de la ciudad no están disponibles en este servidor."))),
  ]);
  try {
    const found = await ask(`/api/mapa?${new URLSearchParams(wanted(query))}`, { signal });
    map.setPoints(found.propiedades);
    map.fit();
    status.summary = summary(found);
    refill(status, status.summary);
    refill(side, list(found, (property) => (map.choose(property.id), map.fit([property]), picked(property))));
  } catch (error) {
    if (aborted(error)) return;
    if (error.kind === "invalid") filters.fault(error);
    refill(status, error.kind === "invalid" ? nothing("Revise los filtros", "Uno de ellos no es válido.") : failure(error, () => show(root, { query, signal })));
  }
  await background;
}

function summary(found) {
  const without = found.sin_coordenadas > 0 ? `; ${count(found.sin_coordenadas, "no tiene ubicación y no se dibuja", "no tienen ubicación y no se dibujan")}` : "";
  const capped = found.propiedades.length + found.sin_coordenadas < found.total ? ` Se dibujan ${number(found.propiedades.length)}.` : "";
  return h("p", { role: "status" }, `${count(found.total, "propiedad", "propiedades")}${without}.${capped} Toque un punto para ver la propiedad.`);
}

/** The same properties for those who cannot see or point. */
function list(found, choose) {
  if (found.propiedades.length === 0) return nothing("Nada que dibujar", "Ninguna propiedad con ubicación cumple los filtros.");
  const shown = found.propiedades.slice(0, LISTED);
  return [
    h("h2", {}, "En el mapa"),
    h(
      "ul",
      { class: "rows" },
      shown.map((one) =>
        h(
          "li",
          {},
          h("button", { type: "button", class: "row", onclick: () => choose(one) }, h("span", { class: `key ${one.operacion}`, "aria-hidden": "true" }), h("span", {}, one.nombre), h("strong", {}, price(one))),
        ),
      ),
    ),
    found.propiedades.length > LISTED && h("p", { class: "soft" }, `Y ${number(found.propiedades.length - LISTED)} más; use los filtros para acotar.`),
  ];
}

function operations() {
  return h(
    "ul",
    { class: "keys", "aria-label": "Propiedades" },
    Object.entries(OPERATIONS).map(([name, text]) => h("li", {}, h("span", { class: `key ${name}`, "aria-hidden": "true" }), text)),
  );
}

function showServices(map, legend, all) {
  map.setFabric(Object.values(all).flat());
  const on = new Set();
  const toggle = (name) => {
    if (!on.delete(name)) on.add(name);
    map.setServices(Object.fromEntries([...on].map((one) => [one, all[one] ?? []])));
  };
  refill(
    legend,
    operations(),
    h(
      "fieldset",
      { class: "keys" },
      h("legend", {}, "Servicios"),
      Object.entries(CATEGORIES).filter(([name]) => all[name]?.length > 0).map(([name, text]) =>
        h(
          "label",
          { class: "check" },
          h("input", { type: "checkbox", onchange: () => toggle(name) }),
          h("span", { class: `key service ${name}`, "aria-hidden": "true" }),
          `${text} (${number(all[name].length)})`,
        ),
      ),
    ),
    h("p", { class: "soft small" }, "Croquis propio y aproximado: anillos por su radio medio desde la plaza 24 de Septiembre, avenidas y río por unos pocos puntos. Un número reúne las propiedades que se taparían."),
  );
}

// A property's own page: what is known of it, and what is around it.

import { aborted, ask, latest } from "./api.js";
import { card, facts, marks } from "./card.js";
import { background } from "./catalogue.js";
import { announce, h, refill } from "./dom.js";
import { CATEGORIES, count, date, isNumber, metres, number, perMetre, price, surface } from "./format.js";
import { createMap } from "./map.js";
import { contact, elsewhere } from "./contact.js";
import { failure, nothing, waiting } from "./parts.js";
import { heart } from "./saved.js";
import { share } from "./share.js";

const RADII = [500, 1000, 2000];
const LISTED = 6;
/** The server tells no more services than these. */
const MOST = 200;

/** Shows the property that the address names. */
export async function show(root, { param, query, signal, title }) {
  const radius = RADII.includes(Number(query.get("radio"))) ? Number(query.get("radio")) : 1000;
  refill(root, h("h1", { class: "quiet" }, "Propiedad"), waiting("Abriendo la propiedad…"));
  let found;
  try {
    found = await ask(`/api/propiedades/${encodeURIComponent(param ?? "")}?radio_m=${radius}`, { signal });
  } catch (error) {
    if (aborted(error)) return;
    const gone = error.kind === "missing";
    refill(
      root,
      h("h1", { class: "quiet" }, "Propiedad"),
      gone ? nothing("Esta propiedad no existe", "Puede que se haya retirado. ", h("a", { href: "#/buscar" }, "Ver las que hay")) : failure(error, () => show(root, { param, query, signal, title })),
    );
    return;
  }
  title(found.nombre);
  refill(
    root,
    h("p", { class: "back" }, h("button", { type: "button", class: "link", onclick: () => history.back() }, "← Volver")),
    h("article", { class: "property" }, head(found), contact(found), known(found), story(found), around(found, radius, latest(signal)), alike(found, signal)),
  );
}

function head(found) {
  const place = [found.direccion, found.zona].filter(Boolean).join(" · ") || "Ubicación no informada";
  return h(
    "header",
    { class: "property-head" },
    h("div", {}, h("h1", {}, found.nombre), h("p", { class: "soft" }, place), marks(found)),
    h("div", { class: "property-price" }, h("p", { class: "price big" }, price(found)), original(found), facts(found), h("p", { class: "property-tools" }, heart(found), share("Compartir", found.nombre))),
  );
}

/** What the source asks, where it asks in another currency. */
function original(found) {
  if (!isNumber(found.precio_original) || !found.moneda || found.moneda === "USD") return null;
  return h("p", { class: "soft" }, `La fuente pide ${found.moneda} ${number(found.precio_original)}`);
}

function known(found) {
  const rows = [
    ["Superficie construida", surface(found.superficie_construida)],
    ["Superficie del terreno", surface(found.superficie_total)],
    perMetre(found) && ["Precio por m²", perMetre(found)],
    ["Dormitorios", isNumber(found.habitaciones) && number(found.habitaciones)],
    ["Baños", isNumber(found.banos) && number(found.banos)],
    ["Garajes", isNumber(found.garajes) && number(found.garajes)],
    ["Unidad vecinal", found.unidad_vecinal],
    ["Manzana", found.manzana],
    ["Relevada", date(found.fecha_relevamiento)],
    ["Fuente", [found.fuente, found.codigo].filter(Boolean).join(", ")],
  ];
  return h(
    "section",
    { "aria-label": "Datos" },
    h("h2", {}, "Datos"),
    h("dl", { class: "sheet" }, rows.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), value ? h("dd", {}, value) : h("dd", { class: "soft" }, "No informado")))),
  );
}

function story(found) {
  const links = elsewhere(found);
  if (!found.descripcion && links.length === 0) return null;
  return h(
    "section",
    { "aria-label": "Descripción" },
    h("h2", {}, "Descripción"),
    h("p", { class: "prose" }, found.descripcion ?? "Sin descripción."),
    links.length > 0 && h("ul", { class: "plain" }, links.map((link) => h("li", {}, link))),
  );
}

/** The map and the lists, which another radius replaces without a reload. */
function around(found, radius, next) {
  const section = h("section", { "aria-label": "Alrededores" });
  if (!found.coordenadas) {
    return refill(section, h("h2", {}, "Alrededores"), h("p", { class: "soft" }, "La fuente no dice dónde está, así que no se puede saber qué tiene cerca."));
  }
  const map = createMap({ name: "Mapa de la propiedad y los servicios cercanos" });
  const lists = h("div", {});
  const choice = h(
    "fieldset",
    { class: "radii" },
    h("legend", { class: "quiet" }, "Radio"),
    RADII.map((r) => h("label", { class: "radio" }, h("input", { type: "radio", name: "radio", value: r, checked: r === radius, onchange: () => change(r) }), h("span", {}, metres(r)))),
  );
  refill(section, h("div", { class: "results-head" }, h("h2", {}, "Alrededores"), choice), h("div", { class: "property-map" }, map.element), lists);
  background(map);
  fill(found);
  return section;

  async function change(r) {
    refill(lists, waiting("Midiendo distancias…"));
    try {
      fill(await ask(`/api/propiedades/${found.id}?radio_m=${r}`, { signal: next() }));
    } catch (error) {
      if (!aborted(error)) refill(lists, failure(error, () => change(r)));
    }
  }

  function fill(answer) {
    const groups = Object.groupBy(answer.servicios ?? [], (one) => one.categoria);
    map.setPoints([answer]);
    map.choose(answer.id);
    map.setServices(groups);
    map.setCircle(answer.coordenadas, answer.radio_m);
    const all = answer.servicios?.length ?? 0;
    const text = all < MOST ? `${count(all, "servicio", "servicios")} a menos de ${metres(answer.radio_m)}` : `Los ${MOST} servicios más cercanos`;
    refill(lists, h("p", { class: "soft" }, text), nearby(groups));
    announce(text);
  }
}

/** Homes like this one, when they are known. */
function alike(found, signal) {
  const section = h("section", { "aria-label": "Parecidas" });
  ask(`/api/propiedades/${found.id}/parecidas`, { signal }).then(
    ({ propiedades }) => propiedades.length > 0 && refill(section, h("h2", {}, "Parecidas"), h("div", { class: "cards" }, propiedades.map((one) => card(one)))),
    () => {}, // The property is told without them.
  );
  return section;
}

function nearby(groups) {
  const known = Object.entries(CATEGORIES).filter(([name]) => groups[name]);
  if (known.length === 0) return nothing("Ningún servicio registrado cerca", "Pruebe con un radio mayor.");
  const columns = known.map(([name, text]) => {
    const all = groups[name];
    return h(
      "div",
      { class: "near" },
      h("h3", {}, h("span", { class: `key service ${name}`, "aria-hidden": "true" }), `${text} `, h("span", { class: "soft" }, number(all.length))),
      h("ul", { class: "plain" }, all.slice(0, LISTED).map((one) => h("li", {}, h("span", {}, one.nombre), h("span", { class: "soft" }, metres(one.distancia_m))))),
      all.length > LISTED && h("p", { class: "soft small" }, `y ${number(all.length - LISTED)} más`),
    );
  });
  return h("div", { class: "nearby" }, columns);
}

// The search: filters, order, pages.

import { aborted, ask } from "./api.js";
import { card } from "./card.js";
import { announce, h, refill } from "./dom.js";
import { filterForm, named, wanted } from "./filters.js";
import { count, number } from "./format.js";
import { share } from "./share.js";
import { failure, ghosts, nothing, waiting } from "./parts.js";

const PAGE = 24;
/** Near misses that are shown. */
const NEAR = 3;
const ORDERS = {
  recientes: "Más recientes",
  precio_asc: "Precio, de menor a mayor",
  precio_desc: "Precio, de mayor a menor",
  superficie_desc: "Superficie, de mayor a menor",
  id: "Sin orden",
};

/** Shows the results of the address's query. */
export async function show(root, { query, signal }) {
  const order = ORDERS[query.get("orden")] ? query.get("orden") : "recientes";
  const page = Math.max(1, Math.trunc(Number(query.get("pagina")) || 1));
  const filters = filterForm(query, (next) => {
    if (order !== "recientes") next.set("orden", order);
    go(next);
  });
  const results = h("section", { class: "results", "aria-label": "Resultados" }, waiting(), ghosts());
  refill(root, h("h1", {}, "Buscar propiedades"), h("div", { class: "split" }, filters.element, results));

  const body = { ...wanted(query), orden: order, limite: PAGE, offset: (page - 1) * PAGE };
  try {
    const found = await ask("/api/buscar", { body, signal });
    refill(results, head(found, query, order), list(found, query), pager(found, query, page));
    announce(count(found.total_resultados, "propiedad encontrada", "propiedades encontradas"));
    if (found.total_resultados === 0) await relax(results, query, order, signal);
  } catch (error) {
    if (aborted(error)) return;
    if (error.kind === "invalid" && error.fields.length > 0) {
      filters.fault(error);
      refill(results, nothing("Revise los filtros", "Uno de ellos no es válido; junto a él dice por qué."));
    } else {
      refill(results, failure(error, () => show(root, { query, signal })));
    }
  }
}

function head(found, query, order) {
  const select = h(
    "select",
    { id: "orden", onchange: (event) => go(changed(query, { orden: event.target.value, pagina: null })) },
    Object.entries(ORDERS).map(([value, text]) => h("option", { value, selected: value === order }, text)),
  );
  const zones = found.zonas?.length > 0 ? ` en ${found.zonas.join(", ")}` : "";
  return h(
    "div",
    { class: "results-head" },
    h("h2", {}, `${count(found.total_resultados, "propiedad", "propiedades")}${zones}`),
    h("label", { class: "order", for: "orden" }, "Orden ", select),
    share("Compartir búsqueda"),
    h("a", { class: "button plain", href: `#/mapa?${changed(query, { orden: null, pagina: null })}` }, "Ver en el mapa"),
  );
}

/** Each filter that may be taken away, and the search without it. */
const drops = (query) =>
  named(query).map(([names, text]) => ({ text, rest: changed(query, Object.fromEntries([...names, "pagina"].map((name) => [name, null]))) }));

/** Each filter as a button that takes it away. */
const chip = ({ text, rest, total }) =>
  h("a", { class: "chip", href: `#/buscar?${rest}` }, `Sin ${text}${total === undefined ? "" : ` (${number(total)})`}`);

/** How many properties each dropped filter would leave, and the nearest misses: what meets all but the filter that costs least. */
async function relax(results, query, order, signal) {
  const ways = drops(query);
  if (ways.length === 0) return;
  const asked = ways.map(async (way) => {
    const found = await ask("/api/buscar", { body: { ...wanted(way.rest), orden: order, limite: NEAR }, signal });
    return { ...way, total: found.total_resultados, near: found.propiedades };
  });
  const counted = await Promise.all(asked);
  refill(results.querySelector(".chips"), counted.map((way) => h("li", {}, chip(way))));
  const best = counted.filter((way) => way.total > 0).sort((a, b) => a.total - b.total)[0];
  if (!best || Object.keys(wanted(best.rest)).length === 0) return;
  results.append(
    h("h2", {}, `Casi: cumplen todo sin ${best.text}`),
    h("div", { class: "cards" }, best.near.map((one) => card(one))),
  );
}

function list(found, query) {
  if (found.propiedades.length > 0) return h("div", { class: "cards" }, found.propiedades.map((one) => card(one)));
  if (Object.keys(wanted(query)).length === 0) return nothing("Todavía no hay propiedades", "Cuando se carguen, aparecerán aquí.");
  return [
    nothing("Nada cumple todos los filtros", "Quite alguno, o amplíe el precio o la superficie. Una propiedad sin un dato no pasa el filtro de ese dato."),
    h("ul", { class: "chips", "aria-label": "Quitar un filtro" }, drops(query).map((way) => h("li", {}, chip(way)))),
  ];
}

function pager(found, query, page) {
  const last = Math.ceil(found.total_resultados / PAGE);
  if (last < 2) return null;
  const link = (to, text) =>
    to < 1 || to > last
      ? h("span", { class: "button plain off", "aria-hidden": "true" }, text)
      : h("a", { class: "button plain", href: `#/buscar?${changed(query, { pagina: to > 1 ? to : null })}` }, text);
  return h(
    "nav",
    { class: "pager", "aria-label": "Páginas" },
    link(page - 1, "← Anterior"),
    h("span", {}, `Página ${number(page)} de ${number(last)}`),
    link(page + 1, "Siguiente →"),
  );
}

function changed(query, changes) {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

function go(query) {
  location.hash = `#/buscar?${query}`;
}

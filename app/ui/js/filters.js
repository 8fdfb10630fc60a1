// The form of the search and of the map. Its state is the address's query, so a search can be kept and sent.

import { zones } from "./catalogue.js";
import { h, refill } from "./dom.js";
import { KINDS, OPERATIONS } from "./format.js";

const WHOLE = ["habitaciones_min", "habitaciones_max", "banos_min", "banos_max"];
const NUMBERS = ["precio_min", "precio_max", "superficie_min", "superficie_max", ...WHOLE];
const WORDS = ["zona", "operacion", "tipo_propiedad"];

/** The body of a search out of a query; what is no number goes as it is, so that the server can say so. */
export function wanted(query) {
  const body = {};
  for (const name of WORDS) if (query.get(name)) body[name] = query.get(name);
  for (const name of NUMBERS) {
    const text = query.get(name);
    if (text) body[name] = Number.isFinite(Number(text)) ? Number(text) : text;
  }
  if (query.get("tiene_garaje") === "true") body.tiene_garaje = true;
  return body;
}

const PAIRS = { precio: "precio", superficie: "superficie", habitaciones: "dormitorios", banos: "baños" };

/** The filters of a query: the names of each, and its words. */
export function named(query) {
  const one = (name, text) => query.get(name) && [[name], text];
  const pairs = Object.entries(PAIRS).map(([stem, text]) => {
    const names = [`${stem}_min`, `${stem}_max`].filter((name) => query.get(name));
    return names.length > 0 && [names, `límite de ${text}`];
  });
  return [
    one("zona", `la zona ${query.get("zona")}`),
    one("operacion", `la operación ${(OPERATIONS[query.get("operacion")] ?? "").toLowerCase()}`),
    one("tipo_propiedad", `el tipo ${(KINDS[query.get("tipo_propiedad")] ?? "").toLowerCase()}`),
    ...pairs,
    one("tiene_garaje", "exigir garaje"),
  ].filter(Boolean);
}

/** The form, filled from the query; `submit` gets the new query. */
export function filterForm(query, submit, open = true) {
  const places = h("datalist", { id: "zonas" });
  zones().then(
    (all) => refill(places, all.map((zone) => h("option", { value: zone.zona }))),
    () => {}, // without suggestions a zone can still be typed
  );
  const errors = h("div", { class: "errors", role: "alert" });
  const form = h(
    "form",
    {
      class: "filters",
      "aria-label": "Filtros",
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        submit(read(form));
      },
    },
    field("Zona", h("input", { name: "zona", list: "zonas", autocomplete: "off", maxlength: 100, placeholder: "Cualquiera", value: query.get("zona") ?? "" })),
    places,
    field("Operación", select("operacion", OPERATIONS, "Todas", query)),
    field("Tipo", select("tipo_propiedad", KINDS, "Todos", query)),
    pair("Precio (USD)", "precio", query),
    pair("Superficie (m²)", "superficie", query),
    pair("Dormitorios", "habitaciones", query),
    pair("Baños", "banos", query),
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "tiene_garaje", value: "true", checked: query.get("tiene_garaje") === "true" }),
      "Con garaje",
    ),
    errors,
    h(
      "div",
      { class: "filter-buttons" },
      h("button", { type: "submit", class: "button" }, "Aplicar"),
      h("button", { type: "button", class: "button plain", onclick: () => submit(new URLSearchParams()) }, "Limpiar"),
    ),
  );
  // Where there is little room the form starts closed, so that the results are seen first.
  const wide = matchMedia("(min-width: 60rem)").matches;
  const used = [...query.keys()].filter((name) => [...NUMBERS, ...WORDS, "tiene_garaje"].includes(name)).length;
  const element = h("details", { class: "filter-box", open: open && wide }, h("summary", {}, used > 0 ? `Filtros (${used})` : "Filtros"), form);
  return { element, fault: (error) => showFaults(form, errors, error, submit) };
}

function read(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim() !== "") query.set(name, value.trim());
  return query;
}

/** Marks the fields that the server refused; its suggestions are buttons. */
function showFaults(form, errors, error, submit) {
  refill(errors);
  for (const fault of error.fields) {
    const input = form.elements[fault.campo];
    const id = `fallo-${fault.campo}`;
    if (input?.setAttribute) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", id);
    }
    const take = (value) => {
      input.value = value;
      submit(read(form));
    };
    errors.append(
      h(
        "div",
        { id, class: "error" },
        h("p", {}, fault.mensaje),
        input && (fault.sugerencias ?? []).length > 0 &&
          h("p", {}, "¿Quiso decir? ", fault.sugerencias.map((value) => h("button", { type: "button", class: "chip", onclick: () => take(value) }, value))),
      ),
    );
  }
  form.closest("details").open = true;
}

function field(name, control) {
  return h("label", { class: "field" }, h("span", {}, name), control);
}

function pair(name, stem, query) {
  const one = (end, label) =>
    h("input", { name: `${stem}_${end}`, type: "number", min: 0, inputmode: "numeric", placeholder: label, "aria-label": `${name}, ${label}`, value: query.get(`${stem}_${end}`) ?? "" });
  return h("fieldset", { class: "field" }, h("legend", {}, name), h("div", { class: "pair" }, one("min", "desde"), one("max", "hasta")));
}

function select(name, options, none, query) {
  const chosen = query.get(name) ?? "";
  const one = (value, text) => h("option", { value, selected: value === chosen }, text);
  return h("select", { name }, one("", none), Object.entries(options).map(([value, text]) => one(value, text)));
}

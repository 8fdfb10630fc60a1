// The favourites, and up to four of them side by side.

import { aborted, ask } from "./api.js";
import { card } from "./card.js";
import { h, refill } from "./dom.js";
import { KINDS, OPERATIONS, dollars, isNumber, label, number, perMetre, price, surface } from "./format.js";
import { failure, nothing, waiting } from "./parts.js";
import { favourites, heart } from "./saved.js";
import { share } from "./share.js";

const MOST = 4;

/** Shows what was kept. */
export async function show(root, { signal }) {
  const body = h("div", {}, waiting("Abriendo sus favoritas…"));
  refill(root, h("h1", {}, "Favoritas"), body);
  try {
    const found = await all(favourites(), signal);
    refill(body, found.length > 0 ? list(found) : nothing("Todavía no guardó ninguna", "Toque el corazón de una propiedad y aparecerá aquí. ", h("a", { href: "#/buscar" }, "Buscar propiedades")));
  } catch (error) {
    if (!aborted(error)) refill(body, failure(error, () => show(root, { signal })));
  }
}

/** Shows the properties that the address names, as columns. */
export async function compare(root, { param, signal }) {
  const ids = (param ?? "").split(",").map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
  const body = h("div", {}, waiting("Comparando…"));
  refill(root, h("h1", {}, "Comparar"), body);
  try {
    const found = await all([...new Set(ids)].slice(0, MOST), signal);
    refill(body, found.length > 0 ? [table(found), h("p", { class: "more" }, share("Compartir esta comparación"))] : nothing("Nada que comparar", "Estas propiedades ya no están."));
  } catch (error) {
    if (!aborted(error)) refill(body, failure(error, () => compare(root, { param, signal })));
  }
}

/** Those that still exist, in this order. */
async function all(ids, signal) {
  const one = (id) =>
    ask(`/api/propiedades/${id}?radio_m=500`, { signal }).catch((error) => {
      if (error.kind === "missing") return null;
      throw error;
    });
  return (await Promise.all(ids.map(one))).filter(Boolean);
}

function list(found) {
  const chosen = new Set();
  const link = h("a", { class: "button" });
  const boxes = found.map((property) =>
    h("input", {
      type: "checkbox",
      onchange: (event) => {
        if (event.target.checked) chosen.add(property.id);
        else chosen.delete(property.id);
        paint();
      },
    }),
  );
  paint();
  return [
    h("p", { class: "results-head" }, h("span", {}, `Elija de dos a ${MOST} para compararlas.`), link),
    h("div", { class: "cards" }, found.map((property, i) => h("div", { class: "kept" }, card(property, { level: "h2" }), h("label", { class: "check" }, boxes[i], "Comparar")))),
  ];

  function paint() {
    link.textContent = `Comparar (${chosen.size})`;
    const enough = chosen.size > 1;
    link.className = enough ? "button" : "button plain off";
    if (enough) link.setAttribute("href", `#/comparar/${[...chosen].join(",")}`);
    else link.removeAttribute("href");
    for (const box of boxes) box.disabled = chosen.size >= MOST && !box.checked;
  }
}

const rooms = (value) => (isNumber(value) ? number(value) : null);

const ROWS = [
  ["Precio", (one) => price(one)],
  ["Precio por m²", (one) => perMetre(one)],
  ["Operación", (one) => label(OPERATIONS, one.operacion)],
  ["Tipo", (one) => label(KINDS, one.tipo_propiedad)],
  ["Zona", (one) => one.zona],
  ["Superficie construida", (one) => surface(one.superficie_construida)],
  ["Superficie del terreno", (one) => surface(one.superficie_total)],
  ["Dormitorios", (one) => rooms(one.habitaciones)],
  ["Baños", (one) => rooms(one.banos)],
  ["Garajes", (one) => rooms(one.garajes)],
  ["Servicios a 500 m", (one) => (one.servicios ? number(one.servicios.length) : null)],
];

function table(found) {
  const cheapest = Math.min(...found.map((one) => one.precio ?? Infinity));
  const head = (one) => h("th", { scope: "col" }, h("a", { href: `#/propiedad/${one.id}` }, one.nombre), heart(one));
  const cell = (value) => h("td", {}, value ?? "No informado");
  const least = found.find((one) => one.precio === cheapest);
  return [
    least && found.every((one) => one.operacion === least.operacion) && found.length > 1 && h("p", { class: "lead" }, `La de menor precio es ${least.nombre}: ${dollars(least.precio)}.`),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Comparación" },
      h(
        "table",
        { class: "beside" },
        h("thead", {}, h("tr", {}, h("td", {}), found.map(head))),
        h("tbody", {}, ROWS.map(([name, of]) => h("tr", {}, h("th", { scope: "row" }, name), found.map((one) => cell(of(one)))))),
      ),
    ),
  ];
}

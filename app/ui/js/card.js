// A property as a card: in the chat, in the search and beside the map.

import { h, hidden } from "./dom.js";
import { KINDS, OPERATIONS, count, decimal, isNumber, label, perMetre, price, surface } from "./format.js";
import { badge, kindGlyph } from "./parts.js";
import { heart } from "./saved.js";

/** The whole card; with a score where the item has one. */
export function card(property, { level = "h3" } = {}) {
  const title = h(level, { class: "card-title" }, h("a", { href: `#/propiedad/${property.id}` }, property.nombre));
  return h(
    "article",
    { class: "card", "data-id": property.id },
    h(
      "div",
      { class: "card-head" },
      h("span", { class: `tile ${property.operacion}` }, kindGlyph(property.tipo_propiedad)),
      h("div", {}, title, h("p", { class: "soft" }, property.direccion && property.zona ? `${property.zona} · ${property.direccion}` : (property.zona ?? "Zona no informada"))),
      heart(property),
    ),
    h("div", { class: "card-price" }, h("p", { class: "price" }, price(property)), isNumber(property.compatibilidad) && pill(property.compatibilidad), perMetre(property) && h("p", { class: "soft each" }, perMetre(property))),
    facts(property),
    marks(property),
    reasons(property),
  );
}

/** Bedrooms, baths, surface: only what is known. */
export function facts(property) {
  const known = [
    isNumber(property.habitaciones) && count(property.habitaciones, "dormitorio", "dormitorios"),
    isNumber(property.banos) && count(property.banos, "baño", "baños"),
    surface(property.superficie_m2),
    property.garajes > 0 && count(property.garajes, "garaje", "garajes"),
  ].filter(Boolean);
  if (known.length === 0) return h("p", { class: "soft" }, "Sin más datos");
  return h("ul", { class: "facts" }, known.map((fact) => h("li", {}, fact)));
}

/** What kind it is, and what a reader must know before trusting it. */
export function marks(property) {
  return h(
    "p",
    { class: "badges" },
    badge(label(OPERATIONS, property.operacion), property.operacion),
    badge(label(KINDS, property.tipo_propiedad)),
    property.estado !== "disponible" && badge(label({}, property.estado), "warn"),
    property.coherencia === "dudosa" && badge("Dato dudoso", "warn"),
    property.fuente === "demo" && badge("Demostración", "demo"),
  );
}

function pill(score) {
  const level = score >= 90 ? "high" : score >= 70 ? "middle" : "low";
  return h("span", { class: `score ${level}` }, hidden("Compatibilidad "), decimal(score), h("small", {}, hidden(" de "), h("span", { "aria-hidden": "true" }, "/"), "100"));
}

const PARTS = {
  precio: "Presupuesto",
  mercado: "Precio por m²",
  servicios: "Servicios cerca",
  superficie: "Superficie",
  familia: "Espacio para la familia",
  dormitorios: "Dormitorios",
};

/** Why the score is what it is: the server's own parts, which add up to it. */
export function reasons(item) {
  if (!item.desglose?.length) return null;
  return h(
    "details",
    { class: "why" },
    h("summary", {}, "Por qué"),
    h(
      "ul",
      {},
      item.desglose.map((part) =>
        h(
          "li",
          {},
          h("span", { class: "why-name" }, label(PARTS, part.componente)),
          h("span", { class: "why-points" }, `${decimal(part.puntos)} de ${decimal(part.peso)} puntos`),
          h("meter", { min: 0, max: 1, value: part.valor, "aria-label": label(PARTS, part.componente) }),
          h("span", { class: "soft" }, part.detalle),
        ),
      ),
    ),
    item.dudas?.length > 0 && h("p", { class: "soft" }, `Cuenta al 60 %. ${item.dudas.join(" ")}`),
  );
}

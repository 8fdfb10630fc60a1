// What a visitor keeps in this browser: favourites. The server knows nothing of them.

import { announce, h } from "./dom.js";
import { glyph } from "./parts.js";

const NAME = "citrino-favoritas";
const MOST = 60;

/** The ids, the last kept first. */
export function favourites() {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(kept) ? kept.filter(Number.isSafeInteger).slice(0, MOST) : [];
  } catch {
    return []; // A browser that keeps nothing.
  }
}

/** Keeps an id, or no longer; says whether it is kept now. */
export function toggle(id) {
  const before = favourites();
  const rest = before.filter((other) => other !== id);
  const kept = rest.length === before.length ? [id, ...rest].slice(0, MOST) : rest;
  try {
    localStorage.setItem(NAME, JSON.stringify(kept));
  } catch {
    announce("Este navegador no guarda favoritas.");
  }
  dispatchEvent(new Event("citrino-favoritas"));
  return favourites().includes(id);
}

/** The button of a property that keeps it. */
export function heart(property) {
  const button = h("button", { type: "button", class: "heart", onclick: press }, glyph("corazon"));
  paint(favourites().includes(property.id));
  return button;

  function press() {
    const kept = toggle(property.id);
    paint(kept);
    announce(kept ? "Guardada en favoritas" : "Quitada de favoritas");
  }

  function paint(kept) {
    button.setAttribute("aria-pressed", String(kept));
    button.setAttribute("aria-label", `Guardar en favoritas: ${property.nombre}`);
  }
}

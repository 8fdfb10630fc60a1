// Whether the server and its data can be reached, told in the header; and below it, when there are no properties yet.

import { h, refill } from "./dom.js";

const EVERY_MS = 30_000;
const PATIENCE_MS = 5_000;

const STATES = {
  ready: ["En línea", "El servidor y sus datos responden."],
  empty: ["Sin propiedades", "El servidor responde; todavía no se han cargado propiedades."],
  broken: ["Sin datos", "El servidor responde, pero sus datos no están disponibles."],
  away: ["Sin conexión", "El servidor no responde; lo que ve puede no estar al día."],
};

/** Keeps the element up to date, and asks at once when the browser's network comes or goes; `notice` is for an empty catalogue. */
export function watch(element, notice) {
  let last = null;
  const look = async () => {
    const state = await ask();
    if (state === last) return;
    last = state;
    const [text, title] = STATES[state];
    element.dataset.state = state;
    element.title = title;
    notice.hidden = state !== "empty";
    refill(element, h("span", { class: "dot", "aria-hidden": "true" }), h("span", {}, text));
  };
  addEventListener("online", look);
  addEventListener("offline", look);
  document.addEventListener("visibilitychange", () => document.hidden || look());
  setInterval(() => document.hidden || look(), EVERY_MS);
  look();
}

async function ask() {
  try {
    const response = await fetch("/api/ready", { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
    if (response.ok) return (await response.json()).catalogo === "vacio" ? "empty" : "ready";
    // 502 and 504 are a proxy's: nobody is behind it.
    return response.status === 503 ? "broken" : "away";
  } catch {
    return "away";
  }
}

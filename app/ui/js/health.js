// Whether the server and its data can be reached, told in the header.

import { h, refill } from "./dom.js";

const EVERY_MS = 30_000;
const PATIENCE_MS = 5_000;

const STATES = {
  ready: ["En línea", "El servidor y sus datos responden."],
  empty: ["Sin datos", "El servidor responde, pero sus datos no están disponibles."],
  away: ["Sin conexión", "El servidor no responde; lo que ve puede no estar al día."],
};

/** Keeps the element up to date, and asks at once when the browser's network comes or goes. */
export function watch(element) {
  let last = null;
  const look = async () => {
    const state = await ask();
    if (state === last) return;
    last = state;
    const [text, title] = STATES[state];
    element.dataset.state = state;
    element.title = title;
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
    if (response.ok) return "ready";
    // 502 and 504 are a proxy's: nobody is behind it.
    return response.status === 503 ? "empty" : "away";
  } catch {
    return "away";
  }
}

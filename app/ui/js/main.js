// The frame: which view the address names, and whether the server can be reached.

import { announce, h, refill } from "./dom.js";
import { failure } from "./parts.js";
import { aborted } from "./api.js";
import { watch } from "./health.js";
import * as favourites from "./favourites.js";
import * as chat from "./chat.js";
import * as map from "./mapview.js";
import * as property from "./property.js";
import * as search from "./search.js";
import * as stats from "./stats.js";

const VIEWS = {
  asistente: { title: "Asistente", show: chat.show },
  buscar: { title: "Buscar propiedades", show: search.show },
  mapa: { title: "Mapa", show: map.show },
  estadisticas: { title: "Precios", show: stats.show },
  favoritas: { title: "Favoritas", show: favourites.show },
  comparar: { title: "Comparar", show: favourites.compare },
  propiedad: { title: "Propiedad", show: property.show },
};

const root = document.getElementById("vista");
let leave = new AbortController();
let shown = null;
let followed = false;
const depths = new Map();

/** `#/buscar?zona=Centro` is the view "buscar" with its query; `#/propiedad/12` has a parameter. */
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, param = null] = path.split("/");
  return { name: VIEWS[name] ? name : "asistente", param, query: new URLSearchParams(query) };
}

async function route() {
  const at = place();
  const view = VIEWS[at.name];
  leave.abort();
  leave = new AbortController();
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === at.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  title(view.title);
  const moved = shown !== null && shown !== at.name;
  shown = at.name;
  document.body.dataset.view = at.name;
  root.dataset.address = location.hash;
  root.setAttribute("aria-busy", "true");
  refill(root);
  if (moved) {
    scrollTo(0, 0);
    root.focus({ preventScroll: true });
    announce(view.title);
  }
  const { signal } = leave;
  const back = followed ? undefined : depths.get(location.hash);
  followed = false;
  try {
    await view.show(root, { ...at, signal, title });
    if (back !== undefined && !signal.aborted) scrollTo(0, back);
  } catch (error) {
    if (aborted(error)) return;
    console.error(error);
    refill(root, h("h1", {}, view.title), failure(error, route));
  } finally {
    if (!signal.aborted) root.setAttribute("aria-busy", "false");
  }
}

function title(text) {
  document.title = `${text} · Citrino`;
}

// The link to the content is no address of a view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  root.focus();
});

// Going back ends where one was; following a link starts at the top.
history.scrollRestoration = "manual";
document.addEventListener("click", (event) => (followed = event.target.closest?.("a") !== null), true);
addEventListener("hashchange", (event) => {
  depths.set(new URL(event.oldURL).hash, scrollY);
  route();
});
watch(document.getElementById("estado"), document.getElementById("vacio"));
route();

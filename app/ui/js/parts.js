// What several views show: waiting, nothing found, a failure, marks and small drawings.

import { h, s } from "./dom.js";
import { keep } from "./token.js";

/** Something is on its way. */
export function waiting(text = "Buscando…") {
  return h("p", { class: "waiting", role: "status" }, h("span", { class: "spin", "aria-hidden": "true" }), text);
}

/** Cards without words, where cards will be. */
export function ghosts(many = 6) {
  return h("div", { class: "cards ghosts", "aria-hidden": "true" }, Array.from({ length: many }, () => h("div", { class: "card ghost" }, h("span", {}), h("span", {}), h("span", {}))));
}

/** Nothing was found, and what to do about it. */
export function nothing(title, ...advice) {
  return h("div", { class: "state" }, glyph("lupa"), h("h2", {}, title), h("p", {}, ...advice));
}

const FAILURES = {
  offline: ["Sin conexión", "No se pudo hablar con el servidor. Revise su conexión; aquí no se muestran datos inventados."],
  slow: ["Está tardando demasiado", "El servidor no respondió a tiempo. Puede intentar de nuevo."],
  missing: ["No disponible aquí", "Este servidor no ofrece esta función, o lo que se pidió no existe."],
  invalid: ["Algo no es válido", "Revise lo que pidió."],
  busy: ["Demasiadas preguntas", "El servidor pide esperar unos segundos."],
  locked: ["Hace falta una clave", "Este servidor responde solo a quien tiene su clave de acceso."],
  failed: ["No hay datos por ahora", "El servidor no pudo responder. Puede intentar de nuevo."],
};

/** A failure in words, and a way to try again. */
export function failure(error, retry) {
  const [title, text] = FAILURES[error.kind] ?? FAILURES.failed;
  const told = error.kind && error.kind !== "offline" ? error.message : null;
  return h(
    "div",
    { class: "state bad", role: "alert" },
    glyph("aviso"),
    h("h2", {}, title),
    h("p", {}, text),
    told && h("p", { class: "soft" }, told),
    retry && (error.kind === "locked" ? lock(retry) : h("button", { type: "button", class: "button", onclick: retry }, "Reintentar")),
  );
}

/** Asks for the token, and tries again with it. */
function lock(retry) {
  const input = h("input", { name: "clave", type: "password", autocomplete: "current-password", required: true, maxlength: 512 });
  const open = (event) => {
    event.preventDefault();
    keep(input.value);
    retry();
  };
  return h("form", { class: "lock", onsubmit: open }, h("label", { class: "field" }, h("span", {}, "Clave de acceso"), input), h("button", { type: "submit", class: "button" }, "Entrar"));
}

/** A small mark with a word. */
export function badge(text, kind = "") {
  return h("span", { class: `badge ${kind}` }, text);
}

const SHAPES = {
  casa: ["M3 11.500 12 4l9 7.500", "M5.500 10v9.500h13V10", "M10 19.500v-5.500h4v5.500"],
  torre: ["M6 20V4h12v16", "M4 20h16", "M9.500 8h1m3 0h1M9.500 12h1m3 0h1M9.500 16h1m3 0h1"],
  terreno: ["M3 17 8.500 7h7L21 17z", "M6 12.500h12", "M12 7v10"],
  local: ["M4 10 5.500 5h13L20 10", "M5 10v9.500h14V10", "M4 10c0 2.500 4 2.500 4 0 0 2.500 4 2.500 4 0 0 2.500 4 2.500 4 0 0 2.500 4 2.500 4 0"],
  lupa: ["M15.500 15.500 20 20", "M10.500 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12z"],
  aviso: ["M12 4 21 19.500H3z", "M12 10v4.500", "M12 17v.2"],
  mapa: ["M12 20.500s6.500-5.700 6.500-10.500a6.500 6.500 0 0 0-13 0c0 4.800 6.500 10.500 6.500 10.500z", "M12 12.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400z"],
  enviar: ["M4 12 20 4.500 14.500 20l-3-6.500z", "M11.500 13.500 20 4.500"],
  corazon: ["M12 19.500C5 14.500 3.500 11.500 3.500 9a4.300 4.300 0 0 1 8.500-1.200A4.300 4.300 0 0 1 20.500 9c0 2.500-1.500 5.500-8.500 10.500z"],
  parar: ["M7 7h10v10H7z"],
};

const OF_KIND = { casa: "casa", quinta: "casa", duplex: "casa", terreno: "terreno", local: "local", galpon: "local" };

/** A drawing of lines, which only the eye needs. */
export function glyph(name) {
  return s(
    "svg",
    { class: "glyph", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    SHAPES[name].map((d) => s("path", { d })),
  );
}

/** The drawing of a kind of property. */
export const kindGlyph = (kind) => glyph(OF_KIND[kind] ?? "torre");

// The assistant: questions in one's own words, answers as they come, and the properties that they are about.

import { aborted, latest } from "./api.js";
import { answer } from "./answer.js";
import { converse } from "./converse.js";
import { announce, h, refill } from "./dom.js";
import { failure, glyph } from "./parts.js";
import { rich } from "./text.js";

const LONGEST = 500;
const EXAMPLES = [
  "Busco un departamento de 2 dormitorios en Equipetrol hasta 150.000 dólares",
  "¿Cuánto cuesta en promedio una casa en Urubó?",
  "Las casas más baratas en venta con 3 dormitorios",
  "Somos una familia con dos niños; queremos colegios cerca y hasta 200 mil",
];

/** What the tab keeps of the conversation: a reload does not lose it, closing the tab does. */
const KEPT = "citrino-conversacion";
const KEPT_TURNS = 20;

function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter((turn) => turn && typeof turn.text === "string") : [];
  } catch {
    return [];
  }
}

// The conversation outlives the view: a look at a property neither loses it nor stops an answer that is under way.
const turns = kept();
const next = latest();
let draft = "";
let halt = null;
let screen = null;

function keep() {
  const ended = turns.filter((turn) => !turn.open && !turn.error).slice(-KEPT_TURNS);
  const last = ended.map(({ role, question, text, found, stopped }) => ({ role, question, text, found, stopped }));
  try {
    // A question whose answer did not come stays out.
    sessionStorage.setItem(KEPT, JSON.stringify(last.at(-1)?.role === "user" ? last.slice(0, -1) : last));
  } catch {
    // A browser that keeps nothing, or has no room.
  }
}

/** Shows the conversation. */
export async function show(root, { signal }) {
  const log = h("div", { class: "talk" });
  const input = h("textarea", {
    id: "pregunta",
    rows: 1,
    maxlength: LONGEST,
    placeholder: "Escriba qué busca…",
    value: draft,
    enterkeyhint: "send",
    oninput: grow,
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      send(input.value);
    },
  });
  const button = h("button", { type: "submit", class: "button round" });
  const form = h(
    "form",
    { class: "ask", onsubmit: (event) => (event.preventDefault(), halt ? halt() : send(input.value)) },
    h("label", { class: "quiet", for: "pregunta" }, "Su pregunta"),
    input,
    button,
  );
  const tools = h("div", { class: "talk-tools" });
  refill(
    root,
    h("div", { class: "chat" }, h("h1", { class: "quiet" }, "Asistente"), log, tools, form),
  );
  const own = { update, paint };
  screen = own;
  signal.addEventListener("abort", () => screen === own && (screen = null));
  draw();
  paint();
  grow();

  function draw() {
    refill(log, turns.length === 0 ? welcome() : turns.map(turnElement));
    refill(
      tools,
      turns.length > 0 && [
        h("button", { type: "button", class: "link", onclick: save }, "Descargar"),
        h("button", { type: "button", class: "link", onclick: clear }, "Borrar"),
      ],
    );
  }

  function welcome() {
    return h(
      "div",
      { class: "welcome" },
      h("h2", {}, "¿Qué busca en Santa Cruz de la Sierra?"),
      h("p", { class: "lead" }, "Dígalo con sus palabras: zona, presupuesto, para quién. Las respuestas salen solo de la base de datos, y cada propiedad dice por qué encaja."),
      h("ul", { class: "chips" }, EXAMPLES.map((text) => h("li", {}, chip(text)))),
    );
  }

  function chip(text) {
    return h("button", { type: "button", class: "chip", onclick: () => send(text) }, text);
  }

  function turnElement(turn) {
    if (turn.role === "user") return h("div", { class: "turn mine" }, h("h2", { class: "quiet" }, "Usted"), h("p", {}, turn.text));
    const body = turn.error ? failure(turn.error, () => send(turn.question, turn)) : answer(turn, chip);
    turn.element = h("div", { class: "turn theirs" }, h("h2", { class: "quiet" }, "Citrino"), body);
    return turn.element;
  }

  function update(turn) {
    const before = turn.element;
    if (before?.isConnected) before.replaceWith(turnElement(turn));
  }

  /** What came: words alone leave the cards as they are, with whatever was opened in them. */
  function arrived(turn, { text = "", found }) {
    turn.text += text;
    if (found) turn.found = { ...turn.found, ...found };
    const words = turn.element?.querySelector(".words");
    if (found || !words) screen?.update(turn);
    else if (text) refill(words, rich(turn.text));
  }

  async function send(text, again = null) {
    const question = text.trim();
    if (question === "" || halt) return;
    if (again) turns.splice(turns.indexOf(again) - 1, 2);
    const history = turns.filter((turn) => turn.text && !turn.error).map(({ role, text: content }) => ({ role, content }));
    turns.push({ role: "user", text: question });
    const turn = { role: "assistant", question, text: "", found: null, open: true };
    turns.push(turn);
    if (!again) input.value = draft = "";
    grow();
    draw();
    log.lastElementChild.previousElementSibling.scrollIntoView({ block: "start", behavior: "smooth" });
    announce("Citrino está respondiendo");
    const asked = next();
    halt = next;
    paint();
    try {
      await converse(question, history, asked, (part) => arrived(turn, part));
    } catch (error) {
      if (aborted(error)) turn.stopped = true;
      else turn.error = error;
    }
    turn.open = false;
    halt = null;
    keep();
    screen?.paint();
    screen?.update(turn);
    announce(turn.error ? "No hubo respuesta" : plain(turn));
  }

  function paint() {
    button.setAttribute("aria-label", halt ? "Detener la respuesta" : "Enviar");
    refill(button, glyph(halt ? "parar" : "enviar"));
  }

  function grow() {
    draft = input.value;
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 140)}px`;
  }

  function clear() {
    if (!confirm("¿Borrar toda la conversación?")) return;
    next();
    turns.length = 0;
    keep();
    draw();
    input.focus();
  }
}

function plain(turn) {
  const cards = turn.found?.recomendaciones?.length ?? 0;
  return `${turn.text.replaceAll("**", "")}${cards > 0 ? ` Hay ${cards} propiedades en la respuesta.` : ""}`;
}

function save() {
  const kept = turns.map(({ role, text, found }) => ({ role, text, found }));
  const blob = new Blob([JSON.stringify(kept, null, 2)], { type: "application/json" });
  const link = h("a", { href: URL.createObjectURL(blob), download: `citrino-${new Date().toISOString().slice(0, 10)}.json` });
  link.click();
  URL.revokeObjectURL(link.href);
}

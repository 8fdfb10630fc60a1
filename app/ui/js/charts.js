// Charts as drawings. Each says in a sentence what it shows, and has its numbers as a table for whoever wants or needs them.

import { h, refill, s } from "./dom.js";

const ROW = 30;
const TALL = 220;

/** Columns side by side, such as classes of a price: as wide as their class, and of an area that is their value. Rows: `{name, value,
 * text, wide}`. */
export function columns({ title, note, head, rows }) {
  const dense = (row) => row.value / row.wide;
  const most = Math.max(...rows.map(dense)) || 1;
  const all = rows.reduce((sum, row) => sum + row.wide, 0);
  return chart({ title, note, head, rows }, (width) => {
    const narrow = (width * Math.min(...rows.map((row) => row.wide))) / all < 84;
    let end = 0;
    const foot = 24;
    const high = TALL - foot - 20;
    const bars = rows.map((row) => {
      const height = (dense(row) / most) * high;
      const step = (width * row.wide) / all;
      const x = end + 1;
      const middle = end + step / 2;
      end += step;
      const top = TALL - foot - height;
      return s(
        "g",
        {},
        s("rect", { class: "bar", x, y: top, width: Math.max(1, step - 2), height, rx: 2 }),
        s("text", { x: middle, y: top - 5, "text-anchor": "middle" }, row.text),
        s("text", { class: narrow ? "tick narrow" : "tick", x: middle, y: TALL - 6, "text-anchor": "middle" }, narrow ? (row.brief ?? row.name) : row.name),
      );
    });
    return s("svg", frame(width, TALL), s("line", { class: "grid", x1: 0, x2: width, y1: TALL - foot, y2: TALL - foot }), bars);
  });
}

/** Bars one below the other, longest names first read. Rows as above. */
export function bars({ title, note, head, rows }) {
  const most = Math.max(1, ...rows.map((row) => row.value));
  return chart({ title, note, head, rows }, (width) => {
    const names = Math.min(170, width * 0.42);
    const numbers = 8 + 8 * Math.max(...rows.map((row) => row.text.length));
    const long = Math.max(20, width - names - numbers);
    const drawn = rows.map((row, i) => {
      const y = i * ROW;
      const length = Math.max(2, (row.value / most) * long);
      return s(
        "g",
        {},
        s("text", { x: 0, y: y + 19 }, shorten(row.name, names)),
        s("rect", { class: "bar", x: names, y: y + 5, width: length, height: ROW - 12, rx: 3 }),
        s("text", { x: names + length + 6, y: y + 19 }, row.text),
      );
    });
    return s("svg", frame(width, rows.length * ROW), drawn);
  });
}

/** Where the middle half lies. `text` writes a value. */
export function spread({ title, note, low, middle, high, text }) {
  const rows = [
    { name: "Un cuarto cuesta menos de", text: text(low) },
    { name: "La mitad cuesta menos de", text: text(middle) },
    { name: "Tres cuartos cuestan menos de", text: text(high) },
  ];
  return chart({ title, note, head: ["", "Precio"], rows }, (width) => {
    const end = high * 1.15;
    const at = (value) => 4 + (value / end) * (width - 8);
    const name = (value, anchor, y) => s("text", { x: at(value), y, "text-anchor": anchor }, text(value));
    return s(
      "svg",
      frame(width, 92),
      s("line", { class: "grid", x1: 0, x2: width, y1: 48, y2: 48 }),
      s("rect", { class: "spread", x: at(low), y: 34, width: at(high) - at(low), height: 28, rx: 4 }),
      s("line", { class: "median", x1: at(middle), x2: at(middle), y1: 28, y2: 68 }),
      name(middle, "middle", 20),
      name(low, "start", 84),
      name(high, "end", 84),
    );
  });
}

function chart({ title, note, head, rows }, draw) {
  const place = h("div", { class: "drawing", "aria-hidden": "true" });
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width === drawn || width === 0) return;
    drawn = width;
    refill(place, draw(width));
  }).observe(place);
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("h2", {}, title), note && h("p", { class: "soft small" }, note)),
    place,
    h(
      "details",
      {},
      h("summary", {}, "Ver los números"),
      h(
        "table",
        {},
        h("caption", { class: "quiet" }, title),
        h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, cell)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.href ? h("a", { href: row.href }, row.name) : row.name), h("td", {}, row.text)))),
      ),
    ),
  );
}

const frame = (width, height) => ({ width, height, viewBox: `0 0 ${width} ${height}`, focusable: "false" });

/** A name that fits in so many pixels. */
function shorten(name, width) {
  const most = Math.floor(width / 7.6);
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

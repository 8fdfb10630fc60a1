// The little Markdown of an answer as elements: paragraphs, lists, bold, and `#12` as a link to that property.

import { h } from "./dom.js";

/** The elements of a text. */
export function rich(text) {
  const blocks = [];
  for (const line of text.split("\n")) {
    const item = /^\s*(?:[-*•]|\d+[.)])\s+(.*)$/.exec(line);
    const last = blocks.at(-1);
    if (item) {
      const kind = /^\s*\d/.test(line) ? "ol" : "ul";
      if (last?.kind === kind) last.items.push(item[1]);
      else blocks.push({ kind, items: [item[1]] });
    } else if (line.trim() === "") {
      blocks.push({ kind: "gap" });
    } else if (last?.kind === "p") {
      last.text += ` ${line.trim()}`;
    } else {
      blocks.push({ kind: "p", text: line.replace(/^#{1,6}\s+/, "").trim() });
    }
  }
  return blocks.filter((block) => block.kind !== "gap").map(element);
}

function element(block) {
  if (block.kind === "p") return h("p", {}, inline(block.text));
  return h(block.kind, {}, block.items.map((item) => h("li", {}, inline(item))));
}

function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|#\d+\b)/).map((part) => {
    if (part.startsWith("**") && part.endsWith("**") && part.length > 4) return h("strong", {}, inline(part.slice(2, -2)));
    if (/^#\d+$/.test(part)) return h("a", { href: `#/propiedad/${part.slice(1)}` }, part);
    return part;
  });
}

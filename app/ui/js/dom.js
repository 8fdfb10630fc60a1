// Elements out of text and attributes. Text only ever becomes a text node, so nothing that a server or a model says can
// become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: `h("p", {class: "note", onclick: f}, "text", child)`. Null, false and undefined are left out. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element, in the same way. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** The same element with other children. */
export function refill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Words that only a screen reader tells. */
export function hidden(text) {
  return h("span", { class: "quiet" }, text);
}

/** Tells a screen reader something, once. */
export function announce(text) {
  document.getElementById("aviso").textContent = text;
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

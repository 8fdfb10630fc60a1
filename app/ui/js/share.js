// A button that gives the address of what is shown: to the phone's own dialogue where there is one, else to the clipboard.

import { aborted } from "./api.js";
import { announce, h } from "./dom.js";

/** The button; it says what it did. */
export function share(text, title = "Citrino") {
  const button = h("button", { type: "button", class: "button plain", onclick: give }, text);
  return button;

  async function give() {
    try {
      if (navigator.share) await navigator.share({ title, url: location.href });
      else await copy();
    } catch (error) {
      if (!aborted(error)) tell("Copie la dirección de la barra del navegador");
    }
  }

  async function copy() {
    await navigator.clipboard.writeText(location.href);
    tell("Enlace copiado");
  }

  function tell(done) {
    button.textContent = done;
    announce(done);
  }
}

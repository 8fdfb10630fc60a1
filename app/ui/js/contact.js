// Whom to ask about a property, and where else to look.

import { h } from "./dom.js";

/** The seller, as far as the server tells. */
export function contact(found) {
  const known = found.contacto;
  if (!known) return null;
  const who = [known.nombre, known.empresa].filter(Boolean).join(" · ");
  const ways = [
    known.whatsapp?.startsWith("https://wa.me/") && outside(known.whatsapp, "Escribir por WhatsApp", "button"),
    known.telefono && (known.telefono_marcar ? h("a", { class: "button plain", href: `tel:${known.telefono_marcar}` }, `Llamar al ${known.telefono}`) : h("span", {}, `Teléfono: ${known.telefono}`)),
    known.email && h("a", { class: "button plain", href: `mailto:${encodeURIComponent(known.email).replace("%40", "@")}` }, known.email),
  ].filter(Boolean);
  return h(
    "section",
    { "aria-label": "Contacto", class: "contact" },
    h("h2", {}, "Contacto"),
    who && h("p", {}, who),
    ways.length > 0 && h("p", { class: "ways" }, ways),
    found.fuente === "demo" && h("p", { class: "soft small" }, "Datos de demostración: no hay nadie detrás de este contacto."),
  );
}

/** The source, and a map of the streets. */
export function elsewhere(found) {
  const place = found.coordenadas;
  const streets = place && `https://www.openstreetmap.org/?mlat=${place.lat}&mlon=${place.lng}#map=17/${place.lat}/${place.lng}`;
  return [
    /^https?:\/\//.test(found.url ?? "") && found.fuente !== "demo" && outside(found.url, "Ver en la fuente (otra página)"),
    streets && outside(streets, "Ver las calles en OpenStreetMap (otra página)"),
  ].filter(Boolean);
}

function outside(href, text, name = null) {
  return h("a", { href, class: name, rel: "noopener noreferrer nofollow", target: "_blank" }, text);
}

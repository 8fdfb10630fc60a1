// What does not change while the page is open: zones and services. Asked for once, and again after a failure.

import { ask } from "./api.js";

const kept = new Map();

function once(path) {
  if (!kept.has(path)) {
    const answer = ask(path);
    answer.catch(() => kept.delete(path));
    kept.set(path, answer);
  }
  return kept.get(path);
}

/** The zones with their figures, those with most properties first; `lat` and `lng` only where they are known. */
export async function zones() {
  const { detalle } = await once("/api/zonas");
  return detalle.map((zone) => ({ ...zone, ...zone.centro })).sort((a, b) => b.cantidad - a.cantidad);
}

/** `{categoria: [{lat, lng, nombre}]}` of the whole city. */
export async function services() {
  return (await once("/api/servicios")).servicios;
}

/** What a map shows behind its own points. Without it the map still serves. */
export function background(map) {
  zones().then(map.setZones, () => {});
  services().then((all) => map.setFabric(Object.values(all).flat()), () => {});
}

// Numbers, names and dates as people in Bolivia write them.

const whole = new Intl.NumberFormat("es-BO", { maximumFractionDigits: 0, useGrouping: "always" });
const tenth = new Intl.NumberFormat("es-BO", { maximumFractionDigits: 1, useGrouping: "always" });
const day = new Intl.DateTimeFormat("es-BO", { dateStyle: "long", timeZone: "UTC" });

export const OPERATIONS = { venta: "Venta", alquiler: "Alquiler", anticretico: "Anticrético" };

export const KINDS = {
  departamento: "Departamento",
  casa: "Casa",
  terreno: "Terreno",
  local: "Local",
  oficina: "Oficina",
  galpon: "Galpón",
  duplex: "Dúplex",
  quinta: "Quinta",
  penthouse: "Penthouse",
  edificio: "Edificio",
  otro: "Otro",
};

export const CATEGORIES = {
  educacion: "Educación",
  salud: "Salud",
  comercio: "Comercio",
  transporte: "Transporte",
  seguridad: "Seguridad",
  recreacion: "Recreación",
  finanzas: "Finanzas",
  gobierno: "Gobierno",
  otros: "Otros",
};

export const number = (value) => (isNumber(value) ? whole.format(value) : "—");
export const decimal = (value) => (isNumber(value) ? tenth.format(value) : "—");
export const dollars = (value) => (isNumber(value) ? `USD ${whole.format(value)}` : "Precio no informado");
export const surface = (value) => (isNumber(value) ? `${whole.format(value)} m²` : null);
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** 1234 m is 1,2 km. */
export function metres(value) {
  if (!isNumber(value)) return "—";
  return value < 1000 ? `${whole.format(value)} m` : `${tenth.format(value / 1000)} km`;
}

/** What a price stands for: a month's rent says so. */
export function price(property) {
  const text = dollars(property.precio);
  return isNumber(property.precio) && property.operacion === "alquiler" ? `${text} / mes` : text;
}

/** What a square metre costs; null where it cannot be said. Of a rent it says that it is a month's. */
export function perMetre(property) {
  if (!isNumber(property.precio) || !(property.superficie_m2 > 0) || property.operacion === "anticretico") return null;
  const each = property.precio / property.superficie_m2;
  const text = each < 100 ? tenth.format(each) : whole.format(each);
  return `USD ${text} por m²${property.operacion === "alquiler" ? " al mes" : ""}`;
}

/** Short, for the axis of a chart or a mark on the map: 120 mil, 1,2 M. */
export function brief(value) {
  if (value >= 1e6) return `${tenth.format(value / 1e6)} M`;
  return value >= 10_000 ? `${whole.format(value / 1000)} mil` : whole.format(value);
}

/** One or many: `count(2, "propiedad", "propiedades")`. */
export const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

/** 2026-03-01 in words; null when there is no such day. */
export function date(text) {
  const at = text ? new Date(text.slice(0, 10)) : null;
  return at && !Number.isNaN(at.getTime()) ? day.format(at) : null;
}

/** A word of the API in a reader's letters. */
export const label = (names, word) => names[word] ?? (word ? word[0].toUpperCase() + word.slice(1) : "");

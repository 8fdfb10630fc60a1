// The token that some servers want to be shown. It is kept as long as the tab is open.

const NAME = "citrino-clave";

/** The header that shows it, if there is one. */
export function shown() {
  const token = sessionStorage.getItem(NAME);
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** Keeps it; what no header can carry is no token. */
export function keep(text) {
  sessionStorage.setItem(NAME, text.replace(/[^!-~]/g, ""));
}

// The app's API: one way to ask, one kind of error, and questions that give way to later ones.

import { shown } from "./token.js";

const PATIENCE_MS = 20_000;

/** Why there is no answer. `kind`: "offline", "slow", "missing", "invalid", "busy", "locked" or "failed". */
export class ApiError extends Error {
  constructor(kind, message, fields = []) {
    super(message);
    this.kind = kind;
    this.fields = fields;
  }
}

/** The JSON that a path answers; with a body it is a POST. An aborted question rejects with an AbortError. */
export async function ask(path, { body, signal, patience = PATIENCE_MS } = {}) {
  const response = await open(path, { body, signal: limited(signal, patience) });
  try {
    return await response.json();
  } catch (error) {
    throw told(error, signal);
  }
}

/** The answer of a path as it comes, without a limit of time; an error's status is already thrown. */
export async function open(path, { body, signal }) {
  let response;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: { ...(body && { "content-type": "application/json" }), ...shown() },
      body: body && JSON.stringify(body),
      signal,
    });
  } catch (error) {
    throw told(error, signal);
  }
  if (!response.ok) throw await refused(response);
  return response;
}

/** Gives a signal for each question, and aborts the one before. */
export function latest(outer) {
  let current = null;
  outer?.addEventListener("abort", () => current?.abort());
  return () => {
    current?.abort();
    current = new AbortController();
    return current.signal;
  };
}

/** Whether a question was given up on purpose; then there is nothing to tell. */
export function aborted(error) {
  return error?.name === "AbortError";
}

function limited(signal, patience) {
  const limit = AbortSignal.timeout(patience);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

function told(error, signal) {
  if (signal?.aborted || aborted(error)) return new DOMException("superseded", "AbortError");
  if (error?.name === "TimeoutError") return new ApiError("slow", "El servidor tarda demasiado en responder.");
  if (error instanceof SyntaxError) return new ApiError("failed", "El servidor respondió algo que no se entiende.");
  return new ApiError("offline", "No hay conexión con el servidor.");
}

async function refused(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // A proxy's page; its status says enough.
  }
  const kinds = { 401: "locked", 404: "missing", 405: "missing", 422: "invalid", 429: "busy", 502: "offline" };
  const kind = kinds[response.status] ?? "failed";
  const spare = {
    busy: "Hay demasiadas preguntas a la vez. Espere unos segundos.",
    offline: "El servidor no responde en este momento.",
  };
  const message = error.mensaje ?? error.message ?? spare[kind] ?? `El servidor respondió ${response.status}.`;
  return new ApiError(kind, message, error.campos ?? []);
}

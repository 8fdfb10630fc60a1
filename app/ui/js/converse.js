// One question to the chat: streamed where the server streams, whole where it does not.

import { ApiError, ask, open } from "./api.js";
import { events } from "./sse.js";

const MODEL = "citrino-v1";
const TURNS = 12;

/** Asks; `tell` gets `{text}` and `{found}` as they come. `history` is of OpenAI's shape, oldest first. */
export async function converse(question, history, signal, tell) {
  const recent = history.slice(-TURNS);
  try {
    await streamed([...recent, { role: "user", content: question }], signal, tell);
  } catch (error) {
    if (error.kind !== "missing") throw error;
    await whole(question, recent, signal, tell);
  }
}

async function streamed(messages, signal, tell) {
  const response = await open("/v1/chat/completions", { body: { model: MODEL, messages, stream: true }, signal });
  let ended = false;
  try {
    for await (const data of events(response)) {
      if (data === "[DONE]") {
        ended = true;
        break;
      }
      const event = JSON.parse(data);
      if (event.error) throw new ApiError("failed", event.error.message);
      tell({ text: event.choices?.[0]?.delta?.content ?? "", found: event.citrino });
    }
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) throw signal.aborted ? new DOMException("superseded", "AbortError") : error;
    throw new ApiError("offline", "La conexión se cortó.");
  }
  if (!ended) throw new ApiError("offline", "La respuesta se cortó antes de terminar.");
}

async function whole(question, history, signal, tell) {
  const historial = history.map(({ role, content }) => ({ rol: role === "user" ? "usuario" : "asistente", texto: content }));
  const found = await ask("/api/chat/process", { body: { mensaje: question, historial }, signal });
  tell({ text: found.respuesta ?? "", found });
}

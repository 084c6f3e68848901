// The server's /v1, and nothing else: every request of this page passes through `call`.

import { askForToken, token } from "./token.js";

/** What the server says went wrong, in its own words. */
export class ApiError extends Error {
  constructor(status, { code, message, details = null }, requestId = null, retryAfter = null) {
    super(message);
    Object.assign(this, { status, code, details, requestId, retryAfter });
  }
}

/**
 * One request.
 * @param {string} path below /v1, such as "/people"
 * @param {object} [how] `method`, `json` or `form` as the body, `signal`, `as`: json, blob or text
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function call(path, { method, json, form, signal, as = "json" } = {}) {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? form : JSON.stringify(json);
  let answer;
  try {
    answer = await fetch(`v1${path}`, {
      method: method ?? (body ? "POST" : "GET"),
      headers,
      body,
      signal,
      cache: "no-store",
    });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new ApiError(0, {
      code: "unreachable",
      message: "The server does not answer. Is it still running?",
    });
  }
  if (!answer.ok) throw await errorOf(answer);
  if (answer.status === 204) return null;
  return answer[as]();
}

async function errorOf(answer) {
  const told = await answer.json().catch(() => ({}));
  const retryAfter = Number(answer.headers.get("Retry-After")) || null;
  const error = told.error ?? {
    code: "unknown",
    message: `The server answered with ${answer.status} and no words.`,
  };
  if (answer.status === 401) {
    // The server's words are for programs.
    error.message = token()
      ? "The server does not know this access token"
      : "The server asks for an access token";
    askForToken(error.message);
  }
  return new ApiError(answer.status, error, told.request_id, retryAfter);
}

/** A form of fields, of which a list stands for several of one name; null leaves a field out. */
export function formOf(fields) {
  const form = new FormData();
  for (const [name, given] of Object.entries(fields)) {
    for (const value of Array.isArray(given) ? given : [given]) {
      if (value !== null && value !== undefined && value !== "") form.append(name, value);
    }
  }
  return form;
}

export const isAbort = (error) => error.name === "AbortError";

// Why a push has no reply, or not the wished one.

/**
 * `refused`: the server answered, with another status than `ok`; `response` says why.
 * `timeout`: no answer came in time. `interrupted`: the connection or the channel was lost while the answer was awaited, so
 * whether the push was handled is unknown. `closed`: the channel is closed, or was closed meanwhile. `overflow`: too much
 * waits to be sent.
 * @typedef {"refused" | "timeout" | "interrupted" | "closed" | "overflow"} PushFailure
 */

/** A push that was not answered with `ok`. */
export class PushError extends Error {
  /**
   * @param {PushFailure} kind
   * @param {string} event
   * @param {unknown} [response] what the server said, for a refusal
   */
  constructor(kind, event, response) {
    super(`${event}: ${reasonOf(response) ?? kind}`);
    this.name = "PushError";
    this.kind = kind;
    this.event = event;
    this.response = response;
  }

  /** The server's `reason`, if it gave one. */
  get reason() {
    return reasonOf(this.response);
  }
}

/**
 * @param {unknown} response
 * @returns {string | undefined}
 */
function reasonOf(response) {
  if (typeof response !== "object" || response === null) return undefined;
  const reason = /** @type {{ reason?: unknown }} */ (response).reason;
  return typeof reason === "string" ? reason : undefined;
}

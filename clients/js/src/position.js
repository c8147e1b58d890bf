// Where a channel is in its topic's history, as the server tells it (pure).

/** The field of an event's payload that says where the event stands. */
const SINCE = "_since";
/** The field of a push by which the server knows it again. */
const MESSAGE_ID = "_message_id";

/**
 * A page of what was missed. `since` is the place after it, as it goes into the next join.
 * @typedef {object} Page
 * @property {string} epoch names the log: another log has another
 * @property {number} offset the place in it
 * @property {string} since
 * @property {boolean} gap whether something before it is lost
 * @property {Array<{ offset: number, event: string, payload: any }>} messages
 */

/** A place in a history, and what has been heard up to there. */
export class Position {
  /** What to join with. @type {string | null} */
  since = null;
  epoch = "";
  #offset = 0;

  /**
   * Takes a place that the server named.
   * @param {string} since `epoch:offset`
   * @returns {boolean} whether it is news: what stands before the place has been heard
   */
  advance(since) {
    const colon = since.lastIndexOf(":");
    const [epoch, offset] = [since.slice(0, colon), Number(since.slice(colon + 1))];
    if (epoch === this.epoch && offset <= this.#offset) return false;
    this.since = since;
    this.epoch = epoch;
    this.#offset = offset;
    return true;
  }
}

/**
 * The place of an event, if its topic has a history.
 * @param {any} payload
 * @returns {string | null}
 */
export function placeOf(payload) {
  const since = typeof payload === "object" && payload !== null ? payload[SINCE] : null;
  return typeof since === "string" && /^[^:]+:\d+$/.test(since) ? since : null;
}

/**
 * A page, if the value is one.
 * @param {any} value
 * @returns {Page | null}
 */
export function pageOf(value) {
  const isPage =
    typeof value === "object" &&
    value !== null &&
    typeof value.epoch === "string" &&
    typeof value.since === "string" &&
    Number.isSafeInteger(value.offset) &&
    Array.isArray(value.messages);
  return isPage ? value : null;
}

/**
 * A payload under an id; only an object has a place for one.
 * @param {any} payload
 * @param {string} id
 */
export function withId(payload, id) {
  return { ...payload, [MESSAGE_ID]: id };
}

/** @param {unknown} payload */
export function takesId(payload) {
  return typeof payload === "object" && payload !== null && !Array.isArray(payload) && !ArrayBuffer.isView(payload) && !(payload instanceof ArrayBuffer);
}

/** An id that nobody else has, and nobody guesses. */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

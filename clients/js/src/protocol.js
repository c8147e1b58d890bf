// Messages and their text frames: `[join_ref, ref, topic, event, payload]` (pure).

/**
 * @typedef {object} Message
 * @property {string | null} joinRef names the join that the message belongs to
 * @property {string | null} ref names the message, for its reply
 * @property {string} topic
 * @property {string} event
 * @property {any} payload
 */

/** The version of the protocol, as the handshake names it. */
export const VERSION = "2.0.0";

/** The topic of the connection itself. */
export const CONNECTION_TOPIC = "phoenix";

/** Events with a meaning of their own. */
export const Event = Object.freeze({
  join: "phx_join",
  leave: "phx_leave",
  reply: "phx_reply",
  error: "phx_error",
  close: "phx_close",
  heartbeat: "heartbeat",
  history: "history",
  /** On the connection's own topic: the server says that the token will expire, the client sends another. */
  tokenExpiring: "token_expiring",
  accessToken: "access_token",
});

/** What the subprotocol begins with that carries a token; its end is base64, without the padding that it must not have. */
const TOKEN_PREFIX = "base64url.bearer.phx.";

/**
 * The subprotocols to offer, one of which carries the token: the only header that a page may choose for a WebSocket.
 * @param {string | undefined} token
 * @returns {string[]}
 */
export function subprotocols(token) {
  return token === undefined ? [] : ["phoenix", TOKEN_PREFIX + btoa(token).replace(/=+$/, "")];
}

/**
 * @param {Message} message
 * @returns {string}
 */
export function encode({ joinRef, ref, topic, event, payload }) {
  return JSON.stringify([joinRef, ref, topic, event, payload]);
}

/**
 * The message of a frame, or `null` for a frame that holds none: a client has nobody to complain to.
 * @param {unknown} frame
 * @returns {Message | null}
 */
export function decode(frame) {
  const fields = parse(frame);
  if (!Array.isArray(fields) || fields.length < 5) return null;
  const [joinRef, ref, topic, event, payload] = fields;
  const isMessage = isRef(joinRef) && isRef(ref) && typeof topic === "string" && typeof event === "string";
  return isMessage ? { joinRef, ref, topic, event, payload } : null;
}

/** @param {unknown} frame */
function parse(frame) {
  if (typeof frame !== "string") return null;
  try {
    return JSON.parse(frame);
  } catch {
    return null;
  }
}

/** @param {unknown} value */
function isRef(value) {
  return value === null || typeof value === "string";
}

/**
 * The address to connect to: the mount's path with the transport, its parameters and the version.
 * @param {string} endpoint an absolute or relative URL of the mount, with a `http` or `ws` scheme or none
 * @param {Record<string, string>} params
 * @param {string} [base] what a relative URL is relative to
 * @returns {string}
 */
export function address(endpoint, params, base) {
  const url = new URL(endpoint, base);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.pathname = `${url.pathname.replace(/\/$/, "")}/websocket`;
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  url.searchParams.set("vsn", VERSION);
  return url.href;
}

// What a close code and its reason ask of the client (pure).

/** Our own code for a connection whose heartbeat was not answered; browsers allow 3000 to 4999. */
export const HEARTBEAT_MISSED = 4000;

/**
 * Whether to come back, and after how long at the soonest.
 *
 * 1000 is a farewell: servers send it to those who are not to come back. 1008 and 1013 say that this client was too much for
 * the server, so it keeps away for a while. Everything else is answered by a new connection; 1012, of a restart, may say when,
 * as in `service restart; retry in 1200ms`, so that not all come at once.
 * @param {number} code
 * @param {string} [reason]
 * @returns {{ reconnect: boolean, atLeast: number }} in milliseconds
 */
export function verdict(code, reason = "") {
  if (code === 1000) return { reconnect: false, atLeast: 0 };
  if (code === 1008 || code === 1013) return { reconnect: true, atLeast: 2000 };
  return { reconnect: true, atLeast: code === 1012 ? hinted(reason) : 0 };
}

/** The longest hint that is heeded, in milliseconds. */
const HINT_MAX = 60_000;

/** @param {string} reason */
function hinted(reason) {
  const milliseconds = /; retry in (\d{1,9})ms$/.exec(reason)?.[1];
  return milliseconds ? Math.min(Number(milliseconds), HINT_MAX) : 0;
}

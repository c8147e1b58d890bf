// What a close code asks of the client (pure).

/** Our own code for a connection whose heartbeat was not answered; browsers allow 3000 to 4999. */
export const HEARTBEAT_MISSED = 4000;

/**
 * Whether to come back, and after how long at the soonest.
 *
 * 1000 is a farewell: servers send it to those who are not to come back. 1008 and 1013 say that this client was too much for
 * the server, so it keeps away for a while. Everything else, 1012 of a restart before all, is answered by a new connection.
 * @param {number} code
 * @returns {{ reconnect: boolean, atLeast: number }} in milliseconds
 */
export function verdict(code) {
  if (code === 1000) return { reconnect: false, atLeast: 0 };
  if (code === 1008 || code === 1013) return { reconnect: true, atLeast: 2000 };
  return { reconnect: true, atLeast: 0 };
}

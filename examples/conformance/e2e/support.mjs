// What the tests of the conformance application share, beside what they share with the chat's.

import { socketWith, within } from "../../chat/e2e/support.mjs";

export { freshRoom, next, outcome, socketWith, url, within } from "../../chat/e2e/support.mjs";

const sockets = [];

/** Comes back at once: nobody should wait for a machine that is well. */
const QUICK = { reconnectAfterMs: () => 10, rejoinAfterMs: () => 10 };

/** Has a socket end with the run, whatever becomes of its test. */
export function keep(socket) {
  sockets.push(socket);
  return socket;
}

/** A connected socket by the name of `user_id`. */
export async function connected(user_id, options = {}) {
  const socket = keep(socketWith({ user_id }, { ...QUICK, ...options }));
  const opened = new Promise((resolve) => socket.onOpen(resolve));
  socket.connect();
  await within(opened, `${user_id}'s connection`);
  return socket;
}

/** Ends all connections, so that the run ends. */
export const hangUp = () => sockets.forEach((socket) => socket.disconnect());

/** Resolves with what a callback is called with. */
export const called = (what, register) => within(new Promise((resolve) => register(resolve)), what);

/** Bytes, of an ArrayBuffer or of numbers. */
export const bytes = (...given) => (given[0] instanceof ArrayBuffer ? [...new Uint8Array(given[0])] : new Uint8Array(given).buffer);

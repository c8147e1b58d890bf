// What the end-to-end tests share: guests, and Phoenix' own client over Node's sockets.

import { Socket } from "phoenix";
import WebSocket from "ws";

/** The chat's address, given on the command line. */
export const url = process.argv[2] ?? "http://127.0.0.1:4000";

/** Nothing here takes longer on a machine that is not stuck, in milliseconds. */
const PATIENCE = 20_000;

/** Rejects if the promise takes too long, and says what was waited for. */
export function within(promise, what, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patience} ms in vain for ${what}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A guest with a token. */
export async function guest(nickname, more = {}) {
  const body = JSON.stringify({ nickname, ...more });
  // Kept alive, these connections would take descriptors that a thousand sockets need where the limit is 1,024.
  const headers = { connection: "close" };
  const response = await fetch(`${url}/api/guests`, { method: "POST", body, headers });
  return { status: response.status, ...(await response.json()) };
}

/** A socket of the npm package `phoenix`, not connected yet. */
export function socketWith(params, options = {}) {
  return new Socket(`${url.replace(/^http/, "ws")}/socket`, { transport: WebSocket, params, ...options });
}

/** A connected socket of a new guest. */
export async function connected(nickname, options) {
  const { guest: me, user_token } = await guest(nickname);
  const socket = socketWith({ user_token }, options);
  const opened = new Promise((resolve) => socket.onOpen(resolve));
  socket.connect();
  await within(opened, `${nickname}'s connection`);
  return { socket, me };
}

/** The outcome of a push or a join: `[status, response]`. */
export function outcome(push, what) {
  const settled = new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve([status, response]));
  });
  return within(settled, what);
}

/** The next payload of an event, or the next that is `wanted`. */
export function next(channel, event, wanted = () => true) {
  const heard = new Promise((resolve) => {
    const ref = channel.on(event, (payload) => {
      if (!wanted(payload)) return;
      channel.off(event, ref);
      resolve(payload);
    });
  });
  return within(heard, event);
}

/** A name that no other test of this run uses. */
export function freshRoom(name) {
  return `${name}-${Math.random().toString(36).slice(2, 8)}`;
}

// The pill that says how the connection is.

import { byId } from "./dom.js";

/** @typedef {import("../client/socket.js").SocketStatus} SocketStatus */

const pill = byId("status");
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * A loss that is over within a blink is not worth a word.
 * @param {SocketStatus} status
 */
export function showStatus({ state }) {
  clearTimeout(timer);
  if (state === "open") show("live", "Live");
  else if (state === "closed") show("lost", "Disconnected");
  else if (pill.dataset.state !== "lost")
    timer = setTimeout(() => show("lost", "Reconnecting…"), pill.dataset.state ? 400 : 0);
}

/**
 * @param {string} state
 * @param {string} words
 */
function show(state, words) {
  pill.dataset.state = state;
  pill.textContent = words;
}

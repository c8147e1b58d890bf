// Recovery with Phoenix' own client, which does not know of it: a channel that hears what it missed as if it had been there.
//
//   import { Socket } from "phoenix";
//   const room = recovering(new Socket("/socket"), "room:lobby", { onGap: () => reload() });
//   room.on("new_msg", show);
//   room.join();

/**
 * @param {any} socket a socket of the package `phoenix`
 * @param {string} topic
 * @param {{ params?: object, since?: string | 0 | null, onGap?: (history: any) => void }} [options] `since` is where to begin:
 *   with 0 from all that is kept, with `null` from now on
 */
export function recovering(socket, topic, { params = {}, since = null, onGap = () => {} } = {}) {
  const channel = socket.channel(topic, () => ({ ...params, since }));
  const catchUp = (/** @type {any} */ history) => {
    if (history.gap) onGap(history);
    for (const { event, payload } of history.messages) channel.trigger(event, payload);
    since = history.since;
  };
  channel.onMessage = (/** @type {string} */ event, /** @type {any} */ payload) => {
    // Every message that is recorded says where it stands.
    since = payload?._since ?? since;
    const history = event === "history" ? payload : event === "phx_reply" && payload?.response?.history;
    // After the join is done, and before anything else can come.
    if (history?.epoch) queueMicrotask(() => catchUp(history));
    return payload;
  };
  return channel;
}

// A road to the chat that can be closed: a connection through it is lost as a network loses it, without a word.

import net from "node:net";

import { url } from "./support.mjs";

/** Opens a road, at an address of its own. */
export async function openRoad() {
  const chat = new URL(url);
  const travellers = new Set();
  let isClosed = false;
  const server = net.createServer((here) => {
    if (isClosed) return here.destroy();
    const there = net.connect(Number(chat.port), chat.hostname);
    for (const [one, other] of [
      [here, there],
      [there, here],
    ]) {
      travellers.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => travellers.delete(one) && other.destroy());
      one.pipe(other);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Ends all connections, and lets none through. */
    close() {
      isClosed = true;
      for (const traveller of travellers) traveller.destroy();
    },
    open() {
      isClosed = false;
    },
    /** Takes the road away. */
    remove() {
      this.close();
      server.close();
    },
  };
}

// What clients were told of presence, replayed into the class `Presence` of the npm package `phoenix`.
//
// Reads one client a line: {"told": [["join"] | ["presence_state", payload] | ["presence_diff", payload], …], "list": {…}}.
// Fails when a client ends up with anything but the list.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";

import { Presence } from "phoenix";

/** As much of a channel as the class uses. */
class Told {
  #joins = 0;
  #handlers = new Map();

  on(event, handler) {
    this.#handlers.set(event, handler);
  }

  joinRef() {
    return String(this.#joins);
  }

  join() {
    this.#joins += 1;
  }

  hear(event, payload) {
    this.#handlers.get(event)(payload);
  }
}

/** With the metas of each key in the order of their references. */
function sorted(present) {
  const entries = Object.entries(present).map(([key, { metas, ...extras }]) => {
    const order = (one, other) => (one.phx_ref < other.phx_ref ? -1 : 1);
    return [key, { metas: [...metas].sort(order), ...extras }];
  });
  return Object.fromEntries(entries.sort());
}

let clients = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { told, list } = JSON.parse(line);
  const channel = new Told();
  const presence = new Presence(channel);
  // What the callbacks say adds up as well: who is there came in with a join, and nobody left who had not.
  const here = new Map();
  presence.onJoin((key, _, { metas }) => metas.forEach(({ phx_ref }) => here.set(phx_ref, key)));
  presence.onLeave((_, __, { metas }) => metas.forEach(({ phx_ref }) => here.delete(phx_ref)));
  for (const [event, payload] of told) {
    if (event === "join") channel.join();
    else channel.hear(event, payload);
  }
  assert.deepEqual(sorted(presence.state), sorted(list), `client ${clients}`);
  const refs = Object.values(list).flatMap(({ metas }) => metas.map(({ phx_ref }) => phx_ref));
  assert.deepEqual([...here.keys()].sort(), refs.sort(), `the callbacks of client ${clients}`);
  clients += 1;
}
assert.ok(clients > 0, "there was no client");
console.log(`${clients} clients saw what there was`);

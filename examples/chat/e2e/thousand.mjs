// A thousand clients of the npm package `phoenix` chat for 30 seconds: every message reaches everyone in its room once, and
// those of each sender in their order. `node thousand.mjs http://127.0.0.1:4000`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { connected, freshRoom, outcome, within } from "./support.mjs";

const CLIENTS = 1000;
const ROOM_MEMBERS = 10;
const CHAT_MS = 30_000;
/** Each says something once in this time, which the chat's limits allow ten times over. */
const PACE_MS = 1000;
const MESSAGES = CHAT_MS / PACE_MS;
/** Clients that connect at the same time: a listening socket's queue is finite. */
const CONNECTING = 50;
/** How long the last messages may take to arrive. */
const SETTLE_MS = 60_000;

/** One client: what it says is numbered, and it checks the numbers of all that it hears. */
class Client {
  #heardOf = new Map();
  #told = () => {};
  heard = 0;
  confirmed = 0;
  faults = [];

  constructor(name, room) {
    this.name = name;
    this.room = room;
  }

  async arrive() {
    const { socket, me } = await connected(this.name);
    this.socket = socket;
    this.me = me;
    socket.onClose(({ code }) => this.isDone || this.faults.push(`${this.name} was disconnected with ${code}`));
    this.channel = socket.channel(`room:${this.room}`);
    this.channel.onError(() => this.isDone || this.faults.push(`${this.name}'s channel failed`));
    this.channel.on("new_msg", ({ from, body }) => this.#hear(from.nickname, Number(body)));
    const [status, response] = await outcome(this.channel.join(), `${this.name}'s join`);
    assert.equal(status, "ok", JSON.stringify(response));
  }

  /** Says the next number and counts its confirmation. */
  say(number) {
    const push = this.channel.push("new_msg", { body: String(number) }, SETTLE_MS);
    push.receive("ok", () => {
      this.confirmed += 1;
      this.#told();
    });
    push.receive("error", (response) =>
      this.faults.push(`${this.name}'s ${number} was refused: ${JSON.stringify(response)}`),
    );
    push.receive("timeout", () => this.faults.push(`${this.name}'s ${number} was not confirmed`));
  }

  /** Resolves when it has heard everything, or something went wrong. */
  all(expected) {
    return new Promise((resolve) => {
      this.#told = () => {
        const isComplete = this.heard >= expected && this.confirmed >= MESSAGES;
        if (isComplete || this.faults.length > 0) resolve();
      };
      this.#told();
    });
  }

  leave() {
    this.isDone = true;
    this.socket?.disconnect();
  }

  #hear(sender, number) {
    const expected = (this.#heardOf.get(sender) ?? 0) + 1;
    if (number !== expected) this.faults.push(`${this.name} heard ${number} of ${sender} instead of ${expected}`);
    this.#heardOf.set(sender, number);
    this.heard += 1;
    this.#told();
  }

  /** What it heard of each sender must be exactly everything. */
  check(senders) {
    assert.deepEqual(this.faults, []);
    for (const { name } of senders) assert.equal(this.#heardOf.get(name), MESSAGES, `${this.name} of ${name}`);
    assert.equal(this.heard, senders.length * MESSAGES, this.name);
    assert.equal(this.confirmed, MESSAGES, this.name);
  }
}

/** Runs `work` on each item, a few at a time. */
async function each(items, limit, work) {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

test(`${CLIENTS} clients chat for ${CHAT_MS / 1000} seconds and miss nothing`, { timeout: 8 * 60_000 }, async (t) => {
  const run = freshRoom("thousand");
  const rooms = new Map();
  for (let n = 0; n < CLIENTS; n += 1) {
    const room = `${run}-${Math.floor(n / ROOM_MEMBERS)}`;
    const members = rooms.get(room) ?? [];
    members.push(new Client(`client ${n}`, room));
    rooms.set(room, members);
  }
  const clients = [...rooms.values()].flat();
  try {
    const began = performance.now();
    await each(clients, CONNECTING, (client) => client.arrive());
    t.diagnostic(`${CLIENTS} clients in ${rooms.size} rooms after ${seconds(began)} s`);

    const complete = Promise.all(clients.map((client) => client.all(ROOM_MEMBERS * MESSAGES)));
    const chatted = performance.now();
    await Promise.all(clients.map((client, n) => speak(client, chatted + (n * PACE_MS) / CLIENTS)));
    t.diagnostic(`said everything after ${seconds(chatted)} s`);
    await within(complete, "the last messages", SETTLE_MS);
    for (const members of rooms.values()) for (const member of members) member.check(members);
    const heard = clients.reduce((sum, client) => sum + client.heard, 0);
    assert.equal(heard, CLIENTS * ROOM_MEMBERS * MESSAGES);
    t.diagnostic(`${CLIENTS * MESSAGES} messages sent, ${heard} delivered, none lost, none out of order`);
  } finally {
    clients.forEach((client) => client.leave());
  }
});

/** Says one message after the other, at its pace; a machine that is late does not make it hurry beyond that. */
async function speak(client, from) {
  for (let number = 1; number <= MESSAGES; number += 1) {
    const due = from + (number - 1) * PACE_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    if (client.faults.length > 0) return;
    client.say(number);
  }
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}

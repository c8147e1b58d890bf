// The unmodified npm package `phoenix` misses nothing (§18.6): `node recovery.mjs http://127.0.0.1:4000`.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Socket as OwnSocket } from "../../../clients/js/src/index.js";
import { recovering } from "../../../clients/js/examples/recovering.js";
import WebSocket from "ws";

import { connected, freshRoom, guest, outcome, url, within } from "./support.mjs";

const sockets = [];
after(() => sockets.forEach((socket) => socket.disconnect()));

const QUICK = { reconnectAfterMs: () => 10, rejoinAfterMs: () => 10 };
const say = (channel, body, more = {}) =>
  outcome(channel.push("new_msg", { body, ...more }), `the reply to ${body}`);

async function arrive(nickname, options = QUICK) {
  const arrived = await connected(nickname, options);
  sockets.push(arrived.socket);
  return arrived;
}

async function joined(channel) {
  const [status, response] = await outcome(channel.join(), "the join");
  assert.equal(status, "ok");
  return response;
}

/** What a channel hears, and a promise of it being so many. */
function hearing(channel) {
  const heard = [];
  let told = () => {};
  channel.on("new_msg", ({ body }) => {
    heard.push(body);
    told();
  });
  const count = (wanted) =>
    within(
      new Promise((resolve) => {
        told = () => heard.length >= wanted && resolve(heard);
        told();
      }),
      `${wanted} messages, of which there are ${heard}`,
    );
  return { heard, count };
}

test("c18_6 a few lines around Phoenix' own client, and it hears what it missed, once and in order", async () => {
  const room = freshRoom("recover");
  const ada = await arrive("Ada");
  const speaking = ada.socket.channel(`room:${room}`);
  await joined(speaking);
  const grace = await arrive("Grace");
  const gaps = [];
  const listening = recovering(grace.socket, `room:${room}`, { onGap: (history) => gaps.push(history) });
  const { heard, count } = hearing(listening);
  await joined(listening);
  let said = 0;
  for (let round = 1; round <= 5; round += 1) {
    await say(speaking, String((said += 1)));
    await count(said);
    const lost = new Promise((resolve) => grace.socket.onClose(resolve));
    grace.socket.conn.terminate();
    await within(lost, "the loss");
    await say(speaking, String((said += 1)));
    await say(speaking, String((said += 1)));
    await count(said);
  }
  assert.deepEqual(heard, Array.from({ length: said }, (_, n) => String(n + 1)));
  assert.deepEqual(gaps, []);
});

test("c18_6 a newcomer hears what is kept, and one from nowhere is told of the gap", async () => {
  const room = freshRoom("newcomer");
  const { socket } = await arrive("Ada");
  const speaking = socket.channel(`room:${room}`);
  await joined(speaking);
  for (const body of ["a", "b"]) await say(speaking, body);
  for (const [since, gap] of [
    [0, false],
    ["0000000000:1", true],
  ]) {
    const { socket } = await arrive("Grace");
    const gaps = [];
    const channel = recovering(socket, `room:${room}`, { since, onGap: (history) => gaps.push(history.offset) });
    const { count } = hearing(channel);
    await joined(channel);
    assert.deepEqual(await count(2), ["a", "b"]);
    assert.deepEqual(gaps, gap ? [2] : []);
  }
});

test("c18_6 what is sent again under its id is said once", async () => {
  const room = freshRoom("again");
  const { socket } = await arrive("Ada");
  const channel = socket.channel(`room:${room}`);
  const { heard } = hearing(channel);
  await joined(channel);
  const [, first] = await say(channel, "hello", { _message_id: "1" });
  const lost = new Promise((resolve) => socket.onClose(resolve));
  socket.conn.terminate();
  await within(lost, "the loss");
  const [, again] = await say(channel, "hello", { _message_id: "1" });
  assert.deepEqual(again, first);
  await say(channel, "done");
  assert.deepEqual(heard, ["hello", "done"]);
});

test("c18_6 our own client does all of it by itself", async () => {
  const room = freshRoom("own");
  const ada = await arrive("Ada");
  const speaking = ada.socket.channel(`room:${room}`);
  await joined(speaking);
  const { user_token } = await guest("Grace");
  const connections = [];
  class Connection extends WebSocket {
    constructor(...arguments_) {
      super(...arguments_);
      connections.push(this);
    }
  }
  const params = { user_token };
  const socket = new OwnSocket(`${url}/socket`, { params, WebSocket: Connection, random: () => 0 });
  sockets.push(socket);
  const channel = socket.channel(`room:${room}`, { since: 0, memory: false });
  const { heard, count } = hearing(channel);
  socket.connect();
  await within(channel.join(), "the join");
  for (let round = 1; round <= 5; round += 1) {
    await say(speaking, `ada ${round}`);
    const reply = channel.push("new_msg", { body: `grace ${round}` });
    // It is sent, and nobody knows whether it arrived.
    connections.at(-1).terminate();
    await say(speaking, `ada again ${round}`);
    assert.ok((await within(reply, "the reply")).seq > 0);
    await count(3 * round);
  }
  assert.equal(new Set(heard).size, 15);
  assert.deepEqual(
    heard.filter((body) => body.startsWith("ada")),
    [1, 2, 3, 4, 5].flatMap((round) => [`ada ${round}`, `ada again ${round}`]),
  );
});

// The unmodified npm package `phoenix` against the chat, without WebSockets: `node longpoll.mjs http://127.0.0.1:4000`.

import assert from "node:assert/strict";
import net from "node:net";
import { after, test } from "node:test";

import { LongPoll, Presence, Socket } from "phoenix";
import WebSocket from "ws";

import { connected, freshRoom, guest, next, outcome, socketWith, url, within } from "./support.mjs";

const sockets = [];
after(() => sockets.forEach((socket) => socket.disconnect()));

const POLLING = { transport: LongPoll };
const QUICK = { reconnectAfterMs: () => 10, rejoinAfterMs: () => 10 };

/** A guest in a room, who has heard what the room remembers. */
async function enter(nickname, room, options = POLLING) {
  const { socket, me } = await connected(nickname, options);
  sockets.push(socket);
  return { socket, me, ...(await join(socket, room)) };
}

async function join(socket, room) {
  const channel = socket.channel(`room:${room}`);
  const history = next(channel, "history");
  const [status, response] = await outcome(channel.join(), "the join");
  assert.equal(status, "ok");
  return { channel, response, history: await history };
}

const say = (channel, body) => outcome(channel.push("new_msg", { body }), `the reply to ${body}`);

test("a client that polls and one with a WebSocket hear each other (§9.4, §9.6)", async () => {
  const room = freshRoom("mixed");
  const polling = await enter("Ada", room);
  const streaming = await enter("Grace", room, {});
  assert.equal(polling.socket.transport, LongPoll);
  for (const [speaker, listener] of [
    [polling, streaming],
    [streaming, polling],
  ]) {
    const heard = next(listener.channel, "new_msg");
    const [status] = await say(speaker.channel, `hello of ${speaker.me.nickname}`);
    assert.equal(status, "ok");
    assert.equal((await heard).body, `hello of ${speaker.me.nickname}`);
  }
});

test("messages that are said at once arrive once each, and in order (§9.6)", async () => {
  const room = freshRoom("burst");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  const words = Array.from({ length: 30 }, (_, n) => `burst ${n}`);
  const heard = [];
  const all = new Promise((resolve) => {
    grace.channel.on("new_msg", ({ body }) => heard.push(body) === words.length && resolve());
  });
  const replies = await Promise.all(words.map((body) => say(ada.channel, body)));
  assert.ok(replies.every(([status]) => status === "ok"));
  await within(all, "the last of them");
  assert.deepEqual(heard, words);
});

test("presence and crashes are as over a WebSocket (§7.1, §12.3)", async () => {
  const room = freshRoom("crash");
  const { channel, me } = await enter("Ada", room, { ...POLLING, ...QUICK });
  const presence = new Presence(channel);
  const synced = new Promise((resolve) => presence.onSync(() => me.id in presence.state && resolve()));
  const failed = new Promise((resolve) => channel.onError(resolve));
  const history = next(channel, "history");
  channel.push("crash_channel", {});
  assert.equal((await within(failed, "phx_error")).reason, "channel_crash");
  await history;
  await within(synced, "oneself in the list");
  assert.equal((await say(channel, "after"))[0], "ok");
});

test("a client whose session has ended learns of it at once, and comes back to its rooms (§9.8)", async () => {
  const room = freshRoom("gone");
  const { socket, channel } = await enter("Ada", room, { ...POLLING, ...QUICK });
  await say(channel, "before");
  const closed = new Promise((resolve) => socket.onClose(resolve));
  const history = next(channel, "history");
  // What ends a session: a message that is none (§9.7). The poll that waits is let go.
  const answer = await fetch(socket.conn.endpointURL(), { method: "POST", body: "garbage" });
  assert.deepEqual(await answer.json(), { status: 400 });
  assert.equal((await within(closed, "the close")).code, 3410);
  assert.deepEqual(
    (await history).messages.map(({ body }) => body),
    ["before"],
  );
  assert.equal((await say(channel, "after"))[0], "ok");
});

test("who is not let in is told so, and does not open (§9.3)", async () => {
  const socket = socketWith({ user_token: "nonsense" }, { ...POLLING, reconnectAfterMs: () => 60_000 });
  sockets.push(socket);
  let opened = false;
  socket.onOpen(() => (opened = true));
  const failed = new Promise((resolve) => socket.onError(resolve));
  const closed = new Promise((resolve) => socket.onClose(resolve));
  socket.connect();
  assert.equal(await within(failed, "the error"), 403);
  assert.equal((await within(closed, "the close")).code, 1008);
  assert.equal(opened, false);
});

test("a client that leaves has left, though nobody closes a connection (§9.8)", async () => {
  const room = freshRoom("left");
  const grace = await enter("Grace", room);
  const { socket } = await connected("Ada", POLLING);
  sockets.push(socket);
  const channel = socket.channel(`room:${room}`);
  const presence = new Presence(channel);
  const here = new Promise((resolve) => presence.onSync(() => grace.me.id in presence.state && resolve()));
  const gone = new Promise((resolve) => presence.onLeave((id) => id === grace.me.id && resolve()));
  channel.join();
  await within(here, "Grace in the list");
  grace.socket.disconnect();
  // One and a half windows of ten seconds.
  await within(gone, "Grace gone", 40_000);
});

/** A network that lets requests through, and no WebSocket: it hangs up on whoever asks for one. */
async function networkWithoutWebSockets() {
  const chat = new URL(url);
  const server = net.createServer((here) => {
    const there = net.connect(Number(chat.port), chat.hostname);
    here.on("data", (data) => {
      if (/^upgrade: websocket/im.test(data.toString("latin1"))) return here.destroy();
      there.write(data);
    });
    there.pipe(here);
    for (const [one, other] of [
      [here, there],
      [there, here],
    ]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  return `127.0.0.1:${server.address().port}`;
}

test("where no WebSocket gets through, the client turns to polling by itself, and remembers it (§10)", async () => {
  const host = await networkWithoutWebSockets();
  const { user_token } = await guest("Ada");
  const remembered = new Map();
  const sessionStorage = {
    getItem: (key) => remembered.get(key) ?? null,
    setItem: (key, value) => remembered.set(key, value),
  };
  // The page is of the network's address, and so is its origin.
  const socket = new Socket(`ws://${host}/socket`, {
    transport: WebSocket,
    longPollFallbackMs: 2_000,
    sessionStorage,
    params: { user_token },
    ...QUICK,
  });
  sockets.push(socket);
  socket.connect();
  const room = freshRoom("fallback");
  const { channel } = await join(socket, room);
  assert.equal(socket.transport, LongPoll);
  const grace = await enter("Grace", room, {});
  const heard = next(grace.channel, "new_msg");
  assert.equal((await say(channel, "over the other road"))[0], "ok");
  assert.equal((await heard).body, "over the other road");
  assert.equal(remembered.get("phx:fallback:LongPoll"), "true");
});

test("where WebSockets get through, nobody polls", async () => {
  const { socket, channel } = await enter("Ada", freshRoom("primary"), { longPollFallbackMs: 2_000 });
  assert.equal(socket.transport, WebSocket);
  assert.equal((await say(channel, "over the first road"))[0], "ok");
});

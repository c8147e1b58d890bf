// The unmodified npm package `phoenix` against the chat: `node phoenix.mjs http://127.0.0.1:4000`.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Presence } from "phoenix";
import WebSocket from "ws";

import { connected, freshRoom, guest, next, outcome, socketWith, url, within } from "./support.mjs";

const sockets = [];
after(() => sockets.forEach((socket) => socket.disconnect()));

/** A connected guest, whose connection ends with the run. */
async function arrive(nickname, options) {
  const arrived = await connected(nickname, options);
  sockets.push(arrived.socket);
  return arrived;
}

/** A guest in a room, who has heard what the room remembers. */
async function enter(nickname, room, options) {
  const { socket, me } = await arrive(nickname, options);
  const channel = socket.channel(`room:${room}`);
  const history = next(channel, "history");
  const [status, response] = await outcome(channel.join(), "the join");
  assert.equal(status, "ok");
  return { socket, me, channel, response, history: await history };
}

const say = (channel, body) => outcome(channel.push("new_msg", { body }), `the reply to ${body}`);

test("a connection without a good token is refused with 403 (§1.6)", async () => {
  const { user_token } = await guest("Ada");
  for (const bad of ["", "nonsense", `${user_token}x`, user_token.replace(/\../, ".A")]) {
    const query = new URLSearchParams({ vsn: "2.0.0", user_token: bad });
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/socket/websocket?${query}`);
    const status = new Promise((resolve) => {
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
      socket.on("open", () => resolve("open"));
    });
    assert.equal(await within(status, "the refusal"), 403, bad);
    socket.on("error", () => {});
    socket.terminate();
  }
});

test("Phoenix' client hears of a refusal as an error, and does not open", async () => {
  const socket = socketWith({ user_token: "nonsense" }, { reconnectAfterMs: () => 60_000 });
  sockets.push(socket);
  let opened = false;
  socket.onOpen(() => (opened = true));
  const failed = new Promise((resolve) => socket.onError(resolve));
  socket.connect();
  await within(failed, "the error");
  assert.equal(opened, false);
});

test("a nickname that is none gets no token", async () => {
  assert.deepEqual(await guest(" "), { status: 422, reason: "empty" });
  assert.deepEqual(await guest("x".repeat(25)), { status: 422, reason: "too long", chars_max: 24 });
  assert.deepEqual(await guest("a\u202eb"), { status: 422, reason: "characters not allowed" });
});

test("a join is answered with the room and oneself", async () => {
  const room = freshRoom("join");
  const { me, response, history } = await enter("Ada", room);
  assert.deepEqual([response.room, response.you], [room, me]);
  assert.equal(me.nickname, "Ada");
  assert.deepEqual([history.incarnation, history.messages], [1, []]);
});

test("a room that cannot be is refused, a topic that nobody has is unmatched (§4.1)", async () => {
  const { socket } = await arrive("Ada");
  const cases = [
    ["room:No Such Room", "characters not allowed"],
    ["room:", "empty"],
    [`room:${"x".repeat(33)}`, "too long"],
    ["kitchen", "unmatched topic"],
  ];
  for (const [topic, reason] of cases) {
    const channel = socket.channel(topic);
    const [status, response] = await outcome(channel.join(), topic);
    assert.deepEqual([status, response.reason], ["error", reason]);
    channel.leave();
  }
});

test("what one says all hear, in its order, and the sender gets a reply", async () => {
  const room = freshRoom("talk");
  const ada = await enter("Ada", room);
  const grace = await enter("Grace", room);
  const heard = { ada: [], grace: [] };
  ada.channel.on("new_msg", ({ body }) => heard.ada.push(body));
  grace.channel.on("new_msg", ({ body }) => heard.grace.push(body));
  const last = Promise.all([ada, grace].map(({ channel }) => next(channel, "new_msg", ({ body }) => body === "9")));
  const replies = await Promise.all(Array.from({ length: 10 }, (_, n) => say(ada.channel, String(n))));
  assert.deepEqual(
    replies.map(([status]) => status),
    Array(10).fill("ok"),
  );
  assert.deepEqual(
    replies.map(([, { seq }]) => seq),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  const [post] = await last;
  assert.deepEqual(post.from, ada.me);
  assert.deepEqual(heard.ada, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assert.deepEqual(heard.grace, heard.ada);
});

test("whoever comes late hears what the room remembers, and no more than a hundred messages of it", async () => {
  const room = freshRoom("late");
  const speakers = await Promise.all(["Ada", "Grace", "Joan", "Mary"].map((name) => enter(name, room)));
  for (const { channel } of speakers) for (let n = 0; n < 30; n += 1) await say(channel, `message ${n}`);
  const { history } = await enter("Barbara", room);
  assert.deepEqual(
    history.messages.map(({ seq }) => seq),
    Array.from({ length: 100 }, (_, n) => n + 21),
  );
  assert.equal(new Set(history.messages.map(({ id }) => id)).size, 100);
});

test("hostile messages are refused with a reason, or come through as the text they are", async () => {
  const { channel } = await enter("Mallory", freshRoom("hostile"));
  const refused = [
    ["", "empty"],
    [" \n ", "empty"],
    ["x".repeat(2001), "too long"],
    ["bell \u0007", "characters not allowed"],
  ];
  for (const [body, reason] of refused) {
    const [status, response] = await say(channel, body);
    assert.deepEqual([status, response.reason], ["error", reason]);
  }
  const markup = '<img src=x onerror="alert(1)"> & <b>bold</b>';
  const heard = next(channel, "new_msg");
  await say(channel, markup);
  assert.equal((await heard).body, markup);
});

test("events that are none are answered with an error, and the channel lives on", async () => {
  const { channel } = await enter("Mallory", freshRoom("unknown"));
  const pushes = [
    ["no_such_event", {}],
    ["new_msg", { body: 7 }],
    ["new_msg", {}],
    ["new_msg", ["body"]],
    ["typing", { typing: "yes" }],
  ];
  for (const [event, payload] of pushes) {
    const [status] = await outcome(channel.push(event, payload), event);
    assert.equal(status, "error", event);
  }
  assert.equal((await say(channel, "still here"))[0], "ok");
});

test("a flood is answered with when to try again, and others do not feel it", async () => {
  const room = freshRoom("flood");
  const mallory = await enter("Mallory", room);
  const ada = await enter("Ada", room);
  const replies = await Promise.all(Array.from({ length: 60 }, (_, n) => say(mallory.channel, `flood ${n}`)));
  const refused = replies.filter(([status]) => status === "error");
  assert.ok(refused.length > 0, "nothing was refused");
  for (const [, response] of refused) {
    assert.equal(response.reason, "rate limited");
    assert.ok(response.retry_after_ms > 0);
  }
  assert.equal((await say(ada.channel, "all is well"))[0], "ok");
});

test("Phoenix' Presence syncs: who comes, who types, who leaves (§12)", async () => {
  const room = freshRoom("presence");
  const { socket, me } = await arrive("Ada");
  const channel = socket.channel(`room:${room}`);
  const presence = new Presence(channel);
  const changes = [];
  let waiting = [];
  presence.onSync(() => {
    waiting = waiting.filter(({ holds, resolve }) => !(holds(presence.state) && (resolve(), true)));
  });
  presence.onJoin((id) => changes.push(["join", id]));
  presence.onLeave((id, current) => current.metas.length === 0 && changes.push(["leave", id]));
  const until = (holds, what) =>
    within(
      holds(presence.state) ? Promise.resolve() : new Promise((resolve) => waiting.push({ holds, resolve })),
      what,
    );
  channel.join();
  await until((state) => me.id in state, "oneself in the list");
  assert.equal(presence.state[me.id].metas[0].nickname, "Ada");

  const grace = await enter("Grace", room);
  await until((state) => grace.me.id in state, "Grace in the list");
  assert.equal(presence.state[grace.me.id].metas[0].typing, false);
  grace.channel.push("typing", { typing: true });
  await until((state) => state[grace.me.id].metas[0].typing, "Grace typing");
  assert.equal(presence.state[grace.me.id].metas.length, 1);
  grace.channel.push("typing", { typing: false });
  await until((state) => !state[grace.me.id].metas[0].typing, "Grace not typing any more");

  grace.channel.leave();
  await until((state) => !(grace.me.id in state), "Grace gone");
  const barbara = await enter("Barbara", room);
  await until((state) => barbara.me.id in state, "Barbara in the list");
  barbara.socket.disconnect();
  await until((state) => !(barbara.me.id in state), "Barbara gone with her connection");
  assert.deepEqual(
    changes.filter(([kind]) => kind === "leave").map(([, id]) => id),
    [grace.me.id, barbara.me.id],
  );
});

test("one guest in two tabs is one presence with two metas", async () => {
  const room = freshRoom("tabs");
  const { user_token } = await guest("Ada");
  const tabs = [0, 1].map(() => socketWith({ user_token }));
  sockets.push(...tabs);
  const channels = tabs.map((tab) => tab.channel(`room:${room}`));
  const presence = new Presence(channels[0]);
  const both = new Promise((resolve) => {
    presence.onSync(() => presence.list((_, { metas }) => metas.length).includes(2) && resolve());
  });
  tabs.forEach((tab) => tab.connect());
  channels.forEach((channel) => channel.join());
  await within(both, "two metas");
});

test("a channel that crashes is joined again, and syncs again (§7.1)", async () => {
  const room = freshRoom("crash");
  const { channel, me } = await enter("Ada", room, { rejoinAfterMs: () => 10 });
  const presence = new Presence(channel);
  const failed = new Promise((resolve) => channel.onError(resolve));
  const history = next(channel, "history");
  const synced = new Promise((resolve) => presence.onSync(() => resolve(presence.list((id) => id))));
  await say(channel, "before");
  const old = channel.joinRef();
  channel.push("crash_channel", {});
  assert.equal((await within(failed, "phx_error")).reason, "channel_crash");
  const { incarnation, messages } = await history;
  assert.equal(incarnation, 1, "the room did not feel it");
  assert.deepEqual(
    messages.map(({ body }) => body),
    ["before"],
  );
  assert.notEqual(channel.joinRef(), old);
  assert.ok((await within(synced, "the presence's state")).includes(me.id));
  assert.equal((await say(channel, "after"))[0], "ok");
});

test("a room that crashes is back at once, and nobody has to join again", async () => {
  const room = freshRoom("restart");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  const errors = [];
  for (const { channel } of [ada, grace]) channel.onError((reason) => errors.push(reason));
  await say(ada.channel, "before");
  const told = [ada, grace].map(async ({ channel }) => {
    const events = ["room_down", "room_up", "history"].map((event) => next(channel, event));
    return Promise.all(events);
  });
  assert.equal((await outcome(ada.channel.push("crash_room", {}), "the crash"))[0], "ok");
  for (const [down, up, history] of await Promise.all(told)) {
    assert.equal(down.incarnation, 1);
    assert.match(down.reason, /Ada pressed the crash button/);
    assert.ok(up.down_ms >= 0);
    assert.equal(history.incarnation, 2);
    assert.deepEqual(
      history.messages.map(({ body }) => body),
      ["before"],
      "what was said is the topic's, and outlives the room",
    );
  }
  const heard = next(grace.channel, "new_msg");
  await say(ada.channel, "after");
  assert.equal((await heard).body, "after");
  assert.deepEqual(errors, []);

  const [status, response] = await outcome(ada.channel.push("crash_room", {}), "a crash too soon");
  assert.deepEqual([status, response.reason], ["error", "too soon"]);
  assert.ok(response.retry_after_ms > 0);
});

test("joining twice replaces the first channel (§4.3)", async () => {
  const room = freshRoom("twice");
  const { socket, channel } = await enter("Ada", room);
  const again = socket.channel(`room:${room}`);
  const closed = new Promise((resolve) => channel.onClose(resolve));
  assert.equal((await outcome(again.join(), "the second join"))[0], "ok");
  await within(closed, "the close of the first channel");
  assert.equal((await say(again, "hello"))[0], "ok");
});

test("heartbeats are answered (§2.9)", async () => {
  const { socket, channel } = await enter("Ada", freshRoom("beat"), { heartbeatIntervalMs: 50 });
  let closes = 0;
  socket.onClose(() => (closes += 1));
  const beats = new Promise((resolve) => {
    let count = 0;
    socket.onMessage(({ topic, event }) => topic === "phoenix" && event === "phx_reply" && ++count === 3 && resolve());
  });
  await within(beats, "three answers");
  assert.equal(closes, 0);
  assert.equal((await say(channel, "alive"))[0], "ok");
});

test("after a lost connection the client comes back to its rooms", async () => {
  const room = freshRoom("lost");
  const { socket, channel } = await enter("Ada", room, { reconnectAfterMs: () => 10, rejoinAfterMs: () => 10 });
  const history = next(channel, "history");
  await say(channel, "before");
  socket.conn.terminate();
  const waiting = say(channel, "made while away");
  assert.deepEqual(
    (await history).messages.map(({ body }) => body),
    ["before"],
  );
  assert.equal((await waiting)[0], "ok");
});

test("the server says whether it is alive and ready", async () => {
  for (const path of ["/health/live", "/health/ready"]) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200, path);
    await response.text();
  }
});

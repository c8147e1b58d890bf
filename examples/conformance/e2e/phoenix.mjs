// The unmodified npm package `phoenix` against the conformance application: `node phoenix.mjs http://127.0.0.1:4000`.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import { LongPoll, Presence } from "phoenix";
import WebSocket from "ws";

import { bytes, called, connected, freshRoom, hangUp, keep, next, outcome, socketWith, url, within } from "./support.mjs";

const OldSocket = createRequire(import.meta.url)("phoenix-of-2016").Socket;

after(hangUp);

const TRANSPORTS = [
  ["websocket", {}],
  ["longpoll", { transport: LongPoll }],
];

/** A joined channel. */
async function joined(socket, topic, params = {}) {
  const channel = socket.channel(topic, params);
  const [status] = await outcome(channel.join(), `the join of ${topic}`);
  assert.equal(status, "ok");
  return channel;
}

const ask = (channel, event, payload = {}) => outcome(channel.push(event, payload), `the answer to ${event}`);

for (const [transport, options] of TRANSPORTS) {
  test(`${transport}: joins are answered, refused and unmatched`, async () => {
    const socket = await connected("ada", options);
    const cases = [
      [freshRoom("room:a"), { echo_join: true }, ["ok", { echo: { echo_join: true } }]],
      ["room:private", {}, ["error", { reason: "unauthorized" }]],
      ["lobby", {}, ["ok", { exact: true }]],
      ["nowhere", {}, ["error", { reason: "unmatched topic" }]],
      [freshRoom("room:b"), { crash: true }, ["error", { reason: "join crashed" }]],
    ];
    for (const [topic, params, expected] of cases) {
      const channel = socket.channel(topic, params);
      assert.deepEqual(await outcome(channel.join(), topic), expected);
      channel.leave();
    }
  });

  test(`${transport}: events are answered with any status and any value`, async () => {
    const channel = await joined(await connected("ada", options), freshRoom("room:answers"));
    for (const value of [true, 7, "text", [1, [2]], { a: { b: [null] } }]) {
      assert.deepEqual(await ask(channel, "echo", value), ["ok", value]);
      assert.deepEqual(await ask(channel, "echo_error", value), ["error", value]);
    }
    assert.deepEqual(await ask(channel, "status_only", { status: "error" }), ["error", {}]);
    const maybe = channel.push("custom_status", { a: 1 });
    assert.deepEqual(await called("maybe", (resolve) => maybe.receive("maybe", resolve)), { a: 1 });
    assert.deepEqual(await ask(channel, "async_reply", { delay_ms: 20 }), ["ok", { delay_ms: 20 }]);
  });

  test(`${transport}: a push that nobody answers times out, and the next is answered`, async () => {
    const channel = await joined(await connected("ada", options), freshRoom("room:timeouts"));
    const [status] = await outcome(channel.push("noreply", {}, 50), "the timeout");
    assert.equal(status, "timeout");
    assert.deepEqual(await ask(channel, "ping"), ["ok", {}]);
  });

  test(`${transport}: pushes of one client arrive in order, whoever listens`, async () => {
    const room = freshRoom("room:order");
    const [ada, bob] = [await connected("ada", options), await connected("bob", options)];
    const [here, there] = [await joined(ada, room), await joined(bob, room)];
    const heard = [];
    const all = called("the last", (resolve) => there.on("shout", ({ n }) => heard.push(n) === 50 && resolve()));
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(here, "shout", { n })));
    assert.ok(answers.every(([status]) => status === "ok"));
    await all;
    assert.deepEqual(heard, Array.from({ length: 50 }, (_, n) => n));
  });

  test(`${transport}: an intercepted event comes with one's own name, a hidden one not at all`, async () => {
    const room = freshRoom("room:intercepted");
    const [ada, bob] = [await connected("ada", options), await connected("bob", options)];
    const channels = [await joined(ada, room), await joined(bob, room)];
    const hidden = [];
    channels.forEach((channel) => channel.on("hidden", (payload) => hidden.push(payload)));
    const heard = Promise.all(channels.map((channel) => next(channel, "intercepted")));
    await ask(channels[0], "hidden");
    channels[0].push("intercepted", { a: 1 });
    assert.deepEqual(await heard, [
      { a: 1, for: "ada" },
      { a: 1, for: "bob" },
    ]);
    assert.deepEqual(hidden, []);
  });

  test(`${transport}: a channel may be left and joined again, and starts anew`, async () => {
    const room = freshRoom("room:again");
    const socket = await connected("ada", options);
    const channel = await joined(socket, room);
    assert.deepEqual(await ask(channel, "count"), ["ok", { n: 1 }]);
    const closed = called("the close", (resolve) => channel.onClose(resolve));
    assert.equal((await outcome(channel.leave(), "the leave"))[0], "ok");
    await closed;
    assert.deepEqual(await ask(await joined(socket, room), "count"), ["ok", { n: 1 }]);
  });

  test(`${transport}: a second channel object on a topic takes the place of the first`, async () => {
    const room = freshRoom("room:twice");
    const socket = await connected("ada", options);
    const first = await joined(socket, room);
    const closed = called("the close of the first", (resolve) => first.onClose(resolve));
    const second = await joined(socket, room);
    await closed;
    assert.deepEqual(await ask(second, "count"), ["ok", { n: 1 }]);
  });

  test(`${transport}: a channel that crashes is joined again by itself, one that stops is not`, async () => {
    const room = freshRoom("room:crash");
    const channel = await joined(await connected("ada", options), room);
    const rejoined = called("the join after the crash", (resolve) => channel.joinPush.receive("ok", resolve));
    const failed = called("phx_error", (resolve) => channel.onError(resolve));
    await ask(channel, "count");
    channel.push("crash", {});
    assert.equal((await failed).reason, "channel_crash");
    await rejoined;
    assert.deepEqual(await ask(channel, "count"), ["ok", { n: 1 }]);
    const closed = called("phx_close", (resolve) => channel.onClose(resolve));
    assert.deepEqual(await ask(channel, "stop_reply"), ["ok", { bye: true }]);
    await closed;
    assert.equal(channel.state, "closed");
  });

  test(`${transport}: a join that takes too long is given up, and made again`, async () => {
    const tries = [];
    const socket = await connected("ada", options);
    const channel = socket.channel(freshRoom("room:slow"), () => {
      tries.push(1);
      return { delay_ms: tries.length === 1 ? 1_000 : 0 };
    });
    const push = channel.join(200);
    await called("the timeout", (resolve) => push.receive("timeout", resolve));
    await called("the join", (resolve) => push.receive("ok", resolve));
    assert.deepEqual(await ask(channel, "ping"), ["ok", {}]);
    assert.ok(tries.length > 1);
  });

  test(`${transport}: Presence syncs, with what is shown beside the metas`, async () => {
    const topic = freshRoom("presence:sync");
    const ada = socketOf(await connected("ada", options), topic, { meta: { n: 1 } });
    await ada.until((state) => "ada" in state);
    const bob = socketOf(await connected("bob", options), topic, {});
    await bob.until((state) => "ada" in state && "bob" in state);
    await ada.until((state) => "bob" in state);
    assert.deepEqual(ada.presence.state.bob.user, { name: "User bob" });
    assert.equal((await ask(bob.channel, "update", { meta: { mood: "merry" } }))[0], "ok");
    await ada.until((state) => state.bob.metas.length === 1 && state.bob.metas[0].mood === "merry");
    assert.equal((await ask(bob.channel, "track", { key: "second" }))[0], "ok");
    await ada.until((state) => "second" in state);
    bob.channel.push("crash", {});
    await bob.until((state) => !("second" in state) && "bob" in state);
    await ada.until((state) => !("second" in state) && "bob" in state);
    bob.channel.leave();
    await ada.until((state) => Object.keys(state).length === 1);
    assert.deepEqual((await ask(ada.channel, "get", { key: "ada" }))[1].presence, ada.presence.state.ada);
  });

  test(`${transport}: a user who is disconnected comes back to their channels`, async () => {
    const room = freshRoom("room:disconnect");
    const user = freshRoom("ada");
    const socket = await connected(user, options);
    const channel = await joined(socket, room);
    await ask(channel, "count");
    const bob = await joined(await connected("bob", {}), room);
    const closed = called("the close", (resolve) => socket.onClose(resolve));
    const rejoined = called("the join", (resolve) => channel.joinPush.receive("ok", resolve));
    assert.equal((await ask(bob, "disconnect_user", { user_id: user }))[0], "ok");
    const { code } = await closed;
    assert.equal(code, transport === "websocket" ? 1001 : 3410);
    await rejoined;
    assert.deepEqual(await ask(channel, "count"), ["ok", { n: 1 }]);
  });

  test(`${transport}: the authToken arrives, and is no parameter`, async () => {
    const socket = await connected("ada", { ...options, authToken: "a token: of 12" });
    const channel = await joined(socket, freshRoom("room:token"));
    const [, me] = await ask(channel, "whoami");
    assert.equal(me.auth_token, "a token: of 12");
    assert.deepEqual([me.user_id, me.transport], ["ada", transport]);
    assert.ok(!JSON.stringify(me.params).includes("a token"));
  });

  test(`${transport}: bytes arrive as bytes`, async () => {
    const room = freshRoom("room:bytes");
    const channel = await joined(await connected("ada", options), room);
    if (transport === "longpoll") {
      // Bytes go out in base64. What comes back is text: the transport has no form for the server's bytes.
      return assert.deepEqual(await ask(channel, "ping", bytes(1, 2)), ["ok", {}]);
    }
    const [status, reply] = await ask(channel, "bin_reply", bytes(1, 2));
    assert.deepEqual([status, bytes(reply)], ["ok", [1, 2, 3, 4]]);
    const pushed = next(channel, "bin_push");
    channel.push("bin_push", bytes(0, 255));
    assert.deepEqual(bytes(await pushed), [0, 255]);
    const bob = await joined(await connected("bob", options), room);
    const heard = next(bob, "bin_bcast");
    channel.push("bin_bcast", bytes(7));
    assert.deepEqual(bytes(await heard), [7]);
    // Random ones: what compresses too well is taken for a bomb.
    const large = new Uint8Array(randomBytes(1_000_000)).buffer;
    assert.deepEqual(new Uint8Array((await ask(channel, "echo", large))[1]), new Uint8Array(large));
  });
}

/** A presence channel, and what its client makes of it. */
function socketOf(socket, topic, params) {
  const channel = socket.channel(topic, params);
  const presence = new Presence(channel);
  let waiting = [];
  presence.onSync(() => {
    waiting = waiting.filter(({ holds, resolve }) => !(holds(presence.state) && (resolve(), true)));
  });
  channel.join();
  const until = (holds) => {
    const settled = holds(presence.state) ? Promise.resolve() : new Promise((resolve) => waiting.push({ holds, resolve }));
    return within(settled, `a presence that ${holds}`);
  };
  return { channel, presence, until };
}

test("what was pushed while the connection was lost arrives when it is back", async () => {
  const socket = await connected("ada");
  const channel = await joined(socket, freshRoom("room:lost"));
  await ask(channel, "count");
  const opened = called("the reconnect", (resolve) => socket.onOpen(resolve));
  socket.conn.terminate();
  const buffered = ask(channel, "count");
  await opened;
  assert.deepEqual(await buffered, ["ok", { n: 1 }]);
});

test("a client that says goodbye does not come back, and its channels end", async () => {
  const room = freshRoom("room:goodbye");
  const bob = await joined(await connected("bob"), room);
  const socket = await connected("ada");
  await joined(socket, room, { announce: true });
  const left = next(bob, "user_left");
  await called("the close", (resolve) => socket.disconnect(resolve));
  assert.deepEqual(await left, { user: "ada" });
  assert.equal(socket.isConnected(), false);
});

test("a token that the server issued lets its user in, and an old one does not", async () => {
  const channel = await joined(await connected("ada"), freshRoom("room:tokens"));
  const [, { token }] = await ask(channel, "issue_token", { user_id: "grace" });
  const socket = keep(socketWith({ user_token: token }));
  const opened = called("the connection", (resolve) => socket.onOpen(resolve));
  socket.connect();
  await opened;
  const [, me] = await ask(await joined(socket, freshRoom("room:grace")), "whoami");
  assert.equal(me.user_id, "grace");
  socket.disconnect();
  const [, old] = await ask(channel, "issue_token", { user_id: "grace", signed_at: 1_700_000_000 });
  const refused = new WebSocket(`${url.replace(/^http/, "ws")}/socket/websocket?vsn=2.0.0&user_token=${old.token}`);
  const status = called("the refusal", (resolve) => {
    refused.on("unexpected-response", (_, response) => resolve(response.statusCode));
  });
  assert.equal(await status, 403);
  refused.on("error", () => {});
  refused.terminate();
});

test("c17 a client of 2016 joins, pushes, hears and leaves by the first version", async () => {
  const room = freshRoom("room:old");
  const options = { transport: WebSocket, params: { user_id: "old" }, reconnectAfterMs: () => 10 };
  const socket = keep(new OldSocket(`${url.replace(/^http/, "ws")}/socket`, options));
  const opened = called("its connection", (resolve) => socket.onOpen(resolve));
  socket.connect();
  await opened;
  const channel = socket.channel(room, { echo_join: true });
  assert.deepEqual(await outcome(channel.join(), "the join"), ["ok", { echo: { echo_join: true } }]);
  assert.deepEqual(await ask(channel, "echo", { a: 1 }), ["ok", { a: 1 }]);
  const young = await joined(await connected("young"), room);
  const [here, there] = [next(channel, "new_msg"), next(young, "new_msg")];
  assert.equal((await ask(channel, "new_msg", { hello: "all" }))[0], "ok");
  assert.deepEqual([await here, await there], [{ hello: "all" }, { hello: "all" }]);
  const [, me] = await ask(channel, "whoami");
  assert.equal(me.params.vsn, "1.0.0");
  const failed = called("phx_error", (resolve) => channel.onError(resolve));
  const rejoined = called("the join after it", (resolve) => channel.joinPush.receive("ok", resolve));
  channel.push("crash", {});
  await failed;
  await rejoined;
  assert.equal((await outcome(channel.leave(), "the leave"))[0], "ok");
  // It forgets to stop its heartbeats, which would keep the run alive.
  clearInterval(socket.heartbeatTimer);
});

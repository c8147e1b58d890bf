import assert from "node:assert/strict";
import { test } from "node:test";

import { world } from "./world.js";

/** A world with a channel that has been joined. */
async function joined(options) {
  const w = world(options);
  await w.open();
  const channel = w.socket.channel("room:a", { since: 0 });
  const statuses = [];
  channel.onStatus((status) => statuses.push(status));
  channel.join();
  w.connection.answer("phx_join", "ok", { hello: 1 });
  return Object.assign(w, { channel, channelStatuses: statuses });
}

const failure = (kind, reason) => (error) =>
  error.name === "PushError" && error.kind === kind && error.reason === reason;

test("a join carries its own reference twice, and resolves with the response (§2.8)", async () => {
  const w = world();
  await w.open();
  const channel = w.socket.channel("room:a", { since: 0 });
  const join = channel.join();
  const [joinRef, ref, topic, event, payload] = w.connection.last("phx_join");
  assert.equal(joinRef, ref);
  assert.deepEqual([topic, event, payload], ["room:a", "phx_join", { since: 0 }]);
  w.connection.answer("phx_join", "ok", { hello: 1 });
  assert.deepEqual(await join, { hello: 1 });
  assert.equal(channel.state, "joined");
});

test("a join before the connection is made waits for it", async () => {
  const w = world();
  const join = w.socket.channel("room:a").join();
  await w.open();
  w.connection.answer("phx_join");
  assert.deepEqual(await join, {});
});

test("a join before the connection is made does not wait for ever", async () => {
  const w = world();
  const channel = w.socket.channel("room:a");
  const join = channel.join({ timeout: 500 });
  w.clock.pass(500);
  await assert.rejects(join, failure("timeout"));
  await w.open();
  w.connection.answer("phx_join");
  assert.equal(channel.state, "joined", "the wish to join holds on");
});

test("a refused join is final", async () => {
  const w = world();
  await w.open();
  const channel = w.socket.channel("room:a");
  const join = channel.join();
  w.connection.answer("phx_join", "error", { reason: "room is full" });
  await assert.rejects(join, failure("refused", "room is full"));
  assert.equal(channel.state, "closed");
  w.clock.pass(29_000);
  assert.equal(w.connection.count("phx_join"), 1);
});

test("a join that crashed is tried again", async () => {
  const w = world();
  await w.open();
  const channel = w.socket.channel("room:a");
  channel.join();
  w.connection.answer("phx_join", "error", { reason: "join crashed" });
  assert.equal(channel.state, "waiting");
  w.clock.pass(250);
  w.connection.answer("phx_join");
  assert.equal(channel.state, "joined");
});

test("a join that is rate limited waits as long as it was told", async () => {
  const w = world({ random: () => 0 });
  await w.open();
  w.socket.channel("room:a").join();
  w.connection.answer("phx_join", "error", { reason: "rate limited", retry_after_ms: 700 });
  w.clock.pass(699);
  assert.equal(w.connection.count("phx_join"), 1);
  w.clock.pass(1);
  assert.equal(w.connection.count("phx_join"), 2);
});

test("a join that is not answered is taken back and tried again (§10)", async () => {
  const w = world();
  await w.open();
  const channel = w.socket.channel("room:a");
  const join = channel.join({ timeout: 1000 });
  const first = w.connection.last("phx_join");
  w.clock.pass(1000);
  await assert.rejects(join, failure("timeout"));
  assert.equal(w.connection.last("phx_leave")[0], first[0]);
  w.clock.pass(250);
  assert.equal(w.connection.count("phx_join"), 2);
  w.connection.deliver(first[0], first[1], "room:a", "phx_reply", { status: "ok", response: {} });
  assert.equal(channel.state, "joining", "the answer to the first attempt is too late");
  w.connection.answer("phx_join");
  assert.equal(channel.state, "joined");
});

test("a push resolves with its own reply, in whatever order they come", async () => {
  const w = await joined();
  const one = w.channel.push("ask", { n: 1 });
  const [joinRef, ref] = w.connection.last("ask");
  const two = w.channel.push("ask", { n: 2 });
  w.connection.answer("ask", "ok", { answer: 2 });
  w.connection.deliver(joinRef, ref, "room:a", "phx_reply", { status: "ok", response: { answer: 1 } });
  assert.deepEqual([await one, await two], [{ answer: 1 }, { answer: 2 }]);
  assert.equal(joinRef, w.channel.joinRef);
});

test("a push that is refused rejects with the server's words", async () => {
  const w = await joined();
  const push = w.channel.push("ask");
  w.connection.answer("ask", "error", { reason: "too long", max: 5 });
  await assert.rejects(push, failure("refused", "too long"));
  await push.catch((error) => assert.equal(error.response.max, 5));
});

test("a push that is not answered rejects in time, and a late answer is nobody's", async () => {
  const w = await joined();
  const push = w.channel.push("ask", {}, { timeout: 100 });
  w.clock.pass(100);
  await assert.rejects(push, failure("timeout"));
  w.connection.answer("ask");
});

test("a push that nobody waits for may fail without a noise", async () => {
  const w = await joined();
  w.channel.push("ask", {}, { timeout: 100 });
  w.clock.pass(100);
});

test("pushes made while disconnected are sent after the rejoin, in their order", async () => {
  const w = await joined();
  w.connection.drop();
  const pushes = [1, 2, 3].map((n) => w.channel.push("say", { n }));
  await w.reopen();
  assert.equal(w.connection.count("say"), 0);
  const [joinRef] = w.connection.last("phx_join");
  w.connection.answer("phx_join");
  const said = w.connection.sent.filter(([, , , event]) => event === "say");
  assert.deepEqual(
    said.map(([ref, , , , { n }]) => [ref, n]),
    [1, 2, 3].map((n) => [joinRef, n]),
  );
  for (const [joinRef, ref] of said)
    w.connection.deliver(joinRef, ref, "room:a", "phx_reply", { status: "ok", response: {} });
  await Promise.all(pushes);
});

test("a push whose time is over while disconnected is not sent", async () => {
  const w = await joined();
  w.connection.drop();
  const push = w.channel.push("say", { n: 1 }, { timeout: 10 });
  w.clock.pass(10);
  await assert.rejects(push, failure("timeout"));
  await w.reopen();
  w.connection.answer("phx_join");
  assert.equal(w.connection.count("say"), 0);
});

test("no more than a hundred pushes wait for a connection", async () => {
  const w = await joined();
  w.connection.drop();
  for (let n = 0; n < 100; n += 1) w.channel.push("say", { n });
  await assert.rejects(w.channel.push("say"), failure("overflow"));
});

test("a push into a connection that takes nothing more is refused", async () => {
  const w = await joined();
  w.connection.bufferedAmount = 2 ** 21;
  await assert.rejects(w.channel.push("say"), failure("overflow"));
});

test("a push that was sent when the connection was lost is not sent again", async () => {
  const w = await joined();
  const push = w.channel.push("say");
  w.connection.drop();
  await assert.rejects(push, failure("interrupted"));
  await w.reopen();
  w.connection.answer("phx_join");
  assert.equal(w.connection.count("say"), 0);
});

test("every channel rejoins after a reconnect, under new references and with fresh parameters", async () => {
  const w = world();
  await w.open();
  let asked = 0;
  const topics = ["room:a", "room:b"];
  const channels = topics.map((topic) => w.socket.channel(topic, () => ({ asked: ++asked })));
  for (const channel of channels) {
    channel.join();
    w.connection.answer("phx_join");
  }
  const before = channels.map((channel) => channel.joinRef);
  w.connection.drop();
  await w.reopen();
  const joins = w.connection.sent.filter(([, , , event]) => event === "phx_join");
  assert.deepEqual(
    joins.map(([, , topic]) => topic),
    topics,
  );
  assert.deepEqual(
    joins.map(([, , , , payload]) => payload.asked),
    [3, 4],
  );
  assert.ok(joins.every(([joinRef]) => !before.includes(joinRef)));
});

test("a channel that crashed rejoins after a jittered while (§7.1)", async () => {
  const w = await joined();
  const sent = w.channel.push("say");
  const old = w.channel.joinRef;
  w.connection.deliver(old, old, "room:a", "phx_error", { reason: "channel_crash" });
  await assert.rejects(sent, failure("interrupted"));
  assert.deepEqual(w.channelStatuses.at(-1), { state: "waiting", why: "crashed" });
  w.clock.pass(249);
  assert.equal(w.connection.count("phx_join"), 1);
  w.clock.pass(1);
  w.connection.answer("phx_join", "ok", { hello: 2 });
  assert.deepEqual(w.channelStatuses.at(-1), { state: "joined", response: { hello: 2 } });
  assert.notEqual(w.channel.joinRef, old);
});

test("phx_close is final (§7.2)", async () => {
  const w = await joined();
  const ref = w.channel.joinRef;
  w.connection.deliver(ref, ref, "room:a", "phx_close", {});
  assert.deepEqual(w.channelStatuses.at(-1), { state: "closed", why: "ended" });
  await assert.rejects(w.channel.push("say"), failure("closed"));
  w.connection.drop();
  await w.reopen();
  assert.equal(w.connection.count("phx_join"), 0);
});

test("what belongs to an earlier join is dropped", async () => {
  const w = await joined();
  const heard = [];
  w.channel.on("news", (payload) => heard.push(payload.n));
  const old = w.channel.joinRef;
  w.connection.deliver(old, old, "room:a", "phx_error", {});
  w.clock.pass(250);
  w.connection.answer("phx_join");
  w.connection.deliver(old, null, "room:a", "news", { n: 1 });
  w.connection.deliver(old, old, "room:a", "phx_close", {});
  w.connection.deliver(old, old, "room:a", "phx_error", {});
  w.connection.deliver(w.channel.joinRef, null, "room:a", "news", { n: 2 });
  w.connection.deliver(null, null, "room:a", "news", { n: 3 });
  assert.deepEqual(heard, [2, 3]);
  assert.equal(w.channel.state, "joined");
});

test("leaving tells the server and is final", async () => {
  const w = await joined();
  const leave = w.channel.leave();
  assert.equal(w.connection.last("phx_leave")[0], w.channelStatuses.length && w.connection.last("phx_join")[0]);
  assert.equal(w.channel.state, "closed");
  w.connection.answer("phx_leave");
  await leave;
});

test("leaving resolves though nobody answers", async () => {
  const w = await joined();
  const leave = w.channel.leave();
  w.connection.drop();
  await leave;
});

test("a topic can be joined again right after it was left", async () => {
  const w = await joined();
  const old = w.channel.joinRef;
  w.channel.leave();
  const again = w.socket.channel("room:a");
  again.join();
  w.connection.answer("phx_join");
  w.connection.deliver(old, old, "room:a", "phx_close", {});
  assert.equal(again.state, "joined");
});

test("a topic has one channel at a time", async () => {
  const w = await joined();
  assert.throws(() => w.socket.channel("room:a").join(), /leave it first/);
  assert.throws(() => w.channel.join(), /make a new channel/);
});

test("one listener that throws does not keep the others from hearing", async () => {
  const w = await joined();
  const heard = [];
  const report = globalThis.reportError;
  globalThis.reportError = (error) => heard.push(error.message);
  w.channel.on("news", () => {
    throw new Error("mine");
  });
  const off = w.channel.on("news", () => heard.push("yours"));
  w.connection.deliver(null, null, "room:a", "news", {});
  off();
  w.connection.deliver(null, null, "room:a", "news", {});
  globalThis.reportError = report;
  assert.deepEqual(heard, ["mine", "yours", "mine"]);
});

test("no timer is left when everything is closed", async () => {
  const w = await joined();
  const push = w.channel.push("ask");
  w.socket.disconnect();
  await assert.rejects(push, failure("interrupted"));
  w.channel.leave();
  assert.equal(w.clock.pending, 0);
});

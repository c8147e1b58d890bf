import assert from "node:assert/strict";
import { test } from "node:test";

import { world } from "./world.js";

const page = (offset, numbers = [], more = {}) => ({
  epoch: "e1",
  offset,
  since: `${more.epoch ?? "e1"}:${offset}`,
  gap: false,
  more: false,
  messages: numbers.map((n) => ({ offset: n, event: "said", payload: { n, _since: `e1:${n}` } })),
  ...more,
});

/** A world with a channel whose topic has a history; `heard` is what its listener was told. */
async function joined(history = page(0), params = {}) {
  const w = world();
  await w.open();
  const channel = w.socket.channel("room:a", params);
  const [heard, gaps] = [[], []];
  channel.on("said", ({ n }) => heard.push(n));
  channel.onGap(({ offset }) => gaps.push(offset));
  channel.join();
  w.connection.answer("phx_join", "ok", { hello: 1, history });
  return Object.assign(w, { channel, heard, gaps });
}

const say = (w, n, epoch = "e1") =>
  w.connection.deliver(null, null, "room:a", "said", { n, _since: `${epoch}:${n}` });
const failure = (kind) => (error) => error.name === "PushError" && error.kind === kind;

test("c18_6 a channel joins again from where it was, and tells what it missed in order", async () => {
  const w = await joined();
  say(w, 1);
  w.connection.drop();
  await w.reopen();
  assert.deepEqual(w.connection.last("phx_join")[4], { since: "e1:1" });
  w.connection.answer("phx_join", "ok", { history: page(3, [2, 3]) });
  say(w, 4);
  assert.deepEqual(w.heard, [1, 2, 3, 4]);
  assert.deepEqual(w.gaps, []);
  assert.equal(w.channel.since, "e1:4");
});

test("c18_6 the first join may ask for all that is kept", async () => {
  const w = await joined(page(2, [1, 2]), { since: 0, mine: 1 });
  assert.deepEqual(w.heard, [1, 2]);
  w.connection.drop();
  await w.reopen();
  assert.deepEqual(w.connection.last("phx_join")[4], { since: "e1:2", mine: 1 });
});

test("c18_6 nothing is told twice, whatever the server sends again", async () => {
  const w = await joined();
  [1, 2, 2, 1].forEach((n) => say(w, n));
  w.connection.drop();
  await w.reopen();
  w.connection.answer("phx_join", "ok", { history: page(3, [1, 2, 3]) });
  say(w, 3);
  assert.deepEqual(w.heard, [1, 2, 3]);
});

test("c18_6 what the join before is still sent comes with the reply of the next", async () => {
  const w = await joined();
  const old = w.channel.joinRef;
  say(w, 1);
  w.connection.deliver(old, old, "room:a", "phx_error", {});
  say(w, 2);
  w.clock.pass(250);
  assert.deepEqual(w.connection.last("phx_join")[4], { since: "e1:1" });
  say(w, 3);
  assert.deepEqual(w.heard, [1]);
  w.connection.answer("phx_join", "ok", { history: page(3, [2, 3]) });
  assert.deepEqual(w.heard, [1, 2, 3]);
});

test("c18_6 a gap is told before what is kept", async () => {
  const w = await joined();
  say(w, 1);
  const order = [];
  w.channel.onGap(() => order.push("gap"));
  w.channel.on("said", ({ n }) => order.push(n));
  w.connection.drop();
  await w.reopen();
  w.connection.answer("phx_join", "ok", { history: page(9, [8, 9], { gap: true }) });
  assert.deepEqual(order, ["gap", 8, 9]);
});

test("c18_6 a server that begins anew counts from the beginning", async () => {
  const w = await joined();
  [1, 2, 3].forEach((n) => say(w, n));
  w.connection.drop();
  await w.reopen();
  w.connection.answer("phx_join", "ok", { history: page(1, [1], { epoch: "e2", gap: true }) });
  say(w, 2, "e2");
  assert.deepEqual(w.heard, [1, 2, 3, 1, 2]);
  assert.equal(w.channel.since, "e2:2");
});

test("c18_6 a log that is dropped while the channel is joined does not silence it", async () => {
  const w = await joined();
  [1, 2, 3].forEach((n) => say(w, n));
  [1, 2].forEach((n) => say(w, n, "e2"));
  assert.deepEqual(w.heard, [1, 2, 3, 1, 2]);
});

test("c18_6 pages that follow the reply are told like it, and one that is lost between two misses none", async () => {
  const w = await joined(page(2, [1, 2], { more: true, gap: true }));
  const push = (payload) => w.connection.deliver(w.channel.joinRef, null, "room:a", "history", payload);
  push(page(4, [3, 4], { more: true, gap: true }));
  assert.equal(w.gaps.length, 1, "a gap is told once");
  w.connection.drop();
  await w.reopen();
  assert.equal(w.connection.last("phx_join")[4].since, "e1:4");
  w.connection.answer("phx_join", "ok", { history: page(6, [5, 6]) });
  assert.deepEqual(w.heard, [1, 2, 3, 4, 5, 6]);
});

test("c18_6 a reply that is no object is followed by the history", async () => {
  const w = world();
  await w.open();
  const channel = w.socket.channel("room:a");
  const heard = [];
  channel.on("said", ({ n }) => heard.push(n));
  const join = channel.join();
  w.connection.answer("phx_join", "ok", [1]);
  w.connection.deliver(channel.joinRef, null, "room:a", "history", page(2, [1, 2]));
  assert.deepEqual(await join, [1]);
  assert.deepEqual([heard, channel.since], [[1, 2], "e1:2"]);
});

test("an application's own event of that name is an event", async () => {
  const w = await joined();
  const heard = [];
  w.channel.on("history", (payload) => heard.push(payload));
  w.connection.deliver(w.channel.joinRef, null, "room:a", "history", { messages: [] });
  assert.deepEqual(heard, [{ messages: [] }]);
});

test("c18_6 what is pushed to this client alone for one message is told, however much of it", async () => {
  const w = await joined();
  for (const n of [1, 2]) w.connection.deliver(w.channel.joinRef, null, "room:a", "said", { n, _since: "e1:1" });
  assert.deepEqual(w.heard, [1, 2]);
});

test("c18_6 a push that was not answered is sent again, under its id and in its place", async () => {
  const w = await joined();
  const pushes = ["a", "b"].map((body) => w.channel.push("say", { body }));
  const sent = w.connection.sent.filter(([, , , event]) => event === "say").map(([, , , , payload]) => payload);
  assert.match(sent[0]._message_id, /^[0-9a-f]{32}$/);
  assert.notEqual(sent[0]._message_id, sent[1]._message_id);
  w.connection.drop();
  const late = w.channel.push("say", { body: "c" });
  await w.reopen();
  w.connection.answer("phx_join", "ok", { history: page(0) });
  const again = w.connection.sent.filter(([, , , event]) => event === "say");
  assert.deepEqual(again.slice(0, 2).map(([, , , , payload]) => payload), sent);
  assert.deepEqual(again.map(([, , , , { body }]) => body), ["a", "b", "c"]);
  for (const [joinRef, ref] of again)
    w.connection.deliver(joinRef, ref, "room:a", "phx_reply", { status: "ok", response: { ref } });
  assert.equal((await Promise.all([...pushes, late])).length, 3);
});

test("c18_6 a push is sent again as often as it takes, and its time runs on", async () => {
  const w = await joined();
  const push = w.channel.push("say", {}, { timeout: 1000 });
  for (let times = 0; times < 3; times += 1) {
    w.connection.drop();
    await w.reopen();
    w.connection.answer("phx_join", "ok", { history: page(0) });
    assert.equal(w.connection.count("say"), 1);
  }
  w.connection.drop();
  w.clock.pass(1000);
  await assert.rejects(push, failure("timeout"));
  await w.reopen();
  w.connection.answer("phx_join", "ok", { history: page(0) });
  assert.equal(w.connection.count("say"), 0);
});

test("c18_6 a channel that crashed is asked again, and says so itself", async () => {
  const w = await joined();
  const push = w.channel.push("say");
  const old = w.channel.joinRef;
  w.connection.deliver(old, old, "room:a", "phx_error", {});
  w.clock.pass(250);
  w.connection.answer("phx_join", "ok", { history: page(0) });
  assert.equal(w.connection.count("say"), 2);
  w.connection.answer("say", "error", { reason: "crashed" });
  await assert.rejects(push, (error) => error.kind === "refused" && error.reason === "crashed");
});

test("c18_6 a server that begins anew does not know the push: nobody knows whether it was handled", async () => {
  for (const history of [page(0, [], { epoch: "e2", gap: true }), undefined]) {
    const w = await joined();
    const push = w.channel.push("say");
    w.connection.drop();
    const late = w.channel.push("say");
    await w.reopen();
    w.connection.answer("phx_join", "ok", { history });
    await assert.rejects(push, failure("interrupted"));
    assert.equal(w.connection.count("say"), 1, "what was never sent is sent");
    w.connection.answer("say");
    await late;
  }
});

test("a server without a history is sent no ids, and nothing twice", async () => {
  const w = await joined(null);
  const push = w.channel.push("say", { body: "a" });
  assert.deepEqual(w.connection.last("say")[4], { body: "a" });
  w.connection.drop();
  await assert.rejects(push, failure("interrupted"));
  await w.reopen();
  assert.deepEqual(w.connection.last("phx_join")[4], {});
});

test("a payload that is no object goes without an id", async () => {
  const w = await joined();
  const pushes = [[1], "text", null].map((payload) => w.channel.push("say", payload));
  assert.deepEqual(w.connection.last("say")[4], null);
  w.connection.drop();
  for (const push of pushes) await assert.rejects(push, failure("interrupted"));
});

test("no push waits when the channel is left", async () => {
  const w = await joined();
  const push = w.channel.push("say");
  w.connection.drop();
  w.channel.leave();
  await assert.rejects(push, failure("closed"));
  w.socket.disconnect();
  assert.equal(w.clock.pending, 0);
});

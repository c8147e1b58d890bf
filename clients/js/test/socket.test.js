import assert from "node:assert/strict";
import { test } from "node:test";

import { turn, world } from "./world.js";

test("parameters are asked for with every attempt to connect (§10)", async () => {
  let token = 0;
  const w = world({ params: async () => ({ user_token: String(++token) }) });
  const connection = await w.open();
  assert.equal(connection.url.searchParams.get("user_token"), "1");
  connection.drop();
  await w.reopen();
  assert.equal(w.connection.url.searchParams.get("user_token"), "2");
});

test("parameters that cannot be had are asked for again later", async () => {
  let isThere = false;
  const params = () => (isThere ? {} : Promise.reject(new Error("offline")));
  const w = world({ params });
  w.socket.connect();
  await turn();
  assert.equal(w.connections.length, 0);
  assert.equal(w.socket.state, "waiting");
  isThere = true;
  await w.reopen();
  assert.equal(w.socket.state, "open");
});

test("a lost connection is made again, ever more rarely", async () => {
  const w = world();
  await w.open();
  w.connection.drop();
  const delays = [w.statuses.at(-1).delay];
  for (let i = 0; i < 3; i += 1) {
    w.clock.pass(delays.at(-1));
    await turn();
    w.connection.drop();
    delays.push(w.statuses.at(-1).delay);
  }
  assert.deepEqual(delays, [200, 400, 800, 1600]);
});

test("a connection that only opens does not count as a success, one that speaks does", async () => {
  const w = world();
  await w.open();
  w.connection.drop();
  await w.reopen();
  w.connection.drop();
  assert.equal(w.statuses.at(-1).delay, 400);
  await w.reopen();
  w.connection.deliver(null, null, "t", "e", {});
  w.connection.drop();
  assert.equal(w.statuses.at(-1).delay, 200);
});

test("whoever was refused is told that the connection was never open", async () => {
  const w = world();
  w.socket.connect();
  await turn();
  w.connection.drop();
  assert.deepEqual(w.statuses.at(-1), { state: "waiting", delay: 200, wasOpen: false, code: 1006 });
});

test("after a farewell the socket stays closed (§7.5)", async () => {
  const w = world();
  await w.open();
  w.connection.drop(1000);
  assert.deepEqual(w.statuses.at(-1), { state: "closed", code: 1000 });
  assert.equal(w.clock.pending, 0);
});

test("after a restart it comes back at once, after too much it keeps away (§7.5)", async () => {
  const w = world({ random: () => 0 });
  await w.open();
  w.connection.drop(1012);
  assert.equal(w.statuses.at(-1).delay, 0);
  w.clock.pass(0);
  await turn();
  w.connection.accept();
  w.connection.drop(1013);
  assert.equal(w.statuses.at(-1).delay, 2000);
});

test("disconnecting closes with 1000 and stays closed", async () => {
  const w = world();
  await w.open();
  w.socket.disconnect();
  assert.equal(w.connection.closedWith.code, 1000);
  assert.equal(w.socket.state, "closed");
  w.clock.pass(60_000);
  await turn();
  assert.equal(w.connections.length, 1);
});

test("disconnecting while the parameters are awaited connects to nothing", async () => {
  let give;
  const w = world({ params: () => new Promise((resolve) => (give = resolve)) });
  w.socket.connect();
  w.socket.disconnect();
  give({});
  await turn();
  assert.equal(w.connections.length, 0);
});

test("an attempt that hangs is given up", async () => {
  const w = world();
  w.socket.connect();
  await turn();
  w.clock.pass(10_000);
  assert.equal(w.connection.closedWith.reason, "connect timeout");
  await w.reopen();
  assert.equal(w.socket.state, "open");
  assert.equal(w.connections.length, 2);
});

test("whoever does not want to wait need not", async () => {
  const w = world();
  await w.open();
  w.connection.drop();
  w.socket.retryNow();
  await turn();
  w.connection.accept();
  w.clock.pass(20_000);
  await turn();
  assert.equal(w.connections.length, 2, "the timer that was overtaken makes no attempt of its own");
});

test("a heartbeat that is answered keeps the connection (§2.9)", async () => {
  const w = world({ heartbeatInterval: 1000 });
  await w.open();
  for (let beat = 1; beat <= 3; beat += 1) {
    w.clock.pass(1000);
    assert.deepEqual(w.connection.last("heartbeat").slice(2), ["phoenix", "heartbeat", {}]);
    assert.equal(w.connection.last("heartbeat")[0], null);
    assert.equal(w.connection.count("heartbeat"), beat);
    w.connection.answer("heartbeat");
  }
  assert.equal(w.socket.state, "open");
});

test("a heartbeat that is not answered ends the connection, without waiting for its close", async () => {
  const w = world({ heartbeatInterval: 1000 });
  await w.open();
  w.clock.pass(2000);
  assert.deepEqual(w.connection.closedWith, { code: 4000, reason: "heartbeat missed" });
  assert.equal(w.socket.state, "waiting");
  const old = w.connection;
  await w.reopen();
  old.drop(1006);
  assert.equal(w.socket.state, "open", "the late close of the old connection is nobody's");
});

test("frames that are no messages change nothing", async () => {
  const w = world();
  const connection = await w.open();
  for (const frame of ["", "[", "{}", "[1,2,3]", '[null,"1","t","phx_reply",null]', '[null,null,"nobody","e",{}]']) {
    connection.deliverFrame(frame);
  }
  assert.equal(w.socket.state, "open");
});

test("a token travels in a subprotocol, asked for with every attempt to connect (§1.8)", async () => {
  let count = 0;
  const w = world({ authToken: async () => `secret?>${++count}` });
  const connection = await w.open();
  assert.deepEqual(connection.protocols, ["phoenix", "base64url.bearer.phx.c2VjcmV0Pz4x"]);
  connection.drop(4001, "token expired");
  await w.reopen();
  assert.deepEqual(w.connection.protocols, ["phoenix", "base64url.bearer.phx.c2VjcmV0Pz4y"]);
  assert.deepEqual((await world().open()).protocols, []);
});

test("a token that will expire is renewed on the open connection (§18.9)", async () => {
  let count = 0;
  const w = world({ authToken: async () => `token ${++count}` });
  const connection = await w.open();
  connection.deliver(null, null, "phoenix", "token_expiring", { expires_in_ms: 30_000 });
  await turn();
  const [joinRef, ref, topic, , payload] = connection.last("access_token");
  assert.deepEqual({ joinRef, topic, payload }, { joinRef: null, topic: "phoenix", payload: { token: "token 2" } });
  connection.deliver(null, ref, "phoenix", "phx_reply", { status: "ok", response: {} });
  assert.equal(w.socket.state, "open");
});

test("where no new token is to be had, nothing is sent", async () => {
  let isThere = true;
  const w = world({ authToken: () => (isThere ? "token" : Promise.reject(new Error("logged out"))) });
  const connection = await w.open();
  isThere = false;
  connection.deliver(null, null, "phoenix", "token_expiring", { expires_in_ms: 1 });
  await turn();
  assert.equal(connection.count("access_token"), 0);
});

test("after a restart it comes back when the server says, and not before (§18.12)", async () => {
  const w = world({ random: () => 0 });
  await w.open();
  w.connection.drop(1012, "service restart; retry in 1200ms");
  assert.equal(w.statuses.at(-1).delay, 1200);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { Presence } from "../src/index.js";
import { difference, entries, merge } from "../src/presence.js";
import { world } from "./world.js";

const meta = (ref, more = {}) => ({ phx_ref: ref, ...more });
const diff = (joins, leaves = {}) => ({ joins: entries(joins), leaves: entries(leaves) });
const refs = (presences) =>
  Object.fromEntries([...presences].map(([key, entry]) => [key, entry.metas.map((meta) => meta.phx_ref)]));

/** A presence that has heard `frames`, each `[event, payload]`. */
async function presence(...frames) {
  const w = world();
  await w.open();
  const channel = w.socket.channel("room:a");
  const presence = new Presence(channel);
  const changes = [];
  presence.onChange(({ joins, leaves }) => changes.push([refs(joins), refs(leaves)]));
  channel.join();
  w.connection.answer("phx_join");
  const hear = (event, payload) => w.connection.deliver(null, null, "room:a", event, payload);
  for (const frame of frames) hear(...frame);
  return { presence, changes, hear, w, channel };
}

test("a join adds metas, a leave takes them, the last one takes the key (§12.4)", () => {
  const one = merge(new Map(), diff({ ada: { metas: [meta("1")] } })).presences;
  const two = merge(one, diff({ ada: { metas: [meta("2")] }, bob: { metas: [meta("3")] } })).presences;
  assert.deepEqual(refs(two), { ada: ["1", "2"], bob: ["3"] });
  const three = merge(two, diff({}, { ada: { metas: [meta("1")] }, bob: { metas: [meta("3")] } })).presences;
  assert.deepEqual(refs(three), { ada: ["2"] });
});

test("an update is a join and a leave in one, joins first (§12.4)", () => {
  const before = entries({ ada: { metas: [meta("1", { typing: false })] } });
  const update = diff(
    { ada: { metas: [meta("2", { typing: true, phx_ref_prev: "1" })] } },
    { ada: { metas: [meta("1")] } },
  );
  const { presences, change } = merge(before, update);
  assert.deepEqual(presences.get("ada").metas, [meta("2", { typing: true, phx_ref_prev: "1" })]);
  assert.deepEqual([refs(change.joins), refs(change.leaves)], [{ ada: ["2"] }, { ada: ["1"] }]);
});

test("merging is idempotent by phx_ref (§12.3)", () => {
  const change = diff({ ada: { metas: [meta("1"), meta("2")] } }, { bob: { metas: [meta("9")] } });
  const once = merge(entries({ bob: { metas: [meta("9")] } }), change);
  const twice = merge(once.presences, change);
  assert.deepEqual(refs(twice.presences), refs(once.presences));
  assert.equal(twice.change.joins.size + twice.change.leaves.size, 0);
});

test("a difference leads from one state to another, whatever they are", () => {
  const states = [
    {},
    { ada: { metas: [meta("1")] } },
    { ada: { metas: [meta("1"), meta("2")] }, bob: { metas: [meta("3")] } },
    { bob: { metas: [meta("4")] } },
  ];
  for (const from of states) {
    for (const to of states) {
      const { presences } = merge(entries(from), difference(entries(from), entries(to)));
      assert.deepEqual(refs(presences), refs(entries(to)));
    }
  }
});

test("keys that are names of objects' own parts are keys like any other", () => {
  const wire = JSON.parse(
    '{"__proto__":{"metas":[{"phx_ref":"1"}]},"constructor":{"metas":[{"phx_ref":"2"}]},"toString":{"metas":[{"phx_ref":"3"}]}}',
  );
  const { presences } = merge(new Map(), { joins: entries(wire), leaves: new Map() });
  assert.deepEqual([...presences.keys()], ["__proto__", "constructor", "toString"]);
  assert.equal({}.metas, undefined);
  const { presences: rest } = merge(presences, { joins: new Map(), leaves: entries(wire) });
  assert.equal(rest.size, 0);
});

test("what is no presence is ignored", () => {
  for (const wire of [null, 7, "x", { ada: null }, { ada: {} }, { ada: { metas: "x" } }])
    assert.equal(entries(wire).size, 0);
});

test("differences before the state wait for it (§10)", async () => {
  const { presence: p, changes } = await presence(
    ["presence_diff", { joins: { bob: { metas: [meta("2")] } }, leaves: {} }],
    ["presence_state", { ada: { metas: [meta("1")] } }],
  );
  assert.deepEqual(refs(p.all), { ada: ["1"], bob: ["2"] });
  assert.deepEqual(changes, [
    [{ ada: ["1"] }, {}],
    [{ bob: ["2"] }, {}],
  ]);
});

test("one's own join may be told before the state or after it (§12.3)", async () => {
  const join = ["presence_diff", { joins: { ada: { metas: [meta("1")] } }, leaves: {} }];
  const state = ["presence_state", { ada: { metas: [meta("1")] } }];
  for (const order of [
    [join, state],
    [state, join],
  ]) {
    const { presence: p, changes } = await presence(...order);
    assert.deepEqual(refs(p.all), { ada: ["1"] });
    assert.equal(changes.length, 1);
  }
});

test("extras beside the metas are kept up to date", async () => {
  const { presence: p, hear } = await presence([
    "presence_state",
    { ada: { metas: [meta("1")], user: { name: "Ada" } } },
  ]);
  assert.equal(p.all.get("ada").user.name, "Ada");
  hear("presence_diff", { joins: { ada: { metas: [meta("2")], user: { name: "Ada L." } } }, leaves: {} });
  assert.equal(p.all.get("ada").user.name, "Ada L.");
});

test("a rejoin keeps the old list until the new state says who left meanwhile", async () => {
  const {
    presence: p,
    changes,
    w,
  } = await presence(["presence_state", { ada: { metas: [meta("1")] }, bob: { metas: [meta("2")] } }]);
  w.connection.drop();
  await w.reopen();
  w.connection.answer("phx_join");
  const hear = (event, payload) => w.connection.deliver(null, null, "room:a", event, payload);
  assert.deepEqual(refs(p.all), { ada: ["1"], bob: ["2"] });
  hear("presence_diff", { joins: { eve: { metas: [meta("4")] } }, leaves: {} });
  assert.equal(p.all.has("eve"), false);
  hear("presence_state", { ada: { metas: [meta("3")] } });
  assert.deepEqual(refs(p.all), { ada: ["3"], eve: ["4"] });
  assert.deepEqual(changes.at(-2), [{ ada: ["3"] }, { ada: ["1"], bob: ["2"] }]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { address, decode, encode } from "../src/protocol.js";

test("a message is an array of five (§2.2)", () => {
  const message = { joinRef: "1", ref: "2", topic: "room:a", event: "new_msg", payload: { body: "hi" } };
  assert.equal(encode(message), '["1","2","room:a","new_msg",{"body":"hi"}]');
  assert.deepEqual(decode(encode(message)), message);
});

test("what a server pushes has no references (§2.8)", () => {
  const message = decode('[null,null,"room:a","presence_diff",{"joins":{},"leaves":{}}]');
  assert.deepEqual([message.joinRef, message.ref], [null, null]);
});

test("further elements are ignored (§2.2)", () => {
  assert.equal(decode('[null,null,"t","e",{},"more"]').event, "e");
});

test("a frame that is no message is none, and throws nothing", () => {
  const frames = [
    "",
    "{",
    "null",
    "[]",
    '{"topic":"t"}',
    '[null,null,"t","e"]',
    '[null,null,7,"e",{}]',
    '[{},null,"t","e",{}]',
  ];
  for (const frame of [...frames, new ArrayBuffer(4), undefined]) assert.equal(decode(frame), null, String(frame));
});

test("the address names transport, parameters and version (§1.1, §10)", () => {
  const cases = [
    ["/socket", "http://127.0.0.1:4000/?a=b#c", "ws://127.0.0.1:4000/socket/websocket?vsn=2.0.0"],
    ["/socket/", "https://chat.example/room", "wss://chat.example/socket/websocket?vsn=2.0.0"],
    ["wss://chat.example/socket", undefined, "wss://chat.example/socket/websocket?vsn=2.0.0"],
  ];
  for (const [endpoint, base, expected] of cases) assert.equal(address(endpoint, {}, base), expected);
  const url = new URL(address("ws://h/s", { user_token: "a b&c=d" }));
  assert.equal(url.searchParams.get("user_token"), "a b&c=d");
});

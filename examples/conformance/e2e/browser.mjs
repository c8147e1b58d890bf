// phoenix.js in headless Chromium against the conformance application: `node browser.mjs http://127.0.0.1:4000`.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { freshRoom, url } from "./support.mjs";

const PHOENIX = createRequire(import.meta.url).resolve("phoenix").replace(/phoenix\.cjs\.js$/, "phoenix.js");
/** Names of pages that are all served by the application, and are origins of their own to it. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--host-resolver-rules=MAP *.test 127.0.0.1",
];
/** Nothing here takes longer on a machine that is not stuck, in milliseconds. */
const PATIENCE = 20_000;

let browser;
before(async () => {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: FLAGS, headless: false, timeout: 60_000 });
});
after(() => browser?.close());

/** A page of a host, with phoenix.js and a few words of ours in it. The application has no page: any answer of it will do. */
async function page(host = "127.0.0.1") {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${url.replace("127.0.0.1", host)}/demo/health`);
  await page.addScriptTag({ path: PHOENIX });
  await page.evaluate((patience) => {
    window.within = (promise, what) => {
      const late = new Promise((_, no) => setTimeout(() => no(new Error(`waited in vain for ${what}`)), patience));
      return Promise.race([promise, late]);
    };
    window.called = (what, register) => within(new Promise((resolve) => register(resolve)), what);
    window.outcome = (push, what) =>
      called(what, (resolve) => {
        for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve([status, response]));
      });
    window.connected = async (url, params, options = {}) => {
      const socket = new Phoenix.Socket(`${url.replace(/^http/, "ws")}/socket`, {
        params,
        reconnectAfterMs: () => 10,
        rejoinAfterMs: () => 10,
        ...options,
      });
      const opened = called("the connection", (resolve) => socket.onOpen(resolve));
      socket.connect();
      await opened;
      return socket;
    };
  }, PATIENCE);
  return page;
}

for (const transport of ["WebSocket", "LongPoll"]) {
  test(`${transport}: a page joins, asks, hears and leaves`, async () => {
    const said = await (await page()).evaluate(
      async ([url, room, transport]) => {
        const options = transport === "LongPoll" ? { transport: Phoenix.LongPoll } : {};
        const socket = await connected(url, { user_id: "ada" }, { ...options, authToken: "secret" });
        const channel = socket.channel(room);
        const said = { join: await outcome(channel.join(), "the join") };
        said.echo = await outcome(channel.push("echo", { a: [1] }), "echo");
        const heard = called("new_msg", (resolve) => channel.on("new_msg", resolve));
        await outcome(channel.push("new_msg", { hello: "page" }), "new_msg");
        said.heard = await heard;
        said.me = (await outcome(channel.push("whoami", {}), "whoami"))[1];
        said.leave = await outcome(channel.leave(), "the leave");
        socket.disconnect();
        return said;
      },
      [url, freshRoom("room:page"), transport],
    );
    assert.deepEqual([said.join, said.echo, said.leave], [["ok", {}], ["ok", { a: [1] }], ["ok", {}]]);
    assert.deepEqual(said.heard, { hello: "page" });
    assert.deepEqual([said.me.transport, said.me.auth_token], [transport.toLowerCase(), "secret"]);
    assert.match(said.me.user_agent, /Chrome/);
  });

  test(`${transport}: pages see each other by Presence`, async () => {
    const topic = freshRoom("presence:pages");
    const join = ([url, user, topic, transport]) => {
      const options = transport === "LongPoll" ? { transport: Phoenix.LongPoll } : {};
      return connected(url, { user_id: user }, options).then((socket) => {
        const channel = socket.channel(topic);
        window.presence = new Phoenix.Presence(channel);
        window.socket = socket;
        channel.join();
      });
    };
    const [ada, bob] = [await page(), await page()];
    await ada.evaluate(join, [url, "ada", topic, transport]);
    await bob.evaluate(join, [url, "bob", topic, transport]);
    const keys = (wanted) => (wanted === Object.keys(window.presence.state).sort().join(","));
    for (const one of [ada, bob]) await one.waitForFunction(keys, "ada,bob");
    assert.equal(await ada.evaluate(() => window.presence.state.bob.user.name), "User bob");
    await bob.evaluate(() => window.presence.channel.leave());
    await ada.waitForFunction(keys, "ada");
  });
}

test("bytes go both ways as an ArrayBuffer", async () => {
  const heard = await (await page()).evaluate(
    async ([url, room]) => {
      const socket = await connected(url, { user_id: "ada" });
      const channel = socket.channel(room);
      await outcome(channel.join(), "the join");
      const [status, reply] = await outcome(channel.push("bin_reply", new Uint8Array([1, 2]).buffer), "bytes");
      const pushed = called("bin_push", (resolve) => channel.on("bin_push", resolve));
      channel.push("bin_push", new Uint8Array([0, 255]).buffer);
      return [status, [...new Uint8Array(reply)], [...new Uint8Array(await pushed)]];
    },
    [url, freshRoom("room:bytes")],
  );
  assert.deepEqual(heard, ["ok", [1, 2, 3, 4], [0, 255]]);
});

test("a page whose WebSockets go nowhere falls back to long-polling", async () => {
  const me = await (await page()).evaluate(
    async ([url, room]) => {
      // As a proxy does it that swallows what it does not understand.
      window.WebSocket = class {
        constructor() {
          this.readyState = 0;
        }
        close() {}
        send() {}
      };
      const socket = await connected(url, { user_id: "ada" }, { longPollFallbackMs: 100, transport: window.WebSocket });
      const channel = socket.channel(room);
      await outcome(channel.join(), "the join");
      return (await outcome(channel.push("whoami", {}), "whoami"))[1];
    },
    [url, freshRoom("room:fallback")],
  );
  assert.equal(me.transport, "longpoll");
});

test("a page that was disconnected comes back and joins again", async () => {
  const user = freshRoom("ada");
  const counts = await (await page()).evaluate(
    async ([url, room, user]) => {
      const socket = await connected(url, { user_id: user });
      const channel = socket.channel(room);
      await outcome(channel.join(), "the join");
      await outcome(channel.push("count", {}), "count");
      const closed = called("the close", (resolve) => socket.onClose(resolve));
      const rejoined = called("the join after it", (resolve) => channel.joinPush.receive("ok", resolve));
      channel.push("disconnect_user", { user_id: user });
      const { code } = await closed;
      await rejoined;
      return [code, await outcome(channel.push("count", {}), "count")];
    },
    [url, freshRoom("room:disconnect"), user],
  );
  assert.deepEqual(counts, [1001, ["ok", { n: 1 }]]);
});

test("pages of the origins that are named get in, and no others, by either road", async () => {
  const hosts = [
    ["a.b.wild.test", "opened"],
    ["wild.test", "opened"],
    ["evilwild.test", "failed"],
    ["foreign.test", "failed"],
  ];
  for (const [host, expected] of hosts) {
    const ends = await (await page(host)).evaluate(
      ([url]) =>
        Promise.all(
          [WebSocket, Phoenix.LongPoll].map((transport) => {
            const reconnectAfterMs = () => 60_000;
            const socket = new Phoenix.Socket(`${url.replace(/^http/, "ws")}/socket`, { transport, reconnectAfterMs });
            const opened = new Promise((resolve) => socket.onOpen(() => resolve("opened")));
            const failed = new Promise((resolve) => socket.onError(() => resolve("failed")));
            socket.connect();
            return within(Promise.race([opened, failed]), "an end");
          }),
        ),
      [url],
    );
    assert.deepEqual(ends, [expected, expected], host);
  }
});

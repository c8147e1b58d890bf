// The unmodified npm package `phoenix` through nginx and HAProxy to the chat: both as the guide's chapter on deployment
// configures them, with TLS. `SERVER=target/release/chat node proxies.mjs`; the chat that it gets an address of, it does not need.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { LongPoll, Presence, Socket } from "phoenix";
import WebSocket from "ws";

import { freshRoom, next, outcome, within } from "./support.mjs";

const CHAT = process.env.SERVER ?? "target/release/chat";
const CONFIGURATIONS = join(dirname(fileURLToPath(import.meta.url)), "../../../crates/throng/src/guide/deployment");
/** Where Debian has programs that an ordinary user does not call. */
const PATH = `${process.env.PATH}:/usr/sbin`;

// The certificate is the test's own, made a moment ago.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");

const folder = mkdtempSync(join(tmpdir(), "proxies-"));
const children = new Set();
after(() => {
  children.forEach((child) => child.kill("SIGKILL"));
  rmSync(folder, { recursive: true });
});

/** A program that ends with the tests; what it prints is shown if it ends too soon. */
function start(program, args, environment = {}) {
  const child = spawn(program, args, { env: { ...process.env, PATH, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => output.push(data));
  child.ended = new Promise((resolve) => child.on("exit", resolve)).then((code) => {
    children.delete(child);
    return code;
  });
  child.output = () => Buffer.concat(output).toString();
  return child;
}

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when an address answers with 200. */
async function answers(address, child) {
  const isThere = async () => (await fetch(address)).status === 200;
  const until = async () => {
    while (!(await isThere().catch(() => false))) {
      assert.equal(child.exitCode, null, child.output());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await within(until(), `${address}: ${child.output()}`, 40_000);
}

/** The chat, on a port that it has again after a restart. */
class Chat {
  static async start() {
    const chat = new Chat();
    chat.port = await freePort();
    chat.settings = join(folder, `chat-${chat.port}.toml`);
    writeFileSync(
      chat.settings,
      `port = ${chat.port}\nsecret_key_base = "the same after every start"\nbehind_tls = true\ntrusted_proxies = ["127.0.0.1"]\n`,
    );
    await chat.run();
    return chat;
  }

  async run() {
    this.child = start(CHAT, [], { CHAT_CONFIG: this.settings, PORT: String(this.port) });
    await answers(`http://127.0.0.1:${this.port}/health/ready`, this.child);
  }

  /** As an operator would stop it. */
  async stop() {
    this.child.kill("SIGTERM");
    assert.equal(await within(this.child.ended, "the chat's end", 60_000), 0, this.child.output());
  }
}

/** The configuration of the guide, at the addresses of this run. */
function configuration(name, { chat, port }) {
  const text = readFileSync(join(CONFIGURATIONS, name), "utf8")
    .replaceAll("127.0.0.1:4000", `127.0.0.1:${chat.port}`)
    .replaceAll(/\b8443\b/g, `127.0.0.1:${port}`)
    .replaceAll("bind :127", "bind 127")
    .replaceAll("/etc/ssl/app.pem", certificate())
    // Logs in a place of the test's own, and no more descriptors than any machine grants.
    .replaceAll("/var/log/nginx", folder)
    .replaceAll("16384", "1024")
    .replaceAll("65536", "4096");
  assert.ok(text.includes(`127.0.0.1:${port}`) && text.includes(`127.0.0.1:${chat.port}`), name);
  const file = join(folder, `${port}-${name}`);
  writeFileSync(file, text);
  return file;
}

/** A certificate for this machine, with its key. */
function certificate() {
  const [key, cert, both] = ["key", "cert", "both"].map((name) => join(folder, `${name}.pem`));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject], {
    stdio: "ignore",
  });
  writeFileSync(both, readFileSync(cert) + readFileSync(key));
  return both;
}

const PROXIES = {
  nginx(run) {
    // Where it writes, and as whom, is the system's affair, and here the test's.
    const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`);
    const file = configuration("nginx.conf", run);
    writeFileSync(file, readFileSync(file, "utf8").replace("http {", `http {\n${places.join("\n")}`));
    const user = process.getuid() === 0 ? "user root;" : "";
    return start("nginx", ["-p", folder, "-e", "stderr", "-c", file, "-g", `daemon off; pid ${folder}/nginx.pid; ${user}`]);
  },
  haproxy(run) {
    return start("haproxy", ["-db", "-f", configuration("haproxy.cfg", run)]);
  },
};

const TRANSPORTS = { "a WebSocket": WebSocket, "long-polling": LongPoll };

for (const [name, startProxy] of Object.entries(PROXIES)) {
  describe(`behind ${name}`, () => {
    const sockets = [];
    let chat, proxy, base;

    before(async () => {
      chat = await Chat.start();
      const port = await freePort();
      base = `https://localhost:${port}`;
      proxy = startProxy({ chat, port });
      await answers(`${base}/health/ready`, proxy);
    });

    after(async () => {
      sockets.forEach((socket) => socket.disconnect());
      proxy.kill("SIGTERM");
      chat.child.kill("SIGKILL");
      await Promise.all([proxy.ended, chat.child.ended]);
    });

    async function token(nickname) {
      const response = await fetch(`${base}/api/guests`, { method: "POST", body: JSON.stringify({ nickname }) });
      assert.equal(response.status, 201);
      return response.json();
    }

    /** A guest in a room, by one transport. */
    async function enter(nickname, room, transport) {
      const { guest: me, user_token } = await token(nickname);
      const options = { transport, params: { user_token }, reconnectAfterMs: () => 50, rejoinAfterMs: () => 50 };
      const socket = new Socket(`${base.replace("https", "wss")}/socket`, options);
      sockets.push(socket);
      socket.connect();
      const channel = socket.channel(`room:${room}`);
      const history = next(channel, "history");
      assert.equal((await outcome(channel.join(), `the join of ${nickname}`))[0], "ok");
      await history;
      return { me, socket, channel };
    }

    const say = (channel, body) => outcome(channel.push("new_msg", { body }), `the reply to ${body}`);

    for (const [kind, transport] of Object.entries(TRANSPORTS)) {
      test(`${kind} connects, joins, pushes, and hears what is broadcast`, async () => {
        const room = freshRoom("proxied");
        const [ada, grace] = [await enter("Ada", room, transport), await enter("Grace", room, transport)];
        const heard = next(grace.channel, "new_msg");
        assert.equal((await say(ada.channel, "hello"))[0], "ok");
        assert.equal((await heard).body, "hello");
      });

      test(`${kind} brings many messages in their order`, async () => {
        const room = freshRoom("many");
        const [ada, grace] = [await enter("Ada", room, transport), await enter("Grace", room, transport)];
        const words = Array.from({ length: 30 }, (_, n) => `${n} ${"x".repeat(1_000)}`);
        const heard = [];
        const all = new Promise((resolve) => {
          grace.channel.on("new_msg", ({ body }) => heard.push(body) === words.length && resolve());
        });
        await Promise.all(words.map((body) => say(ada.channel, body)));
        await within(all, "the last of them");
        assert.deepEqual(heard, words);
      });
    }

    test("pages of its own address may connect, and others may not", async () => {
      const { user_token } = await token("Ada");
      const query = new URLSearchParams({ vsn: "2.0.0", user_token });
      const opens = (origin) =>
        new Promise((resolve) => {
          const socket = new WebSocket(`${base.replace("https", "wss")}/socket/websocket?${query}`, { origin });
          socket.on("open", () => resolve(101) || socket.terminate());
          socket.on("unexpected-response", (_, response) => resolve(response.statusCode) || socket.terminate());
          socket.on("error", () => {});
        });
      assert.equal(await within(opens(base), "its own page"), 101);
      assert.equal(await within(opens("https://evil.test"), "another page"), 403);
      // What it would be if the chat did not know of the proxy's TLS.
      assert.equal(await within(opens(base.replace("https", "http")), "a page without TLS"), 403);
    });

    test("a client that is gone is seen to be gone", async () => {
      const room = freshRoom("gone");
      const grace = await enter("Grace", room, WebSocket);
      const { user_token } = await token("Ada");
      const socket = new Socket(`${base.replace("https", "wss")}/socket`, { transport: WebSocket, params: { user_token } });
      sockets.push(socket);
      socket.connect();
      const channel = socket.channel(`room:${room}`);
      const presence = new Presence(channel);
      const here = new Promise((resolve) => presence.onSync(() => grace.me.id in presence.state && resolve()));
      const gone = new Promise((resolve) => presence.onLeave((id) => id === grace.me.id && resolve()));
      channel.join();
      await within(here, "Grace in the list");
      // Without a word of goodbye: the proxy has to pass it on.
      grace.socket.reconnectTimer.scheduleTimeout = () => {};
      grace.socket.conn.terminate();
      await within(gone, "Grace gone");
    });

    test("after a restart of the chat all are back in their rooms, and nobody was closed with 1000", async () => {
      const room = freshRoom("restart");
      const members = [];
      for (const transport of Object.values(TRANSPORTS)) members.push(await enter("Ada", room, transport));
      const codes = [];
      for (const { socket } of members) socket.onClose(({ code }) => codes.push(code));
      const back = members.map(({ channel }) => next(channel, "history", () => true));
      await chat.stop();
      await chat.run();
      await Promise.all(back.map((history) => within(history, "the room again", 40_000)));
      assert.ok(codes.length >= members.length && !codes.includes(1000), codes.join());
      assert.ok(codes.includes(1012), `the WebSocket was told why: ${codes}`);
      const heard = members.map(({ channel }) => next(channel, "new_msg"));
      assert.equal((await say(members[0].channel, "again"))[0], "ok");
      for (const message of heard) assert.equal((await message).body, "again");
    });
  });
}

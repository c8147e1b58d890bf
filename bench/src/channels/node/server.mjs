// The same on Node's `ws`, with rooms by hand: a map of rooms, each a set of members. A broadcast is encoded once.
// There is no supervision, no limit and no isolation here. It ends when its standard input does.

import { createServer } from "node:http";
import { WebSocketServer } from "ws";

/** @type {Map<string, {members: Set<WebSocket>, present: Record<string, object>}>} */
const rooms = new Map();
let connections = 0;

const http = createServer((_, response) => response.writeHead(404).end());
const server = new WebSocketServer({ server: http, path: "/socket/websocket", perMessageDeflate: false });

server.on("connection", (socket) => {
  const id = ++connections;
  const topics = new Set();
  socket.on("message", (data) => take(socket, id, topics, data));
  socket.on("error", () => socket.terminate());
  socket.on("close", () => topics.forEach((topic) => rooms.get(topic)?.members.delete(socket)));
});

function take(socket, id, topics, data) {
  const [joinRef, ref, topic, event, payload] = JSON.parse(data);
  const reply = (response) => send(socket, [joinRef, ref, topic, "phx_reply", { status: "ok", response }]);
  switch (event) {
    case "phx_join":
      reply({});
      topics.add(topic);
      join(socket, id, joinRef, topic, payload);
      break;
    case "new_msg":
      broadcast(topic, "new_msg", payload);
      reply({});
      break;
    case "echo":
      reply(payload);
      break;
    default:
      reply({});
  }
}

function join(socket, id, joinRef, topic, { key }) {
  if (!rooms.has(topic)) rooms.set(topic, { members: new Set(), present: {} });
  const room = rooms.get(topic);
  room.members.add(socket);
  if (!topic.startsWith("presence:")) return;
  const entry = { metas: [{ phx_ref: `r${id}` }] };
  room.present[key] = entry;
  broadcast(topic, "presence_diff", { joins: { [key]: entry }, leaves: {} });
  send(socket, [joinRef, null, topic, "presence_state", room.present]);
}

function broadcast(topic, event, payload) {
  const text = JSON.stringify([null, null, topic, event, payload]);
  rooms.get(topic)?.members.forEach((member) => member.send(text));
}

function send(socket, message) {
  socket.send(JSON.stringify(message));
}

http.listen(0, "127.0.0.1", 511, () => {
  const { address, port } = http.address();
  console.log(`listening on ${address}:${port}`);
});
process.stdin.resume().on("end", () => process.exit(0));

// Sockets, channels and presence over WebSocket, speaking version 2 of Phoenix' protocol.
//
//   Socket ──── one connection: connects, reconnects, keeps alive
//     └─ Channel ──── one topic: join, push with reply, events, rejoin
//          └─ Presence ──── who else is on the topic

export { Socket } from "./socket.js";
export { Channel } from "./channel.js";
export { Presence } from "./presence.js";
export { PushError } from "./error.js";

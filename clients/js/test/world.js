// A scripted server side and a clock that the test moves: nothing here waits for time.

import { Socket } from "../src/index.js";

/** A clock whose timers fire when the test says that time has passed. */
export class FakeClock {
  now = 0;
  #timers = new Map();
  #last = 0;

  set = (callback, delay) => {
    const id = ++this.#last;
    this.#timers.set(id, { at: this.now + delay, callback });
    return id;
  };

  clear = (id) => void this.#timers.delete(id);

  /** Lets time pass, firing what is due in its order. */
  pass(milliseconds) {
    const end = this.now + milliseconds;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      const [id, { at, callback }] = next;
      this.now = at;
      this.#timers.delete(id);
      callback();
    }
    this.now = end;
  }

  get pending() {
    return this.#timers.size;
  }

  #next(end) {
    const due = [...this.#timers].filter(([, timer]) => timer.at <= end);
    return due.sort(([, one], [, other]) => one.at - other.at)[0];
  }
}

/** A connection whose other end is the test. */
class FakeConnection {
  readyState = 0;
  bufferedAmount = 0;
  sent = [];
  closedWith = null;

  constructor(url, protocols) {
    this.url = new URL(url);
    this.protocols = protocols;
  }

  send(frame) {
    this.sent.push(JSON.parse(frame));
  }

  close(code, reason) {
    this.readyState = 2;
    this.closedWith = { code, reason };
  }

  accept() {
    this.readyState = 1;
    this.onopen();
  }

  deliver(joinRef, ref, topic, event, payload) {
    this.deliverFrame(JSON.stringify([joinRef, ref, topic, event, payload]));
  }

  deliverFrame(data) {
    this.onmessage({ data });
  }

  drop(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose({ code, reason });
  }

  /** Answers the last message that was sent with this event. */
  answer(event, status = "ok", response = {}) {
    const [joinRef, ref, topic] = this.last(event);
    this.deliver(joinRef, ref, topic, "phx_reply", { status, response });
  }

  last(event) {
    const message = this.sent.findLast((message) => message[3] === event);
    if (!message) throw new Error(`no ${event} was sent`);
    return message;
  }

  count(event) {
    return this.sent.filter((message) => message[3] === event).length;
  }
}

/** A socket with everything around it under the test's control; `random` is always 1, so jitter is the full delay. */
export function world(options = {}) {
  const clock = new FakeClock();
  const connections = [];
  class FakeWebSocket {
    constructor(url, protocols) {
      const connection = new FakeConnection(url, protocols);
      connections.push(connection);
      return connection;
    }
  }
  const timers = { set: clock.set, clear: clock.clear };
  const socket = new Socket("ws://127.0.0.1/socket", { WebSocket: FakeWebSocket, timers, random: () => 1, ...options });
  const statuses = [];
  socket.onStatus((status) => statuses.push(status));
  return {
    clock,
    socket,
    connections,
    statuses,
    /** The newest connection. */
    get connection() {
      return connections.at(-1);
    },
    /** Connects and has the server accept. */
    async open() {
      socket.connect();
      await turn();
      connections.at(-1).accept();
      return connections.at(-1);
    },
    /** Lets the announced delay before the next attempt pass, and has the server accept it. */
    async reopen() {
      clock.pass(statuses.at(-1).delay);
      await turn();
      connections.at(-1).accept();
      return connections.at(-1);
    },
  };
}

/** Lets everything run that is ready to, such as parameters that come from a promise. */
export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

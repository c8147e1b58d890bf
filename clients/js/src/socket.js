// One connection: opened, kept alive, and opened again after every loss until it is disconnected.
//
//             connect()             opened
//   closed ──────────► connecting ─────────► open
//      ▲                ▲      │ failed       │ lost
//      │                │      ▼              │
//      └──────────── waiting ◄────────────────┘
//       disconnect(), close code 1000

import { backoff } from "./backoff.js";
import { Channel } from "./channel.js";
import { HEARTBEAT_MISSED, verdict } from "./close.js";
import { Heartbeat } from "./heartbeat.js";
import { Listeners } from "./listeners.js";
import { CONNECTION_TOPIC, Event, address, decode, encode, subprotocols } from "./protocol.js";
import { systemTimers } from "./timers.js";

/** @typedef {import("./push.js").Push} Push */
/** @typedef {import("./timers.js").Timers} Timers */

/** @typedef {"closed" | "connecting" | "open" | "waiting"} SocketState */

/**
 * What changed. For `waiting`, `delay` is the time until the next attempt, and `wasOpen` tells a lost connection from one that
 * was never made: a browser does not say why, so a client that was refused sees just that.
 * @typedef {object} SocketStatus
 * @property {SocketState} state
 * @property {number} [delay] in milliseconds
 * @property {boolean} [wasOpen]
 * @property {number} [code] of the close
 */

/**
 * @typedef {Record<string, string>} Params
 * @typedef {object} SocketOptions
 * @property {Params | (() => Params | Promise<Params>)} [params] sent with every attempt to connect
 * @property {() => string | Promise<string>} [authToken] a token, sent with every attempt in a header that no log of URLs
 *   shows; asked for again when the server says that the last one will expire
 * @property {number} [timeout] of joins and pushes, in milliseconds
 * @property {number} [heartbeatInterval] in milliseconds
 * @property {typeof WebSocket} [WebSocket]
 * @property {Timers} [timers]
 * @property {() => number} [random]
 */

/** How long an attempt to connect may take, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;
/** Waiting times between attempts to connect, in milliseconds. */
const RECONNECT = { first: 200, most: 10_000 };
/** Bytes that may wait in the browser for the network; a push beyond them is refused. */
const UNSENT_BYTES_MAX = 1 << 20;
const OPEN = 1;

/** A connection to a server, with the channels that use it. */
export class Socket {
  #endpoint;
  #options;
  /** @type {SocketState} */
  #state = "closed";
  /** @type {WebSocket | null} */
  #connection = null;
  /** Counts attempts to connect, so that what belongs to an earlier one is recognized. */
  #attempt = 0;
  #failures = 0;
  /** @type {any} */
  #timer = null;
  #lastRef = 0;
  /** @type {Map<string, Push>} */
  #pending = new Map();
  /** @type {Map<string, Channel>} */
  #channels = new Map();
  /** @type {Listeners<SocketStatus>} */
  #status = new Listeners();
  #heartbeat;

  /**
   * @param {string} endpoint where the server mounts the socket, as in `/socket` or `wss://example.org/socket`
   * @param {SocketOptions} [options]
   */
  constructor(endpoint, options = {}) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.timeout = options.timeout ?? 10_000;
    this.timers = options.timers ?? systemTimers;
    this.random = options.random ?? Math.random;
    this.#heartbeat = new Heartbeat({
      interval: options.heartbeatInterval ?? 30_000,
      timers: this.timers,
      ask: () => this.#ask(),
      dead: () => this.#hangUp(HEARTBEAT_MISSED, "heartbeat missed"),
    });
  }

  get state() {
    return this.#state;
  }

  get isOpen() {
    return this.#connection?.readyState === OPEN;
  }

  /** Connects, and keeps connecting until `disconnect`. */
  connect() {
    if (this.#state === "closed") this.#open();
  }

  /** Connects now instead of after the delay: for when the page is looked at again, or the network is back. */
  retryNow() {
    if (this.#state === "waiting") this.#open();
  }

  /** Closes the connection and stays closed. Channels wait for the next `connect`. */
  disconnect() {
    this.#end(1000, "");
    this.#become({ state: "closed" });
    this.#tellLost();
  }

  /**
   * A channel of this connection, to be joined. A topic has one at a time.
   * @param {string} topic
   * @param {Record<string, unknown> | (() => Record<string, unknown>)} [params] sent with every join
   * @returns {Channel}
   */
  channel(topic, params = {}) {
    return new Channel(this, topic, params);
  }

  /**
   * Tells of every change of state.
   * @param {(status: SocketStatus) => void} listener
   * @returns {() => void} takes the listener away
   */
  onStatus(listener) {
    return this.#status.add(listener);
  }

  // What follows is for channels.

  /** @param {Channel} channel */
  adopt(channel) {
    if (this.#channels.has(channel.topic)) throw new Error(`${channel.topic} has a channel already; leave it first`);
    this.#channels.set(channel.topic, channel);
  }

  /** @param {Channel} channel */
  release(channel) {
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic);
  }

  /**
   * Sends a push under a reference of its own, which is the join's reference where that is null.
   * @param {Push} push
   * @param {string} topic
   * @param {string | null} joinRef
   * @returns {string} the reference
   */
  request(push, topic, joinRef) {
    const ref = this.#nextRef();
    const connection = this.#connection;
    if (!connection || connection.readyState !== OPEN) push.fail("interrupted");
    else if (connection.bufferedAmount > UNSENT_BYTES_MAX) push.fail("overflow");
    else {
      this.#pending.set(ref, push);
      push.onSettled(() => this.#pending.delete(ref));
      connection.send(encode({ joinRef: joinRef ?? ref, ref, topic, event: push.event, payload: push.payload }));
    }
    return ref;
  }

  async #open() {
    this.timers.clear(this.#timer);
    const attempt = ++this.#attempt;
    this.#become({ state: "connecting" });
    try {
      const { params = {}, authToken } = this.#options;
      const current = typeof params === "function" ? await params() : params;
      const token = await authToken?.();
      if (attempt === this.#attempt) this.#dial(current, subprotocols(token));
    } catch {
      // Without its parameters the connection would be refused; they may be there the next time.
      if (attempt === this.#attempt) this.#lost({ wasOpen: false, atLeast: 0 });
    }
  }

  /**
   * @param {Params} params
   * @param {string[]} protocols
   */
  #dial(params, protocols) {
    const url = address(this.#endpoint, params, globalThis.location?.href);
    const connection = new (this.#options.WebSocket ?? WebSocket)(url, protocols);
    this.#connection = connection;
    this.#timer = this.timers.set(() => this.#hangUp(HEARTBEAT_MISSED, "connect timeout"), CONNECT_TIMEOUT);
    const isCurrent = () => this.#connection === connection;
    connection.onopen = () => isCurrent() && this.#opened();
    connection.onmessage = ({ data }) => isCurrent() && this.#receive(data);
    connection.onclose = ({ code, reason }) => isCurrent() && this.#closed(code, reason);
    // A close event follows every error.
    connection.onerror = () => {};
  }

  #opened() {
    this.timers.clear(this.#timer);
    this.#heartbeat.start();
    this.#become({ state: "open" });
    for (const channel of [...this.#channels.values()]) channel.connectionOpened();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #closed(code, reason) {
    const { reconnect, atLeast } = verdict(code, reason);
    const wasOpen = this.#state === "open";
    this.#forget();
    if (reconnect) return this.#lost({ wasOpen, atLeast, code });
    this.#become({ state: "closed", code });
    this.#tellLost();
  }

  /** @param {{ wasOpen: boolean, atLeast: number, code?: number }} how */
  #lost({ wasOpen, atLeast, code }) {
    this.#failures += 1;
    const delay = atLeast + backoff(this.#failures, { ...RECONNECT, random: this.random });
    this.#timer = this.timers.set(() => this.#open(), delay);
    this.#become({ state: "waiting", delay, wasOpen, code });
    this.#tellLost();
  }

  /**
   * Ends a connection that does not answer. Its own close event may take minutes, so nobody waits for it.
   * @param {number} code
   * @param {string} reason
   */
  #hangUp(code, reason) {
    const wasOpen = this.#state === "open";
    this.#end(code, reason);
    this.#lost({ wasOpen, atLeast: 0, code });
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    const connection = this.#connection;
    this.#attempt += 1;
    this.#forget();
    connection?.close(code, reason);
  }

  #forget() {
    this.timers.clear(this.#timer);
    this.#heartbeat.stop();
    this.#connection = null;
  }

  #tellLost() {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    // What has an id is its channel's to send again.
    for (const push of pending) if (push.id === null) push.fail("interrupted");
    for (const channel of [...this.#channels.values()]) channel.connectionLost();
  }

  /** @param {unknown} frame */
  #receive(frame) {
    const message = decode(frame);
    if (!message) return;
    // Only a server that speaks is there again: one that accepts and falls over is tried ever more rarely.
    this.#failures = 0;
    const { ref, topic, event, payload } = message;
    if (topic === CONNECTION_TOPIC && event === Event.tokenExpiring) this.#renew();
    else if (event !== Event.reply) this.#channels.get(topic)?.receive(message);
    else if (!this.#heartbeat.answered(ref) && ref !== null) this.#pending.get(ref)?.answer(payload);
  }

  #ask() {
    return this.#tell(Event.heartbeat, {});
  }

  /**
   * Sends a new token. Where there is none, or the server refuses it, the connection is closed when the old one expires, and
   * the next attempt asks for a token again.
   */
  async #renew() {
    const connection = this.#connection;
    try {
      const token = await this.#options.authToken?.();
      if (token !== undefined && connection === this.#connection) this.#tell(Event.accessToken, { token });
    } catch {
      // As if there were none.
    }
  }

  /**
   * Sends a message on the connection's own topic.
   * @param {string} event
   * @param {unknown} payload
   */
  #tell(event, payload) {
    const ref = this.#nextRef();
    if (this.isOpen) this.#connection?.send(encode({ joinRef: null, ref, topic: CONNECTION_TOPIC, event, payload }));
    return ref;
  }

  #nextRef() {
    this.#lastRef += 1;
    return String(this.#lastRef);
  }

  /** @param {SocketStatus} status */
  #become(status) {
    this.#state = status.state;
    this.#status.tell(status);
  }
}

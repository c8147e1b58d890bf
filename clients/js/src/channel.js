// One topic: joined, rejoined after every loss, and left.
//
//            join()              ok
//   idle ──────────► waiting ──────────► joined
//                    ▲  │   ◄──────────   │ connection lost, phx_error
//        try again   │  ▼                 │
//                   joining               │ leave(), phx_close
//                       │ refused         ▼
//                       └─────────────► closed
//
// Where the server keeps a history of the topic, the channel knows its place in it, joins again from there, and tells its
// listeners what it missed: everything once, and in order. Pushes have ids then, and are sent again until they are answered.

import { backoff } from "./backoff.js";
import { PushError } from "./error.js";
import { Listeners } from "./listeners.js";
import { Position, freshId, pageOf, placeOf, takesId, withId } from "./position.js";
import { Event } from "./protocol.js";
import { Push } from "./push.js";

/** @typedef {import("./socket.js").Socket} Socket */
/** @typedef {import("./protocol.js").Message} Message */

/** @typedef {import("./position.js").Page} Page */

/** @typedef {"idle" | "waiting" | "joining" | "joined" | "closed"} ChannelState */

/**
 * What changed. For `joined`, `response` is the join's reply. For `waiting`, `why` is `lost` (the connection), `crashed` (the
 * channel, on the server) or `timeout` (of a join). For `closed` it is `left`, `refused` (`response` says why) or `ended` (by
 * the server).
 * @typedef {object} ChannelStatus
 * @property {ChannelState} state
 * @property {"lost" | "crashed" | "timeout" | "left" | "refused" | "ended"} [why]
 * @property {any} [response]
 */

/** Pushes that wait for the channel to be joined; one more is refused. */
const BUFFERED_MAX = 100;
/** Waiting times between attempts to join, in milliseconds. */
const REJOIN = { first: 250, most: 10_000 };
/** Refusals that are over by themselves; any other is the server's last word. */
const PASSING = new Set(["join crashed", "rate limited"]);

/** A topic that the client takes part in; made by `socket.channel(topic)`. */
export class Channel {
  #socket;
  #params;
  /** @type {ChannelState} */
  #state = "idle";
  /** @type {string | null} */
  #joinRef = null;
  /** @type {Push | null} */
  #join = null;
  #attempts = 0;
  /** @type {any} */
  #rejoin = null;
  #timeout;
  /** @type {Push[]} */
  #waiting = [];
  /** @type {Set<Push>} */
  #sent = new Set();
  /** @type {Map<string, Listeners<any>>} */
  #events = new Map();
  /** @type {Listeners<ChannelStatus>} */
  #status = new Listeners();
  /** @type {Listeners<Page>} */
  #gap = new Listeners();
  #position = new Position();
  /** Whether the server tells what was missed, and knows pushes again. */
  #recovers = false;
  /** The first page of this join is still to come. */
  #isFresh = false;

  /**
   * @param {Socket} socket
   * @param {string} topic
   * @param {Record<string, unknown> | (() => Record<string, unknown>)} params sent with every join
   */
  constructor(socket, topic, params) {
    this.#socket = socket;
    this.#params = params;
    this.#timeout = socket.timeout;
    this.topic = topic;
  }

  get state() {
    return this.#state;
  }

  /** The reference of the join that holds now. */
  get joinRef() {
    return this.#joinRef;
  }

  /**
   * Joins, and from then on joins again whenever the connection or the channel was lost.
   *
   * The promise tells how the first attempt ended. After a timeout or a crash others follow all the same; after a refusal none
   * does, and the channel is closed.
   * @param {{ timeout?: number }} [options] `timeout` in milliseconds, for every attempt
   * @returns {Promise<any>} the server's response
   */
  join({ timeout = this.#timeout } = {}) {
    if (this.#state !== "idle") throw new Error(`${this.topic} was joined before; make a new channel`);
    this.#timeout = timeout;
    this.#socket.adopt(this);
    this.#become({ state: "waiting" });
    const first = this.#newJoin();
    this.#attempt();
    return first.reply;
  }

  /**
   * Sends an event and resolves with the server's response. While the channel is not joined the push waits, and its time runs.
   * @param {string} event
   * @param {unknown} [payload]
   * @param {{ timeout?: number }} [options] in milliseconds
   * @returns {Promise<any>} rejected with a `PushError`
   */
  push(event, payload = {}, { timeout = this.#timeout } = {}) {
    const push = new Push(event, payload, { timeout, timers: this.#socket.timers });
    if (this.#state === "idle" || this.#state === "closed") push.fail("closed");
    else if (this.#state === "joined" && this.#socket.isOpen) this.#send(push);
    else if (this.#waiting.length >= BUFFERED_MAX) push.fail("overflow");
    else this.#wait(push);
    return push.reply;
  }

  /**
   * Leaves for good. The channel is closed at once; the promise resolves when the server knows it, or cannot be told.
   * @returns {Promise<void>}
   */
  async leave() {
    if (this.#state === "closed") return;
    const isKnown = this.#socket.isOpen && (this.#state === "joining" || this.#state === "joined");
    const leave = new Push(Event.leave, {}, { timeout: this.#timeout, timers: this.#socket.timers });
    if (isKnown) this.#socket.request(leave, this.topic, this.#joinRef);
    else leave.fail("closed");
    this.#close({ state: "closed", why: "left" });
    await leave.reply.catch(() => {});
  }

  /**
   * Tells of every event of this name that the server pushes or broadcasts.
   * @param {string} event
   * @param {(payload: any) => void} listener
   * @returns {() => void} takes the listener away
   */
  on(event, listener) {
    const listeners = this.#events.get(event) ?? new Listeners();
    this.#events.set(event, listeners);
    return listeners.add(listener);
  }

  /**
   * Tells of every change of state.
   * @param {(status: ChannelStatus) => void} listener
   * @returns {() => void} takes the listener away
   */
  onStatus(listener) {
    return this.#status.add(listener);
  }

  /**
   * Tells that something is lost: more was missed than the server keeps, or the server begins anew. What it does keep is told as
   * events right after this, so whoever shows a list empties it here, or loads it again.
   * @param {(page: Page) => void} listener
   * @returns {() => void} takes the listener away
   */
  onGap(listener) {
    return this.#gap.add(listener);
  }

  /** Where the channel is in the history of its topic, as it goes into the next join; `null` where there is none. */
  get since() {
    return this.#position.since;
  }

  // What follows is for the socket.

  connectionOpened() {
    this.#attempt();
  }

  connectionLost() {
    if (this.#state === "idle" || this.#state === "closed") return;
    this.#lose("lost");
  }

  /**
   * Takes a message of the topic, unless it belongs to an earlier join.
   * @param {Message} message
   */
  receive({ joinRef, event, payload }) {
    if (joinRef !== null && joinRef !== this.#joinRef) return;
    if (event === Event.close) this.#close({ state: "closed", why: "ended" });
    else if (event === Event.error) this.#crashed();
    else this.#hear(joinRef, event, payload);
  }

  /**
   * @param {string | null} joinRef
   * @param {string} event
   * @param {any} payload
   */
  #hear(joinRef, event, payload) {
    const page = event === Event.history && joinRef !== null ? pageOf(payload) : null;
    if (page) return this.#catchUp(page);
    const place = placeOf(payload);
    if (place !== null) {
      // Of the join before, whose channel still speaks: the next reply brings it.
      if (this.#state !== "joined") return;
      const isNews = this.#position.advance(place);
      // What the server made for this join alone is never heard twice.
      if (!isNews && joinRef === null) return;
    }
    this.#events.get(event)?.tell(payload);
  }

  /**
   * Tells what was missed.
   * @param {Page} page
   */
  #catchUp(page) {
    if (this.#isFresh && page.gap) this.#gap.tell(page);
    this.#isFresh = false;
    for (const { offset, event, payload } of page.messages) {
      // A listener may have left.
      if (this.#state !== "joined") return;
      if (this.#position.advance(`${page.epoch}:${offset}`)) this.#events.get(event)?.tell(payload);
    }
    this.#position.advance(page.since);
  }

  #newJoin() {
    this.#join = new Push(Event.join, {}, { timeout: this.#timeout, timers: this.#socket.timers });
    return this.#join;
  }

  /** Joins now if there is a connection; the socket says when there is one. */
  #attempt() {
    if (this.#state !== "waiting" || !this.#socket.isOpen) return;
    this.#socket.timers.clear(this.#rejoin);
    // The first join may have waited for the connection; its time runs on.
    const join = this.#join?.isSettled === false ? this.#join : this.#newJoin();
    const params = typeof this.#params === "function" ? this.#params() : this.#params;
    const { since } = this.#position;
    join.payload = since === null ? params : { ...params, since };
    join.onSettled((error, response) => {
      if (this.#join === join && this.#state === "joining") this.#joinSettled(error, response);
    });
    this.#become({ state: "joining" });
    this.#joinRef = this.#socket.request(join, this.topic, null);
  }

  /**
   * @param {PushError | null} error
   * @param {any} response
   */
  #joinSettled(error, response) {
    if (!error) this.#joined(response);
    else if (error.kind === "timeout") this.#joinTimedOut();
    else if (error.kind === "refused" && !PASSING.has(error.reason ?? "")) {
      this.#close({ state: "closed", why: "refused", response: error.response });
    } else this.#tryAgain("crashed", error.response);
  }

  /** @param {any} response */
  #joined(response) {
    this.#attempts = 0;
    this.#isFresh = true;
    const page = pageOf(response?.history);
    this.#mayResend(page);
    this.#become({ state: "joined", response });
    if (page && this.#state === "joined") this.#catchUp(page);
    // A listener may have left.
    while (this.#state === "joined" && this.#waiting.length > 0) {
      const push = /** @type {Push} */ (this.#waiting.shift());
      if (!push.isSettled) this.#send(push);
    }
  }

  /**
   * What waits to be sent again is known to a server that carries the same log on, and to no other.
   * @param {Page | null} page
   */
  #mayResend(page) {
    this.#recovers = page !== null;
    const isSame = page !== null && page.epoch === this.#position.epoch;
    if (isSame) return;
    for (const push of this.#waiting.filter((push) => push.id !== null)) push.fail("interrupted");
  }

  /** The join may still succeed on the server, where it would be one too many. */
  #joinTimedOut() {
    const leave = new Push(Event.leave, {}, { timeout: this.#timeout, timers: this.#socket.timers });
    this.#socket.request(leave, this.topic, this.#joinRef);
    this.#tryAgain("timeout");
  }

  #crashed() {
    if (this.#state === "joined" || this.#state === "joining") this.#tryAgain("crashed");
  }

  /**
   * @param {"crashed" | "timeout"} why
   * @param {any} [response]
   */
  #tryAgain(why, response) {
    this.#attempts += 1;
    const wished = Number(response?.retry_after_ms) || 0;
    const delay = wished + backoff(this.#attempts, { ...REJOIN, random: this.#socket.random });
    this.#lose(why);
    // A listener may have left.
    if (this.#state === "waiting") this.#rejoin = this.#socket.timers.set(() => this.#attempt(), delay);
  }

  /** @param {"lost" | "crashed" | "timeout"} why */
  #lose(why) {
    this.#socket.timers.clear(this.#rejoin);
    this.#joinRef = null;
    const wasSent = this.#state === "joining" || this.#state === "joined";
    this.#become({ state: "waiting", why });
    if (wasSent) this.#join?.fail("interrupted");
    for (const push of [...this.#sent].reverse()) this.#sendAgain(push);
  }

  /** @param {ChannelStatus} status */
  #close(status) {
    if (this.#state === "closed") return;
    this.#socket.timers.clear(this.#rejoin);
    this.#socket.release(this);
    this.#joinRef = null;
    this.#become(status);
    this.#join?.fail("closed");
    for (const push of [...this.#sent, ...this.#waiting]) push.fail("closed");
  }

  /** @param {Push} push */
  #wait(push) {
    this.#waiting.push(push);
    this.#leaveWhenSettled(push);
  }

  /** @param {Push} push */
  #leaveWhenSettled(push) {
    push.onSettled(() => {
      const index = this.#waiting.indexOf(push);
      if (index >= 0) this.#waiting.splice(index, 1);
    });
  }

  /**
   * Puts a push that was not answered before all others that wait, if the server knows it again.
   * @param {Push} push
   */
  #sendAgain(push) {
    this.#sent.delete(push);
    if (push.id === null) return push.fail("interrupted");
    this.#waiting.unshift(push);
  }

  /** @param {Push} push */
  #send(push) {
    if (this.#recovers && push.id === null && takesId(push.payload)) {
      push.id = freshId();
      push.payload = withId(push.payload, push.id);
      // It may have to wait again.
      this.#leaveWhenSettled(push);
    }
    this.#sent.add(push);
    push.onSettled(() => this.#sent.delete(push));
    this.#socket.request(push, this.topic, this.#joinRef);
  }

  /** @param {ChannelStatus} status */
  #become(status) {
    this.#state = status.state;
    this.#status.tell(status);
  }
}

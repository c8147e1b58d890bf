// One request on its way: sent or waiting to be, until it is answered or its time is over.

import { PushError } from "./error.js";

/** @typedef {import("./timers.js").Timers} Timers */
/** @typedef {import("./error.js").PushFailure} PushFailure */

/** A request and the promise of its reply. It settles once; whatever comes later is ignored. */
export class Push {
  /** @type {(response: any) => void} */
  #resolve = () => {};
  /** @type {(error: PushError) => void} */
  #reject = () => {};
  /** @type {Array<(error: PushError | null, response: any) => void>} */
  #settled = [];
  #isSettled = false;
  #timers;
  #timer;

  /**
   * @param {string} event
   * @param {unknown} payload
   * @param {{ timeout: number, timers: Timers }} options `timeout` in milliseconds, from now
   */
  constructor(event, payload, { timeout, timers }) {
    this.event = event;
    this.payload = payload;
    /** By this the server knows it again; a push without one is sent at most once. @type {string | null} */
    this.id = null;
    /** @type {Promise<any>} */
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever is not interested in the reply does not have to say so; who is gets the rejection all the same.
    this.reply.catch(() => {});
    this.#timers = timers;
    this.#timer = timers.set(() => this.fail("timeout"), timeout);
  }

  get isSettled() {
    return this.#isSettled;
  }

  /**
   * Has `then` called when it settles: at once, where a promise would let other frames come between.
   * @param {(error: PushError | null, response: any) => void} then
   */
  onSettled(then) {
    this.#settled.push(then);
  }

  /**
   * Takes the payload of a `phx_reply`.
   * @param {any} payload
   */
  answer(payload) {
    const response = payload?.response ?? {};
    if (payload?.status === "ok") this.#settle(null, response);
    else this.#settle(new PushError("refused", this.event, response));
  }

  /** @param {PushFailure} kind */
  fail(kind) {
    this.#settle(new PushError(kind, this.event));
  }

  /**
   * @param {PushError | null} error
   * @param {any} [response]
   */
  #settle(error, response) {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#timers.clear(this.#timer);
    if (error) this.#reject(error);
    else this.#resolve(response);
    for (const then of this.#settled) then(error, response);
  }
}

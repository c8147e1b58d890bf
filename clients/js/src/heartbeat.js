// A question every half minute that only a living connection answers.
//
// A connection can be dead without either side being told: a laptop slept, a router forgot it. The beat finds out, and keeps
// proxies and the server's idle timeout from ending a connection on which nobody speaks.

/** @typedef {import("./timers.js").Timers} Timers */

export class Heartbeat {
  /** @type {any} */
  #timer = null;
  /** @type {string | null} */
  #unanswered = null;
  #options;

  /**
   * @param {{ interval: number, timers: Timers, ask: () => string, dead: () => void }} options `ask` sends the question and
   *   returns its reference, `dead` is called when the one before was not answered
   */
  constructor(options) {
    this.#options = options;
  }

  start() {
    this.stop();
    this.#timer = this.#options.timers.set(() => this.#beat(), this.#options.interval);
  }

  stop() {
    this.#options.timers.clear(this.#timer);
    this.#unanswered = null;
  }

  /**
   * @param {string | null} ref
   * @returns {boolean} whether it was the answer to the last question
   */
  answered(ref) {
    if (ref === null || ref !== this.#unanswered) return false;
    this.#unanswered = null;
    return true;
  }

  #beat() {
    if (this.#unanswered !== null) {
      this.stop();
      this.#options.dead();
      return;
    }
    this.#unanswered = this.#options.ask();
    this.#timer = this.#options.timers.set(() => this.#beat(), this.#options.interval);
  }
}

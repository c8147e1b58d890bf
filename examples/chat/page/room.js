// One room on the page: its channel, and what it does to everything that shows it.

import { Presence } from "../client/index.js";
import { byId } from "./dom.js";
import { forgetPeople, showPeople } from "./people.js";
import { plantTree, showChannelLife, showRoomLife } from "./tree.js";
import { duration, explain } from "./words.js";

/** @typedef {import("../client/index.js").Socket} Socket */
/** @typedef {import("../client/index.js").Channel} Channel */
/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./timeline.js").Post} Post */
/** @typedef {import("./composer.js").Composer} Composer */
/** @typedef {import("../client/channel.js").ChannelStatus} ChannelStatus */
/** @typedef {import("../client/position.js").Page} Page */

/** A restart takes a few milliseconds. The page shows it for longer than that, or nobody would see it, in milliseconds. */
const SEEN = 1000;

/**
 * @typedef {object} Shown
 * @property {Timeline} timeline
 * @property {Composer} composer
 * @property {() => void} onNews called for a message of somebody else
 */

export class Room {
  #channel;
  #shown;
  #me;
  #incarnation = 0;
  /** @type {number | undefined} */
  #downFor;
  #fellAt = -Infinity;
  #crashedAt = 0;
  #isLeft = false;

  /**
   * @param {Socket} socket
   * @param {string} name
   * @param {string} me
   * @param {Shown} shown
   */
  constructor(socket, name, me, shown) {
    // Joined with its place in the room's history, it hears what it missed as if it had been there.
    this.#channel = socket.channel(`room:${name}`, { since: 0, memory: false });
    this.#shown = shown;
    this.#me = me;
    shown.timeline.reset();
    shown.timeline.me = me;
    plantTree(name);
    showPeople(new Presence(this.#channel), () => this.#me);
    this.#listen(this.#channel);
    this.#channel.join().catch(() => {});
  }

  leave() {
    this.#isLeft = true;
    forgetPeople();
    this.#channel.leave();
  }

  /** @param {string} body */
  async say(body) {
    const expected = this.#shown.timeline.expect(body);
    try {
      await this.#channel.push("new_msg", { body });
      expected.sent();
    } catch (error) {
      expected.failed(explain(error), () => this.#shown.composer.restore(body));
    }
  }

  /**
   * @param {boolean} isTyping
   * @returns {boolean} whether it could be told: nobody needs to learn later that somebody was typing
   */
  type(isTyping) {
    if (this.#channel.state !== "joined") return false;
    this.#channel.push("typing", { typing: isTyping }).catch(() => {});
    return true;
  }

  async crash() {
    await this.#attempt(this.#channel.push("crash_room"));
  }

  crashChannel() {
    this.#crashedAt = performance.now();
    // The channel takes the answer with it.
    this.#channel.push("crash_channel").catch(() => {});
  }

  /** @param {Promise<unknown>} push */
  async #attempt(push) {
    byId("crash-error").textContent = await push.then(() => "", explain);
  }

  /** @param {Channel} channel */
  #listen(channel) {
    const { timeline } = this.#shown;
    channel.onStatus((status) => this.#changed(status));
    channel.on("new_msg", (/** @type {Post} */ post) => {
      if (timeline.say(post) && post.from.id !== this.#me) this.#shown.onNews();
    });
    channel.onGap((page) => timeline.note(`${lost(channel.since, page)} said while you were away are not kept any more.`));
    channel.on("room_down", ({ reason }) => {
      this.#fellAt = performance.now();
      showRoomLife("crashed");
      timeline.crashed(reason);
    });
    channel.on("room_up", ({ down_ms }) => {
      this.#downFor = down_ms;
    });
    channel.on("history", ({ incarnation }) => this.#isBack(incarnation));
  }

  /** @param {number} incarnation */
  #isBack(incarnation) {
    const isAnother = this.#incarnation > 0 && incarnation > this.#incarnation;
    const took = this.#downFor;
    this.#incarnation = incarnation;
    this.#downFor = undefined;
    const left = this.#fellAt + SEEN - performance.now();
    if (left > 0) setTimeout(() => this.#isLeft || this.#cameBack(isAnother, took), left);
    else this.#cameBack(isAnother, took);
  }

  /**
   * @param {boolean} isAnother whether it is another incarnation than the page knew
   * @param {number | undefined} took milliseconds, where they are known
   */
  #cameBack(isAnother, took) {
    showRoomLife("running", this.#incarnation);
    if (isAnother) this.#shown.timeline.restarted(this.#incarnation, took);
  }

  /** @param {ChannelStatus} status */
  #changed({ state, why, response }) {
    const { timeline, composer } = this.#shown;
    if (state === "joined") {
      showChannelLife("running");
      timeline.catchUp();
      // A new token may have come with a new identity.
      this.#me = response.you.id;
      timeline.me = this.#me;
      composer.charsMax = response.chars_max;
      if (this.#crashedAt > 0)
        timeline.note(
          `Your channel crashed. Your page joined again after ${duration(performance.now() - this.#crashedAt)}; nobody else noticed.`,
        );
      this.#crashedAt = 0;
    } else if (state === "waiting" && why === "crashed") {
      showChannelLife("crashed");
    } else if (state === "closed" && why !== "left") {
      showChannelLife("crashed");
      timeline.note(explain(response));
    }
  }
}

/**
 * How much is lost between a place and what is kept; a number where both are of one log.
 * @param {string | null} since
 * @param {Page} page
 */
function lost(since, { epoch, messages }) {
  const [before, offset] = (since ?? "").split(":");
  const count = (messages[0]?.offset ?? 0) - 1 - Number(offset);
  return before === epoch && count > 0 ? `${count} messages that were` : "Messages that were";
}

// What was said, and what happened: one list, in the order of the room.

import { byId, dressAvatar, element } from "./dom.js";
import { duration, ordinal } from "./words.js";

/** @typedef {{ id: string, seq: number, from: { id: string, nickname: string }, body: string, at: number }} Post */

/** Entries that the page keeps; older ones go. */
const ENTRIES_MAX = 500;
/** Messages of one person within this time stand together, in milliseconds. */
const TOGETHER = 3 * 60_000;
/** Whoever is this near to the end, in pixels, wants to see what comes. */
const NEAR = 80;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class Timeline {
  #list = byId("timeline");
  #scroll = byId("scroll");
  #empty = byId("empty");
  #jump = byId("jump");
  /** Whose messages are one's own. */
  me = "";
  #seen = new Set();
  /** @type {HTMLElement | null} */
  #crash = null;

  constructor() {
    this.#jump.addEventListener("click", () => this.toEnd());
    this.#scroll.addEventListener("scroll", () => {
      if (this.#isNearEnd()) this.#jump.hidden = true;
    });
    // The field below grows and shrinks; whoever reads the end goes on reading it.
    new ResizeObserver(() => this.#jump.hidden && this.toEnd()).observe(this.#scroll);
  }

  /** Begins anew, for another room. */
  reset() {
    this.#seen.clear();
    this.#crash = null;
    this.#list.replaceChildren();
    this.#empty.hidden = false;
    this.#jump.hidden = true;
  }

  /** What was missed is coming, all of it before anything else: a reader should not hear all of it. */
  catchUp() {
    this.#list.setAttribute("aria-busy", "true");
    queueMicrotask(() => {
      this.#list.setAttribute("aria-busy", "false");
      this.toEnd();
    });
  }

  /**
   * A message that was said now.
   * @param {Post} post
   * @returns {boolean} whether it is news
   */
  say(post) {
    return this.#following(() => this.#add(post));
  }

  /**
   * A message of one's own that the room has not confirmed yet.
   * @param {string} body
   * @returns {{ sent: () => void, failed: (why: string, retry: () => void) => void }}
   */
  expect(body) {
    // Read aloud once it is said, and not twice.
    const item = element("li", { class: "post mine pending", "aria-hidden": "true" }, bubble(body));
    this.#following(() => this.#append(item));
    return {
      sent: () => item.remove(),
      failed: (why, retry) => {
        const button = element("button", { class: "quiet", type: "button", text: "Try again" });
        button.addEventListener("click", () => {
          item.remove();
          retry();
        });
        item.className = "post mine failed";
        item.removeAttribute("aria-hidden");
        this.#following(() => item.append(element("p", { class: "meta" }, element("span", { text: why }), button)));
      },
    };
  }

  /**
   * The room crashed, and its supervisor has not brought it back yet.
   * @param {string} reason
   */
  crashed(reason) {
    const card = element(
      "li",
      { class: "event crash" },
      element("b", { text: "The room crashed." }),
      element("span", { class: "outcome", text: "Its supervisor is starting it again…" }),
      element("code", { dir: "auto", text: reason }),
    );
    this.#crash = card;
    this.#following(() => this.#append(card));
  }

  /**
   * The room is back.
   * @param {number} incarnation
   * @param {number} [took] milliseconds, where the page saw it go
   */
  restarted(incarnation, took) {
    const after = took === undefined ? "" : ` after ${duration(took)}`;
    const which = `${ordinal(incarnation)} incarnation`;
    const words = `Its supervisor restarted it${after}: the ${which}. Nothing that was said is lost.`;
    const outcome = this.#crash?.querySelector(".outcome");
    if (outcome) {
      outcome.textContent = words;
      this.#crash?.classList.add("over");
    } else {
      const title = element("b", { text: "The room crashed while you were away." });
      this.#following(() =>
        this.#append(
          element("li", { class: "event crash over" }, title, element("span", { class: "outcome", text: words })),
        ),
      );
    }
    this.#crash = null;
  }

  /**
   * Something smaller that happened.
   * @param {string} words
   */
  note(words) {
    this.#following(() => this.#append(element("li", { class: "event note" }, element("span", { text: words }))));
  }

  toEnd() {
    this.#jump.hidden = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** @param {Post} post */
  #add(post) {
    if (this.#seen.has(post.id)) return false;
    this.#seen.add(post.id);
    const isMine = post.from.id === this.me;
    const last = this.#lastConfirmed();
    const isTogether = last?.dataset.from === post.from.id && post.at - Number(last.dataset.at) < TOGETHER;
    const kind = `post ${isMine ? "mine" : "theirs"} ${isTogether ? "together" : ""}`;
    const item = element("li", {
      class: kind.trim(),
      "data-from": post.from.id,
      "data-at": String(post.at),
      "data-id": post.id,
    });
    item.append(...(isTogether ? [] : [head(post, isMine)]), bubble(post.body));
    if (last) last.after(item);
    else this.#list.prepend(item);
    this.#added();
    return true;
  }

  /** Messages that were not confirmed stay below those that were. */
  #lastConfirmed() {
    const confirmed = this.#list.querySelectorAll(":scope > li:not(.pending, .failed)");
    return /** @type {HTMLElement | undefined} */ (confirmed[confirmed.length - 1]);
  }

  /** @param {HTMLElement} item */
  #append(item) {
    this.#list.append(item);
    this.#added();
  }

  #added() {
    this.#empty.hidden = true;
    while (this.#list.childElementCount > ENTRIES_MAX) {
      const oldest = /** @type {HTMLElement} */ (this.#list.firstElementChild);
      oldest.remove();
    }
  }

  /**
   * Changes the list, and keeps its end in view if it was.
   * @template T
   * @param {() => T} change
   */
  #following(change) {
    const follows = this.#isNearEnd();
    const result = change();
    if (follows) this.toEnd();
    else this.#jump.hidden = false;
    return result;
  }

  #isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }
}

/**
 * @param {Post} post
 * @param {boolean} isMine
 */
function head({ from, at }, isMine) {
  const avatar = element("span", { class: "avatar", "aria-hidden": "true" });
  dressAvatar(avatar, from);
  const name = element("b", { dir: "auto", text: isMine ? "You" : from.nickname });
  const time = element("time", { datetime: new Date(at).toISOString(), text: clock.format(at) });
  return element("p", { class: "meta" }, avatar, name, time);
}

/** @param {string} body */
function bubble(body) {
  return element("p", { class: "bubble", dir: "auto", text: body });
}

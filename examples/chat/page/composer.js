// The field for a message: grows, counts, sends, and says that somebody is typing.

import { byId } from "./dom.js";

/** How long after the last key somebody still counts as typing, in milliseconds. */
const TYPING_FOR = 3000;
/** How often that is said again: the server takes silence for the end of it. */
const TELL_EVERY = 4000;

/**
 * @typedef {object} ComposerOptions
 * @property {(body: string) => void} send
 * @property {(isTyping: boolean) => boolean} type whether it could be told
 */

export class Composer {
  #form = byId("composer", HTMLFormElement);
  #field = byId("message", HTMLTextAreaElement);
  #counter = byId("counter");
  #error = byId("composer-error");
  #charsMax = Infinity;
  /** When it was told last that somebody is typing; null when nobody is. @type {number | null} */
  #toldAt = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #options;

  /** @param {ComposerOptions} options */
  constructor(options) {
    this.#options = options;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("keydown", (event) => {
      // While an input method composes a character, Enter is its own.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("input", () => this.#changed());
  }

  /** @param {number} charsMax */
  set charsMax(charsMax) {
    this.#charsMax = charsMax;
    this.#changed();
  }

  /** @param {string} placeholder */
  set placeholder(placeholder) {
    this.#field.placeholder = placeholder;
  }

  focus() {
    this.#field.focus();
  }

  /**
   * Puts a message that could not be sent back, unless another is being written.
   * @param {string} body
   */
  restore(body) {
    if (this.#field.value.trim() === "") this.#field.value = body;
    this.#changed();
    this.focus();
  }

  /** @param {string} words */
  complain(words) {
    this.#error.textContent = words;
  }

  /** Another room begins with an empty field. */
  reset() {
    this.#field.value = "";
    this.#toldAt = null;
    clearTimeout(this.#timer);
    this.complain("");
    this.#measure();
  }

  #send() {
    const body = this.#field.value.trim();
    if (body === "" || length(body) > this.#charsMax) return;
    this.#field.value = "";
    this.#changed();
    this.#options.send(body);
  }

  #changed() {
    this.complain("");
    this.#measure();
    if (this.#field.value.trim() === "") this.#stop();
    else this.#type();
  }

  #measure() {
    const left = this.#charsMax - length(this.#field.value.trim());
    this.#counter.textContent = left < 200 ? String(left) : "";
    this.#counter.dataset.over = String(left < 0);
    this.#field.setAttribute("aria-invalid", String(left < 0));
    this.#fit();
  }

  /** As high as what it holds; the style sheet says how high it may be. */
  #fit() {
    const { style, offsetHeight, clientHeight } = this.#field;
    style.height = "auto";
    style.height = `${this.#field.scrollHeight + offsetHeight - clientHeight}px`;
    style.overflowY = this.#field.scrollHeight > this.#field.clientHeight ? "auto" : "hidden";
  }

  #type() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stop(), TYPING_FOR);
    const isKnown = this.#toldAt !== null && performance.now() - this.#toldAt < TELL_EVERY;
    if (!isKnown && this.#options.type(true)) this.#toldAt = performance.now();
  }

  #stop() {
    clearTimeout(this.#timer);
    if (this.#toldAt !== null) this.#options.type(false);
    this.#toldAt = null;
  }
}

/**
 * The length as the server counts it.
 * @param {string} text
 */
function length(text) {
  return [...text].length;
}
